/**
 * Listens to `GET /v1/events` for as long as it is let. Rule: a connection that ends or is silent is made anew, from the
 * last id, ever more seldom while that fails; whoever listens is told when something may have changed meanwhile.
 */
import type { IncomingMessage } from 'node:http'
import { backOffMs, type Clock } from './clock.ts'
import type { Purser } from './purser.ts'
import { queriesOf } from './read.ts'
import { createSseReader } from './sse.ts'
import { Unread } from './unread.ts'

/** The service lets a beat be heard each 15 seconds. */
const SILENCE_MS = 60_000
const RETRY_MS = 3_000
/** What the service says no to is asked again this seldom: a right may come back. */
const REFUSED_MS = 300_000

export interface Listening {
  readonly purser: Purser
  readonly clock: Clock
  /** A secret is new, or may be. */
  readonly changed: () => void
  readonly tell: (line: string) => void
}

/** One connection, until it ends. Resolves with the id from which to go on. */
const hear = async (
  answer: IncomingMessage,
  { clock, changed }: Listening,
  from: string | undefined,
  signal: AbortSignal
): Promise<string | undefined> => {
  const reader = createSseReader()
  const end = (): void => void answer.destroy()
  signal.addEventListener('abort', end)
  let quiet = new AbortController()
  const waitForBeat = (): void => {
    quiet.abort()
    const mine = new AbortController()
    quiet = mine
    void clock.wait(SILENCE_MS, mine.signal).then(() => {
      if (!mine.signal.aborted) answer.destroy()
    })
  }
  waitForBeat()
  try {
    answer.setEncoding('utf8')
    for await (const piece of answer as AsyncIterable<string>) {
      waitForBeat()
      if (reader.read(piece).some((type) => type === 'changed' || type === 'reset')) changed()
    }
  } catch {
    // It broke: the next one begins where it was.
  } finally {
    quiet.abort()
    signal.removeEventListener('abort', end)
    answer.destroy()
  }
  return reader.lastId() ?? from
}

const waitMsAfter = (error: unknown, failures: number, clock: Clock): number => {
  if (!(error instanceof Unread)) return backOffMs(failures, clock)
  const { isRetryable, isKeyRefused, retryAfterMs = 0 } = error
  if (isRetryable || isKeyRefused) return Math.max(retryAfterMs, backOffMs(failures, clock))
  return REFUSED_MS / 2 + clock.random() * REFUSED_MS
}

/** References that fit into one request. */
const listenTo = async (
  listening: Listening,
  query: string,
  signal: AbortSignal
): Promise<void> => {
  const { purser, clock, changed, tell } = listening
  let lastId: string | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) }
      const answer = await purser.open({ path: `/v1/events?${query}`, headers, signal })
      failures = 0
      // What changed between the first reading and now, nobody tells.
      if (lastId === undefined) changed()
      lastId = await hear(answer, listening, lastId, signal)
      await clock.wait(clock.random() * RETRY_MS, signal)
    } catch (error) {
      if (signal.aborted) return
      failures++
      if (failures === 1) tell(`Changes are not heard of: ${(error as Error).message}`)
      await clock.wait(waitMsAfter(error, failures, clock), signal)
    }
  }
}

/** Until the signal says so. */
export const listen = async (
  listening: Listening,
  refs: readonly string[],
  signal: AbortSignal
): Promise<void> => {
  await Promise.all(queriesOf(refs).map(({ query }) => listenTo(listening, query, signal)))
}
