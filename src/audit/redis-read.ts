/**
 * A stream of the trail in Redis, entry by entry from its end. Rule: an entry counts only if it opens in its place; what
 * it says of the one before, and its lines as a chain, tell whether something between is missing.
 */
import { asJson, isObject } from '../core/json.ts'
import { digestOfBytes } from '../crypto/audit-key.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { StreamEntry, Streams } from '../state/redis-streams.ts'
import { type Place, parseAnchor, placeOf } from './chain-line.ts'
import { findIn, type ReadBack } from './read-back.ts'
import { needleOf, type RecordFilter } from './record-filter.ts'
import { type Entry, openEntry } from './redis-entry.ts'

/** A place in a stream is the number of its entry times this, and how many bytes of that entry's lines: none has so many. */
export const ENTRY_MAX = 8 * 1024 * 1024
const LINE_FEED = 0x0a
/** About as much as a block of a file. */
const BLOCK = 64 * 1024
const COUNT_MAX = 64

/** What is wrong with the lines of an entry in themselves, and its first and last line. */
export interface Checked {
  readonly first: { readonly place: Place; readonly line: Buffer }
  readonly last: Place
  readonly isWhole: boolean
}

const digestAfter = (former: string, line: Buffer, { hashed }: Place): string =>
  digestOfBytes(Buffer.concat([Buffer.from(former, 'latin1'), line.subarray(0, hashed)]))

/** Undefined for an entry without lines, by which a sink was tried. */
export const checkLines = (lines: Buffer): Checked | undefined => {
  let first: Checked['first'] | undefined
  let last: Place | undefined
  let isWhole = true
  for (let start = 0, end = 0; ; start = end + 1) {
    end = lines.indexOf(LINE_FEED, start)
    if (end < 0) break
    if (end === start) continue
    const line = lines.subarray(start, end)
    const place = placeOf(line)
    if (place === undefined)
      return { first: first ?? { place: NOWHERE, line }, last: last ?? NOWHERE, isWhole: false }
    if (last !== undefined) isWhole &&= follows(last, place, line)
    first ??= { place, line }
    last = place
  }
  return first && last && { first, last, isWhole }
}

const NOWHERE: Place = { instance: '', seq: 0, digest: '', mac: undefined, hashed: 0 }

/** What a head says was on record before its instance. */
export const formerOf = (line: Buffer) => {
  const head = asJson(line.toString())
  const after = isObject(head) ? head['after'] : undefined
  return typeof after === 'string' ? parseAnchor(after) : undefined
}

/** Whether nothing is missing between a line and the next one that is there. */
const follows = (former: Place, place: Place, line: Buffer): boolean => {
  if (place.instance === former.instance) {
    return place.seq === former.seq + 1 && digestAfter(former.digest, line, place) === place.digest
  }
  if (place.seq !== 1) return false
  // What could not be acknowledged ended the former chain; the next one says how much of it is on record.
  const known = formerOf(line)
  return known?.instance !== former.instance || known.seq <= former.seq
}

export interface StreamReading {
  readonly streams: Pick<Streams, 'before'>
  readonly sealer: () => Sealer
  readonly environment: string
  readonly stream: string
  readonly filter: RecordFilter
  /** What stands there and behind it is not read. */
  readonly from: number
  readonly onMissing: () => void
}

/** The entry after. */
interface Newer {
  readonly former: number
  readonly checked: Checked | undefined
}

/** Tells of what is missing between the entries that it is given, from the newest on. */
const createFollowing = (onMissing: () => void) => {
  let newer: Newer | undefined
  return (number: number, { former, lines }: Entry): void => {
    const checked = checkLines(lines)
    const { place, line } = newer?.checked?.first ?? {}
    const isNext = !(checked && place && line) || follows(checked.last, place, line)
    if (!isNext || checked?.isWhole === false || (newer?.former ?? 0) > number) onMissing()
    newer = { former, checked: checked ?? newer?.checked }
  }
}

export const openStream = (reading: StreamReading): ReadBack => {
  const { streams, sealer, environment, stream, filter, from, onMissing } = reading
  const needle = needleOf(filter)
  const follow = createFollowing(onMissing)
  let end = from
  // The entry before is looked at again, for what it says of the one before that.
  let next = Math.floor(from / ENTRY_MAX)
  let waiting: readonly StreamEntry[] = []
  let count = 1

  const fetchMore = async (): Promise<void> => {
    waiting = await streams.before(stream, next, count)
    const size = waiting.reduce((sum, { value }) => sum + value.length, 0)
    count = Math.max(1, Math.min(COUNT_MAX, Math.floor((BLOCK * count) / Math.max(1, size))))
  }

  return {
    inode: 0,
    end: () => end,
    read: async () => {
      const nothing = { bytes: 0, found: [], oldest: undefined, skipped: 0 }
      if (waiting.length === 0) await fetchMore()
      const [entry, ...rest] = waiting
      waiting = rest
      if (entry === undefined) {
        end = 0
        return nothing
      }
      const { number, value } = entry
      next = number - 1
      const at = number * ENTRY_MAX
      const opened = openEntry(sealer(), { environment, stream, number }, value)
      if (opened === undefined) {
        onMissing()
        end = Math.min(end, at)
        return { ...nothing, bytes: value.length, skipped: 1 }
      }
      follow(number, opened)
      const lines =
        end > at + opened.lines.length
          ? opened.lines
          : opened.lines.subarray(0, Math.max(0, end - at))
      end = Math.min(end, at)
      return { bytes: value.length, ...findIn(lines, at, filter, needle) }
    },
    close: async () => {}
  }
}
