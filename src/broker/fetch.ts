/** A secret from the cache or, failing that, from its store. Rule: only after the decision, which it knows nothing of. */
import type { CacheEntry, SecretCache } from '../cache/secret-cache.ts'
import { locatorOf, type Reference } from '../core/reference.ts'
import type { ReadFrom } from './batch.ts'
import type { Store } from './stores.ts'

export interface Fetched {
  readonly entry: CacheEntry
  readonly from: 'HIT' | 'MISS'
}

/** What is cached is given at once: a promise for it would cost more than finding it. */
export const createFetch =
  (cache: SecretCache) =>
  (store: Store, reference: Reference, readFrom: ReadFrom): Fetched | Promise<Fetched> => {
    const locator = locatorOf(reference)
    const found = cache.lookup(reference.store, locator)
    const { isCurrent } = store.provider
    if (
      found.state === 'fresh' &&
      (isCurrent === undefined || isCurrent(locator, found.entry.record.version))
    ) {
      return { entry: found.entry, from: 'HIT' }
    }
    return cache
      .load(reference.store, locator, () => readFrom(store, locator))
      .then((entry) => ({ entry, from: 'MISS' }))
  }
