/**
 * What is on record in all files of one folder, newest first: of all instances and workers, day by day. Rule: each step
 * reads one block of one file or less, and where a search stands can be told after each, so that another one goes on
 * there and misses nothing.
 *
 * Lines of one file are in the order in which they were written; those of several are merged by their times.
 */
import { ProblemError } from '../core/problem.ts'
import { type Found, openBack, type ReadBack } from './read-back.ts'
import type { RecordFilter } from './record-filter.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'
import type { AuditRecord } from './shown-record.ts'

/** Where a search goes on: a day, and how far each of its files is read. */
export interface Position {
  readonly day: string
  /** Of each file its inode and where what is not read yet ends. */
  readonly ends: Readonly<Record<string, readonly [inode: number, end: number]>>
}

export interface Search {
  /**
   * At most so many records; undefined: there are no more. Rejects where the folder cannot be read, and with
   * ProblemError `invalid_request` for a position in other files.
   */
  readonly step: (max: number) => Promise<readonly AuditRecord[] | undefined>
  /** Undefined once there are no more. */
  readonly position: () => Position | undefined
  /** Of this search: lines that could not be read, files likewise, and how much was read. */
  readonly seen: () => Readonly<Seen>
  readonly close: () => Promise<void>
}

export interface SearchOptions {
  /** `audit/` below DATA_DIR. */
  readonly folder: string
  readonly filter: RecordFilter
  readonly position?: Position | undefined
  /** How each access to the disk is made: one at a time, within a time. */
  readonly access: <T>(work: () => Promise<T>) => Promise<T>
}

/** The position is of a file that was replaced, or of another machine's. */
const otherTrail = (): ProblemError =>
  new ProblemError('invalid_request', {
    errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }]
  })

/** A clock may have been set back by so much within a day: so far beyond `from` it is read. */
const SET_BACK_MS = 15 * 60_000

interface Reading {
  readonly name: string
  readonly back: ReadBack
  /** Found and not given yet, the newest last. */
  found: Found[]
  /** How far back in time it is read. */
  reached: string
  isOver: boolean
}

const NEWEST = '~'

/** The time up to which nothing newer can come of it. */
const timeOf = ({ found, reached }: Reading): string => found.at(-1)?.record.time ?? reached

/** Whose turn it is: the one that may have the newest. */
const newestOf = (readings: readonly Reading[]): Reading | undefined => {
  let newest: Reading | undefined
  for (const one of readings) {
    if (one.isOver && one.found.length === 0) continue
    if (newest === undefined || timeOf(one) > timeOf(newest)) newest = one
  }
  return newest
}

interface Seen {
  skipped: number
  bytes: number
  readonly files: string[]
}

const readOn = async (reading: Reading, seen: Seen, until: string | undefined): Promise<void> => {
  try {
    const { found, oldest, bytes, skipped } = await reading.back.read()
    reading.found = [...found]
    if (oldest !== undefined && oldest < reading.reached) reading.reached = oldest
    reading.isOver = reading.back.end() === 0 || (until !== undefined && reading.reached < until)
    seen.bytes += bytes
    seen.skipped += skipped
  } catch {
    seen.files.push(reading.name)
    reading.isOver = true
  }
}

const daysOf = async (
  folder: string,
  { from = '', to = NEWEST }: RecordFilter,
  last: string = NEWEST
): Promise<SegmentFile[][]> => {
  const byDay = new Map<string, SegmentFile[]>()
  for (const file of await segmentFilesIn(folder)) {
    const { day } = file
    if (day < from.slice(0, 10) || day > to.slice(0, 10) || day > last) continue
    byDay.set(day, [...(byDay.get(day) ?? []), file])
  }
  return [...byDay.values()]
}

const openFile = async (
  { filter, position }: SearchOptions,
  seen: Seen,
  { name, path, day }: SegmentFile
): Promise<Reading | undefined> => {
  const known = position?.day === day ? position.ends[name] : undefined
  // A file that came since the search began has nothing but newer records.
  if (position?.day === day && known === undefined) return undefined
  const back = await openBack(path, filter, known?.[1]).catch(() => undefined)
  if (back === undefined) {
    seen.files.push(name)
    return undefined
  }
  if (known !== undefined && known[0] !== back.inode) {
    await back.close()
    throw otherTrail()
  }
  return { name, back, found: [], reached: NEWEST, isOver: back.end() === 0 }
}

const positionOf = (day: string, readings: readonly Reading[]): Position => {
  const ends = readings.map(({ name, back, found, isOver }) => {
    const end = found.at(-1)?.end ?? (isOver ? 0 : back.end())
    return [name, [back.inode, end]] as const
  })
  return { day, ends: Object.fromEntries(ends) }
}

/** Gives what is found already, newest first, until a file has to be read further: that one. */
const take = (readings: readonly Reading[], max: number) => {
  const records: AuditRecord[] = []
  for (;;) {
    const due = newestOf(readings)
    const next = records.length < max ? due?.found.pop() : undefined
    if (next === undefined) return { records, due }
    records.push(next.record)
  }
}

export const createSearch = (options: SearchOptions): Search => {
  const { folder, filter, position, access } = options
  const until = filter.from && new Date(Date.parse(filter.from) - SET_BACK_MS).toISOString()
  const seen: Seen = { skipped: 0, bytes: 0, files: [] }
  let days: SegmentFile[][] | undefined
  let day: string | undefined
  let readings: Reading[] = []

  const close = async (): Promise<void> => {
    const former = readings
    readings = []
    for (const { back } of former) await back.close().catch(() => {})
  }

  /** False after the oldest. */
  const openNextDay = async (): Promise<boolean> => {
    days ??= await daysOf(folder, filter, position?.day)
    const files = days.pop()
    await close()
    day = files?.[0]?.day
    for (const file of files ?? []) {
      const reading = await openFile(options, seen, file)
      if (reading !== undefined) readings.push(reading)
    }
    return files !== undefined
  }

  return {
    step: async (max) => {
      const { records, due } = take(readings, max)
      if (records.length > 0) return records
      if (due === undefined) return (await access(openNextDay)) ? [] : undefined
      await access(() => readOn(due, seen, until))
      return []
    },
    position: () => {
      if (days === undefined) return position ?? { day: NEWEST, ends: {} }
      return day === undefined ? undefined : positionOf(day, readings)
    },
    seen: () => seen,
    close
  }
}
