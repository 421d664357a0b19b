/** How far a peer's clock is from ours, as far as one answer can tell. */

/**
 * In milliseconds, positive where the peer's is ahead; 0 where the answer took as long as the difference is, so that a
 * busy machine sees none. All times are milliseconds since the epoch; `there` was cut off to so many milliseconds.
 */
export const skewOf = (there: number, cutMs: number, asked: number, answered: number): number => {
  const difference = there + cutMs / 2 - (asked + answered) / 2
  const doubt = (answered - asked + cutMs) / 2
  return Math.sign(difference) * Math.max(0, Math.abs(difference) - doubt)
}
