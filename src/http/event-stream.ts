/**
 * Server-sent events (HTML, 9.2) as the body of an answer. Rule: an event names a reference as it was asked for, and
 * nothing else; a reader that does not keep up is cut off, and can go on where it stopped.
 */
import { Readable } from 'node:stream'
import type { WatchListener } from '../events/watch.ts'

export interface EventStream {
  readonly body: Readable
  readonly listener: WatchListener
}

/** What may wait for a slow reader, in characters: several times an event of all references that one can ask for. */
const WAITING_MAX = 64 * 1024
/** How long a reader that was cut off waits before it connects again. */
const RETRY_MS = 3_000
/** How long a reader has to take the last events before the connection ends. */
const LAST_WORDS_MS = 1_000

const changedBlock = (ref: string, id?: string): string =>
  `event: changed\ndata: ${JSON.stringify({ ref })}\n${id === undefined ? '' : `id: ${id}\n`}\n`

/** `cut` breaks the connection. */
export const createEventStream = (cut: () => void): EventStream => {
  const body = new Readable({ highWaterMark: WAITING_MAX, read: () => {} })
  const write = (text: string): void => {
    if (body.destroyed || body.readableEnded) return
    body.push(text)
    if (body.readableLength > WAITING_MAX) body.destroy()
  }
  write(`retry: ${RETRY_MS}\n\n`)
  return {
    body,
    listener: {
      // The id stands on the last event alone, so that a reader which got only some of them gets all of them again.
      changed: (id, refs) =>
        write(
          refs.map((ref, i) => changedBlock(ref, i === refs.length - 1 ? id : undefined)).join('')
        ),
      reset: (id) => write(`event: reset\ndata: {}\nid: ${id}\n\n`),
      beat: (id) => write(`: heartbeat\nid: ${id}\n\n`),
      end: () => {
        if (body.destroyed || body.readableEnded) return
        body.push(null)
        setTimeout(cut, LAST_WORDS_MS).unref()
      }
    }
  }
}
