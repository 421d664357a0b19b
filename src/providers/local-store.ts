/**
 * The embedded store: what `kind: local` reads and what `purser store` works on, as functions over one state entry per
 * secret. Rule: an entry tells in the clear only which versions it holds; texts and times are sealed, bound to the store,
 * the path and those versions. A version number is given out once: a deleted secret leaves its last number behind.
 *
 * Entry `store/<store>/<path>`: newest version (4 bytes, big-endian) | oldest version kept (4) | envelope. Versions have
 * no gaps; an entry whose oldest is above its newest holds none and has no envelope.
 */
import { ProviderFault } from '../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../core/secret.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { State } from '../state/state.ts'

export interface LocalStore {
  /** The store's configured name. */
  readonly name: string
  readonly state: State
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly sealer: () => Sealer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface ListedSecret {
  readonly path: string
  /** The newest version. */
  readonly version: string
  /** How many versions are kept. */
  readonly versions: number
  /** ISO 8601, of the newest version; undefined if the envelope cannot be opened. */
  readonly createdAt: string | undefined
}

export interface RewrapCounts {
  readonly total: number
  readonly rewrapped: number
  /** Left as they are: damaged, or under an encryption key that is no longer in the key ring. */
  readonly unreadable: number
}

interface Kept {
  readonly version: string
  readonly text: string
  readonly createdAt: string
}

interface Span {
  readonly newest: number
  readonly oldest: number
}

const VERSIONS_KEPT = 10
const HEADER_BYTES = 8
/** Losing a race needs another writer to win it: so many losses in a row are not a race. */
const MAX_ATTEMPTS = 100

const prefixOf = (name: string): string => `store/${name}/`

const keyOf = ({ name }: LocalStore, path: string): string => prefixOf(name) + path

const spanOf = (entry: Buffer): Span => ({
  newest: entry.readUInt32BE(0),
  oldest: entry.readUInt32BE(4)
})

const isEmpty = ({ newest, oldest }: Span): boolean => oldest > newest

const headerOf = ({ newest, oldest }: Span): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(newest, 0)
  header.writeUInt32BE(oldest, 4)
  return header
}

const contextOf = ({ name }: LocalStore, path: string, { newest, oldest }: Span): string[] => [
  name,
  path,
  String(newest),
  String(oldest)
]

/** Newest first; undefined if the envelope cannot be opened. */
const openEntry = (store: LocalStore, path: string, entry: Buffer): Kept[] | undefined => {
  const span = spanOf(entry)
  if (isEmpty(span)) return []
  const context = contextOf(store, path, span)
  const opened = store.sealer().open('store', entry.subarray(HEADER_BYTES), context)
  return opened && JSON.parse(opened.toString()).versions
}

const sealEntry = (store: LocalStore, path: string, span: Span, versions: Kept[]): Buffer => {
  const plaintext = Buffer.from(JSON.stringify({ versions }))
  const envelope = store.sealer().seal('store', plaintext, contextOf(store, path, span))
  return Buffer.concat([headerOf(span), envelope])
}

const unreadable = (): ProviderFault =>
  new ProviderFault('misconfigured', { code: 'envelope_not_opened' })

/**
 * Changes an entry from what it is to what `next` makes of it, however often another writer comes in between; `next`
 * gives undefined where there is nothing to change. Resolves with the new entry, if there is one.
 */
const change = async (
  store: LocalStore,
  path: string,
  next: (entry: Buffer | undefined) => Buffer | undefined
): Promise<Buffer | undefined> => {
  const key = keyOf(store, path)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await store.state.get(key)
    const changed = next(entry)
    if (changed === undefined) return undefined
    if (await store.state.compareAndSet(key, entry, changed)) return changed
  }
  throw new ProviderFault('unavailable', { code: 'contended' })
}

/**
 * Stores the text as a new version and keeps the nine before it. Throws ProviderFault `misconfigured` where older versions
 * cannot be opened, since they would be lost; `deleteSecret` gives them up.
 */
export const putSecret = async (
  store: LocalStore,
  path: string,
  text: Sensitive<string>
): Promise<{ readonly version: string }> => {
  const entry = await change(store, path, (before) => {
    const kept = before === undefined ? [] : openEntry(store, path, before)
    if (kept === undefined) throw unreadable()
    const newest = (before === undefined ? 0 : spanOf(before).newest) + 1
    const createdAt = new Date(store.now()).toISOString()
    const added = { version: String(newest), text: text.reveal(), createdAt }
    const versions = [added, ...kept].slice(0, VERSIONS_KEPT)
    return sealEntry(store, path, { newest, oldest: newest - versions.length + 1 }, versions)
  })
  if (entry === undefined) throw new Error('a put always changes its entry')
  return { version: String(spanOf(entry).newest) }
}

/** The newest version, or the one asked for. Throws ProviderFault `not_found` or `misconfigured` (cannot be opened). */
export const readSecret = async (
  store: LocalStore,
  path: string,
  version?: string
): Promise<SecretRecord> => {
  const entry = await store.state.get(keyOf(store, path))
  if (entry === undefined) throw new ProviderFault('not_found')
  const versions = openEntry(store, path, entry)
  if (versions === undefined) throw unreadable()
  const found =
    version === undefined ? versions[0] : versions.find((kept) => kept.version === version)
  if (found === undefined) throw new ProviderFault('not_found')
  return { text: new Sensitive(found.text), version: found.version }
}

/**
 * Whether a read would give this version now, from the clear part of the entry alone. A version that was asked for by its
 * number never changes: it is current for as long as it is kept.
 */
export const isCurrentSecret = (
  store: LocalStore,
  getSync: NonNullable<State['getSync']>,
  locator: Locator,
  version: string
): boolean => {
  const header = getSync(keyOf(store, locator.path), HEADER_BYTES)
  if (header === undefined) return false
  const { newest, oldest } = spanOf(header)
  const number = Number(version)
  const isKept = number >= oldest && number <= newest
  return isKept && (locator.version !== undefined || number === newest)
}

/** Resolves with whether there was a secret. Its versions are gone, also those that could not be opened. */
export const deleteSecret = async (store: LocalStore, path: string): Promise<boolean> => {
  const emptied = await change(store, path, (before) => {
    if (before === undefined || isEmpty(spanOf(before))) return undefined
    const { newest } = spanOf(before)
    return headerOf({ newest, oldest: newest + 1 })
  })
  return emptied !== undefined
}

/** In the order of their paths, those that start with the prefix. */
export const listSecrets = async (store: LocalStore, prefix = ''): Promise<ListedSecret[]> => {
  const listed: ListedSecret[] = []
  const start = prefixOf(store.name)
  for await (const { key, value } of store.state.list(start + prefix)) {
    const span = spanOf(value)
    if (isEmpty(span)) continue
    const path = key.slice(start.length)
    listed.push({
      path,
      version: String(span.newest),
      versions: span.newest - span.oldest + 1,
      createdAt: openEntry(store, path, value)?.[0]?.createdAt
    })
  }
  return listed
}

/**
 * Seals everything under the active encryption key. What stands under it already is left alone, so a rewrap that was
 * interrupted is simply run again; what another writer changes meanwhile is looked at anew.
 */
export const rewrapSecrets = async (store: LocalStore): Promise<RewrapCounts> => {
  const counts = { total: 0, rewrapped: 0, unreadable: 0 }
  const start = prefixOf(store.name)
  for await (const { key, value } of store.state.list(start)) {
    if (isEmpty(spanOf(value))) continue
    counts.total++
    const path = key.slice(start.length)
    const outcome = await rewrapSecret(store, path)
    if (outcome !== 'done before') counts[outcome]++
  }
  return counts
}

const rewrapSecret = async (
  store: LocalStore,
  path: string
): Promise<'rewrapped' | 'unreadable' | 'done before'> => {
  let isUnreadable = false
  const rewrapped = await change(store, path, (entry) => {
    isUnreadable = false
    if (entry === undefined || isEmpty(spanOf(entry))) return undefined
    if (store.sealer().isUnderActiveKey(entry.subarray(HEADER_BYTES))) return undefined
    const versions = openEntry(store, path, entry)
    isUnreadable = versions === undefined
    return versions && sealEntry(store, path, spanOf(entry), versions)
  })
  if (isUnreadable) return 'unreadable'
  return rewrapped === undefined ? 'done before' : 'rewrapped'
}
