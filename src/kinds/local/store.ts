/**
 * The embedded store: what `kind: local` reads and what `purser store` works on, as functions over one state entry per
 * secret. Rule: a change is made to what stands there at that moment, or not at all; and a version number is given out
 * once: a deleted secret leaves its last number behind.
 */
import { ProviderFault } from '../../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../core/secret.ts'
import { keyBytes, type RewrapCounts, type State } from '../../state/state.ts'
import type { Listing, PageRequest, SecretProvider, WriteCondition } from '../provider.ts'
import {
  entryKey,
  envelopeOf,
  headerOf,
  isEmpty,
  type LocalStore,
  openEntry,
  sealEntry,
  spanOf,
  storePrefix
} from './entry.ts'

export type { LocalStore } from './entry.ts'

export interface ListedSecret {
  readonly path: string
  /** The newest version. */
  readonly version: string
  /** How many versions are kept. */
  readonly versions: number
  /** ISO 8601, of the newest version; undefined if the envelope cannot be opened. */
  readonly createdAt: string | undefined
}

const VERSIONS_KEPT = 10
/** As large as the clouds' stores hold; ten of them are sealed and opened together. */
const LARGEST_TEXT_BYTES = 65_536
/** Losing a race needs another writer to win it: so many losses in a row are not a race. */
const MAX_ATTEMPTS = 100

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
  const key = entryKey(store, path)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await store.state.get(key)
    const changed = next(entry)
    if (changed === undefined) return undefined
    if (await store.state.compareAndSet(key, entry, changed)) return changed
  }
  throw new ProviderFault('unavailable', { code: 'contended' })
}

/** The newest version; undefined for a secret that was never stored or is deleted. */
const newestOf = (entry: Buffer | undefined): string | undefined => {
  if (entry === undefined || isEmpty(spanOf(entry))) return undefined
  return String(spanOf(entry).newest)
}

/**
 * Stores the text as a new version and keeps the nine before it. Throws ProviderFault: `invalid_request` for one above
 * 64 KiB; `conflict` if `ifVersion` is given and is not the newest, or `ifAbsent` and there is one; `misconfigured` where older versions cannot be
 * opened, since they would be lost (`deleteSecret` gives them up).
 */
export const putSecret = async (
  store: LocalStore,
  path: string,
  text: Sensitive<string>,
  { ifVersion, ifAbsent = false }: WriteCondition = {}
): Promise<{ readonly version: string }> => {
  if (Buffer.byteLength(text.reveal()) > LARGEST_TEXT_BYTES) {
    throw new ProviderFault('invalid_request', { code: 'too_large' })
  }
  const entry = await change(store, path, (before) => {
    const newestBefore = newestOf(before)
    const isOther = ifVersion !== undefined && ifVersion !== newestBefore
    if (isOther || (ifAbsent && newestBefore !== undefined)) throw new ProviderFault('conflict')
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
  const entry = await store.state.get(entryKey(store, path))
  if (entry === undefined) throw new ProviderFault('not_found')
  const versions = openEntry(store, path, entry)
  if (versions === undefined) throw unreadable()
  const found =
    version === undefined ? versions[0] : versions.find((kept) => kept.version === version)
  if (found === undefined) throw new ProviderFault('not_found')
  return { text: new Sensitive(found.text), version: found.version }
}

/**
 * Whether a read would give this version now, from the clear part of the entry alone. A version that was asked for by
 * its number never changes: it is current for as long as it is kept.
 */
export const createIsCurrent = (
  store: LocalStore,
  peekSync: NonNullable<State['peekSync']>
): NonNullable<SecretProvider['isCurrent']> => {
  // A decision that is remembered has its locator for as long: then the key of its looks is made once.
  const keys = new WeakMap<Locator, Buffer>()
  const keyFor = (locator: Locator): Buffer => {
    let key = keys.get(locator)
    if (key === undefined) {
      key = keyBytes(entryKey(store, locator.path))
      keys.set(locator, key)
    }
    return key
  }
  return (locator, version) => {
    const span = peekSync(keyFor(locator), spanOf)
    if (span === undefined) return false
    const { newest, oldest } = span
    const number = Number(version)
    const isKept = number >= oldest && number <= newest
    return isKept && (locator.version !== undefined || number === newest)
  }
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

/** The entries that hold versions, in the order of their paths. */
async function* entriesBelow(
  store: LocalStore,
  prefix: string,
  after?: string
): AsyncGenerator<{ readonly path: string; readonly value: Buffer }> {
  const start = storePrefix(store.name)
  const last = after === undefined ? undefined : start + after
  for await (const { key, value } of store.state.list(start + prefix, last)) {
    if (!isEmpty(spanOf(value))) yield { path: key.slice(start.length), value }
  }
}

/** A page of the wanted paths that start with the prefix, in the order of their bytes; opens no envelope. */
export const listPaths = async (
  store: LocalStore,
  prefix: string,
  { limit, cursor, isWanted = () => true }: PageRequest
): Promise<Listing> => {
  const paths: string[] = []
  for await (const { path } of entriesBelow(store, prefix, cursor)) {
    if (!isWanted(path)) continue
    // One path more than wanted proves that there is another page.
    if (paths.length === limit) return { paths, cursor: paths.at(-1) ?? '', isMoreWanted: true }
    paths.push(path)
  }
  return { paths }
}

/** In the order of their paths, those that start with the prefix. */
export const listSecrets = async (store: LocalStore, prefix = ''): Promise<ListedSecret[]> => {
  const listed: ListedSecret[] = []
  for await (const { path, value } of entriesBelow(store, prefix)) {
    const span = spanOf(value)
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
  for await (const { path } of entriesBelow(store, '')) {
    counts.total++
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
    if (store.sealer().isUnderActiveKey(envelopeOf(entry))) return undefined
    const versions = openEntry(store, path, entry)
    isUnreadable = versions === undefined
    return versions && sealEntry(store, path, spanOf(entry), versions)
  })
  if (isUnreadable) return 'unreadable'
  return rewrapped === undefined ? 'done before' : 'rewrapped'
}
