/**
 * Many replicas in one simulation: caches, invalidation, leases, guard, bucket and the counting of replicas are those of the
 * service, put together as `app/` does it, over a simulated network and a store that counts. Rule: nothing of HTTP, policy
 * or audit, whose cost is no other replica's business.
 */
import { createCaches } from '../../src/cache/caches.ts'
import type { Looks } from '../../src/cache/shared-tier.ts'
import { ProviderFault } from '../../src/core/fault.ts'
import { type SecretRecord, Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import type { SecretProvider } from '../../src/kinds/provider.ts'
import type { Quota } from '../../src/kinds/quota.ts'
import { readAlone } from '../../src/secrets/batch.ts'
import { createBucket } from '../../src/secrets/bucket.ts'
import { createFetch, type Fetched } from '../../src/secrets/fetch.ts'
import { createGuard } from '../../src/secrets/guard.ts'
import type { Store } from '../../src/secrets/stores.ts'
import { createReplicaCount } from '../../src/state/replica-count.ts'
import { createSimulatedNetwork, type SimulatedNetwork } from './simulated-network.ts'
import type { SimulatedTime } from './simulated-time.ts'

export interface SimulatedReplica {
  /** What became of it, as `X-Cache` says, or the reason of its failure; with the version that was given. */
  readonly read: (path: string) => Promise<{ readonly as: string; readonly version?: string }>
  readonly invalidate: (path: string) => Promise<unknown>
  /** Into what replicas share, for values. */
  readonly looks: () => Looks | undefined
  /** Messages that made it drop a whole store. */
  readonly droppedStores: () => number
}

export interface UpstreamCall {
  readonly path: string
  /** Milliseconds since the simulation began. */
  readonly at: number
}

export interface Fleet {
  readonly replicas: readonly SimulatedReplica[]
  readonly network: SimulatedNetwork
  /** Every call of the store, in their order. */
  readonly calls: UpstreamCall[]
  /** There is a newer version of each secret from now on. */
  readonly rotate: (paths: readonly string[]) => void
  readonly close: () => void
}

export interface FleetOptions {
  readonly count: number
  readonly ttlSeconds: number
  /** Undefined: no bound, and replicas do not count each other, which costs a simulation much. */
  readonly quota?: Quota
  readonly staleSeconds?: number
}

const STORE = 'kv'
/** How long the store takes for a read, in milliseconds. */
const SLOWEST_MS = 120
const FASTEST_MS = 20
const TIMEOUT_MS = 3_000
/** Room for what a simulation reads: two hundred caches stand in one memory. */
const MAX_ENTRIES = 1_000

export const slowestFetchMs = SLOWEST_MS

interface Parts extends FleetOptions {
  readonly time: SimulatedTime
  readonly network: SimulatedNetwork
  readonly provider: SecretProvider
  readonly encryptionKey: string
}

const openReplica = async (parts: Parts): Promise<SimulatedReplica & { close: () => void }> => {
  const { time, network, provider, quota, ttlSeconds, staleSeconds = 3_600 } = parts
  const { now } = time
  const shared = network.connect()
  const keyring = createKeyring([parts.encryptionKey])
  const sealer = createSealer(keyring)
  let droppedStores = 0
  const caches = createCaches({
    settings: {
      ENVIRONMENT: 'pro',
      CACHE_TTL_SECONDS: ttlSeconds,
      STALE_IF_ERROR_SECONDS: staleSeconds,
      CACHE_NEGATIVE_TTL_SECONDS: 15,
      CACHE_MAX_ENTRIES: MAX_ENTRIES,
      UPSTREAM_TIMEOUT_MS: TIMEOUT_MS
    },
    shared,
    keyring: () => keyring,
    sealer: () => sealer,
    toldOf: (_store, { path }) => [path],
    stores: () => [STORE],
    onInvalidated: (what) => {
      if (what !== 'all' && what.families === undefined) droppedStores++
    },
    now
  })
  const count =
    quota && createReplicaCount({ shared, environment: 'pro', keyring: () => keyring, now })
  const guard = createGuard({
    store: STORE,
    bucket: quota && count && createBucket({ quota, replicas: count.current, now }),
    log: () => {},
    timeoutMs: TIMEOUT_MS,
    now
  })
  const store = {
    ...guard.protect(provider),
    spec: { name: STORE, requireTags: new Map() },
    origin: { store: STORE, place: 'somewhere' }
  } as unknown as Store
  const fetch = createFetch({ cache: caches.cache, readAlone, now })
  shared.start()
  await (count === undefined ? time.sleep(100) : count.start())
  droppedStores = 0
  return {
    read: async (path) => {
      try {
        const allowed = { store, locator: { path }, reference: { store: STORE, path } }
        const { entry, from }: Fetched = await fetch(allowed, readAlone, undefined, 'app')
        return { as: from, version: entry.record.version }
      } catch (error) {
        if (error instanceof ProviderFault) return { as: error.reason }
        throw error
      }
    },
    invalidate: (path) => caches.invalidation.invalidate({ store: STORE, path }),
    looks: () => caches.sharedLooks()?.secrets,
    droppedStores: () => droppedStores,
    close: () => {
      void caches.close()
      count?.close()
    }
  }
}

export const startFleet = async (time: SimulatedTime, options: FleetOptions): Promise<Fleet> => {
  const network = createSimulatedNetwork(time)
  const calls: UpstreamCall[] = []
  const versions = new Map<string, number>()
  const provider: SecretProvider = {
    read: async ({ path }): Promise<SecretRecord> => {
      calls.push({ path, at: time.passed() })
      const version = String(versions.get(path) ?? 1)
      await time.sleep(FASTEST_MS + time.random() * (SLOWEST_MS - FASTEST_MS))
      return { text: new Sensitive(`${path} ${version}`), version }
    },
    check: async () => {},
    close: async () => {}
  }
  const parts = { ...options, time, network, provider, encryptionKey: newEncryptionKey() }
  const replicas = await Promise.all(
    Array.from({ length: options.count }, () => openReplica(parts))
  )
  return {
    replicas,
    network,
    calls,
    rotate: (paths) => {
      for (const path of paths) versions.set(path, (versions.get(path) ?? 1) + 1)
    },
    close: () => {
      for (const { close } of replicas) close()
    }
  }
}

/** Which of them is asked for, by Zipf's law: the n-th an n-th as often as the first. */
const zipfOver = (items: readonly string[], { random }: SimulatedTime): (() => string) => {
  const sums: number[] = []
  for (let i = 0; i < items.length; i++) sums.push((sums[i - 1] ?? 0) + 1 / (i + 1))
  return () => {
    const wanted = random() * (sums.at(-1) ?? 0)
    let [from, to] = [0, items.length - 1]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((sums[middle] ?? 0) < wanted) from = middle + 1
      else to = middle
    }
    return items[from] ?? ''
  }
}

export interface Readers {
  readonly paths: readonly string[]
  readonly perSecond: number
  readonly seconds: number
}

/** Readers that know nothing of each other (Poisson), each at a replica by chance; how often reads ended in which way. */
export const readFor = async (
  time: SimulatedTime,
  { replicas }: Fleet,
  { paths, perSecond, seconds }: Readers
): Promise<ReadonlyMap<string, number>> => {
  const pick = zipfOver(paths, time)
  const outcomes = new Map<string, number>()
  const until = time.passed() + seconds * 1_000
  const reads = new Set<Promise<void>>()
  const read = async (): Promise<void> => {
    const replica = replicas[Math.floor(time.random() * replicas.length)]
    const { as = '' } = (await replica?.read(pick())) ?? {}
    outcomes.set(as, (outcomes.get(as) ?? 0) + 1)
  }
  for (;;) {
    await time.sleep((-Math.log(1 - time.random()) / perSecond) * 1_000)
    if (time.passed() >= until) break
    const one = read().finally(() => reads.delete(one))
    reads.add(one)
  }
  await Promise.all(reads)
  return outcomes
}

export const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `app/secret-${i}`)

export const callsByPath = (calls: readonly UpstreamCall[]): ReadonlyMap<string, number[]> => {
  const byPath = new Map<string, number[]>()
  for (const { path, at } of calls) {
    const times = byPath.get(path)
    if (times === undefined) byPath.set(path, [at])
    else times.push(at)
  }
  return byPath
}

/** The most calls that were made within any time of so many milliseconds. */
const mostWithin = (calls: readonly UpstreamCall[], ms: number): number => {
  let most = 0
  let from = 0
  calls.forEach(({ at }, i) => {
    while (at - (calls[from]?.at ?? 0) >= ms) from++
    most = Math.max(most, i - from + 1)
  })
  return most
}

export const peakPerSecond = (calls: readonly UpstreamCall[]): number => mostWithin(calls, 1_000)

/**
 * By how many the calls of any stretch of time were more than the quota gives in it: at most its burst, for whoever keeps to
 * it.
 */
export const mostOver = (calls: readonly UpstreamCall[], { perSecond }: Quota): number => {
  let most = 0
  let used = 0
  let last = 0
  for (const { at } of calls) {
    used = Math.max(0, used - ((at - last) / 1_000) * perSecond) + 1
    last = at
    most = Math.max(most, used)
  }
  return most
}
