/**
 * What the streams in Redis have of the trail of all processes, for questions. Rule: an entry counts only if it opens in
 * its place and its lines are those of a chain; what was there and is not is said, by the instance that wrote it.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sealer } from '../crypto/sealer.ts'
import { STATE_REST } from '../state/namespaces.ts'
import type { StreamEnds, StreamEntry, Streams } from '../state/redis-streams.ts'
import type { State } from '../state/state.ts'
import type { Holding } from './complete-from.ts'
import type { RecordFilter } from './record-filter.ts'
import { type Note, openEntry, openNote } from './redis-entry.ts'
import { checkLines, ENTRY_MAX, formerOf, openStream } from './redis-read.ts'
import { NOTE_EVERY_MS, streamOfKey } from './redis-sink.ts'
import type { Source, SourcesOfDay } from './search.ts'

export interface RedisTrailOptions {
  readonly streams: Pick<Streams, 'ends' | 'before'>
  readonly state: Pick<State, 'list'>
  readonly sealer: () => Sealer
  readonly environment: string
  /** `audit/` below DATA_DIR. */
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** One question's view of all streams. */
export interface RedisLookAt {
  readonly sources: (filter: RecordFilter) => readonly SourcesOfDay[]
  readonly holding: Holding
  /** Instances of which something is missing, known at once or found while reading. */
  readonly missing: ReadonlySet<string>
  /** Adds the instance of a stream that could not be read. */
  readonly miss: (stream: string) => void
  /** Processes that are there and have streams. */
  readonly alive: number
}

export interface RedisTrail {
  /** Rejects with `Error` where Redis does not answer. */
  readonly look: () => Promise<RedisLookAt>
}

/** Who has not said for so long that it is there is gone. */
const KNOWN_AS_ALIVE_MS = 2.5 * NOTE_EVERY_MS
const NO_LINES = Buffer.alloc(0)

/** Around where a line was said to end: more than is written at once. */
const AROUND = 2 * 1024 * 1024

/** Whether a file of this folder has that line. */
const isHere = async (folder: string, { instance, file }: Note): Promise<boolean> => {
  if (instance === undefined || file === undefined || !/^[\w.-]+$/.test(file.name)) return false
  const handle = await open(join(folder, file.name), 'r').catch(() => undefined)
  if (handle === undefined) return false
  try {
    const start = Math.max(0, file.end - AROUND)
    const block = Buffer.alloc(2 * AROUND)
    const { bytesRead } = await handle.read(block, 0, block.length, start)
    const line = `,"instance":"${instance}","seq":${file.seq},`
    return block.subarray(0, bytesRead).includes(line)
  } finally {
    await handle.close()
  }
}

interface Seen {
  readonly stream: string
  /** Undefined: it does not open. */
  readonly note: Note | undefined
  /** Undefined: there is nothing, or it cannot be read. */
  readonly ends: StreamEnds | undefined
  readonly isRead: boolean
}

const timeOfFirst = (lines: Buffer): string | undefined =>
  /^\n*\{"time":"([^"]{24})"/.exec(lines.toString('latin1', 0, 200))?.[1]

/** So many streams are asked for at a time. */
const TOGETHER = 16

type Opening = Pick<RedisTrailOptions, 'sealer' | 'environment'>

const linesOf = (
  { sealer, environment }: Opening,
  stream: string,
  entry: StreamEntry | undefined
): Buffer => {
  if (entry === undefined) return NO_LINES
  const { number, value } = entry
  return openEntry(sealer(), { environment, stream, number }, value)?.lines ?? NO_LINES
}

/** What the oldest entry of each stream says of what was before it. */
const holdingOf = (opening: Opening, seen: readonly Seen[]): Holding => {
  const lasts = new Map<string, number>()
  for (const { stream, ends } of seen) {
    const last = checkLines(linesOf(opening, stream, ends?.newest))?.last
    if (last !== undefined) lasts.set(last.instance, last.seq)
  }
  const begun: string[] = []
  const gaps: string[] = []
  for (const { stream, note, ends } of seen) {
    const lines = linesOf(opening, stream, ends?.oldest)
    const [time, first] = [timeOfFirst(lines), checkLines(lines)?.first]
    if (time === undefined || first === undefined) {
      if (note?.taken !== undefined) gaps.push(new Date(note.taken.at).toISOString())
      continue
    }
    begun.push(time)
    const former = formerOf(first.line)
    const isFormerThere = former === undefined || (lasts.get(former.instance) ?? 0) >= former.seq
    if (first.place.seq !== 1 || !isFormerThere) gaps.push(time)
  }
  return { begun: begun.sort()[0], gap: gaps.sort().at(-1) }
}

const lookAtOne = async (
  { streams, sealer, environment }: RedisTrailOptions,
  stream: string,
  value: Buffer
): Promise<Seen> => {
  const note = openNote(sealer(), { environment, stream }, value)
  try {
    return { stream, note, ends: await streams.ends(stream), isRead: true }
  } catch {
    return { stream, note, ends: undefined, isRead: false }
  }
}

const lookAtAll = async (options: RedisTrailOptions): Promise<Seen[]> => {
  const noted: (readonly [stream: string, note: Buffer])[] = []
  for await (const { key, value } of options.state.list(STATE_REST.trails.prefix)) {
    noted.push([streamOfKey(key), value])
  }
  const seen: Seen[] = []
  for (let i = 0; i < noted.length; i += TOGETHER) {
    const some = noted.slice(i, i + TOGETHER)
    seen.push(...(await Promise.all(some.map(([name, note]) => lookAtOne(options, name, note)))))
  }
  if (seen.length > 0 && seen.every(({ isRead }) => !isRead)) throw new Error('no stream is told')
  return seen
}

/** Whether something of it is not there that should be. */
const isCut = ({ note, ends, isRead }: Seen, now: number): boolean => {
  if (note === undefined || !isRead) return true
  const isOver = note.taken === undefined || note.taken.until < now
  return ends === undefined ? !isOver : ends.newest.number < note.last
}

const isAlive = ({ note }: Seen, now: number): boolean =>
  note !== undefined && Math.abs(now - note.at) < KNOWN_AS_ALIVE_MS

/** Which streams are of processes whose files are here, so that nothing of them has to be asked for. */
const createHere = (folder: string) => {
  /** By the note that said where to look. */
  const known = new Map<string, { readonly at: number; readonly isHere: boolean }>()
  const look = async (stream: string, note: Note): Promise<boolean> => {
    const before = known.get(stream)
    if (before?.at === note.at) return before.isHere
    const found = await isHere(folder, note).catch(() => false)
    known.set(stream, { at: note.at, isHere: found })
    return found
  }
  return async (all: readonly Seen[]): Promise<Seen[]> => {
    const others: Seen[] = []
    for (const one of all) {
      const { stream, note } = one
      if (note === undefined || !(await look(stream, note))) others.push(one)
    }
    for (const name of known.keys()) {
      if (!all.some(({ stream }) => stream === name)) known.delete(name)
    }
    return others
  }
}

export const createRedisTrail = (options: RedisTrailOptions): RedisTrail => {
  const { folder, now } = options
  const othersOf = createHere(folder)
  return {
    look: async () => {
      const all = await lookAtAll(options)
      const others = await othersOf(all)
      const names = new Map(others.map(({ stream, note }) => [stream, note?.instance ?? stream]))
      const missing = new Set<string>()
      const miss = (stream: string): void => void missing.add(names.get(stream) ?? stream)
      for (const one of others) if (isCut(one, now())) miss(one.stream)
      const sourceOf = (filter: RecordFilter, { stream, ends }: Seen): Source[] => {
        if (ends === undefined) return []
        const newest = (ends.newest.number + 1) * ENTRY_MAX
        const onMissing = (): void => miss(stream)
        const open: Source['open'] = async (from = newest) =>
          openStream({ ...options, stream, filter, from, onMissing })
        return [{ name: stream, open }]
      }
      return {
        missing,
        miss,
        alive: all.filter((one) => isAlive(one, now())).length,
        holding: holdingOf(options, others),
        sources: (filter) => [{ day: '', sources: others.flatMap((one) => sourceOf(filter, one)) }]
      }
    }
  }
}
