/** The way to a value: caches, broker, watchers, and readiness. */
import { createCaches } from '../cache/caches.ts'
import type { ProblemCode } from '../core/problem.ts'
import { createGoogleTokenCheck } from '../crypto/google-token.ts'
import { createReceiver } from '../events/receive.ts'
import { createWatch } from '../events/watch.ts'
import { createBroker } from '../secrets/broker.ts'
import { createReadiness, type SharedTrouble } from '../secrets/readiness.ts'
import { spellingsIn } from '../secrets/stores.ts'
import {
  type EmbeddedCache,
  openEmbeddedCache,
  removeEmbeddedCache
} from '../state/embedded-cache.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import type { ConnectedStores } from './stores.ts'

export type Secrets = ReturnType<typeof createSecrets>

/** Proxies end connections that are silent for a minute, some after half a minute. */
const HEARTBEAT_MS = 15_000

const tellOfDisk = (log: Ground['log'], error: unknown): void => {
  const why = error instanceof Error ? error.message : 'unknown'
  log('warn', 'what is cached cannot be kept over a restart', { why })
}

/** Of a disk that cannot be used the log says so: what is cached is then kept in memory alone, as by default. */
const openDisk = ({ settings, dataDir, shared, log }: Ground): EmbeddedCache | undefined => {
  try {
    if (settings.CACHE_PERSISTENT && shared === undefined) return openEmbeddedCache(dataDir)
    removeEmbeddedCache(dataDir)
  } catch (error) {
    tellOfDisk(log, error)
  }
  return undefined
}

export const createSecrets = (ground: Ground) => {
  const { parts, overrides, settings, shared, live, keyring, sealer, recording, now } = ground
  const { heartbeatMs = HEARTBEAT_MS } = overrides
  const watch = createWatch({ ...recording, rules: live, keyring, heartbeatMs })
  const caches = parts.add(
    createCaches({
      settings,
      shared,
      disk: openDisk(ground),
      onDiskFailure: (error) => tellOfDisk(ground.log, error),
      keyring,
      sealer,
      toldOf: (store, secret) => spellingsIn(live().stores, store, secret).told,
      stores: () =>
        live()
          .stores.all()
          .map(({ spec }) => spec.name),
      onInvalidated: watch.invalidated,
      now
    })
  )
  const broker = createBroker({
    ...recording,
    ...caches,
    rules: live,
    keyring,
    sealer,
    negativeTtlMs: settings.CACHE_NEGATIVE_TTL_SECONDS * 1000,
    now
  })
  const { fetch } = ground
  const receiver = createReceiver({
    ...recording,
    rules: live,
    invalidate: broker.invalidate,
    isGoogleToken: createGoogleTokenCheck({ fetch, now }),
    fetch,
    now
  })
  /** Drops what this process has cached of stores whose names now lead to another place. */
  const forget = (stores: readonly string[]): void => {
    for (const store of stores) {
      for (const kept of [caches.cache, caches.tagCache]) kept.invalidate({ store })
      watch.invalidated({ store })
    }
  }
  return { watch, caches, broker, receiver, forget }
}

/** Logs when it begins and when it is over, since an answer to a probe gives no reason. */
const createBlindness = (isBlind: () => boolean, log: Ground['log']): (() => boolean) => {
  let was = false
  return () => {
    const is = isBlind()
    if (is && !was) log('warn', 'not ready: revocations of other replicas cannot be read')
    if (was && !is) log('info', 'revocations of other replicas can be read again')
    was = is
    return is
  }
}

export const createHealth = (
  { settings, trail, shared, live, log, now }: Ground,
  { revocations }: Pick<Keys, 'revocations'>,
  { checks }: Pick<ConnectedStores, 'checks'>,
  { caches: { invalidation } }: Pick<Secrets, 'caches'>
) => {
  let isDraining = false
  const blindMaxMs = settings.REVOCATION_BLIND_SECONDS * 1000
  const isBlind = createBlindness(() => blindMaxMs > 0 && revocations.blindMs() > blindMaxMs, log)
  const hindrance = (): ProblemCode | undefined => {
    if (isDraining) return 'overloaded'
    if (isBlind()) return 'store_unavailable'
    return settings.AUDIT_REQUIRED && !trail.isWritable() ? 'audit_unavailable' : undefined
  }
  const sharedTroubles = (): readonly SharedTrouble[] => {
    if (shared === undefined) return []
    if (!shared.isUp()) return ['redis_unreachable']
    const causes = [
      ...(shared.denied().length > 0 ? (['redis_denies_commands'] as const) : []),
      ...(shared.isFull() ? (['redis_full'] as const) : [])
    ]
    if (causes.length > 0) return causes
    return [
      ...(invalidation.isWhole() ? [] : (['invalidations_incomplete'] as const)),
      ...(revocations.isWhole() ? [] : (['revocations_incomplete'] as const))
    ]
  }
  return {
    readiness: createReadiness({
      checks,
      stores: () => live().stores,
      sharedTroubles,
      sinkTroubles: () => trail.failingSinks().map((sink) => `audit_${sink}_failing` as const),
      canServe: () => hindrance() === undefined,
      log,
      now
    }),
    hindrance,
    drain: () => {
      isDraining = true
    }
  }
}

export type Health = ReturnType<typeof createHealth>
