/** How soon a worker that ended is replaced: at once or nearly, and ever later while that does not help. */

const FIRST_MS = 250
const LONGEST_MS = 30_000
/** A worker that served for so long did not end for something that its successor meets at once. */
const SETTLED_MS = 60_000

/** `failures`: ends in a row, at least 1. */
export const waitMs = (failures: number): number =>
  Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))

/** Whether a worker that served for so many milliseconds puts an end to the row of failures. */
export const isSettled = (servedMs: number): boolean => servedMs >= SETTLED_MS
