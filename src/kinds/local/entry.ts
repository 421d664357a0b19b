/**
 * An entry of the embedded store, as bytes and back. Rule: it tells in the clear only which versions it holds; texts
 * and times are sealed, bound to the store, the path and those versions.
 *
 * Under the name of its store and its path stand: newest version (4 bytes, big-endian) | oldest version kept (4) |
 * envelope. Versions have no gaps; an entry whose oldest is above its newest holds none and has no envelope.
 */
import type { Sealer } from '../../crypto/sealer.ts'
import { STATE_SPACES } from '../../state/namespaces.ts'
import type { State } from '../../state/state.ts'

export interface LocalStore {
  /** The store's configured name. */
  readonly name: string
  readonly state: State
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly sealer: () => Sealer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface StoredVersion {
  readonly version: string
  readonly text: string
  readonly createdAt: string
}

export interface Span {
  readonly newest: number
  readonly oldest: number
}

const SPAN_BYTES = 8

export const storePrefix = (name: string): string => `${STATE_SPACES.store.prefix}${name}/`

export const entryKey = ({ name }: LocalStore, path: string): string => storePrefix(name) + path

/** A damaged one says that it holds versions, so that it is shown and cannot be opened. */
export const spanOf = (entry: Buffer): Span =>
  entry.length < SPAN_BYTES
    ? { newest: 0, oldest: 0 }
    : { newest: entry.readUInt32BE(0), oldest: entry.readUInt32BE(4) }

export const isEmpty = ({ newest, oldest }: Span): boolean => oldest > newest

export const headerOf = ({ newest, oldest }: Span): Buffer => {
  const header = Buffer.alloc(SPAN_BYTES)
  header.writeUInt32BE(newest, 0)
  header.writeUInt32BE(oldest, 4)
  return header
}

/** The envelope of an entry that holds versions. */
export const envelopeOf = (entry: Buffer): Buffer => entry.subarray(SPAN_BYTES)

const contextOf = ({ name }: LocalStore, path: string, { newest, oldest }: Span): string[] => [
  name,
  path,
  String(newest),
  String(oldest)
]

/** Newest first; undefined if the envelope cannot be opened. */
export const openEntry = (
  store: LocalStore,
  path: string,
  entry: Buffer
): StoredVersion[] | undefined => {
  const span = spanOf(entry)
  if (isEmpty(span)) return []
  const context = contextOf(store, path, span)
  const opened = store.sealer().open('store', envelopeOf(entry), context)
  return opened && JSON.parse(opened.toString()).versions
}

export const sealEntry = (
  store: LocalStore,
  path: string,
  span: Span,
  versions: StoredVersion[]
): Buffer => {
  const plaintext = Buffer.from(JSON.stringify({ versions }))
  const envelope = store.sealer().seal('store', plaintext, contextOf(store, path, span))
  return Buffer.concat([headerOf(span), envelope])
}
