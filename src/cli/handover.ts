/**
 * What becomes of a connection whose worker ends while it is handed over. Rule: it ends. Node's scheduler passes a
 * connection to a worker and closes its own side of it once the worker has said that it took it. It forgets the
 * connection where no such word comes, and where a word to the contrary comes when no other worker listens any more
 * (`internal/cluster/round_robin_handle`); the peer would wait for as long as it likes.
 */
import type { ChildProcess } from 'node:child_process'
import type { Worker } from 'node:cluster'

/** By then what a worker said before its exit has been read. */
const LAST_WORDS_MS = 100

interface Handle {
  readonly close: () => void
}

/** What the scheduler and a worker say to each other; `key` stands for an address that is listened on. */
interface Said {
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
  readonly key?: string
  readonly errno?: number | null
  readonly accepted?: boolean
}

interface UnderWay {
  readonly key: string
  readonly handle: Handle
}

type Send = (message: Said, handle?: Handle, ...rest: unknown[]) => boolean

/** Returns what is to be called with each worker right after its start. */
export const createHandover = (): ((worker: Worker) => void) => {
  const listening = new Map<string, Set<ChildProcess>>()
  const leave = (child: ChildProcess, key: string): void => {
    listening.get(key)?.delete(child)
    if (listening.get(key)?.size === 0) listening.delete(key)
  }

  return ({ process: child }) => {
    const underWay = new Map<number | undefined, UnderWay>()
    const endAll = (): void => {
      for (const key of [...listening.keys()]) leave(child, key)
      for (const { handle } of underWay.values()) handle.close()
    }
    const send = child.send.bind(child) as Send
    const watched: Send = (message, handle, ...rest) => {
      const { act, seq, ack, key, errno } = message
      if (key !== undefined && act === 'newconn' && handle) underWay.set(seq, { key, handle })
      else if (key !== undefined && ack !== undefined && !errno) {
        listening.set(key, (listening.get(key) ?? new Set()).add(child))
      }
      return send(message, handle, ...rest)
    }
    child.send = watched as ChildProcess['send']
    // After the scheduler, which has passed the connection to another worker by then, or kept it for one.
    child.on('internalMessage', ({ act, ack, key, accepted }: Said) => {
      if (act === 'close' && key !== undefined) leave(child, key)
      const answered = underWay.get(ack)
      underWay.delete(ack)
      if (answered && accepted === false && !listening.has(answered.key)) answered.handle.close()
    })
    // The end of its channel is not told while a connection is on the way.
    child.once('exit', () => setTimeout(endAll, LAST_WORDS_MS))
  }
}
