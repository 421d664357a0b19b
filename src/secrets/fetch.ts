/**
 * A secret from the cache or, failing that, from its store. Rule: it is called after the decision only, and knows
 * nothing of the caller's rights.
 */
import type { SecretCache } from '../cache/secret-cache.ts'
import type { CacheEntry } from '../cache/slot.ts'
import type { SecretRecord } from '../core/secret.ts'
import type { ReadFrom } from './batch.ts'
import type { Allowed } from './decision.ts'
import type { Store } from './stores.ts'
import type { Freshness } from './terms.ts'

export interface Fetched {
  readonly entry: CacheEntry<SecretRecord>
  /** REVALIDATED: a cached value was there, and the caller asked for a newer one. */
  readonly from: 'HIT' | 'MISS' | 'STALE' | 'REVALIDATED'
}

export interface FetchOptions {
  readonly cache: SecretCache
  /** For reads in the background, for which nobody waits. */
  readonly readAlone: ReadFrom
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type Fetch = (
  allowed: Allowed,
  readFrom: ReadFrom,
  freshness?: Freshness,
  client?: string
) => Fetched | Promise<Fetched>

/** A `maxAgeMs` of 0 asks the store, even if the value was read in the same millisecond. */
const isWithin = ({ maxAgeMs }: Freshness, ageMs: number): boolean =>
  maxAgeMs > 0 && ageMs <= maxAgeMs

/**
 * Whether what is cached of the store may survive a restart: tags that decide are those of today, and who cannot fail is not
 * stood in for.
 */
const maySurvive = ({ isCurrent, spec: { requireTags } }: Store): boolean =>
  isCurrent === undefined && requireTags.size === 0

/** A cached value is returned at once: a promise for it would cost more than the look-up. */
export const createFetch = ({ cache, readAlone, now }: FetchOptions): Fetch => {
  /**
   * Fetches a value before anybody has to wait for it: before its time is over, or when a failed store may be asked
   * again.
   */
  const fetchAhead = (
    { store, locator }: Allowed,
    { fetchedAt }: CacheEntry<unknown>,
    client: string | undefined
  ) => {
    cache
      .load(store.origin, locator, () => readAlone(store, locator, client), {
        notBefore: fetchedAt + 1,
        survives: maySurvive(store)
      })
      .catch(() => {})
  }

  const load = async (
    { store, locator }: Allowed,
    readFrom: ReadFrom,
    freshness: Freshness | undefined,
    client: string | undefined,
    isCached: boolean
  ): Promise<Fetched> => {
    await freshness?.charge()
    const { entry, from } = await cache.load(
      store.origin,
      locator,
      () => readFrom(store, locator, client),
      {
        // A store that can tell what is current without a call is asked each time.
        remembersFailures: store.isCurrent === undefined,
        survives: maySurvive(store),
        ...(freshness && { notBefore: now() - freshness.maxAgeMs })
      }
    )
    return { entry, from: isCached && from === 'MISS' ? 'REVALIDATED' : from }
  }

  return (allowed, readFrom, freshness, client) => {
    const { store, locator } = allowed
    const found = cache.lookup(store.spec.name, locator)
    if (found.state === 'fresh') {
      const { entry, isDue } = found
      const { isCurrent } = store
      const isNewEnough = freshness === undefined || isWithin(freshness, now() - entry.fetchedAt)
      if (isNewEnough && (isCurrent === undefined || isCurrent(locator, entry.record.version))) {
        if (isDue) fetchAhead(allowed, entry, client)
        return { entry, from: 'HIT' }
      }
      const isCached = freshness !== undefined && !isNewEnough
      return load(allowed, readFrom, freshness, client, isCached)
    }
    if (found.state === 'stale' && freshness === undefined) {
      if (found.isDue) fetchAhead(allowed, found.entry, client)
      return { entry: found.entry, from: 'STALE' }
    }
    if (found.state === 'negative' && freshness === undefined) throw found.fault
    return load(allowed, readFrom, freshness, client, false)
  }
}
