/** Clients that read all the while, each one read after the other, and how far they have come. */
import { eventually } from './redis.ts'

export interface Readers {
  /** What all of their reads were answered with, so far. */
  readonly statuses: readonly number[]
  /** Resolves once each of them has read anew, from the beginning to the answer. */
  readonly round: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** `read` is told which reader it reads for, and how many times that reader has read before. */
export const startReaders = (
  count: number,
  read: (reader: number, before: number) => Promise<number>
): Readers => {
  const statuses: number[] = []
  const reads = new Map(Array.from({ length: count }, (_, reader) => [reader, 0]))
  let isReading = true
  const readers = [...reads.keys()].map(async (reader) => {
    for (let n = 0; isReading; n++) {
      statuses.push(await read(reader, n))
      reads.set(reader, n + 1)
    }
  })
  return {
    statuses,
    round: () => {
      const before = new Map(reads)
      // The first of the two may have been under way.
      const hasRead = ([reader, n]: [number, number]) => n >= (before.get(reader) ?? 0) + 2
      return eventually(() => [...reads].every(hasRead))
    },
    stop: async () => {
      isReading = false
      await Promise.all(readers)
    }
  }
}
