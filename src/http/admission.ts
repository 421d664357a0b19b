/**
 * Who gets in, as one hook: limit of the address, authentication, limit of the key, scope and mode. Rule: failed logins
 * are counted, and what may be asked of a secret is not decided here but in the broker.
 */
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { hasScope, modeAllows } from '../core/scope.ts'
import { addressOf } from './caller.ts'
import { apiKeyIn, internalSecretIn } from './credentials.ts'
import type { RouteAuth } from './route-auth.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission on routes that ask for an API key. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /** Takes `more` requests from the allowance of the key, for one that does the work of several. Throws `rate_limited`. */
    chargeKey: (request: FastifyRequest, reply: FastifyReply, more: number) => Promise<void>
  }
}

export interface Limits {
  readonly windowSeconds: number
  readonly perKey: number
  readonly perAddress: number
  readonly authFailures: number
}

export interface AdmissionOptions {
  readonly scopeRoot: string
  readonly adminScope: string
  /** Whether routes that change configuration or stores are served. */
  readonly allowsAdminWrite: boolean
  /** Undefined: no limits. */
  readonly limits: Limits | undefined
  /** Throws or rejects with a ProblemError. */
  readonly authenticate: (apiKey: string) => Principal | Promise<Principal>
  readonly isInternalSecret: (given: string) => boolean
  /** Puts a failed login on record. */
  readonly recordRefusal: (request: FastifyRequest, problem: ProblemError) => Promise<void>
}

type KeyAuth = Extract<RouteAuth, { kind: 'key' | 'admin' }>

/** Takes one from the caller's allowance; throws `rate_limited` when there is none left. */
type Limiter = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** Only the limit that a caller steers by, its key's, stands on every answer (draft-ietf-httpapi-ratelimit-headers). */
const createLimiter = (
  app: FastifyInstance,
  name: 'address' | 'key' | 'failed-logins',
  max: number,
  windowSeconds: number,
  keyGenerator: (request: FastifyRequest) => string
): Limiter => {
  const announces = name === 'key'
  const take = app.createRateLimit({ max, timeWindow: windowSeconds * 1000, keyGenerator })
  const policy = `"${name}";q=${max};w=${windowSeconds}`
  return async (request, reply) => {
    const taken = await take(request)
    // `isAllowed` says that the caller is on the plugin's list of exempted ones, of which there are none.
    if (taken.isAllowed || !(announces || taken.isExceeded)) return
    reply.header('ratelimit-policy', policy)
    reply.header('ratelimit', `"${name}";r=${taken.remaining};t=${taken.ttlInSeconds}`)
    if (taken.isExceeded) throw new ProblemError('rate_limited', { retryAfter: taken.ttlInSeconds })
  }
}

const unlimited: Limiter = async () => {}

// One subscriber has a whole /64 of IPv6 addresses. What network an address is in is kept, since to find it costs as much
// as the rest of admission.
const networks = new LRUCache<string, string>({
  max: 1_000,
  memoMethod: (address) => normalizeIP(address)
})
const byAddress = (request: FastifyRequest): string => networks.memo(addressOf(request))
const byKey = (request: FastifyRequest): string => request.principal?.keyId ?? ''

const isFailedLogin = (error: unknown): error is ProblemError =>
  error instanceof ProblemError &&
  (error.code === 'invalid_api_key' || error.code === 'authentication_required')

export const addAdmission = (app: FastifyInstance, options: AdmissionOptions): void => {
  const { scopeRoot, adminScope, limits, authenticate, isInternalSecret, recordRefusal } = options
  const limiter = (
    name: Parameters<typeof createLimiter>[1],
    max: number | undefined,
    key: typeof byAddress
  ): Limiter =>
    limits === undefined || max === undefined
      ? unlimited
      : createLimiter(app, name, max, limits.windowSeconds, key)
  const limitAddress = limiter('address', limits?.perAddress, byAddress)
  const limitKey = limiter('key', limits?.perKey, byKey)
  const limitFailures = limiter('failed-logins', limits?.authFailures, byAddress)

  const scopes = new Map<string, string>()
  const fullScope = (scope: string): string => {
    let full = scopes.get(scope)
    if (full === undefined) {
      full = `${scopeRoot}:${scope}`
      scopes.set(scope, full)
    }
    return full
  }

  const scopeOf = (auth: KeyAuth): string | undefined => {
    if (auth.kind === 'admin') return adminScope
    return auth.scope === undefined ? undefined : fullScope(auth.scope)
  }

  const admitKey = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const apiKey = apiKeyIn(request.raw.rawHeaders)
    if (apiKey === undefined) throw new ProblemError('authentication_required')
    const known = authenticate(apiKey)
    request.principal = known instanceof Promise ? await known : known
    await limitKey(request, reply)
  }

  const authorizeRoute = (request: FastifyRequest, principal: Principal): void => {
    const { auth } = request.routeOptions.config
    if (auth?.kind !== 'key' && auth?.kind !== 'admin') return
    const scope = scopeOf(auth)
    if (scope !== undefined && !hasScope(principal.scopes, scope)) {
      throw new ProblemError('insufficient_scope')
    }
    const discloses =
      auth.kind === 'key' && auth.discloses === true && !principal.mode.includes('r')
    if (discloses || !modeAllows(principal.mode, request.method)) {
      throw new ProblemError('insufficient_mode')
    }
    if (auth.kind === 'admin' && auth.changes && !options.allowsAdminWrite) {
      throw new ProblemError('access_denied', {}, 'admin_write_off')
    }
  }

  const admitInternal = (request: FastifyRequest): void => {
    const given = internalSecretIn(request.raw.rawHeaders)
    // Missing and wrong are one answer.
    if (given === undefined || !isInternalSecret(given)) {
      throw new ProblemError('authentication_required')
    }
  }

  /**
   * A proxy that proved itself is not the one to count: the caller in front of it is, and only if the proxy is also trusted
   * to tell its address. All callers together under the proxy's address would lock each other out.
   */
  const countsAddress = (request: FastifyRequest): boolean => {
    const { config } = request.routeOptions
    if (config.auth?.kind !== 'proxied') return true
    if (addressOf(request) !== request.socket.remoteAddress) return true
    try {
      admitInternal(request)
      return false
    } catch {
      return true
    }
  }

  app.decorate('chargeKey', async (request: FastifyRequest, reply: FastifyReply, more: number) => {
    for (let taken = 0; taken < more; taken++) await limitKey(request, reply)
  })
  app.decorateRequest('principal', null)
  app.addHook('onRequest', async (request, reply) => {
    const { auth } = request.routeOptions.config
    if (auth?.kind === 'open' && auth.unlimited) return
    const isCounted = countsAddress(request)
    if (isCounted) await limitAddress(request, reply)
    // Here rather than in a handler, which would have read the body first.
    if (request.is404) throw new ProblemError('route_not_found')
    if (auth === undefined || auth.kind === 'open') return
    try {
      if (auth.kind === 'internal') admitInternal(request)
      else {
        if (auth.kind === 'proxied') admitInternal(request)
        await admitKey(request, reply)
        if (request.principal !== null) authorizeRoute(request, request.principal)
      }
    } catch (error) {
      if (isCounted && isFailedLogin(error)) await limitFailures(request, reply)
      if (error instanceof ProblemError && error.code !== 'rate_limited') {
        await recordRefusal(request, error)
      }
      throw error
    }
  })
}
