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
import { spellingsIn } from '../secrets/stores.ts'
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
  /** For administrators: how full they are, and what was refused of what replicas share. */
  readonly figures: () => CacheFigures
  readonly close: () => void
}

export interface CacheFigures {
  readonly secrets: number
  readonly tags: number
  /** Of each of the two. */
  readonly maxEntries: number
  /** Absent where there are no replicas. */
  readonly shared?: {
    readonly isUp: boolean
    /** Damaged, moved, foreign or put back after their end, since this process began. */
    readonly refusedEnvelopes: number
  }
}

const SWEEP_EVERY_MS = 15_000

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
    fetchMs: settings.UPSTREAM_TIMEOUT_MS,
    now
  }
  const tier = shares && createSharedTier({ ...shares, kept: 'secret', codec: recordCodec })
  const tagTier = shares && createSharedTier({ ...shares, kept: 'tags', codec: tagsCodec })
  const cache = createSecretCache({
    ...kept,
    ttlMs,
    tier,
    onChanged: (what) => invalidation.changed(what),
    isSame: isSameSecret
  })
  const tagCache = createSecretCache<Tags>({
    ...kept,
    ttlMs: TAG_TTLS * ttlMs,
    tier: tagTier
  })
  const invalidation = createInvalidation({
    drop: (what) => {
      tagCache.invalidate(what)
      return cache.invalidate(what)
    },
    onInvalidated,
    shared,
    keyring: () => live().keyring,
    told: ({ store, ...secret }) => spellingsIn(live().stores, store, secret).told,
    stores: () =>
      live()
        .stores.all()
        .map(({ spec }) => spec.name),
    lifetimeMs: markLifetimeMs(settings)
  })
  const sweeping = setInterval(() => {
    cache.sweep()
    tagCache.sweep()
  }, SWEEP_EVERY_MS)
  sweeping.unref()
  return {
    cache,
    tagCache,
    invalidation,
    figures: () => ({
      secrets: cache.size(),
      tags: tagCache.size(),
      maxEntries: kept.maxEntries,
      ...(shared && {
        shared: {
          isUp: shared.isUp(),
          refusedEnvelopes: (tier?.refused() ?? 0) + (tagTier?.refused() ?? 0)
        }
      })
    }),
    close: () => {
      clearInterval(sweeping)
      invalidation.close()
    }
  }
}
