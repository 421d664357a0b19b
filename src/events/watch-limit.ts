/**
 * How many watch at once, in all and with one key. Rule: a watcher counts from the moment it is let in until it has
 * left.
 */
import { ProblemError } from '../core/problem.ts'

export const WATCHERS_PER_KEY = 10
export const WATCHERS_MAX = 1_000
const RETRY_AFTER = 30

export interface WatchLimit {
  /** How the place is given back, which may be called twice. Throws ProblemError where there is none. */
  readonly takePlace: (keyId: string) => () => void
  readonly count: () => number
}

export const createWatchLimit = (): WatchLimit => {
  const perKey = new Map<string, number>()
  let count = 0
  return {
    takePlace: (keyId) => {
      const taken = perKey.get(keyId) ?? 0
      if (count >= WATCHERS_MAX) throw new ProblemError('overloaded')
      if (taken >= WATCHERS_PER_KEY) {
        throw new ProblemError('rate_limited', { retryAfter: RETRY_AFTER })
      }
      perKey.set(keyId, taken + 1)
      count++
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        count--
        const left = (perKey.get(keyId) ?? 1) - 1
        if (left === 0) perKey.delete(keyId)
        else perKey.set(keyId, left)
      }
    },
    count: () => count
  }
}
