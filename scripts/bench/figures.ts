/**
 * What is made of measured numbers. Rule: a ratio is taken within a round, where both sides had the same machine, and
 * of rounds and runs the median counts.
 */

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[sorted.length / 2 - 1] ?? upper) + upper) / 2
}

/** The median of the ratios of a figure of each round to the same of the same round of `first`. */
export const ratioTo = <T>(
  first: readonly T[],
  rounds: readonly T[],
  figureOf: (round: T) => number
): number => {
  const firsts = first.map(figureOf)
  return median(rounds.map((round, i) => figureOf(round) / (firsts[i] ?? Number.NaN)))
}

/** A read by reference to a bare route of Fastify with the same body and headers. */
export interface Ratios {
  /** Of requests a second: the more, the better. */
  readonly requests: number
  /** Of processor time for one request: the less, the better. */
  readonly processor: number
}

/** In place of recorded requests, with which none are too few. */
export const NOT_COMPARED = 0

/** What may be lost before the guard fails. */
export const TOLERANCE = 0.15

export const medianRatios = (runs: readonly Ratios[]): Ratios => ({
  requests: median(runs.map(({ requests }) => requests)),
  processor: median(runs.map(({ processor }) => processor))
})

/** Of each ratio the better one: what a busy machine spoils once, it seldom spoils twice. */
export const bestOf = (one: Ratios, other: Ratios): Ratios => ({
  requests: Math.max(one.requests, other.requests),
  processor: Math.min(one.processor, other.processor)
})

/** A sentence for each ratio that is worse than the recorded one by more than the tolerance. */
export const lossesOf = (measured: Ratios, recorded: Ratios): readonly string[] => {
  const parts = {
    'requests a second': measured.requests / recorded.requests,
    'requests by processor time': recorded.processor / measured.processor
  }
  return Object.entries(parts)
    .filter(([, part]) => !(part >= 1 - TOLERANCE))
    .map(([name, part]) => `${name}: ${(part * 100).toFixed(0)} % of what was recorded`)
}

/** With more for others, what the caches of a processor hold says more of them than of what is measured. */
export const BUSY = 0.25
/** The bare route is the same as ever: where it takes so much longer, others have the machine, seen from here or not. */
export const SLOWED = 1.25

export type Verdict =
  | 'as fast as recorded'
  | 'SLOWER'
  | 'cannot be told: others have too much of this machine'

export interface Circumstances {
  /** The part of all processor time that other processes had. */
  readonly others: number
  /** The processor time of the bare route against the recorded one. */
  readonly slowdown: number
}

/** What was not measured, and is not a number, excuses nothing. */
export const verdictOf = (
  losses: readonly string[],
  { others, slowdown }: Circumstances
): Verdict => {
  if (losses.length === 0) return 'as fast as recorded'
  return others > BUSY || slowdown > SLOWED
    ? 'cannot be told: others have too much of this machine'
    : 'SLOWER'
}
