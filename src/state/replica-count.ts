/**
 * How many replicas there are, for what they divide among them. Rule: each is counted once in a window of time, and the last
 * number that was known stands while nothing is shared: an outage makes no replica more or less.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from './deadline.ts'
import { type Shared, SharedUnavailable } from './shared.ts'

export interface ReplicaCount {
  /** At least 1. The others know of a start within a second, and of an end within two windows. */
  readonly current: () => number
  /** Resolves once this replica was counted, or after a second without an answer. */
  readonly asked: Promise<void>
  readonly close: () => void
}

export interface ReplicaCountOptions {
  /** Undefined: this process is the only one. */
  readonly shared: Shared | undefined
  readonly environment: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly everyMs?: number
  readonly windowMs?: number
}

const EVERY_MS = 1_000
const WINDOW_MS = 15_000
/** How often a replica tries that was never counted: until it is, it takes what is to be divided for its own. */
const SOON_MS = 50
const PATIENCE_MS = 1_000

export const createReplicaCount = (options: ReplicaCountOptions): ReplicaCount => {
  const { shared, environment, now, everyMs = EVERY_MS, windowMs = WINDOW_MS } = options
  /** The window in which this replica was counted last, and how many were by then; and how many in the one before. */
  let counted = { window: Number.NaN, replicas: 0 }
  let former = 0

  const count = async (): Promise<void> => {
    const window = Math.floor(now() / windowMs)
    const isNew = window !== counted.window
    const counter = {
      key: `replicas:${environment}:${window}`,
      by: isNew ? 1 : 0,
      ttlMs: 2 * windowMs
    }
    const [replicas] = (await shared?.add([counter])) ?? []
    if (replicas === undefined) return
    if (isNew) former = counted.replicas
    counted = { window, replicas }
  }
  // Without an answer the last number stands.
  const countQuietly = (): Promise<void> => count().catch(() => {})

  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const begin = async (): Promise<void> => {
    for (;;) {
      await countQuietly()
      if (isClosed) return
      if (counted.replicas > 0) break
      await sleep(SOON_MS, undefined, { ref: false })
    }
    timer = setInterval(() => void countQuietly(), everyMs).unref()
  }
  const begun = shared === undefined ? Promise.resolve() : begin()

  return {
    current: () => Math.max(1, former, counted.replicas),
    asked: within(PATIENCE_MS, begun, () => new SharedUnavailable()).catch(() => {}),
    close: () => {
      isClosed = true
      clearInterval(timer)
    }
  }
}
