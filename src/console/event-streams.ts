/**
 * Bounded streams of server-sent events (HTML, 9.2) for who has the overview open. Rule: an event is made once for all of
 * them; a session is asked for at each event, and its stream ends with it; a reader that does not keep up is cut off.
 */
import { Readable } from 'node:stream'

export interface EventStreamsOptions {
  /** The data of the next event, as JSON. */
  readonly makeEvent: () => Promise<string>
  readonly everyMs: number
}

export interface EventStreams {
  /** Undefined: too many are open. `counts`: whether the session still does. */
  readonly open: (sessionId: string, counts: () => Promise<boolean>) => Readable | undefined
  /** Sends one to all; called by itself each `everyMs` while a stream is open. */
  readonly tick: () => Promise<void>
  readonly close: () => Promise<void>
}

const STREAMS_MAX = 64
/** Of one session: each tab with the overview has one. */
const STREAMS_OF_SESSION_MAX = 8
/** What may wait for a slow reader. */
const WAITING_BYTES = 256 * 1024
/** How long a browser waits before it connects again. */
const RETRY_MS = 5_000

interface Reader {
  readonly sessionId: string
  readonly counts: () => Promise<boolean>
}

const isFull = (open: readonly Reader[], sessionId: string): boolean => {
  const own = open.filter((reader) => reader.sessionId === sessionId)
  return open.length >= STREAMS_MAX || own.length >= STREAMS_OF_SESSION_MAX
}

export const createEventStreams = ({ makeEvent, everyMs }: EventStreamsOptions): EventStreams => {
  const streams = new Map<Readable, Reader>()
  let timer: NodeJS.Timeout | undefined
  const end = (stream: Readable): void => {
    streams.delete(stream)
    if (streams.size === 0) clearInterval(timer)
    if (!stream.destroyed && !stream.readableEnded) stream.push(null)
  }
  const write = (stream: Readable, data: string): void => {
    // Meanwhile it may have ended.
    if (!streams.has(stream)) return
    stream.push(`event: overview\ndata: ${data}\n\n`)
    if (stream.readableLength > WAITING_BYTES) stream.destroy()
  }
  const tick = async (): Promise<void> => {
    const data = await makeEvent()
    const each = async ([stream, { counts }]: readonly [Readable, Reader]): Promise<void> => {
      if (await counts().catch(() => false)) write(stream, data)
      else end(stream)
    }
    await Promise.all([...streams].map(each))
  }
  return {
    open: (sessionId, counts) => {
      if (isFull([...streams.values()], sessionId)) return undefined
      const stream = new Readable({ highWaterMark: WAITING_BYTES, read: () => {} })
      stream.once('close', () => end(stream))
      if (streams.size === 0)
        timer = setInterval(() => void tick().catch(() => {}), everyMs).unref()
      streams.set(stream, { sessionId, counts })
      stream.push(`retry: ${RETRY_MS}\n\n`)
      makeEvent().then(
        (data) => write(stream, data),
        () => end(stream)
      )
      return stream
    },
    tick,
    close: async () => {
      for (const stream of [...streams.keys()]) end(stream)
    }
  }
}
