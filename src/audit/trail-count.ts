/** What becomes of the writes of the trail, in numbers, for whoever measures. */

/** Since this process began. */
export interface TrailFigures {
  /** Of events. */
  readonly lines: number
  readonly groups: number
  readonly failedGroups: number
  /** How long the oldest line waits that is not written yet, in milliseconds. */
  readonly lagMs: number
  /** Milliseconds since the epoch; undefined: nothing was written yet. */
  readonly lastWriteAt: number | undefined
  readonly isFailing: boolean
}

/** Lines that are written together. */
export interface Counted {
  readonly bodies: readonly unknown[]
  /** When the first of them came, as `performance.now` has it. */
  readonly since: number
}

export interface TrailCount {
  readonly begins: (group: Counted) => void
  readonly ended: (group: Counted, isWritten: boolean) => void
  /** `next`: what waits beside the group that is being written. */
  readonly figures: (next: Counted | undefined, isFailing: boolean) => TrailFigures
}

/** `now`: milliseconds since the epoch. */
export const createTrailCount = (now: () => number): TrailCount => {
  const sum = { lines: 0, groups: 0, failedGroups: 0 }
  let lastWriteAt: number | undefined
  let current: Counted | undefined
  return {
    begins: (group) => {
      current = group
    },
    ended: ({ bodies }, isWritten) => {
      current = undefined
      if (!isWritten) {
        sum.failedGroups++
        return
      }
      sum.groups++
      sum.lines += bodies.length
      lastWriteAt = now()
    },
    figures: (next, isFailing) => {
      const oldest = current ?? next
      const lagMs = oldest === undefined ? 0 : performance.now() - oldest.since
      return { ...sum, lagMs, lastWriteAt, isFailing }
    }
  }
}
