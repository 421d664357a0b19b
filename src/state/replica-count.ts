/**
 * How many replicas there are, for what they divide among them. Rule: each is counted once in a window of time, and the last
 * number that was known stands while nothing is shared: an outage makes no replica more or less.
 */
import type { Shared } from './shared.ts'

export interface ReplicaCount {
  /** At least 1. Within a second of a start, and within a window of an end, it is right. */
  readonly current: () => number
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
  const countQuietly = (): void => void count().catch(() => {})

  let timer: NodeJS.Timeout | undefined
  if (shared !== undefined) {
    countQuietly()
    timer = setInterval(countQuietly, everyMs).unref()
  }
  return {
    current: () => Math.max(1, former, counted.replicas),
    close: () => clearInterval(timer)
  }
}
