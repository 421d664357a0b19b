/** Rounds of load: all contestants in turn, over and over, so that a noisy machine is noisy for all. */
import { percentile } from '../../test/support/load.ts'
import type { Contestant } from './contestants.ts'
import { askEach, load, type Pace } from './load.ts'

export interface Round {
  readonly requestsPerSecond: number
  readonly secretsPerSecond: number
  /** Microseconds of processor time for one request. */
  readonly processor: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** MB. */
  readonly rss: number
}

const measure = async (one: Contestant, pace: Pace): Promise<Round> => {
  const before = await one.used()
  const { perSecond, times } = await load(one.origin, one.asks, pace, one.status)
  const after = await one.used()
  return {
    requestsPerSecond: perSecond,
    secretsPerSecond: perSecond * one.secrets,
    processor: (after.processor - before.processor) / times.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    rss: after.rss / 1e6
  }
}

/** How often what is asked is asked before anything is measured: more often than a limited key may ask. */
const WARM_UP = 50

export const warmUp = async (contestants: readonly Contestant[], pace: Pace): Promise<void> => {
  for (const { origin, asks, status } of contestants) {
    const times = Math.ceil(WARM_UP / asks.length)
    await askEach(origin, Array.from({ length: times }, () => asks).flat(), pace.connections)
    await load(origin, asks, pace, status)
  }
}

/** For each contestant, its rounds. */
export const measureRounds = async (
  contestants: readonly Contestant[],
  pace: Pace,
  rounds: number
): Promise<readonly (readonly Round[])[]> => {
  const rows = contestants.map((): Round[] => [])
  for (let n = 0; n < rounds; n++) {
    for (const [i, one] of contestants.entries()) rows[i]?.push(await measure(one, pace))
  }
  return rows
}
