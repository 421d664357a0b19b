/**
 * Under which names replicas share what is cached. Rule: no name tells a secret's, a store's or a version's name; and
 * what belongs to one secret has the same part in braces, by which it stays together on one node of a cluster.
 */
import type { Locator } from '../core/secret.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { EncryptionKey, Keyring } from '../crypto/keyring.ts'
import { SHARED_KEYS } from '../state/namespaces.ts'
import { familyOf, type Origin } from './origin.ts'

/** What is kept of a secret: its value or its tags. */
export type CacheName = 'secret' | 'tags'

/** The secret with all its versions and spellings, by one word. */
export const familyName = (key: EncryptionKey, store: string, path: string): string =>
  fingerprint(key, ['family', store, familyOf(path)])

/** Its names under every key of the ring: replicas in the middle of a rotation name it by different ones. */
export const familyNames = ({ all }: Keyring, store: string, path: string): string[] =>
  all.map((key) => familyName(key, store, path))

/** The spellings under which a change is told to watchers, under every key of the ring. */
export const spelledNames = (
  { all }: Keyring,
  store: string,
  spellings: readonly string[]
): string[] =>
  all.flatMap((key) => spellings.map((one) => fingerprint(key, ['spelling', store, one])))

/** Changes whenever the secret is invalidated. */
export const markKey = (family: string): string => `${SHARED_KEYS.mark.prefix}{${family}}`

/** There are few stores, and their names are compared with those in each message of another replica. */
const storeNames = new WeakMap<EncryptionKey, Map<string, string>>()

const storeName = (key: EncryptionKey, what: 'epoch' | 'generation', store: string): string => {
  const names = storeNames.get(key) ?? new Map<string, string>()
  storeNames.set(key, names)
  const word = `${what} ${store}`
  const name = names.get(word) ?? SHARED_KEYS[what].prefix + fingerprint(key, [what, store])
  names.set(word, name)
  return name
}

/** Changes whenever the store is invalidated as a whole. */
export const epochKey = (key: EncryptionKey, store: string): string =>
  storeName(key, 'epoch', store)

/** Counts all invalidations in the store, so that a replica finds out that it missed one. */
export const generationKey = (key: EncryptionKey, store: string): string =>
  storeName(key, 'generation', store)

export interface SharedNames {
  readonly family: string
  readonly envelope: string
  readonly lease: string
  readonly mark: string
  readonly epoch: string
  /** Where the envelope stands; sealed into it, so that moved elsewhere it does not open. */
  readonly context: readonly string[]
}

const sharedNames = (
  key: EncryptionKey,
  cacheName: CacheName,
  environment: string,
  { store, place }: Origin,
  { path, version = '', nativeId = '' }: Locator
): SharedNames => {
  const context = [cacheName, environment, store, place, path, version, nativeId]
  const family = familyName(key, store, path)
  const slot = `{${family}}:${fingerprint(key, context)}`
  return {
    family,
    envelope: SHARED_KEYS.envelope.prefix + slot,
    lease: SHARED_KEYS.lease.prefix + slot,
    mark: markKey(family),
    epoch: epochKey(key, store),
    context
  }
}

type NamesOf = (key: EncryptionKey, origin: Origin, locator: Locator) => SharedNames

/** A decision that is remembered has its locator for as long: then its names are made once. */
export const createNamesOf = (cacheName: CacheName, environment: string): NamesOf => {
  interface Known {
    readonly kid: string
    readonly origin: Origin
    readonly names: SharedNames
  }
  const named = new WeakMap<Locator, Known>()
  return (key, origin, locator) => {
    const known = named.get(locator)
    if (known?.kid === key.kid && known.origin === origin) return known.names
    const names = sharedNames(key, cacheName, environment, origin, locator)
    named.set(locator, { kid: key.kid, origin, names })
    return names
  }
}
