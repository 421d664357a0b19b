/**
 * The model behind docs/capacity.md: what any number of callers and replicas ask of Redis and of the stores. Rule: each count
 * here is held to the program by a test, those of Redis by `test/integration/redis-costs.test.ts`, the calls of stores by
 * `test/simulation`, where `capacity.test.ts` computes the tables of the page from this.
 */
import type { Quota } from '../../src/kinds/quota.ts'

/** Commands as MONITOR tells them, with the kind of key (state/namespaces.ts); a script is one. */
type Commands = Readonly<Record<string, number>>

export interface Cost {
  readonly commands: Commands
  /** To Redis and from it, for a secret of 1 KB: at most, names and protocol included. */
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The value and what invalidates it: one command, and the only one of all reads in a turn of the event loop. */
const LOOK: Commands = { 'MGET cache': 1 }

/** Of one operation. */
export const COSTS = {
  /** From this process. */
  hit: { commands: {}, bytesIn: 0, bytesOut: 0 },
  /** From what replicas share. */
  shared: { commands: LOOK, bytesIn: 400, bytesOut: 1_600 },
  /** From its store: nothing was there, nor when the lease was had. */
  cold: {
    commands: { 'MGET cache': 2, 'SET lease': 1, 'SET cache': 1, 'EVAL lease': 1 },
    bytesIn: 2_600,
    bytesOut: 100
  },
  /** A look of a replica that waits for another one's fetch. */
  wait: { commands: { ...LOOK, 'SET lease': 1 }, bytesIn: 600, bytesOut: 100 },
  invalidation: {
    commands: { 'EVAL mark': 1, 'EVAL generation': 1, 'PUBLISH messages': 1 },
    bytesIn: 1_600,
    bytesOut: 100
  },
  /** A caller's two counters, of its key and its address. */
  limits: { commands: { 'EVAL limit': 2 }, bytesIn: 1_200, bytesOut: 20 },
  /** The note that a key is in use, by the first replica in a minute. */
  use: { commands: { 'HMGET state': 1, 'EVAL state': 1 }, bytesIn: 1_400, bytesOut: 50 },
  /** By the others, which see it. */
  seen: { commands: { 'HMGET state': 1 }, bytesIn: 250, bytesOut: 350 }
} as const satisfies Readonly<Record<string, Cost>>

/** With the sink `redis`: a group of one record, from Redis its number. */
export const SINK = {
  commands: { 'XADD audit': 1 },
  bytesIn: 650,
  bytesOut: 60
} as const satisfies Cost

/** Of a replica with one store that is asked nothing: commands a second, at most. */
export const IDLE: Commands = {
  'MGET revoked': 1 / 2,
  'MGET generation': 1 / 4,
  'PUBLISH messages': 1 / 5,
  PING: 2
}
/** A message that says that a replica is there, as each replica is sent it; bytes. */
export const BEAT_BYTES = 200
/** An invalidation, as each replica is sent it; bytes. */
export const NOTICE_BYTES = 500

/** What Redis keeps, in bytes. */
export const KEPT = {
  /** A secret of 1 KB. */
  envelope: 1_800,
  /** A caller's two counters. */
  limits: 300,
  /** The use of an API key. */
  use: 600
}

export const commandsOf = ({ commands }: { readonly commands: Commands }): number =>
  Object.values(commands).reduce((sum, count) => sum + count, 0)

/** How often a replica sends what callers took, a second. */
const LIMITS_PER_SECOND = 5
const USE_NOTED_SECONDS = 60
const BEAT_SECONDS = 5
/** What is in use is fetched anew up to a sixteenth of its time before that is over. */
const AHEAD = 16 / 15
const MONTH_SECONDS = 30 * 86_400

export interface Load {
  readonly callers: number
  readonly replicas: number
  /** Different ones, of 1 KB, read by anybody at all. */
  readonly secrets: number
  /** Of all callers. */
  readonly readsPerSecond: number
  readonly ttlSeconds: number
  /** Changes that clouds tell of, a second. */
  readonly eventsPerSecond: number
}

export interface Demand {
  readonly callsPerSecond: number
  readonly callsPerMonth: number
  /** Reads that another replica's fetch serves. */
  readonly fillsPerSecond: number
  readonly commandsPerSecond: number
  /** Messages that Redis delivers. */
  readonly deliveriesPerSecond: number
  /** From Redis, bytes a second. */
  readonly outPerSecond: number
  /** Bytes. */
  readonly redisMemory: number
}

/** At most: with every secret in use at every replica, and each caller's requests spread over all of them. */
export const demandOf = (load: Load): Demand => {
  const { callers, replicas, secrets, readsPerSecond, ttlSeconds, eventsPerSecond } = load
  const callsPerSecond = Math.min(readsPerSecond, (secrets / ttlSeconds) * AHEAD)
  const fillsPerSecond = Math.min(readsPerSecond, callsPerSecond * replicas) - callsPerSecond
  const limitsPerSecond = Math.min(readsPerSecond, LIMITS_PER_SECOND * callers * replicas)
  const usesPerSecond = Math.min(readsPerSecond, (callers * replicas) / USE_NOTED_SECONDS)
  const firstUsesPerSecond = Math.min(readsPerSecond, callers / USE_NOTED_SECONDS)
  const beatsPerSecond = replicas ** 2 / BEAT_SECONDS
  const each = [
    [COSTS.cold, callsPerSecond],
    [COSTS.shared, fillsPerSecond],
    [COSTS.limits, limitsPerSecond],
    [COSTS.use, firstUsesPerSecond],
    [COSTS.seen, usesPerSecond - firstUsesPerSecond],
    [COSTS.invalidation, eventsPerSecond]
  ] as const
  const sum = (of: (cost: Cost) => number): number =>
    each.reduce((total, [cost, perSecond]) => total + of(cost) * perSecond, 0)
  const noticesPerSecond = eventsPerSecond * replicas
  return {
    callsPerSecond,
    callsPerMonth: callsPerSecond * MONTH_SECONDS,
    fillsPerSecond,
    commandsPerSecond: sum(commandsOf) + replicas * commandsOf({ commands: IDLE }),
    deliveriesPerSecond: beatsPerSecond + noticesPerSecond,
    outPerSecond:
      sum(({ bytesOut }) => bytesOut) +
      beatsPerSecond * BEAT_BYTES +
      noticesPerSecond * NOTICE_BYTES,
    redisMemory: secrets * KEPT.envelope + callers * (KEPT.limits + KEPT.use)
  }
}

/** With a store's quota: how many secrets can be in use, and how many seconds pass until so many have been fetched anew. */
export const boundsOf = (quota: Quota, ttlSeconds: number, rotated: number) => ({
  secrets: (quota.perSecond * ttlSeconds) / AHEAD,
  rotationSeconds: Math.max(0, (rotated - quota.burst) / quota.perSecond)
})
