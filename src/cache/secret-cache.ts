/**
 * Whole secrets, kept for a while in two tiers (this process, and all replicas), so that all fields of a secret and all who
 * may read it cost one fetch. Rule: it knows nothing of callers: the decision comes before the cache. Nothing is given out
 * after its time but while its store fails, and then visibly and within a bound; and nothing after an invalidation that came
 * first.
 */
import { isTransient, ProviderFault } from '../core/fault.ts'
import type { Locator, SecretRecord } from '../core/secret.ts'
import { createFirstTier, type FirstTier, keyOf } from './first-tier.ts'
import {
  type InvalidationNotice,
  type InvalidationTarget,
  locationIn,
  type Origin,
  type SecretLocation
} from './origin.ts'
import type { SharedTier } from './shared-tier.ts'
import { createSingleFlight, type Flight } from './single-flight.ts'
import {
  type CacheEntry,
  endOf,
  faultAt,
  isFresh,
  isInForce,
  isOfOneClient,
  isWithinBound,
  type Lookup,
  type Retention,
  type Slot,
  slotAfter,
  withNewest
} from './slot.ts'
import { noteForRestart, type Survival, withSurvivor } from './survivors.ts'

export interface Loaded<T> {
  readonly entry: CacheEntry<T>
  /** MISS: its store was asked. HIT: another replica had it. STALE: its store fails. */
  readonly from: 'HIT' | 'MISS' | 'STALE'
}

export interface LoadOptions {
  /** What was fetched before will not do; milliseconds since the epoch. */
  readonly notBefore?: number
  /** False for a store that is asked in no time: what it lacks may be there a moment later. */
  readonly remembersFailures?: boolean
  /** Whether it may survive a restart; absent: it does not. */
  readonly survives?: boolean
}

/** `T` is what is kept of a secret: its record, or its tags. */
export interface SecretCache<T = SecretRecord> {
  /** At once, from this process. */
  readonly lookup: (store: string, locator: Locator) => Lookup<T>
  /** What `lookup` would say, to somebody who reads nothing. */
  readonly peek: (store: string, locator: Locator) => Lookup<T>
  /**
   * Brings what `lookup` lacks: from another replica, or by `fetch`. Concurrent loads of one secret share a fetch and its
   * failure. Rejects with what `fetch` rejected with, now or shortly before. `fetch` has to end by itself.
   */
  readonly load: (
    origin: Origin,
    locator: Locator,
    fetch: () => Promise<T>,
    options?: LoadOptions
  ) => Promise<Loaded<T>>
  /**
   * Drops here, and gives how many entries it dropped. Fetches under way go to those who asked already, are not kept, and
   * are not shared with anyone who asks afterwards. What replicas share is `createInvalidation`'s business.
   */
  readonly invalidate: (what: InvalidationTarget | InvalidationNotice) => number
  /** Lets go of what nobody may be given any more, so that no value outlives its use in memory. */
  readonly sweep: () => void
  /** How many entries there are, swept or not. */
  readonly size: () => number
}

export interface SecretCacheOptions<T> extends Retention {
  readonly maxEntries: number
  /** How long it is remembered that a store refused or had no such secret. */
  readonly negativeTtlMs: number
  readonly tier?: SharedTier<T> | undefined
  /** What survives a restart; undefined: nothing does. */
  readonly survivors?: Survival<T> | undefined
  /** Called when a fetch brought another value than was known, for whoever has the old one. */
  readonly onChanged?: (what: SecretLocation) => void
  readonly isSame?: (a: T, b: T) => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** One fetch, for all who wait for it. */
interface Fetching<T> {
  readonly flight: Flight
  readonly key: string
  readonly origin: Origin
  readonly locator: Locator
  readonly fetch: () => Promise<T>
  readonly notBefore: number
  readonly remembersFailures: boolean
  readonly survives: boolean
}

/** What all fetches work on. */
interface Shelf<T> {
  readonly options: SecretCacheOptions<T>
  readonly kept: FirstTier<T>
  /** Undefined: there are no replicas, or nothing is kept. */
  readonly tier: SharedTier<T> | undefined
}

const isKeeping = <T>({ ttlMs, maxEntries }: SecretCacheOptions<T>): boolean =>
  ttlMs > 0 && maxEntries > 0

/** What a slot that was not fetched just now gives. */
const outcomeOf = <T>(
  { now, staleMs }: SecretCacheOptions<T>,
  { entry, failure }: Slot<T>,
  notBefore: number
): Loaded<T> => {
  const time = now()
  if (entry !== undefined && isFresh(entry, time) && entry.fetchedAt >= notBefore) {
    return { entry, from: 'HIT' }
  }
  if (failure === undefined) throw new ProviderFault('unavailable')
  const canServe = isTransient(failure.fault) && isWithinBound(entry, time, staleMs)
  if (canServe && entry !== undefined) return { entry, from: 'STALE' }
  throw faultAt(failure, time)
}

/** Whether a slot spares the fetch. */
const isWanted = <T>({ entry, failure }: Slot<T>, notBefore: number, time: number): boolean => {
  if (entry !== undefined && isFresh(entry, time) && entry.fetchedAt >= notBefore) return true
  // Who demands a newer answer than the last refusal gets one; a store that asked for patience has it.
  if (failure === undefined || !isInForce(failure, time)) return false
  return notBefore === Number.NEGATIVE_INFINITY || isTransient(failure.fault)
}

/** Tells of a value that is another one than was known. */
const tellChange = <T>(
  { onChanged, isSame = () => true }: SecretCacheOptions<T>,
  { origin, locator }: Fetching<T>,
  former: CacheEntry<T> | undefined,
  entry: CacheEntry<T>
): void => {
  if (former === undefined || isSame(former.record, entry.record)) return
  onChanged?.(locationIn(origin.store, locator))
}

/** Asks the store. Rejects with its failure only where that is not remembered. */
const fetchSlot = async <T>(
  { options: { now, ttlMs, negativeTtlMs }, kept }: Shelf<T>,
  { key, fetch, remembersFailures }: Fetching<T>,
  before: Slot<T> | undefined
): Promise<Slot<T>> => {
  const fetchedAt = now()
  try {
    const record = await fetch()
    return { entry: { record, fetchedAt, expiresAt: fetchedAt + ttlMs } }
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error
    if (remembersFailures) return slotAfter(error, before, now(), negativeTtlMs)
    if (!isTransient(error)) kept.delete(key)
    throw error
  }
}

const run = async <T>(shelf: Shelf<T>, fetching: Fetching<T>): Promise<Loaded<T>> => {
  const { options, kept, tier } = shelf
  const { now } = options
  const { flight, key, origin, locator, notBefore } = fetching
  const isEnough = (slot: Slot<T>): boolean => isWanted(slot, notBefore, now())
  const known = kept.slotOf(key)
  if (known?.failure !== undefined && isEnough(known)) return outcomeOf(options, known, notBefore)

  const claim = tier === undefined ? undefined : await tier.claim(origin, locator, isEnough)
  const found = claim?.slot === undefined ? known : withNewest(claim.slot, known?.entry)
  if (claim !== undefined && !claim.mayFetch && found !== undefined) {
    if (flight.isAttached()) kept.keep(key, found, { family: claim.family })
    return outcomeOf(options, found, notBefore)
  }
  // Invalidated while others were asked: what was found is of before, and what is fetched from here on is not.
  const before = flight.isAttached() ? found : undefined
  flight.attach()
  // Another replica heard a refusal meanwhile: while the store is asked again, nothing of before it is given out.
  if (known?.entry !== undefined && found?.entry === undefined) kept.delete(key)

  const startedAt = now()
  const fetched = await fetchSlot(shelf, fetching, before).catch((error: unknown) => {
    claim?.settle()
    throw error
  })
  const slot = flight.isAttached() ? withSurvivor(options, fetching, fetched) : fetched
  const { entry, failure } = slot
  const isOurs = flight.isAttached()
  // One client's want of quota is no other's: the next is let ask, and the value stays what it was.
  if (isOurs && isKeeping(options) && !isOfOneClient(failure?.fault)) {
    kept.keep(key, slot, { tookMs: now() - startedAt, family: claim?.family })
  }
  if (isOurs && isKeeping(options)) noteForRestart(options, fetching, slot)
  // What our own guard refused another replica may be free to ask.
  const isForAll = isOurs && failure?.fault.isRefusal === undefined
  claim?.settle(isForAll ? { slot, endsAt: endOf(slot, options) } : undefined)
  // What was known before an invalidation does not stand in for what failed after it.
  if (failure !== undefined && !isOurs) throw failure.fault
  if (failure !== undefined || entry === undefined) return outcomeOf(options, slot, notBefore)
  // Last: whoever is told may ask at once, and is to find the new value with every replica.
  if (isOurs) tellChange(options, fetching, before?.entry, entry)
  return { entry, from: 'MISS' }
}

export const createSecretCache = <T = SecretRecord>(
  options: SecretCacheOptions<T>
): SecretCache<T> => {
  const tier = isKeeping(options) ? options.tier : undefined
  const kept = createFirstTier<T>({ ...options, familyOf: tier?.familyOf })
  const shelf = { options, kept, tier }
  const flights = createSingleFlight<Loaded<T>>({ isOfStarter: isOfOneClient })

  return {
    lookup: (store, locator) => kept.lookup(keyOf(store, locator)),

    peek: (store, locator) => kept.peek(keyOf(store, locator)),

    load: async (origin, locator, fetch, demand = {}) => {
      const { notBefore = Number.NEGATIVE_INFINITY, remembersFailures = true } = demand
      const { survives = false } = demand
      const key = keyOf(origin.store, locator)
      const of = { key, origin, locator, fetch, notBefore, remembersFailures, survives }
      const join = () => flights.join(key, (flight) => run(shelf, { ...of, flight }))
      const loaded = await join()
      // It may have been under way, and began before what is wanted now; the next one begins later.
      const isTooOld = loaded.from !== 'STALE' && loaded.entry.fetchedAt < notBefore
      return isTooOld ? join() : loaded
    },

    invalidate: (what) => {
      const matches = kept.matcherOf(what)
      flights.detach((key) => matches(key))
      options.survivors?.drop(what)
      return kept.drop(what)
    },

    sweep: kept.sweep,

    size: kept.size
  }
}
