/**
 * The limits of requests, and what their answers say of them. Rule: the limits that every request passes never wait;
 * every answer shows only the limit of the caller's key, by which it can steer (draft-ietf-httpapi-ratelimit-headers).
 */
import rateLimit, {
  type FastifyRateLimitStore,
  type FastifyRateLimitStoreCtor,
  type RateLimitOptions
} from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import type { Allowances, Taken } from './allowances.ts'
import type { Reached } from './limit-records.ts'
import type { LimitOf } from './reconciler.ts'

export interface Limits {
  readonly windowSeconds: number
  readonly perKey: number
  readonly perAddress: number
  readonly authFailures: number
  readonly allowances: Allowances
  /** Told of each request that a limit refuses. */
  readonly reached?: (
    limit: Reached,
    taken: Pick<Taken, 'seconds'>,
    request: FastifyRequest
  ) => void
}

/** Takes from the caller's allowance; gives `rate_limited` back when there is not as much left. */
type Limiter = (
  request: FastifyRequest,
  reply: FastifyReply,
  cost?: number
) => ProblemError | undefined
/** A limit for rare requests. */
type SlowLimiter = (
  request: FastifyRequest,
  reply: FastifyReply
) => Promise<ProblemError | undefined>

export interface Limiters {
  readonly address: Limiter
  readonly key: Limiter
  readonly failedLogins: SlowLimiter
  /** Of logins with a token, by the trust that was meant. */
  readonly failedAtTrust: (
    request: FastifyRequest,
    reply: FastifyReply,
    trust: string
  ) => ProblemError | undefined
  readonly fresh: SlowLimiter
}

/** Reads past the cache cost calls of a store: so many a minute for each key. */
const FRESH = { max: 60, windowMs: 60_000 }

/**
 * Failed logins at one trust, as many as ten addresses may have: from then on their refusals are lines of the trail no more.
 * A token that is taken is taken all the same, or anybody could lock a trust.
 */
const AT_TRUST = 10

const byAddress = (request: FastifyRequest): string => request.network
const byKey = (request: FastifyRequest): string => request.principal?.keyId ?? ''

const createAnnouncer = ({ name, max, windowMs }: LimitOf) => {
  const isSteered = name === 'key'
  const policy = `"${name}";q=${max};w=${windowMs / 1000}`
  return (
    reply: FastifyReply,
    { isExceeded, remaining, seconds }: Taken
  ): ProblemError | undefined => {
    if (!isSteered && !isExceeded) return undefined
    reply.header('ratelimit-policy', policy)
    reply.header('ratelimit', `"${name}";r=${remaining};t=${seconds}`)
    return isExceeded ? new ProblemError('rate_limited', { retryAfter: seconds }) : undefined
  }
}

/**
 * Our allowances as a store of the plugin, which makes one store for each limit and gives the limit's name as its
 * group.
 */
const storeOver = (allowances: Allowances): FastifyRateLimitStoreCtor =>
  class Store implements FastifyRateLimitStore {
    readonly #limit: LimitOf

    constructor({ groupId, max, timeWindow }: RateLimitOptions) {
      const name = groupId as LimitOf['name']
      this.#limit = { name, max: Number(max), windowMs: Number(timeWindow) }
    }

    incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1]): void {
      const { isExceeded, remaining, seconds } = allowances.of(this.#limit).take(key)
      const current = this.#limit.max - remaining + Number(isExceeded)
      callback(null, { current, ttl: seconds * 1000 })
    }

    child(options: object): Store {
      return new Store(options)
    }
  }

const createSlowLimiter = (
  app: FastifyInstance,
  limit: LimitOf,
  keyGenerator: typeof byKey,
  reached: Limits['reached']
): SlowLimiter => {
  const { name: groupId, max, windowMs: timeWindow } = limit
  const options: RateLimitOptions = { groupId, max, timeWindow, keyGenerator }
  const take = app.createRateLimit(options)
  const announce = createAnnouncer(limit)
  return async (request, reply) => {
    const taken = await take(request)
    // `isAllowed` says that the caller is on the plugin's list of exempted ones, of which there are none.
    if (taken.isAllowed) return undefined
    const seconds = taken.ttlInSeconds
    const identity = keyGenerator(request)
    if (taken.isExceeded) reached?.({ name: groupId, identity }, { seconds }, request)
    return announce(reply, { ...taken, seconds })
  }
}

const createLimiter = (
  { allowances, reached }: Limits,
  limit: LimitOf,
  identify: typeof byKey
): Limiter => {
  const allowance = allowances.of(limit)
  const { name } = limit
  const announce = createAnnouncer(limit)
  return (request, reply, cost) => {
    const identity = identify(request)
    const taken = allowance.take(identity, cost)
    if (taken.isExceeded) reached?.({ name, identity }, taken, request)
    return announce(reply, taken)
  }
}

const createTrustLimiter = (
  { allowances, reached }: Limits,
  limit: LimitOf
): Limiters['failedAtTrust'] => {
  const allowance = allowances.of(limit)
  const { name } = limit
  const announce = createAnnouncer(limit)
  return (request, reply, identity) => {
    const taken = allowance.take(identity)
    if (taken.isExceeded) reached?.({ name, identity }, taken, request)
    return announce(reply, taken)
  }
}

const UNLIMITED: Limiters = {
  address: () => undefined,
  key: () => undefined,
  failedLogins: async () => undefined,
  failedAtTrust: () => undefined,
  fresh: async () => undefined
}

/** Undefined: no limits. */
export const addLimiters = async (
  app: FastifyInstance,
  limits: Limits | undefined
): Promise<Limiters> => {
  if (limits === undefined) return UNLIMITED
  const { allowances, perAddress, perKey, authFailures, reached } = limits
  const windowMs = limits.windowSeconds * 1000
  await app.register(rateLimit, { global: false, store: storeOver(allowances) })
  const failures = { name: 'failed-logins', max: authFailures, windowMs } as const
  return {
    address: createLimiter(limits, { name: 'address', max: perAddress, windowMs }, byAddress),
    key: createLimiter(limits, { name: 'key', max: perKey, windowMs }, byKey),
    failedAtTrust: createTrustLimiter(limits, {
      name: 'failed-at-trust',
      max: authFailures * AT_TRUST,
      windowMs
    }),
    failedLogins: createSlowLimiter(app, failures, byAddress, reached),
    fresh: createSlowLimiter(app, { name: 'fresh', ...FRESH }, byKey, reached)
  }
}
