/**
 * Whole secrets, kept for a while in two tiers (this process, and all replicas), so that all fields of a secret and all who
 * may read it cost one fetch. Rule: it knows nothing of callers: the decision comes before the cache. Nothing is given out
 * after its time but while its store fails, and then visibly and within a bound; and nothing after an invalidation that came
 * first.
 */
import { isTransient, ProviderFault, QUOTA } from '../core/fault.ts'
import type { Locator, SecretRecord } from '../core/secret.ts'
import { createKeptMap } from './kept-map.ts'
import {
  familyOf,
  type InvalidationTarget,
  locationIn,
  type Origin,
  type SecretLocation
} from './origin.ts'
import type { SharedTier } from './shared-tier.ts'
import { createSingleFlight, type Flight } from './single-flight.ts'
import {
  type CacheEntry,
  faultAt,
  isFresh,
  isInForce,
  isWithinBound,
  judge,
  type Lookup,
  type Slot,
  slotAfter,
  withNewest
} from './slot.ts'

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
}

/** What is dropped elsewhere or told to watchers: a secret by the names that each encryption key gives it, or all of a store. */
export interface InvalidationNotice {
  readonly store: string
  readonly families?: readonly string[]
  /** Of its spellings, for watchers; absent from replicas of before, whose families have to do. */
  readonly names?: readonly string[]
}

/** `T` is what is kept of a secret: its record, or its tags. */
export interface SecretCache<T = SecretRecord> {
  /** At once, from this process. */
  readonly lookup: (store: string, locator: Locator) => Lookup<T>
  /** What `lookup` would say, to somebody who reads nothing. */
  readonly stateOf: (store: string, locator: Locator) => Lookup<T>['state']
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

export interface SecretCacheOptions<T> {
  /** 0: nothing is kept, and concurrent loads still share a fetch. */
  readonly ttlMs: number
  readonly maxEntries: number
  /** How long past its time a value may be given out while its store fails. */
  readonly staleMs: number
  /** How long it is remembered that a store refused or had no such secret. */
  readonly negativeTtlMs: number
  readonly tier?: SharedTier<T> | undefined
  /** Called when a fetch brought another value than was known, for whoever has the old one. */
  readonly onChanged?: (what: SecretLocation) => void
  readonly isSame?: (a: T, b: T) => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A slot in this process, with how it is used. The answer to a look-up is kept, so that a look-up makes nothing but its key. */
interface Kept<T> {
  readonly slot: Slot<T>
  readonly fresh: Lookup<T> | undefined
  readonly family: string | undefined
  readonly dueAt: number
  uses: number
  /** Whether a reader was already told to ask the failing store again. What that reader fetches is kept as a new slot. */
  isRetried: boolean
}

const MISS = { state: 'miss' } as const

/**
 * So many reads make a secret one that is waited for: it is fetched anew before its time is over, by as long as its last
 * fetch took and a sixteenth of its time, which costs as much more in fetches. All others wait for their store once in their
 * time.
 */
const HOT_USES = 16
const AHEAD = 1 / 16
const EARLIEST = 3 / 4

// References are one line of text, so a line feed tells the parts apart.
const keyOf = (store: string, { path, version = '', nativeId = '' }: Locator): string =>
  `${store}\n${version}\n${nativeId}\n${path}`

const partsOf = (key: string): { store: string; path: string } => ({
  store: key.slice(0, key.indexOf('\n')),
  path: key.slice(key.lastIndexOf('\n') + 1)
})

/** A want of quota, which is the want of whoever began the fetch. */
const isOfOneClient = (error: unknown): boolean =>
  error instanceof ProviderFault && error.code === QUOTA && error.isRefusal === true

export const createSecretCache = <T = SecretRecord>(
  options: SecretCacheOptions<T>
): SecretCache<T> => {
  const { ttlMs, maxEntries, staleMs, negativeTtlMs, now } = options
  const { onChanged = () => {}, isSame = () => true } = options
  const isKeeping = ttlMs > 0 && maxEntries > 0
  const tier = isKeeping ? options.tier : undefined
  // Times are ours, not the library's.
  const kept = createKeptMap<Kept<T>>(maxEntries, ({ slot }) => slot.entry !== undefined)
  const flights = createSingleFlight<Loaded<T>>({ isOfStarter: isOfOneClient })

  const keep = (key: string, slot: Slot<T>, tookMs = 0): void => {
    const { entry } = slot
    const { store, path } = partsOf(key)
    // Not all replicas at once.
    const marginMs = ttlMs * AHEAD * (0.5 + Math.random() / 2)
    const aheadMs = Math.min(1.1 * tookMs + marginMs, ttlMs * EARLIEST)
    kept.set(key, {
      slot,
      fresh: entry && { state: 'fresh', entry, isDue: false },
      family: tier?.familyOf(store, path),
      dueAt: (entry?.expiresAt ?? 0) - aheadMs,
      uses: 0,
      isRetried: false
    })
  }

  /** What a slot that was not fetched just now gives. */
  const outcomeOf = ({ entry, failure }: Slot<T>, notBefore: number): Loaded<T> => {
    const time = now()
    if (entry !== undefined && isFresh(entry, time) && entry.fetchedAt >= notBefore) {
      return { entry, from: 'HIT' }
    }
    if (failure === undefined) throw new ProviderFault('unavailable')
    const canServe = isTransient(failure.fault) && isWithinBound(entry, time, staleMs)
    if (canServe && entry !== undefined) return { entry, from: 'STALE' }
    throw faultAt(failure, time)
  }

  const run = async (
    flight: Flight,
    origin: Origin,
    locator: Locator,
    fetch: () => Promise<T>,
    { notBefore = Number.NEGATIVE_INFINITY, remembersFailures = true }: LoadOptions
  ): Promise<Loaded<T>> => {
    const key = keyOf(origin.store, locator)
    const isDemanded = notBefore > Number.NEGATIVE_INFINITY
    const isWanted = ({ entry, failure }: Slot<T>): boolean => {
      const time = now()
      if (entry !== undefined && isFresh(entry, time) && entry.fetchedAt >= notBefore) return true
      // Who demands a newer answer than the last refusal gets one; a store that asked for patience has it.
      if (failure === undefined || !isInForce(failure, time)) return false
      return !isDemanded || isTransient(failure.fault)
    }
    const known = kept.get(key)?.slot
    if (known?.failure !== undefined && isWanted(known)) return outcomeOf(known, notBefore)

    const claim = tier === undefined ? undefined : await tier.claim(origin, locator, isWanted)
    const before = claim?.slot === undefined ? known : withNewest(claim.slot, known?.entry)
    if (claim !== undefined && !claim.mayFetch && before !== undefined) {
      if (flight.isAttached()) keep(key, before)
      return outcomeOf(before, notBefore)
    }

    // Another replica heard a refusal meanwhile: while the store is asked again, nothing of before it is given out.
    if (known?.entry !== undefined && before?.entry === undefined) kept.delete(key)

    const fetchedAt = now()
    let slot: Slot<T>
    try {
      const record = await fetch()
      slot = { entry: { record, fetchedAt, expiresAt: fetchedAt + ttlMs } }
    } catch (error) {
      if (!(error instanceof ProviderFault) || !remembersFailures) {
        claim?.settle()
        if (error instanceof ProviderFault && !isTransient(error)) kept.delete(key)
        throw error
      }
      slot = slotAfter(error, before, now(), negativeTtlMs)
      if (!flight.isAttached()) {
        claim?.settle()
        throw error
      }
    }
    const isOurs = flight.isAttached()
    // One client's want of quota is no other's: the next is let ask, and the value stays what it was.
    const isForOthers = !isOfOneClient(slot.failure?.fault)
    if (isKeeping && isOurs && isForOthers) keep(key, slot, now() - fetchedAt)
    // What our own guard refused another replica may be free to ask.
    const isForAll = isOurs && slot.failure?.fault.isRefusal === undefined
    claim?.settle(isForAll ? { slot, endsAt: endOf(slot) } : undefined)
    const { entry, failure } = slot
    const former = before?.entry
    if (isOurs && former !== undefined && entry !== undefined) {
      if (!isSame(former.record, entry.record)) {
        onChanged(locationIn(origin.store, locator))
      }
    }
    return entry !== undefined && failure === undefined
      ? { entry, from: 'MISS' }
      : outcomeOf(slot, notBefore)
  }

  /** From then on neither it nor what it puts an end to may be given out by anyone. */
  const endOf = ({ entry, failure, refusedAt = 0 }: Slot<T>): number =>
    Math.max((entry?.expiresAt ?? 0) + staleMs, failure?.until ?? 0, refusedAt + ttlMs + staleMs)

  const matcherOf = (
    what: InvalidationTarget | InvalidationNotice
  ): ((key: string, family?: string) => boolean) => {
    if (what === 'all') return () => true
    const start = `${what.store}\n`
    if ('path' in what && what.path !== undefined) {
      const family = familyOf(what.path)
      return (key) => key.startsWith(start) && familyOf(partsOf(key).path) === family
    }
    if ('families' in what && what.families !== undefined) {
      const named = new Set(what.families)
      return (key, family = tier?.familyOf(what.store, partsOf(key).path) ?? '') =>
        key.startsWith(start) && named.has(family)
    }
    return (key) => key.startsWith(start)
  }

  return {
    lookup: (store, locator) => {
      const found = kept.get(keyOf(store, locator))
      if (found === undefined) return MISS
      const { slot, fresh } = found
      const time = now()
      if (fresh === undefined || !isFresh(slot.entry, time)) {
        const judged = judge(slot, time, staleMs)
        if (judged.state !== 'stale' || !judged.isDue) return judged
        const isDue = !found.isRetried
        found.isRetried = true
        return { ...judged, isDue }
      }
      found.uses++
      if (time < found.dueAt || found.uses < HOT_USES || slot.entry === undefined) return fresh
      found.uses = 0
      return { state: 'fresh', entry: slot.entry, isDue: true }
    },

    stateOf: (store, locator) => {
      const slot = kept.peek(keyOf(store, locator))?.slot
      return slot === undefined ? MISS.state : judge(slot, now(), staleMs).state
    },

    load: async (origin, locator, fetch, options = {}) => {
      const key = keyOf(origin.store, locator)
      const { notBefore = Number.NEGATIVE_INFINITY } = options
      const join = () => flights.join(key, (flight) => run(flight, origin, locator, fetch, options))
      const loaded = await join()
      // It may have been under way, and began before what is wanted now; the next one begins later.
      const isTooOld = loaded.from !== 'STALE' && loaded.entry.fetchedAt < notBefore
      return isTooOld ? join() : loaded
    },

    invalidate: (what) => {
      const matches = matcherOf(what)
      flights.detach((key) => matches(key))
      const dropped = kept.entries().filter(([key, { family }]) => matches(key, family))
      for (const [key] of dropped) kept.delete(key)
      return dropped.length
    },

    sweep: () => {
      const time = now()
      const ended = kept.entries().filter(([, { slot }]) => endOf(slot) <= time)
      for (const [key] of ended) kept.delete(key)
    },

    size: kept.size
  }
}
