/** Secrets and tags in both tiers, and what invalidates them. Rule: whatever drops a secret drops its tags as well. */
import { recordCodec, tagsCodec } from '../cache/envelope.ts'
import {
  createInvalidation,
  type InvalidationBus,
  type InvalidationOptions,
  markLifetimeMs,
  TAG_TTLS
} from '../cache/invalidation.ts'
import { createSecretCache, type SecretCache } from '../cache/secret-cache.ts'
import { createSharedTier } from '../cache/shared-tier.ts'
import type { Settings } from '../config/settings.ts'
import { isSameSecret, type SecretRecord, type Tags } from '../core/secret.ts'
import type { Shared } from '../state/shared.ts'
import type { Live } from './live.ts'

export interface CachesDeps {
  readonly settings: Settings
  /** Undefined: there are no replicas. */
  readonly shared: Shared | undefined
  readonly live: () => Live
  readonly onInvalidated: NonNullable<InvalidationOptions['onInvalidated']>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Caches {
  readonly cache: SecretCache<SecretRecord>
  readonly tagCache: SecretCache<Tags>
  readonly invalidation: InvalidationBus
}

export const createCaches = (deps: CachesDeps): Caches => {
  const { settings, shared, live, onInvalidated, now } = deps
  const ttlMs = settings.CACHE_TTL_SECONDS * 1000
  const kept = {
    maxEntries: settings.CACHE_MAX_ENTRIES,
    staleMs: settings.STALE_IF_ERROR_SECONDS * 1000,
    negativeTtlMs: settings.CACHE_NEGATIVE_TTL_SECONDS * 1000,
    now
  }
  const shares = shared && {
    shared,
    environment: settings.ENVIRONMENT,
    keyring: () => live().keyring,
    sealer: () => live().sealer,
    patienceMs: settings.UPSTREAM_TIMEOUT_MS
  }
  const cache = createSecretCache({
    ...kept,
    ttlMs,
    tier: shares && createSharedTier({ ...shares, kept: 'secret', codec: recordCodec }),
    onChanged: (what) => invalidation.changed(what),
    isSame: isSameSecret
  })
  const tagCache = createSecretCache<Tags>({
    ...kept,
    ttlMs: TAG_TTLS * ttlMs,
    tier: shares && createSharedTier({ ...shares, kept: 'tags', codec: tagsCodec })
  })
  const invalidation = createInvalidation({
    drop: (what) => {
      tagCache.invalidate(what)
      return cache.invalidate(what)
    },
    onInvalidated,
    shared,
    keyring: () => live().keyring,
    stores: () =>
      live()
        .stores.all()
        .map(({ spec }) => spec.name),
    lifetimeMs: markLifetimeMs(settings)
  })
  return { cache, tagCache, invalidation }
}
