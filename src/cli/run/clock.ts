/** Time and chance of `purser run`, handed in so that tests need not wait. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds that only go forward. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Resolves after so many milliseconds, or as soon as the signal says so: never rejects. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  wait: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => {})
}

const FIRST_MS = 500
const LONGEST_MS = 60_000

/** How long to wait after so many failures in a row, at least 1: ever longer, and not all at the same moment. */
export const backOffMs = (failures: number, { random }: Clock): number => {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return most / 2 + (random() * most) / 2
}
