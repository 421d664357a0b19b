/**
 * Redis as a place for the lines of the trail: a stream for each process, so that every replica can be asked for the
 * records of all, also of one that is gone. Rule: what stands there is sealed and has a bound in size and in time; what
 * is dropped for it a file still has.
 */
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sealer } from '../crypto/sealer.ts'
import { every, type Loop } from '../state/background.ts'
import { STATE_REST } from '../state/namespaces.ts'
import type { Streams } from '../state/redis-streams.ts'
import type { State } from '../state/state.ts'
import { INSTANCE_BYTES, placeOf } from './chain-line.ts'
import { fileNameOf } from './day-file.ts'
import { createBounds } from './redis-bounds.ts'
import { type Note, openNote, sealEntry, sealNote } from './redis-entry.ts'
import type { Target } from './writer.ts'

export interface RedisSink extends Target {
  /** Says in the state that it is there, at once and then at intervals. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

export interface RedisSinkOptions {
  readonly streams: Streams
  readonly state: State
  /** Asked for at each write: the key ring can be reloaded. */
  readonly sealer: () => Sealer
  readonly environment: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** `audit/` below DATA_DIR, and whose files there are this process's. */
  readonly folder: string
  readonly writer?: string | undefined
  /** Whether no record is acknowledged that is not in these files. */
  readonly isInFiles: boolean
  /** AUDIT_REDIS_MB. */
  readonly maxBytes: number
  /** AUDIT_RETENTION_DAYS. */
  readonly retentionDays: number
}

const { prefix: PREFIX } = STATE_REST.trails
export const noteKey = (stream: string): string => PREFIX + stream
export const streamOfKey = (key: string): string => key.slice(PREFIX.length)

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** How long Redis keeps a record, at most. */
export const KEPT_DAYS = 7
/** A process that is there has said so within this time. */
export const NOTE_EVERY_MS = 60_000
/** A longer stream is not continued: readers count the bytes of its entries. */
const ENTRIES_MAX = 2 ** 28

interface Stream {
  readonly name: string
  readonly bounds: ReturnType<typeof createBounds>
  next: number
  /** The last entry that was taken. */
  taken: number
  /** The last entry that its note tells of. */
  noted: number | undefined
  /** What is before it is to be dropped. */
  keepFrom: number | undefined
  lastLine: { readonly at: number; readonly day: string; readonly line: string } | undefined
}

/** An entry of which it is not known whether it was taken: the same text goes there as the same entry. */
interface Pending {
  readonly text: string
  readonly number: number
  readonly value: Buffer
}

const dropOldNotes = async (
  { state, sealer, environment, retentionDays }: RedisSinkOptions,
  now: number
): Promise<void> => {
  for await (const { key, value } of state.list(PREFIX)) {
    const stream = streamOfKey(key)
    const note = openNote(sealer(), { environment, stream }, value)
    if (note !== undefined && note.at < now - retentionDays * DAY_MS) {
      await state.compareAndSet(key, value, undefined)
    }
  }
}

/** What there is to say of a stream now. */
const noteOf = async (
  { now, folder, writer, isInFiles }: RedisSinkOptions,
  { taken, lastLine }: Stream,
  keptMs: number
): Promise<Note> => {
  const known = { at: now(), last: taken }
  const place = lastLine && placeOf(Buffer.from(lastLine.line))
  if (lastLine === undefined || place === undefined) return known
  const { at, day } = lastLine
  const { instance, seq } = place
  const name = fileNameOf(day, writer)
  const there = isInFiles ? await stat(join(folder, name)).catch(() => undefined) : undefined
  const file = there && { file: { name, end: there.size, seq } }
  return { ...known, taken: { at, until: at + keptMs }, instance, ...file }
}

/** Says in the state how a stream stands; one after the other. */
const createNoting = (options: RedisSinkOptions, keptMs: number) => {
  const { state, sealer, environment } = options
  let before: Promise<void> = Promise.resolve()
  const write = async (stream: Stream): Promise<void> => {
    const key = noteKey(stream.name)
    const note = await noteOf(options, stream, keptMs)
    const value = sealNote(sealer(), { environment, stream: stream.name }, note)
    if (await state.compareAndSet(key, await state.get(key), value)) stream.noted = note.last
  }
  return (stream: Stream): Promise<void> => {
    const written = before.then(() => write(stream))
    before = written.catch(() => {})
    return written
  }
}

const createAppending = (options: RedisSinkOptions, keptMs: number) => {
  const { streams, sealer, environment, now, maxBytes } = options
  const begin = (): Stream => ({
    name: randomBytes(INSTANCE_BYTES).toString('base64url'),
    bounds: createBounds(maxBytes, keptMs),
    next: 1,
    taken: 0,
    noted: undefined,
    keepFrom: undefined,
    lastLine: undefined
  })
  const note = createNoting(options, keptMs)
  let stream = begin()
  let pending: Pending | undefined

  /** Before the next entry, where it failed: what stands in Redis is never without a bound. */
  const bound = async (ours: Stream): Promise<void> => {
    if (ours.keepFrom === undefined) return
    await streams.keep(ours.name, ours.keepFrom, keptMs + HOUR_MS)
    ours.keepFrom = undefined
  }

  const sealed = (text: string): Pending => {
    const number = stream.next++
    const place = { environment, stream: stream.name, number }
    return { text, number, value: sealEntry(sealer(), place, stream.taken, text) }
  }

  const taken = (day: string, { text, number, value }: Pending): void => {
    stream.taken = number
    const line = text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1)
    if (line !== '') stream.lastLine = { at: now(), day, line }
    stream.keepFrom = stream.bounds(number, value.length, now()) ?? stream.keepFrom
  }

  return {
    note: () => note(stream),
    append: async (day: string, text: string): Promise<void> => {
      if (stream.next > ENTRIES_MAX && pending === undefined) {
        await note(stream)
        stream = begin()
      }
      if (stream.noted === undefined) await note(stream)
      await bound(stream)
      if (pending?.text !== text) pending = sealed(text)
      const ours = pending
      const { number, value } = ours
      const outcome = await streams.append(stream.name, { number, value })
      pending = undefined
      if (outcome === 'taken') {
        // Somebody else wrote there, and made the stream useless.
        stream = begin()
        throw Object.assign(new Error('the stream is not ours alone'), { code: 'TAKEN' })
      }
      taken(day, ours)
      await bound(stream).catch(() => {})
      // From the first entry on, an end of the whole stream is found out.
      if (stream.noted === 0) await note(stream).catch(() => {})
    }
  }
}

export const createRedisSink = (options: RedisSinkOptions): RedisSink => {
  const { streams, now, retentionDays } = options
  const keptMs = Math.min(retentionDays, KEPT_DAYS) * DAY_MS
  const { append, note } = createAppending(options, keptMs)
  const noteQuietly = (): Promise<void> => note().catch(() => {})
  let loop: Loop | undefined
  return {
    name: 'redis',
    mayRepeat: true,
    append,
    forget: async () => {},
    start: () => {
      void noteQuietly()
      void dropOldNotes(options, now()).catch(() => {})
      loop = every('note of the audit trail in Redis', NOTE_EVERY_MS, noteQuietly)
    },
    close: async () => {
      loop?.close()
      await noteQuietly()
      await streams.close()
    }
  }
}
