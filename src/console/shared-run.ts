/**
 * Work that takes a while, for whoever asks for its outcome. Rule: whoever asks meanwhile shares one run, another one begins
 * no sooner than a while after it, and none is waited for beyond its deadline.
 */
import { ProblemError } from '../core/problem.ts'
import { withDeadline } from '../state/deadline.ts'

export interface SharedRun<T> {
  /** Of now, or of a moment ago. Rejects with a ProblemError. */
  readonly outcome: () => Promise<T>
  readonly close: () => void
}

export interface SharedRunOptions<T> {
  /** Ends what it began where the signal aborts. `at`: when it is begun, as a time of ISO 8601. */
  readonly work: (signal: AbortSignal, at: string) => Promise<T>
  /** What to say where it comes to no end. */
  readonly detail: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly withinMs: number
}

/** Between the end of one run and the begin of the next. */
const APART_MS = 10_000

interface Run<T> {
  readonly outcome: Promise<T>
  /** Undefined: it is under way. */
  endedAt: number | undefined
}

export const createSharedRun = <T>({
  work,
  detail,
  now,
  withinMs
}: SharedRunOptions<T>): SharedRun<T> => {
  const closing = new AbortController()
  let last: Run<T> | undefined
  const failed = (): ProblemError =>
    new ProblemError('overloaded', { detail, retryAfter: APART_MS / 1000 })

  const isApart = ({ endedAt }: Run<T>): boolean =>
    endedAt !== undefined && Math.abs(now() - endedAt) >= APART_MS

  const once = async (): Promise<T> => {
    const at = new Date(now()).toISOString()
    const run = (signal: AbortSignal): Promise<T> =>
      work(AbortSignal.any([signal, closing.signal]), at)
    return withDeadline(withinMs, run, failed).catch(() => {
      throw failed()
    })
  }

  const begin = (): Run<T> => {
    const run: Run<T> = { outcome: once(), endedAt: undefined }
    const end = (): void => {
      run.endedAt = now()
    }
    run.outcome.then(end, end)
    return run
  }

  return {
    outcome: () => {
      if (last === undefined || isApart(last)) last = begin()
      return last.outcome
    },
    close: () => closing.abort()
  }
}
