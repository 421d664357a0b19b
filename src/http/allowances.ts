/**
 * How much each caller has taken of what it may take in a window of time. Rule: taking never waits: each process
 * counts, and the counts of replicas are summed up in the background. Without shared state, or while that does not
 * answer, each process counts alone.
 */
import { LRUCache } from 'lru-cache'
import type { Shared } from '../state/shared.ts'
import {
  type Counter,
  createReconciler,
  type LimitOf,
  type Reconciler,
  type ReconcilerOptions
} from './reconciler.ts'

export interface Taken {
  /** Nothing was taken, since less was left than was to be taken. */
  readonly isExceeded: boolean
  readonly remaining: number
  /** Until the window ends, at least 1. */
  readonly seconds: number
}

export interface Allowance {
  /** Throws RangeError for a cost below nothing. */
  readonly take: (identity: string, cost?: number) => Taken
}

export interface Allowances {
  /** The same one for the same name. */
  readonly of: (limit: LimitOf) => Allowance
  /** Sends what was not sent yet, if it can be sent. */
  readonly close: () => Promise<void>
}

export interface AllowancesOptions extends Omit<ReconcilerOptions, 'shared'> {
  readonly shared: Shared | undefined
}

/** How many callers' counters are kept for one limit; beyond them the callers that were silent longest begin anew. */
const MAX_COUNTERS = 20_000

const createAllowance = (
  limit: LimitOf,
  now: () => number,
  reconciler: Reconciler | undefined
): Allowance => {
  const { max, windowMs } = limit
  const counters = new LRUCache<string, Counter>({
    max: MAX_COUNTERS,
    dispose: (counter) => reconciler?.forget(counter)
  })
  const counterOf = (identity: string, window: number): Counter => {
    const known = counters.get(identity)
    if (known !== undefined && known.window === window) return known
    const counter = known ?? { limit, identity, window, own: 0, sent: 0, others: 0 }
    if (known === undefined) counters.set(identity, counter)
    return Object.assign(counter, { window, own: 0, sent: 0, others: 0 })
  }
  return {
    take: (identity, cost = 1) => {
      // A cost below nothing would give back what others took.
      if (!(cost >= 0)) throw new RangeError('what is taken is never less than nothing')
      const time = now()
      const window = time - (time % windowMs)
      const counter = counterOf(identity, window)
      const left = Math.max(0, max - counter.own - counter.others)
      const isExceeded = cost > left
      if (!isExceeded) {
        counter.own += cost
        reconciler?.taken(counter)
      }
      return {
        isExceeded,
        remaining: isExceeded ? left : left - cost,
        seconds: Math.ceil((window + windowMs - time) / 1000)
      }
    }
  }
}

export const createAllowances = ({ shared, ...options }: AllowancesOptions): Allowances => {
  const reconciler = shared && createReconciler({ ...options, shared })
  const allowances = new Map<string, Allowance>()
  return {
    of: (limit) => {
      const allowance =
        allowances.get(limit.name) ?? createAllowance(limit, options.now, reconciler)
      allowances.set(limit.name, allowance)
      return allowance
    },
    close: async () => reconciler?.close()
  }
}
