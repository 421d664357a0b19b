/**
 * Takes secrets out of what a program prints. Rule: no byte of a spelling leaves, however it is cut into pieces; what may
 * be the beginning of one waits for what follows, and no more than the longest spelling waits; whoever reads slowly slows
 * the program down.
 */
import { Transform } from 'node:stream'

const MARK = Buffer.from('[redacted]')
/** Spellings are found by so many bytes at their beginning. */
const KEY = 4

export interface Spellings {
  readonly byKey: ReadonlyMap<number, readonly Buffer[]>
  /** Beginnings shorter than `KEY`. */
  readonly beginnings: ReadonlySet<string>
}

/** Each at least `KEY` bytes long. */
export const compile = (spellings: readonly Buffer[]): Spellings => {
  const byKey = new Map<number, Buffer[]>()
  const beginnings = new Set<string>()
  const seen = new Set<string>()
  for (const one of spellings) {
    const text = one.toString('latin1')
    if (one.length < KEY || seen.has(text)) continue
    seen.add(text)
    const key = one.readUInt32LE(0)
    byKey.set(key, [...(byKey.get(key) ?? []), one])
    for (let length = 1; length < KEY; length++) beginnings.add(text.slice(0, length))
  }
  return { byKey, beginnings }
}

/** `waits`: it depends on what follows. Otherwise how many bytes are a spelling, none if 0. */
const lookAt = ({ byKey, beginnings }: Spellings, bytes: Buffer, at: number): number | 'waits' => {
  const left = bytes.length - at
  if (left < KEY) return beginnings.has(bytes.toString('latin1', at)) ? 'waits' : 0
  let longest = 0
  for (const one of byKey.get(bytes.readUInt32LE(at)) ?? []) {
    const length = Math.min(left, one.length)
    if (one.compare(bytes, at, at + length, 0, length) !== 0) continue
    if (length < one.length) return 'waits'
    longest = Math.max(longest, length)
  }
  return longest
}

/** `spellings` is asked at each piece: they may be others by then. */
export const createRedaction = (spellings: () => Spellings): Transform => {
  let held: Buffer = Buffer.alloc(0)
  /** How many bytes of `held` are part of a spelling whose mark has left. */
  let covered = 0

  const passed = (bytes: Buffer, isLast: boolean): Buffer => {
    const parts: Buffer[] = []
    const known = spellings()
    let clear = covered
    let at = 0
    const flush = (): void => {
      if (clear < at) parts.push(bytes.subarray(clear, at))
    }
    for (; at < bytes.length; at++) {
      const look = lookAt(known, bytes, at)
      if (look === 'waits' && !isLast) break
      const length = look === 'waits' ? longestWhole(known, bytes, at) : look
      if (length === 0) continue
      if (at >= clear) {
        flush()
        parts.push(MARK)
        clear = at
      }
      clear = Math.max(clear, at + length)
    }
    flush()
    covered = Math.max(0, clear - at)
    held = Buffer.from(bytes.subarray(at))
    return Buffer.concat(parts)
  }

  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      done(null, passed(held.length > 0 ? Buffer.concat([held, piece]) : piece, false))
    },
    flush(done) {
      done(null, passed(held, true))
    }
  })
}

/** At the end nothing follows, and what is whole counts. */
const longestWhole = ({ byKey }: Spellings, bytes: Buffer, at: number): number => {
  if (bytes.length - at < KEY) return 0
  return (byKey.get(bytes.readUInt32LE(at)) ?? [])
    .filter(({ length }) => at + length <= bytes.length)
    .filter((one) => one.compare(bytes, at, at + one.length) === 0)
    .reduce((longest, { length }) => Math.max(longest, length), 0)
}
