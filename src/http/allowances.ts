/**
 * How much each caller has taken of what it may take in a window of time. Rule: to take never waits: it counts in this
 * process, and what replicas have counted is brought together in the background: at an interval, and at once where a part of
 * the whole allowance was taken since. While nothing is shared, or it does not answer, each process counts alone.
 */
import { createHmac, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { every } from '../state/background.ts'
import { SHARED_KEYS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'

export interface LimitOf {
  readonly name: 'address' | 'key' | 'failed-logins' | 'fresh'
  readonly max: number
  readonly windowMs: number
}

export interface Taken {
  /** Nothing was taken, since it would have been more than is left. */
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

export interface AllowancesOptions {
  readonly shared: Shared | undefined
  /** Keeps addresses and key ids unreadable where they are shared. Another key begins to count anew. */
  readonly fingerprintKey: () => KeyObject
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly intervalMs?: number
}

interface Counter {
  readonly limit: LimitOf
  readonly identity: string
  /** When it began. Windows are cut alike by all clocks, so that replicas mean the same one. */
  window: number
  /** Taken here, and how much of it is in the shared sum. */
  own: number
  sent: number
  /** Taken by all others, as far as it is known. */
  others: number
}

const INTERVAL_MS = 200
/** What one process takes before it tells the others at once: a 64th of the allowance, at least one. */
export const stepOf = (max: number): number => Math.max(1, Math.floor(max / 64))
/** Callers of one limit whose counters are kept; of more than these the ones that were not heard of longest begin anew. */
const MAX_COUNTERS = 20_000
const COUNTERS_PER_CALL = 500
/** How long a sum outlives its window, so that clocks need not agree to the millisecond. */
const GRACE_MS = 5_000

export const createAllowances = (options: AllowancesOptions): Allowances => {
  const { shared, fingerprintKey, now, intervalMs = INTERVAL_MS } = options
  const changed = new Set<Counter>()

  const keyOf = ({ limit: { name, windowMs }, identity, window }: Counter): string => {
    const text = `limit\n${name}\n${windowMs}\n${window}\n${identity}`
    const mac = createHmac('sha256', fingerprintKey()).update(text).digest()
    return `${SHARED_KEYS.limit.prefix}${mac.subarray(0, 16).toString('base64url')}`
  }

  const send = async (counters: readonly Counter[]): Promise<void> => {
    const time = now()
    const asked = counters
      .filter(({ window, limit }) => time < window + limit.windowMs)
      .map((counter) => ({
        counter,
        window: counter.window,
        key: keyOf(counter),
        by: counter.own - counter.sent,
        ttlMs: counter.window + counter.limit.windowMs - time + GRACE_MS
      }))
    if (asked.length === 0) return
    // What is taken from here on is a change again.
    for (const { counter } of asked) changed.delete(counter)
    try {
      const sums = await shared?.add(asked.map(({ key, by, ttlMs }) => ({ key, by, ttlMs })))
      asked.forEach(({ counter, window, by }, i) => {
        const sum = sums?.[i]
        if (counter.window !== window || sum === undefined) return
        counter.sent += by
        counter.others = Math.max(0, sum - counter.sent)
      })
    } catch {
      // To be sent later, for as long as the window runs.
      for (const { counter, window } of asked) if (counter.window === window) changed.add(counter)
    }
  }

  const sendAll = async (counters: Iterable<Counter>): Promise<void> => {
    const all = [...counters]
    for (let i = 0; i < all.length && shared?.isUp(); i += COUNTERS_PER_CALL) {
      await send(all.slice(i, i + COUNTERS_PER_CALL))
    }
  }

  const reconcile = async (): Promise<void> => {
    await sendAll(changed)
    const time = now()
    for (const counter of changed) {
      if (time >= counter.window + counter.limit.windowMs) changed.delete(counter)
    }
  }

  let running: Promise<void> = Promise.resolve()
  /** One after the other: what is on the way counts as sent only once it was answered. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    running = running.then(work)
    return running
  }
  const urgent = new Set<Counter>()
  const sendUrgent = async (): Promise<void> => {
    const counters = [...urgent]
    urgent.clear()
    await sendAll(counters)
  }
  const hurry = (counter: Counter): void => {
    if (shared?.isUp() !== true || urgent.has(counter)) return
    urgent.add(counter)
    if (urgent.size === 1) void inTurn(sendUrgent)
  }
  const loop =
    shared === undefined
      ? undefined
      : every('limits among replicas', intervalMs, () => inTurn(reconcile))

  const createAllowance = (limit: LimitOf): Allowance => {
    const { max, windowMs } = limit
    const step = stepOf(max)
    const counters = new LRUCache<string, Counter>({
      max: MAX_COUNTERS,
      dispose: (counter) => changed.delete(counter)
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
        // It would give back what others took.
        if (!(cost >= 0)) throw new RangeError('what is taken is never less than nothing')
        const time = now()
        const window = time - (time % windowMs)
        const counter = counterOf(identity, window)
        const left = Math.max(0, max - counter.own - counter.others)
        const isExceeded = cost > left
        if (!isExceeded) {
          counter.own += cost
          if (shared !== undefined) {
            changed.add(counter)
            if (counter.own - counter.sent >= step) hurry(counter)
          }
        }
        return {
          isExceeded,
          remaining: isExceeded ? left : left - cost,
          seconds: Math.ceil((window + windowMs - time) / 1000)
        }
      }
    }
  }

  const allowances = new Map<string, Allowance>()
  return {
    of: (limit) => {
      const allowance = allowances.get(limit.name) ?? createAllowance(limit)
      allowances.set(limit.name, allowance)
      return allowance
    },

    close: async () => {
      loop?.close()
      await running
      await reconcile()
    }
  }
}
