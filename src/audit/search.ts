/**
 * What is on record in several sources, as files of one folder or streams in Redis, newest first: of all instances and
 * workers, day by day where sources are of one day. Rule: each step reads one block of one source or less, and where a
 * search stands can be told after each, so that another one goes on there and misses nothing.
 *
 * Lines of one source are in the order in which they were written; those of several are merged by their times.
 */
import { ProblemError } from '../core/problem.ts'
import { type Found, openBack, type ReadBack } from './read-back.ts'
import type { RecordFilter } from './record-filter.ts'
import { segmentFilesIn } from './segments.ts'
import type { AuditRecord } from './shown-record.ts'

/** Where a search goes on: a day, and how far each of its sources is read. */
export interface Position {
  readonly day: string
  /** Of each file its inode (0 for a stream) and where what is not read yet ends. */
  readonly ends: Readonly<Record<string, readonly [inode: number, end: number]>>
}

export interface Search {
  /**
   * At most so many records, none of them before `downTo` (a time, or '' for all); undefined: there are no more. Rejects
   * where the sources cannot be listed, and with ProblemError `invalid_request` for a position in others.
   */
  readonly step: (max: number, downTo?: string) => Promise<readonly AuditRecord[] | undefined>
  /** The time up to which nothing newer can come; empty once there are no more. */
  readonly reaches: () => string
  /** Undefined once there are no more. */
  readonly position: () => Position | undefined
  /** Of this search: lines that could not be read, sources likewise, and how much was read. */
  readonly seen: () => Readonly<Seen>
  readonly close: () => Promise<void>
}

export interface Source {
  readonly name: string
  /** From there on backwards, or from where it ends now. */
  readonly open: (from: number | undefined) => Promise<ReadBack>
}

/** Sources that are read beside each other, before those of an earlier day. */
export interface SourcesOfDay {
  readonly day: string
  readonly sources: readonly Source[]
}

export interface SearchOptions {
  /** In the order of their days. */
  readonly sources: () => Promise<readonly SourcesOfDay[]>
  readonly filter: RecordFilter
  readonly position?: Position | undefined
  /** How each access to the sources is made: one at a time, within a time. */
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
  /** By their names. */
  readonly unread: string[]
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
    seen.unread.push(reading.name)
    reading.isOver = true
  }
}

/** The files of `audit/` below DATA_DIR that may have what is asked for, of that day and before. */
export const filesAsked = async (
  folder: string,
  filter: RecordFilter,
  last: string = NEWEST
): Promise<SourcesOfDay[]> => {
  const { from = '', to = NEWEST } = filter
  const byDay = new Map<string, Source[]>()
  for (const { day, name, path } of await segmentFilesIn(folder)) {
    if (day < from.slice(0, 10) || day > to.slice(0, 10) || day > last) continue
    const open: Source['open'] = (end) => openBack(path, filter, end)
    byDay.set(day, [...(byDay.get(day) ?? []), { name, open }])
  }
  return [...byDay].map(([day, sources]) => ({ day, sources }))
}

const openSource = async (
  position: Position | undefined,
  seen: Seen,
  day: string,
  { name, open }: Source
): Promise<Reading | undefined> => {
  const known = position?.day === day ? position.ends[name] : undefined
  // One that came since the search began has nothing but newer records.
  if (position?.day === day && known === undefined) return undefined
  const back = await open(known?.[1]).catch(() => undefined)
  if (back === undefined) {
    seen.unread.push(name)
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
  // What is not named is not read again.
  return { day, ends: Object.fromEntries(ends.filter(([, [, end]]) => end > 0)) }
}

/** Gives what is found already, newest first, until a source has to be read further: that one. */
const take = (readings: readonly Reading[], max: number, downTo: string) => {
  const records: AuditRecord[] = []
  for (;;) {
    const due = newestOf(readings)
    const isWanted = due !== undefined && records.length < max && timeOf(due) >= downTo
    const next = isWanted ? due.found.pop() : undefined
    if (next === undefined) return { records, due }
    records.push(next.record)
  }
}

export const createSearch = (options: SearchOptions): Search => {
  const { sources, filter, position, access } = options
  const until = filter.from && new Date(Date.parse(filter.from) - SET_BACK_MS).toISOString()
  const seen: Seen = { skipped: 0, bytes: 0, unread: [] }
  let days: SourcesOfDay[] | undefined
  let day: string | undefined
  let readings: Reading[] = []

  const close = async (): Promise<void> => {
    const former = readings
    readings = []
    for (const { back } of former) await back.close().catch(() => {})
  }

  /** False after the oldest. */
  const openNextDay = async (): Promise<boolean> => {
    days ??= [...(await sources())]
    const next = days.pop()
    await close()
    day = next?.day
    if (next === undefined) return false
    for (const source of next.sources) {
      const reading = await openSource(position, seen, next.day, source)
      if (reading !== undefined) readings.push(reading)
    }
    return true
  }

  return {
    step: async (max, downTo = '') => {
      const { records, due } = take(readings, max, downTo)
      if (records.length > 0) return records
      if (due === undefined) return (await access(openNextDay)) ? [] : undefined
      if (timeOf(due) >= downTo) await access(() => readOn(due, seen, until))
      return []
    },
    reaches: () => {
      const due = newestOf(readings)
      if (due !== undefined) return timeOf(due)
      // What is next is of an earlier day.
      return days === undefined ? NEWEST : (day ?? '')
    },
    position: () => {
      if (days === undefined) return position ?? { day: NEWEST, ends: {} }
      return day === undefined ? undefined : positionOf(day, readings)
    },
    seen: () => seen,
    close
  }
}

/** At the same time as the former what is of the latter comes behind it: nothing is before this and not before the time. */
const JUST_AFTER = '!'

/** Of two searches one, newest first; a record that both have comes once, if they have it at about the same place. */
export const createBoth = (
  first: Search,
  second: Search,
  isNew: (record: AuditRecord) => boolean
): Pick<Search, 'step'> => ({
  step: async (max) => {
    const [one, other] = [first.reaches(), second.reaches()]
    const isFirst = one >= other
    const found = isFirst
      ? await first.step(max, other)
      : await second.step(max, `${one}${JUST_AFTER}`)
    if (found !== undefined) return found.filter(isNew)
    return first.reaches() === '' && second.reaches() === '' ? undefined : []
  }
})
