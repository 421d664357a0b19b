/** Secrets and tags in both tiers, and what invalidates them. Rule: whatever drops a secret drops its tags as well. */

import type { Environment } from '../core/principal.ts'
import { isSameSecret, type Locator, type SecretRecord, type Tags } from '../core/secret.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { every } from '../state/background.ts'
import type { EmbeddedCache } from '../state/embedded-cache.ts'
import type { Shared } from '../state/shared.ts'
import { recordCodec, tagsCodec } from './envelope.ts'
import {
  createInvalidation,
  type InvalidationBus,
  type InvalidationOptions,
  type Lifetimes,
  markLifetimeMs,
  TAG_TTLS
} from './invalidation.ts'
import { createSecretCache, type SecretCache } from './secret-cache.ts'
import { createSharedTier, type Looks } from './shared-tier.ts'
import { createSurvivors, type Survivors } from './survivors.ts'

/** Of the settings, by their names. */
export interface CacheSettings extends Lifetimes {
  readonly ENVIRONMENT: Environment
  readonly CACHE_MAX_ENTRIES: number
  readonly CACHE_NEGATIVE_TTL_SECONDS: number
  readonly UPSTREAM_TIMEOUT_MS: number
}

export interface CachesOptions
  extends Required<Pick<InvalidationOptions, 'onInvalidated' | 'stores'>> {
  readonly settings: CacheSettings
  /** Undefined: there are no replicas. */
  readonly shared: Shared | undefined
  /** Where what is cached survives a restart, closed with the caches; undefined: it does not. */
  readonly disk?: EmbeddedCache | undefined
  /** Told where it cannot be written. */
  readonly onDiskFailure?: (error: unknown) => void
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  /** Under which paths a change of the secret is told, as its store's kind says. */
  readonly toldOf: (store: string, secret: Locator) => readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Caches {
  readonly cache: SecretCache<SecretRecord>
  readonly tagCache: SecretCache<Tags>
  readonly invalidation: InvalidationBus
  /** For administrators: how full they are, and what was refused of what replicas share. */
  readonly figures: () => CacheFigures
  /** Into what replicas share; undefined where there are none. */
  readonly sharedLooks: () => Readonly<Record<'secrets' | 'tags', Looks>> | undefined
  readonly close: () => Promise<void>
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
    /** Of another format, as replicas of a later version write it. */
    readonly unfamiliarEnvelopes: number
  }
}

const SWEEP_EVERY_MS = 15_000

/** Of secrets alone: tags that decide are those of today. */
const createSurvivorsOn = ({
  settings,
  disk,
  onDiskFailure: onFailure = () => {},
  keyring,
  sealer,
  now
}: CachesOptions): Survivors<SecretRecord> | undefined =>
  disk &&
  createSurvivors({
    disk,
    codec: recordCodec,
    environment: settings.ENVIRONMENT,
    keyring,
    sealer,
    staleMs: settings.STALE_IF_ERROR_SECONDS * 1000,
    maxEntries: settings.CACHE_MAX_ENTRIES,
    onFailure,
    now
  })

export const createCaches = (options: CachesOptions): Caches => {
  const { settings, shared, keyring, sealer, toldOf, now } = options
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
    keyring,
    sealer,
    fetchMs: settings.UPSTREAM_TIMEOUT_MS,
    now
  }
  const tier = shares && createSharedTier({ ...shares, cacheName: 'secret', codec: recordCodec })
  const tagTier = shares && createSharedTier({ ...shares, cacheName: 'tags', codec: tagsCodec })
  const survivors = createSurvivorsOn(options)
  const cache = createSecretCache({
    ...kept,
    ttlMs,
    tier,
    survivors,
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
    settled: survivors?.settled,
    onInvalidated: options.onInvalidated,
    shared,
    keyring,
    spellings: ({ store, ...secret }) => toldOf(store, secret),
    stores: options.stores,
    lifetimeMs: markLifetimeMs(settings)
  })
  const sweeping = every('sweep of the caches', SWEEP_EVERY_MS, () => {
    for (const one of [cache, tagCache, survivors]) one?.sweep()
  })
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
          refusedEnvelopes: (tier?.refused() ?? 0) + (tagTier?.refused() ?? 0),
          unfamiliarEnvelopes: (tier?.unfamiliar() ?? 0) + (tagTier?.unfamiliar() ?? 0)
        }
      })
    }),
    sharedLooks: () => tier && tagTier && { secrets: tier.looks(), tags: tagTier.looks() },
    close: async () => {
      sweeping.close()
      invalidation.close()
      await survivors?.close()
    }
  }
}
