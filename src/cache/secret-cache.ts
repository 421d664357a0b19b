/**
 * Whole secrets, kept for a while, so that all fields of a secret and all who may read it cost one fetch. Rule: it knows
 * nothing of callers: the decision comes before the cache. Nothing is given out after its time, nor after an invalidation
 * that came first.
 */
import { LRUCache } from 'lru-cache'
import type { Locator, SecretRecord } from '../core/secret.ts'
import { createSingleFlight } from './single-flight.ts'

export interface CacheEntry<T = SecretRecord> {
  readonly record: T
  /** Milliseconds since the epoch at which the fetch began: the value is at least as new. */
  readonly fetchedAt: number
  /** Milliseconds since the epoch; from then on it is not given out. */
  readonly expiresAt: number
}

export type Lookup<T = SecretRecord> =
  | { readonly state: 'fresh'; readonly entry: CacheEntry<T> }
  | { readonly state: 'miss' }

/** One store, what of it matches (by canonical path), or all there is. */
export type Invalidation =
  | { readonly store: string; readonly matches?: (path: string) => boolean }
  | 'all'

/** `T` is what is kept of a secret: its record, or its tags. */
export interface SecretCache<T = SecretRecord> {
  readonly lookup: (store: string, locator: Locator) => Lookup<T>
  /**
   * Fetches, whatever is kept, and keeps what came. Concurrent loads of one secret share a fetch and its failure. `fetch`
   * has to end by itself (its signal sees to that).
   */
  readonly load: (
    store: string,
    locator: Locator,
    fetch: () => Promise<T>
  ) => Promise<CacheEntry<T>>
  /**
   * Gives how many entries were dropped. Fetches under way go to those who asked already, are not kept, and are not shared
   * with anyone who asks afterwards.
   */
  readonly invalidate: (what: Invalidation) => number
}

export interface SecretCacheOptions {
  /** 0: nothing is kept, and concurrent loads still share a fetch. */
  readonly ttlMs: number
  readonly maxEntries: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const MISS = { state: 'miss' } as const

// References are one line of text, so a line feed tells the parts apart; the path comes last, to be found again.
const keyOf = (store: string, { path, version = '', nativeId = '' }: Locator): string =>
  `${store}\n${version}\n${nativeId}\n${path}`

const pathIn = (key: string): string => key.slice(key.lastIndexOf('\n') + 1)

const matcherOf = (what: Invalidation): ((key: string) => boolean) => {
  if (what === 'all') return () => true
  const { store, matches } = what
  const start = `${store}\n`
  return (key) => key.startsWith(start) && (matches === undefined || matches(pathIn(key)))
}

export const createSecretCache = <T = SecretRecord>({
  ttlMs,
  maxEntries,
  now
}: SecretCacheOptions): SecretCache<T> => {
  const isKeeping = ttlMs > 0 && maxEntries > 0
  // The answers themselves are kept, so that a lookup makes nothing but its key. Times are ours, not the library's.
  const kept = new LRUCache<string, Extract<Lookup<T>, { state: 'fresh' }>>({
    max: Math.max(1, maxEntries)
  })
  const flights = createSingleFlight<CacheEntry<T>>()

  return {
    lookup: (store, locator) => {
      const key = keyOf(store, locator)
      const found = kept.get(key)
      if (found === undefined) return MISS
      const { fetchedAt, expiresAt } = found.entry
      const time = now()
      // A clock that was set back must not make an entry live longer.
      if (fetchedAt <= time && time < expiresAt) return found
      kept.delete(key)
      return MISS
    },

    load: (store, locator, fetch) => {
      const key = keyOf(store, locator)
      const fetchEntry = async (): Promise<CacheEntry<T>> => {
        const fetchedAt = now()
        const record = await fetch()
        return { record, fetchedAt, expiresAt: fetchedAt + ttlMs }
      }
      return flights.join(key, fetchEntry, (entry) => {
        if (isKeeping) kept.set(key, { state: 'fresh', entry })
      })
    },

    invalidate: (what) => {
      const matches = matcherOf(what)
      flights.detach(matches)
      const dropped = [...kept.keys()].filter(matches)
      for (const key of dropped) kept.delete(key)
      return dropped.length
    }
  }
}
