/**
 * What of the trail stands in Redis: a written group as one sealed entry of its process's stream, and a note of that
 * stream in the state. Rule: nothing of a record is readable there, and an entry opens only under the number and in the
 * stream that it was sealed for; each says which one was surely there before it.
 */
import { type Static, Type } from 'typebox'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import type { Sealer } from '../crypto/sealer.ts'

/** Where entries stand. */
export interface EntryPlace {
  readonly environment: string
  readonly stream: string
  readonly number: number
}

export interface Entry {
  /** Of the last entry before it that is known to have been taken; 0: none was. */
  readonly former: number
  /** Lines of the trail, as they stand in a file. */
  readonly lines: Buffer
}

const contextOf = ({ environment, stream, number }: EntryPlace): string[] => [
  'audit',
  environment,
  stream,
  String(number)
]

const LINE_FEED = 0x0a

export const sealEntry = (
  sealer: Sealer,
  place: EntryPlace,
  former: number,
  text: string
): Buffer => sealer.seal('cache', Buffer.from(`${former}\n${text}`), contextOf(place))

/** Undefined for what was altered, moved, or sealed under an encryption key that is not here. */
export const openEntry = (sealer: Sealer, place: EntryPlace, value: Buffer): Entry | undefined => {
  const opened = sealer.open('cache', value, contextOf(place))
  const end = opened?.indexOf(LINE_FEED) ?? -1
  if (opened === undefined || end < 0) return undefined
  return { former: Number(opened.toString('latin1', 0, end)), lines: opened.subarray(end + 1) }
}

/** What is known of a stream without looking at it. */
const Note = Type.Object({
  /** When that was, in milliseconds since the epoch. */
  at: Type.Integer(),
  /** The last entry that was taken; 0: none yet. */
  last: Type.Integer(),
  /** When it was, and until when Redis is to keep it. */
  taken: Type.Optional(Type.Object({ at: Type.Integer(), until: Type.Integer() })),
  /** Of the last line taken. */
  instance: Type.Optional(Type.String()),
  /** Where that line also stands, if it has to: a file of the process's own folder, and about how far from its beginning. */
  file: Type.Optional(
    Type.Object({ name: Type.String(), end: Type.Integer(), seq: Type.Integer() })
  )
})
export type Note = Static<typeof Note>
const note = fitting(Note)

const noteContext = (environment: string, stream: string): string[] => [
  'audit-stream',
  environment,
  stream
]

export const sealNote = (
  sealer: Sealer,
  { environment, stream }: Omit<EntryPlace, 'number'>,
  written: Note
): Buffer =>
  sealer.seal('cache', Buffer.from(JSON.stringify(written)), noteContext(environment, stream))

export const openNote = (
  sealer: Sealer,
  { environment, stream }: Omit<EntryPlace, 'number'>,
  value: Buffer
): Note | undefined => {
  const opened = sealer.open('cache', value, noteContext(environment, stream))
  const read = opened && asJson(opened.toString())
  return note(read) ? read : undefined
}
