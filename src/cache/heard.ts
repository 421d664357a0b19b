/**
 * Which of a store's invalidations this replica has heard of, by the numbers that their counter gave them. Rule: a message
 * that is under way is not one that was missed. What the counter counts a replica has to have heard at the next look, not
 * at once; a count below what was heard before it was asked for has been lost.
 */
export interface Heard {
  /** Undefined: of a replica of an older version, which sends no numbers. */
  readonly hear: (number: number | undefined) => void
  /** All up to this one were heard; to be kept before the counter is asked. Undefined: not known yet. */
  readonly upTo: () => number | undefined
  /**
   * Whether something was missed, by what the counter said; everything up to there counts as heard then. `before`: what
   * `upTo` gave. `isDoubtful`: messages may have been lost, and nobody waits for another look.
   */
  readonly isMissing: (count: number, before: number | undefined, isDoubtful: boolean) => boolean
  /** Whether something may have been missed, so that another look should be soon. */
  readonly isSuspicious: () => boolean
}

/** Of those that came before one that is still under way. Where more come, all of the store is dropped. */
const MOST_AHEAD = 10_000

export const createHeard = (): Heard => {
  let upTo: number | undefined
  let suspect: number | undefined
  const ahead = new Set<number>()

  const advance = (): void => {
    while (upTo !== undefined && ahead.delete(upTo + 1)) upTo++
  }
  const begin = (count: number): void => {
    upTo = count
    suspect = undefined
    for (const number of ahead) if (number <= count) ahead.delete(number)
    advance()
  }

  return {
    hear: (number = (upTo ?? 0) + 1) => {
      if (upTo !== undefined && number <= upTo) return
      ahead.add(number)
      advance()
      if (ahead.size <= MOST_AHEAD) return
      ahead.clear()
      upTo = undefined
    },

    upTo: () => upTo,

    isMissing: (count, before, isDoubtful) => {
      const isLost = before !== undefined && count < before
      const due = upTo === undefined || isDoubtful ? count : (suspect ?? 0)
      const isMissing = isLost || (upTo ?? 0) < due
      if (isMissing || upTo === undefined) begin(count)
      else suspect = upTo < count ? count : undefined
      return isMissing
    },

    isSuspicious: () => suspect !== undefined
  }
}
