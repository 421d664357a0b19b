/**
 * One access to the trail's files at a time, for all who read them. Rule: a disk that hangs holds one of Node's four
 * threads for readers, and never those that the writing of records needs.
 */
import { withDeadline } from '../state/deadline.ts'

export type Access = <T>(work: () => Promise<T>) => Promise<T>

/** Rejects with what `late` makes where the work, and what waits before it, takes longer than `patienceMs`. */
export const createAccess = (patienceMs: number, late: () => Error): Access => {
  let before: Promise<unknown> = Promise.resolve()
  return (work) =>
    withDeadline(
      patienceMs,
      (signal) => {
        const ours = before.then(() => {
          if (signal.aborted) throw late()
          return work()
        })
        before = ours.catch(() => {})
        return ours
      },
      late
    )
}
