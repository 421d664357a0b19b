/** Who did what, and when: the questions of the API, what they found over time, and each record with its place. */
import { useState } from 'preact/hooks'
import { type Form, useForm } from '../lib/form.ts'
import { spread } from '../lib/geometry.ts'
import { hashOf, type Query } from '../lib/place.ts'
import { moment, plural, visible } from '../lib/text.ts'
import { useAsk } from '../lib/use.ts'
import { Chart } from '../pieces/chart.tsx'
import { Chip, type Tone } from '../pieces/chip.tsx'
import { ChoiceField, TextField } from '../pieces/fields.tsx'
import { Head, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded, Nothing } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { Table } from '../pieces/table.tsx'
import type { AuditPage, AuditRecord } from '../shapes.ts'
import type { ViewProps } from '../shell.tsx'
import { Export } from './audit-export.tsx'
import { OneRecord } from './audit-record.tsx'
import { Retention } from './audit-retention.tsx'

const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ['allowed', 'good'],
  ['denied', 'bad'],
  ['failed', 'warn']
])
const OUTCOMES = [
  ['', 'any'],
  ['allowed', 'allowed'],
  ['denied', 'denied'],
  ['failed', 'failed']
] as const
const ACTIONS = [
  'secret.read',
  'secret.write',
  'secret.list',
  'key.authenticate',
  'key.login',
  'key.issue',
  'key.revoke',
  'session.open',
  'session.authenticate',
  'session.reauthenticate',
  'session.end',
  'admin.read',
  'bot.read',
  'token.issue',
  'cache.invalidate',
  'config.reload'
]

const questionOf = ({ cursor: _, ...query }: Query): Query => query

const Question = ({ form }: { readonly form: Form }) => (
  <form class="sheet" onSubmit={form.go}>
    <div class="row">
      <TextField label="Client" value={form.value('client')} onText={form.set('client')} />
      <TextField
        label="Reference"
        isWide
        value={form.value('reference')}
        onText={form.set('reference')}
      />
      <TextField
        label="Action"
        suggestions={ACTIONS}
        value={form.value('action')}
        onText={form.set('action')}
      />
      <ChoiceField
        label="Outcome"
        options={OUTCOMES}
        value={form.value('outcome')}
        onText={form.set('outcome')}
      />
    </div>
    <div class="row">
      <TextField
        label="From day (UTC)"
        type="date"
        value={form.value('from')}
        onText={form.set('from')}
      />
      <TextField
        label="To day (UTC)"
        type="date"
        value={form.value('to')}
        onText={form.set('to')}
      />
      <TextField label="Key id" isWide value={form.value('keyId')} onText={form.set('keyId')} />
      <button type="submit" class="main">
        Search
      </button>
    </div>
  </form>
)

const Timeline = ({ records }: Pick<AuditPage, 'records'>) => {
  const moments = records.map(({ time }) => new Date(time).getTime())
  const refused = records
    .filter(({ outcome }) => outcome !== 'allowed')
    .map(({ time }) => new Date(time).getTime())
  const buckets = spread(moments, 40)
  const countIn = (from: number, to: number, isLast: boolean): number =>
    refused.filter((at) => at >= from && (at < to || isLast)).length
  const second = buckets.map(({ from, to }, index) =>
    countIn(from, to, index === buckets.length - 1)
  )
  return (
    <Chart
      title="These records over time"
      note="hollow: denied or failed"
      labels={buckets.map(({ from }) => moment(new Date(from).toISOString()))}
      series={[
        {
          name: 'allowed',
          look: 'one',
          values: buckets.map(({ count }, index) => count - (second[index] ?? 0))
        },
        { name: 'denied or failed', look: 'two', values: second }
      ]}
    />
  )
}

const Incomplete = ({
  page: { notAsked, skipped, completeFrom }
}: {
  readonly page: AuditPage
}) => {
  const { files, instances, replicas, redis } = notAsked
  const missing = [
    files.length > 0 && `${plural(files.length, 'file')} could not be read`,
    instances.length > 0 &&
      `records of ${plural(instances.length, 'process', 'processes')} are missing or altered`,
    replicas > 0 && `${plural(replicas, 'replica')} may have records that are not here`,
    redis && 'Redis did not answer',
    skipped > 0 && `${plural(skipped, 'line')} could not be read`
  ].filter((one) => one !== false)
  return (
    <>
      {missing.length > 0 && <p class="note warn">This is not all: {missing.join('; ')}.</p>}
      {completeFrom !== undefined && (
        <p class="small dim">Complete from {moment(completeFrom)} UTC on.</p>
      )}
    </>
  )
}

const Records = ({
  records,
  show
}: Pick<AuditPage, 'records'> & { readonly show: (record: AuditRecord) => void }) => (
  <Table
    caption="Newest first, times in UTC"
    rows={records}
    keyOf={({ instance, seq }, index) => `${instance} ${seq} ${index}`}
    columns={[
      { title: 'Time', of: ({ time }) => <span class="mono short">{moment(time)}</span> },
      {
        title: 'Client',
        of: ({ client }) =>
          client === undefined ? (
            <span class="dim">not known</span>
          ) : (
            <Name text={client} shown={48} />
          )
      },
      { title: 'Action', of: ({ action }) => <span class="mono short">{visible(action)}</span> },
      {
        title: 'Outcome',
        of: ({ outcome, code, reason }) => (
          <>
            <Chip tone={TONES.get(outcome) ?? 'plain'}>{outcome}</Chip>{' '}
            {(reason ?? code) !== undefined && (
              <span class="small">
                <Name text={reason ?? code ?? ''} />
              </span>
            )}
          </>
        )
      },
      {
        title: 'What',
        of: ({ reference, object, route }) =>
          reference === undefined && object === undefined ? (
            <span class="dim">{route}</span>
          ) : (
            <Name text={reference ?? object ?? ''} />
          )
      },
      {
        title: 'What to do',
        look: 'acts',
        of: (record) => (
          <button type="button" class="small" onClick={() => show(record)}>
            Record
            <Of what={moment(record.time)} />
          </button>
        )
      }
    ]}
  />
)

export const Audit = ({ query, session }: ViewProps) => {
  const form = useForm('audit', query)
  const [shown, setShown] = useState<AuditRecord>()
  const asked = useAsk<AuditPage>('/v1/admin/audit', { limit: '200', ...query })
  return (
    <>
      <Head title="Audit">
        <Export question={questionOf(query)} />
      </Head>
      <Question form={form} />
      <Loaded asked={asked}>
        {(page) => (
          <>
            <Incomplete page={page} />
            {page.records.length > 1 && <Timeline records={page.records} />}
            <Sheet title="Records">
              {page.records.length === 0 ? (
                <Nothing>Nothing of that is on this page of the trail.</Nothing>
              ) : (
                <Records records={page.records} show={setShown} />
              )}
              {page.cursor !== undefined && (
                <p>
                  <a href={hashOf('audit', { ...query, cursor: page.cursor })}>Older records</a>
                </p>
              )}
            </Sheet>
          </>
        )}
      </Loaded>
      {session.mode.includes('r') && <Retention />}
      {shown !== undefined && <OneRecord record={shown} onClose={() => setShown(undefined)} />}
    </>
  )
}
