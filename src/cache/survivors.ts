/**
 * What is cached and survives a restart, sealed on this machine's disk (CACHE_PERSISTENT). Rule: it is asked only once a
 * store has failed, and what it gives is never fresh, since invalidations may have been missed; what this process drops or
 * hears to be refused goes from the disk too; and no read waits for the disk.
 */
import { isTransient } from '../core/fault.ts'
import type { Locator } from '../core/secret.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { EncryptionKey, Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { EmbeddedCache } from '../state/embedded-cache.ts'
import { type Codec, openSlot, sealSlot } from './envelope.ts'
import { familyName } from './names.ts'
import type { InvalidationNotice, InvalidationTarget, Origin } from './origin.ts'
import { type CacheEntry, isOfOneClient, type Slot, withNewest } from './slot.ts'
import { createSurvivorQueue, type Put } from './survivor-queue.ts'

export interface SurvivorsOptions<T> {
  readonly disk: EmbeddedCache
  readonly codec: Codec<T>
  readonly environment: string
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  /** How long past its time a value may be given out while its store fails, in milliseconds. */
  readonly staleMs: number
  readonly maxEntries: number
  /** Told of the first of writes that fail in a row. */
  readonly onFailure: (error: unknown) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Survivors<T> {
  /** Off the way of a request: written in a while. */
  readonly keep: (origin: Origin, locator: Locator, entry: CacheEntry<T>) => void
  /** The slot of a store that fails, with what was kept before, if that may still be given out. */
  readonly restore: (origin: Origin, locator: Locator, slot: Slot<T>) => Slot<T>
  /** From now on it is not found, and soon it is not on the disk. */
  readonly forget: (origin: Origin, locator: Locator) => void
  readonly drop: (what: InvalidationTarget | InvalidationNotice) => void
  /** Resolves once all that was kept and dropped before is on the disk, or cannot be put there, which is logged. */
  readonly settled: () => Promise<void>
  /** Lets go of what has ended, and of what stands under keys that have left the key ring. */
  readonly sweep: () => void
  readonly size: () => number
  readonly close: () => Promise<void>
}

/** What a cache asks of them. */
export type Survival<T> = Pick<Survivors<T>, 'keep' | 'restore' | 'forget' | 'drop'>

interface Asked {
  readonly origin: Origin
  readonly locator: Locator
  readonly survives: boolean
}

interface WithSurvival<T> {
  readonly survivors?: Survival<T> | undefined
}

/** The slot of a fetch that failed, with what survived; one client's want of quota is no failure of the store. */
export const withSurvivor = <T>(
  { survivors }: WithSurvival<T>,
  { origin, locator, survives }: Asked,
  slot: Slot<T>
): Slot<T> => {
  const { failure } = slot
  if (survivors === undefined || !survives || failure === undefined) return slot
  return isOfOneClient(failure.fault) ? slot : survivors.restore(origin, locator, slot)
}

/** What was fetched is to survive, and what its store refused is not. */
export const noteForRestart = <T>(
  { survivors }: WithSurvival<T>,
  { origin, locator, survives }: Asked,
  { entry, failure }: Slot<T>
): void => {
  if (survivors === undefined || !survives) return
  if (failure === undefined && entry !== undefined) survivors.keep(origin, locator, entry)
  else if (failure !== undefined && !isTransient(failure.fault)) survivors.forget(origin, locator)
}

/** It is never shared, so nothing is invalidated elsewhere. */
const NO_MARKS = { mark: '', epoch: '' }

const storePrefix = (key: EncryptionKey, store: string): string =>
  `${fingerprint(key, ['surviving store', store])}.`

/** No part of it tells a name; a dot stands in none of them. */
const prefixOf = (key: EncryptionKey, store: string, path: string): string =>
  `${storePrefix(key, store)}${familyName(key, store, path)}.`

const prefixIn = (
  key: EncryptionKey,
  what: Exclude<InvalidationTarget, 'all'> | InvalidationNotice
): string =>
  'path' in what && what.path !== undefined
    ? prefixOf(key, what.store, what.path)
    : storePrefix(key, what.store)

const contextOf = (
  environment: string,
  { store, place }: Origin,
  { path, version = '', nativeId = '' }: Locator
): readonly string[] => ['survivor', environment, store, place, path, version, nativeId]

export const createSurvivors = <T>(options: SurvivorsOptions<T>): Survivors<T> => {
  const { disk, codec, environment, keyring, sealer, staleMs, now } = options
  const queue = createSurvivorQueue({ ...options, isKnown: (it) => sealer().isUnderKnownKey(it) })

  queue.sweep()

  const nameOf = (key: EncryptionKey, origin: Origin, locator: Locator): string =>
    prefixOf(key, origin.store, locator.path) +
    fingerprint(key, contextOf(environment, origin, locator))

  /** Under every key of the ring: it may have been kept before a rotation. */
  const namesOf = (origin: Origin, locator: Locator): readonly string[] =>
    keyring().all.map((key) => nameOf(key, origin, locator))

  const open = (name: string, context: readonly string[]): CacheEntry<T> | undefined => {
    const envelope = queue.get(name)
    if (envelope === undefined) return undefined
    const opened = openSlot(sealer(), codec, context, envelope, NO_MARKS, now())
    const entry = typeof opened === 'string' ? undefined : opened.entry
    if (entry === undefined) return undefined
    const { record, fetchedAt, expiresAt } = entry
    // Fresh at no time, whatever the clock says.
    return { record, fetchedAt, expiresAt: fetchedAt, endsAt: expiresAt + staleMs }
  }

  const forget: Survivors<T>['forget'] = (origin, locator) => {
    queue.remove(namesOf(origin, locator).filter(queue.has))
    // At once: after a crash nobody is to be given what was refused before it.
    void queue.settled()
  }

  return {
    keep: (origin, locator, entry) => {
      const context = contextOf(environment, origin, locator)
      const endsAt = entry.expiresAt + staleMs
      const [name = '', ...former] = namesOf(origin, locator)
      const seal: Put['seal'] = () =>
        sealSlot(sealer(), codec, context, { entry }, NO_MARKS, endsAt)
      queue.remove(former.filter(queue.has))
      queue.put(name, { endsAt, seal })
    },

    restore: (origin, locator, slot) => {
      const { failure } = slot
      if (slot.entry !== undefined || failure === undefined || !isTransient(failure.fault)) {
        return slot
      }
      const context = contextOf(environment, origin, locator)
      const found = namesOf(origin, locator).find(queue.has)
      return found === undefined ? slot : withNewest(slot, open(found, context))
    },

    forget,

    drop: (what) => {
      if (what === 'all') return queue.remove(queue.names())
      const prefixes = keyring().all.map((key) => prefixIn(key, what))
      queue.remove(queue.names().filter((name) => prefixes.some((one) => name.startsWith(one))))
    },

    settled: queue.settled,
    sweep: queue.sweep,
    size: queue.size,

    close: async () => {
      await queue.close()
      await disk.close()
    }
  }
}
