/** What the service does at present, and did in the last hour; live while it is looked at. */
import { useEffect, useState } from 'preact/hooks'
import { urlOf } from '../lib/api.ts'
import { hashOf } from '../lib/place.ts'
import { count, moment, share, visible } from '../lib/text.ts'
import { type Asked, useAsk } from '../lib/use.ts'
import { Chart } from '../pieces/chart.tsx'
import { Chip } from '../pieces/chip.tsx'
import { Figure, Head, Sheet } from '../pieces/frame.tsx'
import { Loaded, Nothing } from '../pieces/notes.tsx'
import { StoreTable } from '../pieces/store-table.tsx'
import type { Minute, Overview as OverviewAnswer } from '../shapes-console.ts'
import type { ViewProps } from '../shell.tsx'

const POLL_MS = 30_000

/** What was asked for, replaced by what the stream tells. It ends with the session, and is opened anew in the next one. */
const useLive = (sessionId: string): Asked<OverviewAnswer> & { readonly isLive: boolean } => {
  const [told, setTold] = useState<OverviewAnswer>()
  const [isLive, setLive] = useState(false)
  const asked = useAsk<OverviewAnswer>('/overview', {}, isLive ? undefined : POLL_MS)
  // Another session has another stream.
  useEffect(() => {
    const stream = new EventSource(urlOf('/overview/stream'))
    stream.addEventListener('open', () => setLive(true))
    stream.addEventListener('error', () => setLive(false))
    stream.addEventListener('overview', ({ data }) => setTold(JSON.parse(data)))
    return () => {
      stream.close()
      setLive(false)
    }
  }, [sessionId])
  return { ...asked, data: isLive ? (told ?? asked.data) : asked.data, isLive }
}

const sumOf = (minutes: readonly Minute[], of: (minute: Minute) => number): number =>
  minutes.reduce((sum, minute) => sum + of(minute), 0)

const Figures = ({ data }: { readonly data: OverviewAnswer }) => {
  const { minutes, cache, replicas } = data
  const sum = (of: (minute: Minute) => number): number => sumOf(minutes, of)
  const hits = sum((one) => one.hits)
  const reads = hits + sum((one) => one.misses)
  return (
    <div class="grid narrow">
      <Figure title="Requests" value={count(sum((one) => one.requests))} note="in the last hour" />
      <Figure title="Refused" value={count(sum((one) => one.refusals))} note="401, 403, 429" />
      <Figure title="Failed" value={count(sum((one) => one.failures))} note="5xx" />
      <Figure title="Cache hits" value={share(hits, reads)} note={`of ${count(reads)} reads`} />
      <Figure
        title="Calls saved"
        value={count(Math.max(reads - sum((one) => one.upstream), 0))}
        note={`${count(sum((one) => one.upstream))} were made`}
      />
      <Figure
        title="Cached secrets"
        value={count(cache.secrets)}
        note={`of at most ${count(cache.maxEntries)}`}
      />
      <Figure title="Replicas" value={count(replicas)} note="known to this one" />
    </div>
  )
}

const Charts = ({ minutes }: Pick<OverviewAnswer, 'minutes'>) => {
  const labels = minutes.map(({ at }) => moment(at).slice(11, 16))
  const perMinute = (of: (minute: Minute) => number): number[] => minutes.map(of)
  return (
    <div class="grid">
      <Chart
        title="Requests a minute"
        note="hollow: refused"
        labels={labels}
        series={[
          {
            name: 'answered',
            look: 'one',
            values: perMinute((one) => one.requests - one.refusals)
          },
          { name: 'refused', look: 'two', values: perMinute((one) => one.refusals) }
        ]}
      />
      <Chart
        title="Cache hit rate"
        note="of reads"
        unit=" %"
        top={100}
        labels={labels}
        series={[
          {
            name: 'hits',
            look: 'one',
            values: perMinute(({ hits, misses }) =>
              hits + misses === 0 ? 0 : Math.round((100 * hits) / (hits + misses))
            )
          }
        ]}
      />
      <Chart
        title="Calls to stores a minute"
        note="made, not saved"
        labels={labels}
        series={[{ name: 'calls', look: 'one', values: perMinute((one) => one.upstream) }]}
      />
    </div>
  )
}

export const Overview = ({ session }: ViewProps) => {
  const asked = useLive(session.sessionId)
  return (
    <>
      <Head title="Overview">
        <Chip tone={asked.isLive ? 'good' : 'plain'}>
          {asked.isLive ? 'live' : 'asked every half minute'}
        </Chip>
      </Head>
      <Loaded asked={asked}>
        {(data) => (
          <>
            <Figures data={data} />
            <Sheet title="What waits for you">
              {data.pending.length === 0 ? (
                <Nothing>Nothing.</Nothing>
              ) : (
                <ul class="plain">
                  {data.pending.map((one) => (
                    <li key={one}>
                      <Chip tone="warn">waits</Chip> {visible(one)}
                    </li>
                  ))}
                </ul>
              )}
            </Sheet>
            <Charts minutes={data.minutes} />
            <Sheet title="Stores" acts={<a href={hashOf('stores')}>Names and versions</a>}>
              <StoreTable stores={data.stores} />
            </Sheet>
            <p class="dim small">
              Purser {visible(data.version)}, environment {visible(data.environment)}, started{' '}
              {moment(data.startedAt)} UTC.
            </p>
          </>
        )}
      </Loaded>
    </>
  )
}
