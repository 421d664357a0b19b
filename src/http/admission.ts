/**
 * Who gets in, as one hook of each route: limit of the address, authentication, limit of the key, scope and mode. Rule:
 * failed logins are counted, what a route asks of its caller is worked out at boot, and rights to secrets are decided
 * in the broker, not here.
 */
import type { Socket } from 'node:net'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions
} from 'fastify'
import type { Principal } from '../core/principal.ts'
import { type ProblemCode, ProblemError } from '../core/problem.ts'
import { toldAddressOf } from './addresses.ts'
import { bearerIn, internalSecretIn, type KeyFinder, onlyOne } from './credentials.ts'
import { addLimiters, type Limiters, type Limits } from './limiters.ts'
import { createAuthorize, type RouteAuth, type RouteAuthSettings } from './route-auth.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission on routes that ask for an API key. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /**
     * Takes `more` requests from the allowance of the key, for a request that does the work of several. Throws
     * `rate_limited`.
     */
    chargeKey: (request: FastifyRequest, reply: FastifyReply, more: number) => void
    /** For a read past the cache: takes one of the few such reads that a key has. Rejects with `rate_limited`. */
    chargeFresh: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  }
}

export interface AdmissionOptions extends RouteAuthSettings {
  /** Undefined: no limits. */
  readonly limits: Limits | undefined
  /** Throws or rejects with a ProblemError. */
  readonly authenticate: (
    apiKey: string,
    address: string | undefined
  ) => Principal | Promise<Principal>
  readonly isInternalSecret: (given: string) => boolean
  readonly isMetricsToken: (given: string) => boolean
  /** Notes that the caller has proven a key, or the internal secret. */
  readonly prove: (socket: Socket) => void
  /** Puts a failed login on record. */
  readonly recordRefusal: (request: FastifyRequest, problem: ProblemError) => Promise<void>
  /** Puts on record what an administrator is about to see. Rejects with `audit_unavailable`. */
  readonly recordAdminRead: (request: FastifyRequest) => Promise<void>
}

interface AdmissionMeans extends Omit<AdmissionOptions, 'limits'> {
  readonly limiters: Limiters
}

/** Throws or rejects with a ProblemError; a key that is known is admitted without waiting for anything. */
type AdmissionStep = (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>

const OPEN: RouteAuth = { kind: 'open' }

/** Failed logins, each a line of the trail: they are limited, so that nobody without a key can fill the trail. */
const FAILED_LOGINS: ReadonlySet<ProblemCode> = new Set([
  'invalid_api_key',
  'authentication_required',
  'conflicting_credentials'
])

const isFailedLogin = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && FAILED_LOGINS.has(error.code)

const admitInternal = (
  { isInternalSecret, prove }: AdmissionMeans,
  { raw: { rawHeaders, socket } }: FastifyRequest
): void => {
  const given = internalSecretIn(rawHeaders)
  // A missing and a wrong secret get the same answer.
  if (given === undefined || !isInternalSecret(given)) {
    throw new ProblemError('authentication_required')
  }
  prove(socket)
}

const admitScraper = (means: AdmissionMeans, request: FastifyRequest): void => {
  const { rawHeaders, socket } = request.raw
  const token = bearerIn(rawHeaders)
  if (token === undefined) {
    admitInternal(means, request)
    return
  }
  if (internalSecretIn(rawHeaders) !== undefined) throw onlyOne('authorization')
  if (!means.isMetricsToken(token)) throw new ProblemError('authentication_required')
  means.prove(socket)
}

/**
 * Of a route that is `proxied`. A proxy that proved itself is not the one to count: the caller in front of it is, and
 * only if the proxy is also trusted to tell its address. All callers together under the proxy's address would lock each
 * other out.
 */
const countsAddress = (means: AdmissionMeans, request: FastifyRequest): boolean => {
  if (request.address !== request.socket.remoteAddress) return true
  try {
    admitInternal(means, request)
    return false
  } catch {
    return true
  }
}

const createKeyCheck = (
  { authenticate, prove, limiters }: AdmissionMeans,
  keyIn: KeyFinder,
  addressIn: (request: FastifyRequest) => string | undefined,
  authorize: (principal: Principal, method: string) => void
): AdmissionStep => {
  const accept = (request: FastifyRequest, reply: FastifyReply, principal: Principal): void => {
    request.principal = principal
    prove(request.raw.socket)
    limiters.key(request, reply)
    authorize(principal, request.method)
  }
  return (request, reply) => {
    const apiKey = keyIn(request.raw.rawHeaders)
    if (apiKey === undefined) throw new ProblemError('authentication_required')
    const known = authenticate(apiKey, addressIn(request))
    return known instanceof Promise
      ? known.then((opened) => accept(request, reply, opened))
      : accept(request, reply, known)
  }
}

const createCheck = (means: AdmissionMeans, keyIn: KeyFinder, auth: RouteAuth): AdmissionStep => {
  if (auth.kind === 'open') return () => {}
  if (auth.kind === 'internal') return (request) => admitInternal(means, request)
  if (auth.kind === 'scraper') return (request) => admitScraper(means, request)
  if (auth.kind !== 'proxied') {
    return createKeyCheck(means, keyIn, ({ address }) => address, createAuthorize(auth, means))
  }
  // The proxy is not the one who uses the key.
  const checkKey = createKeyCheck(means, keyIn, toldAddressOf, () => {})
  return (request, reply) => {
    admitInternal(means, request)
    return checkKey(request, reply)
  }
}

/** Rejects with the error, or with `rate_limited` where a login failed too often. */
const refuse = async (
  { limiters, recordRefusal }: AdmissionMeans,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  isCounted: boolean
): Promise<never> => {
  if (isCounted && isFailedLogin(error)) await limiters.failedLogins(request, reply)
  if (error instanceof ProblemError && error.code !== 'rate_limited') {
    await recordRefusal(request, error)
  }
  return Promise.reject(error)
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
  const text = typeof method === 'string' ? `${method} ${url}` : undefined
  return (request, reply, done) => {
    request.route = text ?? `${request.method} ${url}`
    if (isUnlimited) return done()
    const isCounted = !isProxied || countsAddress(means, request)
    if (isCounted) limiters.address(request, reply)
    let pending: void | Promise<void>
    try {
      pending = check(request, reply)
    } catch (error) {
      refuse(means, request, reply, error, isCounted).catch(done)
      return
    }
    if (pending === undefined) return done()
    pending
      .catch((error) => refuse(means, request, reply, error, isCounted))
      .then(() => done(), done)
  }
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

const showsToAdministrators = ({ config, method }: RouteOptions): boolean => {
  const auth = config?.auth
  if (auth?.kind !== 'admin') return false
  return auth.reads === true || [method].flat().some((one) => READS.has(one))
}

export interface Admission {
  /**
   * Stands before each route that is added to the app from then on; the key is found as the door of the app finds it.
   */
  readonly guardRoutes: (app: FastifyInstance, keyIn: KeyFinder) => void
  /** A hook for requests without a route. A handler would come only after the body was read. */
  readonly refuseUnknown: onRequestHookHandler
}

export const addAdmission = async (
  server: FastifyInstance,
  { limits, ...options }: AdmissionOptions
): Promise<Admission> => {
  const limiters = await addLimiters(server, limits)
  const means: AdmissionMeans = { ...options, limiters }
  server.decorate('chargeKey', limiters.key)
  server.decorate('chargeFresh', limiters.fresh)
  server.decorateRequest('principal', null)
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
    refuseUnknown: (request, reply, done) => {
      if (!request.is404) return done()
      request.route = `${request.method} `
      limiters.address(request, reply)
      done(new ProblemError('route_not_found'))
    }
  }
}
