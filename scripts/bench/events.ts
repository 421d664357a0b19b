/** How long an event takes to reach all open streams, and what it costs to tell one. */
import { median, ratioTo } from './figures.ts'
import type { Options } from './options.ts'
import { type Server, startServer, within } from './processes.ts'
import { HERE } from './service.ts'
import { type Held, hold } from './streams.ts'
import { showHead, showRow } from './table.ts'

/** As many as a replica has places for. */
export const STREAMS = 1_000
export const EVENTS = `event to ${STREAMS.toLocaleString('en')} open streams`

interface Told {
  /** From the notification to the receipt by the last stream. */
  readonly ms: number
  /** Microseconds of processor time for each stream, with all that the notification costs. */
  readonly processor: number
}

interface Watched {
  readonly name: string
  readonly server: Server
  readonly streams: Held
}

const tell = async ({ server, streams }: Watched): Promise<Told> => {
  const { origin, sibling } = server.ready
  const before = await server.used()
  const told = streams.told()
  const began = performance.now()
  const answer = await fetch(`${origin}/internal/events/local`, {
    method: 'POST',
    headers: { ...sibling, 'content-type': 'application/json' },
    body: JSON.stringify({ path: 'bench/database' })
  })
  if (!answer.ok) throw new Error(`a notification was answered ${answer.status}`)
  await told
  const ms = performance.now() - began
  await answer.arrayBuffer()
  const after = await server.used()
  return { ms, processor: (after.processor - before.processor) / STREAMS }
}

/** Events in a round: one takes some milliseconds. */
const IN_A_ROUND = 5

export const measureEvents = ({ against, rounds }: Options): Promise<void> =>
  within(async (scope) => {
    const watch = async (name: string, root: string): Promise<Watched> => {
      const server = await startServer(scope, { is: 'purser', root, options: {} })
      const streams = await hold(server.ready, 'stream', STREAMS)
      scope.teardown(streams.close)
      return { name, server, streams }
    }
    const all = [await watch(EVENTS, HERE)]
    if (against !== undefined) all.push(await watch(`${EVENTS}, ${against}`, against))
    const rows = all.map((): Told[] => [])
    for (const one of all) for (let n = 0; n < IN_A_ROUND; n++) await tell(one)
    for (let n = 0; n < rounds; n++) {
      for (const [i, one] of all.entries()) {
        for (let event = 0; event < IN_A_ROUND; event++) rows[i]?.push(await tell(one))
      }
    }
    showHead('case', 'events', 'last stream told, ms', 'at worst', 'processor µs/stream', 'ratio')
    for (const [i, { name }] of all.entries()) {
      const [told = [], first = []] = [rows[i], rows[0]]
      const times = told.map(({ ms }) => ms)
      showRow(
        name,
        `${told.length}`,
        median(times).toFixed(1),
        Math.max(...times).toFixed(1),
        median(told.map(({ processor }) => processor)).toFixed(1),
        ratioTo(first, told, ({ processor }) => processor).toFixed(2)
      )
    }
  })
