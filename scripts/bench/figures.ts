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

export type Verdict =
  | 'as fast as recorded'
  | 'SLOWER'
  | 'cannot be told while others have so much of the processors'

/** `others`: their part of all processor time; not a number where it was not measured. */
export const verdictOf = (losses: readonly string[], others: number): Verdict => {
  if (losses.length === 0) return 'as fast as recorded'
  return others > BUSY ? 'cannot be told while others have so much of the processors' : 'SLOWER'
}
