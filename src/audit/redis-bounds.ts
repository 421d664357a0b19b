/** How much of the newest records a stream in Redis has. Rule: neither more than a size nor older than a time, by whole parts. */

const HOUR_MS = 3_600_000
/** What an entry takes in Redis besides its bytes, at most. */
const ENTRY_BYTES = 64
/** So many parts has what is kept; the oldest goes as a whole. */
const PARTS = 64

/** Entries that go together. */
interface Part {
  readonly from: number
  readonly since: number
  /** Of its last entry. */
  until: number
  bytes: number
}

/** What is to be dropped of a stream that grows, and when. */
export const createBounds = (maxBytes: number, keptMs: number) => {
  const parts: Part[] = []
  let bytes = 0
  /** Of an entry that was taken. Gives the number from which on entries are kept, where a new part begins. */
  return (number: number, length: number, time: number): number | undefined => {
    const size = length + ENTRY_BYTES
    let part = parts.at(-1)
    const isNew = part === undefined || part.bytes > maxBytes / PARTS || time - part.since > HOUR_MS
    if (isNew) {
      part = { from: number, since: time, until: time, bytes: 0 }
      parts.push(part)
    }
    if (part !== undefined) {
      part.bytes += size
      part.until = time
    }
    bytes += size
    if (!isNew) return undefined
    for (let oldest = parts[0]; oldest !== undefined && parts.length > 1; oldest = parts[0]) {
      if (bytes <= maxBytes && oldest.until > time - keptMs) break
      bytes -= parts.shift()?.bytes ?? 0
    }
    return parts[0]?.from
  }
}
