/**
 * Who gets in, as one hook: limit of the address, authentication, limit of the key, scope and mode. Rule: failed logins
 * are counted, and what may be asked of a secret is not decided here but in the broker.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../core/principal.ts'
import { type ProblemCode, ProblemError } from '../core/problem.ts'
import { hasScope, modeAllows } from '../core/scope.ts'
import { addressOf } from './caller.ts'
import { apiKeyIn, internalSecretIn } from './credentials.ts'
import { addLimiters, type Limits } from './limiters.ts'
import type { RouteAuth } from './route-auth.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission on routes that ask for an API key. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /** Takes `more` requests from the allowance of the key, for one that does the work of several. Throws `rate_limited`. */
    chargeKey: (request: FastifyRequest, reply: FastifyReply, more: number) => void
    /** For a read that demands to go past the cache: takes one of the few that a key has. Rejects with `rate_limited`. */
    chargeFresh: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  }
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
  /** That whoever is behind a request has proven a key, or the internal secret. */
  readonly prove: (socket: Socket) => void
  /** Puts a failed login on record. */
  readonly recordRefusal: (request: FastifyRequest, problem: ProblemError) => Promise<void>
  /** Puts on record what an administrator is about to see. Rejects with `audit_unavailable`. */
  readonly recordAdminRead: (request: FastifyRequest) => Promise<void>
}

const ADMIN_WRITE_OFF = 'this service is not changed by HTTP: ALLOW_ADMIN_WRITE is off'

type KeyAuth = Extract<RouteAuth, { kind: 'key' | 'admin' }>

/** Each is a line of the trail, which nobody without a key may write as many of as requests. */
const FAILED_LOGINS: ReadonlySet<ProblemCode> = new Set([
  'invalid_api_key',
  'authentication_required',
  'conflicting_credentials'
])

const isFailedLogin = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && FAILED_LOGINS.has(error.code)

export const addAdmission = async (
  app: FastifyInstance,
  options: AdmissionOptions
): Promise<void> => {
  const { scopeRoot, adminScope, authenticate, isInternalSecret, prove, recordRefusal } = options
  const limits = await addLimiters(app, options.limits)

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
      // Said to an administrator alone: whoever is none was refused above.
      throw new ProblemError('access_denied', { detail: ADMIN_WRITE_OFF }, 'admin_write_off')
    }
  }

  const admitInternal = (request: FastifyRequest): void => {
    const given = internalSecretIn(request.raw.rawHeaders)
    // Missing and wrong are one answer.
    if (given === undefined || !isInternalSecret(given)) {
      throw new ProblemError('authentication_required')
    }
    prove(request.raw.socket)
  }

  app.decorate('chargeKey', limits.key)
  app.decorate('chargeFresh', limits.fresh)
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

  app.decorateRequest('principal', null)
  // A key that is known is admitted without waiting for anything.
  app.addHook('onRequest', async (request, reply) => {
    const { auth } = request.routeOptions.config
    if (auth?.kind === 'open' && auth.unlimited) return
    const isCounted = countsAddress(request)
    if (isCounted) limits.address(request, reply)
    // Here rather than in a handler, which would have read the body first.
    if (request.is404) throw new ProblemError('route_not_found')
    if (auth === undefined || auth.kind === 'open') return
    try {
      if (auth.kind === 'internal') return admitInternal(request)
      if (auth.kind === 'proxied') admitInternal(request)
      const apiKey = apiKeyIn(request.raw.rawHeaders)
      if (apiKey === undefined) throw new ProblemError('authentication_required')
      const known = authenticate(apiKey)
      const principal = known instanceof Promise ? await known : known
      request.principal = principal
      prove(request.raw.socket)
      limits.key(request, reply)
      authorizeRoute(request, principal)
    } catch (error) {
      if (isCounted && isFailedLogin(error)) await limits.failedLogins(request, reply)
      if (error instanceof ProblemError && error.code !== 'rate_limited') {
        await recordRefusal(request, error)
      }
      throw error
    }
  })
  // Here rather than in each handler: a route that shows something to administrators cannot forget it.
  app.addHook('preHandler', async (request) => {
    const { auth } = request.routeOptions.config
    if (auth?.kind !== 'admin') return
    if (auth.reads || request.method === 'GET' || request.method === 'HEAD') {
      await options.recordAdminRead(request)
    }
  })
}
