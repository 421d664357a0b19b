/**
 * Sums up in the background what replicas have counted of their callers: at an interval, and at once when a certain
 * part of an allowance was taken. Rule: no request waits for it; while it is not possible, each process counts alone.
 */
import { createHmac, type KeyObject } from 'node:crypto'
import type { LimitName } from '../core/limit-name.ts'
import { every } from '../state/background.ts'
import { SHARED_KEYS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'

export interface LimitOf {
  readonly name: LimitName
  readonly max: number
  readonly windowMs: number
}

export interface Counter {
  readonly limit: LimitOf
  readonly identity: string
  /** When the window began. All clocks cut windows alike, so that replicas mean the same one. */
  window: number
  /** Taken here, and how much of that is in the shared sum. */
  own: number
  sent: number
  /** Taken by all others, as far as known. */
  others: number
}

export interface ReconcilerOptions {
  readonly shared: Shared
  /** Keeps addresses and key ids unreadable in Redis. After a change of this key, counting begins anew. */
  readonly fingerprintKey: () => KeyObject
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly intervalMs?: number | undefined
}

export interface Reconciler {
  /** To be called when something was taken. */
  readonly taken: (counter: Counter) => void
  readonly forget: (counter: Counter) => void
  /** Sends unsent counts, if possible. */
  readonly close: () => Promise<void>
}

const INTERVAL_MS = 200
/** What one process takes before it tells the others at once: a 64th of the allowance, at least one. */
export const stepOf = (max: number): number => Math.max(1, Math.floor(max / 64))
const COUNTERS_PER_CALL = 500
/** How long a sum outlives its window, so that clocks need not agree to the millisecond. */
const GRACE_MS = 5_000

interface Work extends ReconcilerOptions {
  readonly changed: Set<Counter>
  readonly urgent: Set<Counter>
  running: Promise<void>
}

const counterKey = ({ limit, identity, window }: Counter, fingerprintKey: KeyObject): string => {
  const text = `limit\n${limit.name}\n${limit.windowMs}\n${window}\n${identity}`
  const mac = createHmac('sha256', fingerprintKey).update(text).digest()
  return `${SHARED_KEYS.limit.prefix}${mac.subarray(0, 16).toString('base64url')}`
}

const isOver = ({ window, limit }: Counter, time: number): boolean =>
  time >= window + limit.windowMs

const send = async (work: Work, counters: readonly Counter[]): Promise<void> => {
  const { shared, fingerprintKey, changed } = work
  const time = work.now()
  const asked = counters
    .filter((counter) => !isOver(counter, time))
    .map((counter) => ({
      counter,
      window: counter.window,
      key: counterKey(counter, fingerprintKey()),
      by: counter.own - counter.sent,
      ttlMs: counter.window + counter.limit.windowMs - time + GRACE_MS
    }))
  if (asked.length === 0) return
  // What is taken from now on is a new change.
  for (const { counter } of asked) changed.delete(counter)
  try {
    const sums = await shared.add(asked.map(({ key, by, ttlMs }) => ({ key, by, ttlMs })))
    asked.forEach(({ counter, window, by }, i) => {
      const sum = sums[i]
      if (counter.window !== window || sum === undefined) return
      counter.sent += by
      counter.others = Math.max(0, sum - counter.sent)
    })
  } catch {
    // To be sent later, for as long as the window runs.
    for (const { counter, window } of asked) if (counter.window === window) changed.add(counter)
  }
}

const sendAll = async (work: Work, counters: Iterable<Counter>): Promise<void> => {
  const all = [...counters]
  for (let i = 0; i < all.length && work.shared.isUp(); i += COUNTERS_PER_CALL) {
    await send(work, all.slice(i, i + COUNTERS_PER_CALL))
  }
}

const reconcile = async (work: Work): Promise<void> => {
  await sendAll(work, work.changed)
  const time = work.now()
  for (const counter of work.changed) if (isOver(counter, time)) work.changed.delete(counter)
}

const sendUrgent = async (work: Work): Promise<void> => {
  const counters = [...work.urgent]
  work.urgent.clear()
  await sendAll(work, counters)
}

/** One after the other: a count is sent only once it was answered. */
const inTurn = (work: Work, next: (work: Work) => Promise<void>): Promise<void> => {
  work.running = work.running.then(() => next(work))
  return work.running
}

const hurry = (work: Work, counter: Counter): void => {
  if (!work.shared.isUp() || work.urgent.has(counter)) return
  work.urgent.add(counter)
  if (work.urgent.size === 1) void inTurn(work, sendUrgent)
}

export const createReconciler = (options: ReconcilerOptions): Reconciler => {
  const { intervalMs = INTERVAL_MS } = options
  const work: Work = {
    ...options,
    changed: new Set(),
    urgent: new Set(),
    running: Promise.resolve()
  }
  const loop = every('limits among replicas', intervalMs, () => inTurn(work, reconcile))
  return {
    taken: (counter) => {
      work.changed.add(counter)
      if (counter.own - counter.sent >= stepOf(counter.limit.max)) hurry(work, counter)
    },
    forget: (counter) => {
      work.changed.delete(counter)
    },
    close: async () => {
      loop.close()
      await work.running
      await reconcile(work)
    }
  }
}
