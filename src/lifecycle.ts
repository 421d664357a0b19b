/**
 * The parts of a running service. Rule: all of them are there before the first of them hears anything; they start in the
 * order in which they were added and close in the reverse one, each of them whatever becomes of the others, and also where
 * the start ends half way.
 */
export interface Part {
  /** From here on it may hear of others. */
  readonly start?: () => void | Promise<void>
  readonly close: () => void | Promise<void>
}

export interface Lifecycle {
  readonly add: <P extends Part>(part: P) => P
  readonly start: () => Promise<void>
  /** Rejects, once all are closed, with what failed first. A part is closed once. */
  readonly close: () => Promise<void>
}

export const createLifecycle = (): Lifecycle => {
  const parts: Part[] = []
  return {
    add: (part) => {
      parts.push(part)
      return part
    },
    start: async () => {
      for (const part of parts) await part.start?.()
    },
    close: async () => {
      const failures: unknown[] = []
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        try {
          await part.close()
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    }
  }
}
