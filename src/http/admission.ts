/**
 * Who gets in, as one hook of each route: limit of the address, authentication, limit of the key, scope and mode. Rule:
 * failed logins are counted, what a route asks of its caller is worked out at boot, and rights to secrets are decided
 * in the broker, not here.
 */
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions
} from 'fastify'
import type { Principal } from '../core/principal.ts'
import { PROBLEMS, type ProblemCode, ProblemError } from '../core/problem.ts'
import { routeText } from '../core/route-text.ts'
import { RefusedLogin } from '../keys/login.ts'
import {
  type AdmissionMeans,
  type AdmissionOptions,
  countsAddress,
  createCheck
} from './admission-checks.ts'
import type { KeyFinder } from './credentials.ts'
import { addLimiters } from './limiters.ts'
import type { RouteAuth } from './route-auth.ts'

export type { AdmissionOptions } from './admission-checks.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission on routes that ask for an API key or a session. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /**
     * Takes `more` requests from the allowance of the key, for a request that does the work of several. Gives
     * `rate_limited` back.
     */
    chargeKey: (
      request: FastifyRequest,
      reply: FastifyReply,
      more: number
    ) => ProblemError | undefined
    /** For a read past the cache: takes one of the few such reads that a key has. Rejects with `rate_limited`. */
    chargeFresh: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
    /**
     * For a login that a route decides on: counts and records what was refused. Resolves with what is answered; rejects if
     * it cannot be recorded.
     */
    failLogin: (request: FastifyRequest, reply: FastifyReply, error: unknown) => Promise<unknown>
  }
}

const OPEN: RouteAuth = { kind: 'open' }

/** Failed logins, each a line of the trail: they are limited, so that nobody without a key can fill the trail. */
const FAILED_LOGINS: ReadonlySet<ProblemCode> = new Set([
  'invalid_api_key',
  'authentication_required',
  'conflicting_credentials',
  'session_required',
  'session_expired'
])

/** Told of no record: a limit that was reached has one of its own, and who brings no cookie tries nothing. */
const isSilent = (error: unknown): boolean =>
  error instanceof ProblemError &&
  (error.code === 'rate_limited' ||
    (error.code === 'session_required' && error.reason === undefined))

const isFailedLogin = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && FAILED_LOGINS.has(error.code)

/** What is answered: the error, or `rate_limited` where a login failed too often. Rejects if it cannot be recorded. */
const refuse = async (
  { limiters, recordRefusal }: Pick<AdmissionMeans, 'limiters' | 'recordRefusal'>,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  isCounted: boolean
): Promise<unknown> => {
  const limited = isCounted && (await limiters.failedLogins(request, reply))
  if (limited instanceof ProblemError) return limited
  const trust = error instanceof RefusedLogin ? error.facts.trust : undefined
  const atTrust = trust !== undefined && limiters.failedAtTrust(request, reply, trust)
  if (atTrust instanceof ProblemError) return atTrust
  if (error instanceof ProblemError) await recordRefusal(request, error)
  return error
}

/** The hook of one route. The route is looked at here, once. */
const createHook = (
  means: AdmissionMeans,
  keyIn: KeyFinder,
  route: RouteOptions
): onRequestHookHandler => {
  const { limiters } = means
  const { url, method } = route
  const auth = route.config?.auth ?? OPEN
  const isUnlimited = auth.kind === 'open' && auth.unlimited === true
  const isProxied = auth.kind === 'proxied'
  const check = createCheck(means, keyIn, auth)
  const dialect = route.config?.dialect
  const text = typeof method === 'string' ? routeText(dialect, method, url) : undefined
  return (request, reply, done) => {
    request.route = text ?? routeText(dialect, request.method, url)
    if (isUnlimited) return done()
    const isCounted = !isProxied || countsAddress(means, request)
    const answer = (error: unknown): void => done(error as Error)
    const end = (error: unknown): void => {
      if (error === undefined || isSilent(error)) answer(error)
      else
        refuse(means, request, reply, error, isCounted && isFailedLogin(error)).then(answer, answer)
    }
    const limited = isCounted ? limiters.address(request, reply) : undefined
    if (limited !== undefined) return done(limited)
    try {
      const refusal = check(request, reply)
      if (refusal instanceof Promise) refusal.then(end, end)
      else end(refusal)
    } catch (error) {
      end(error)
    }
  }
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

const showsToAdministrators = ({ config, method }: RouteOptions): boolean => {
  const auth = config?.auth
  if (auth?.kind !== 'admin' && auth?.kind !== 'session') return false
  if (auth.kind === 'session' && auth.readsItself === true) return false
  return auth.reads === true || [method].flat().some((one) => READS.has(one))
}

export interface Admission {
  /**
   * Stands before each route that is added to the app from then on; the key is found as the door of the app finds it.
   */
  readonly guardRoutes: (app: FastifyInstance, keyIn: KeyFinder) => void
  /** A hook for requests without a route. A handler would come only after the body was read. */
  readonly refuseUnknown: (dialect: string | undefined) => onRequestHookHandler
}

export const addAdmission = async (
  server: FastifyInstance,
  { limits, ...options }: AdmissionOptions
): Promise<Admission> => {
  const limiters = await addLimiters(server, limits)
  const means: AdmissionMeans = { ...options, limiters }
  server.decorate('chargeKey', limiters.key)
  server.decorate('chargeFresh', async (request, reply) => {
    const limited = await limiters.fresh(request, reply)
    if (limited !== undefined) await Promise.reject(limited)
  })
  server.decorate('failLogin', (request, reply, error) => {
    // What a provider is to blame for is no attempt of the caller.
    const isRefused = error instanceof ProblemError && PROBLEMS[error.code].status < 500
    return refuse(means, request, reply, error, isRefused)
  })
  server.decorateRequest('principal', null)
  server.decorateRequest('session', null)
  server.decorateRequest('route', '')
  const recordRead = (request: FastifyRequest): Promise<void> => options.recordAdminRead(request)
  return {
    guardRoutes: (app, keyIn) => {
      app.addHook('onRoute', (route) => {
        const admit = createHook(means, keyIn, route)
        route.onRequest = [admit, ...[route.onRequest ?? []].flat()]
        // Recorded here, so that no route for administrators can forget it.
        if (showsToAdministrators(route)) {
          route.preHandler = [recordRead, ...[route.preHandler ?? []].flat()]
        }
      })
    },
    refuseUnknown: (dialect) => (request, reply, done) => {
      if (!request.is404) return done()
      request.route = routeText(dialect, request.method, '')
      done(limiters.address(request, reply) ?? new ProblemError('route_not_found'))
    }
  }
}
