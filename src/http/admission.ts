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

/**
 * Why a request is refused. Given back rather than thrown wherever callers can make it come often, since to throw costs
 * a good part of a read; undefined: it is admitted.
 */
type Refusal = ProblemError | undefined

/** May throw or reject with a ProblemError too; a key that is known is admitted without waiting for anything. */
type AdmissionStep = (request: FastifyRequest, reply: FastifyReply) => Refusal | Promise<Refusal>

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
): Refusal => {
  const given = internalSecretIn(rawHeaders)
  // A missing and a wrong secret get the same answer.
  if (given === undefined || !isInternalSecret(given)) {
    return new ProblemError('authentication_required')
  }
  prove(socket)
  return undefined
}

const admitScraper = (means: AdmissionMeans, request: FastifyRequest): Refusal => {
  const { rawHeaders, socket } = request.raw
  const token = bearerIn(rawHeaders)
  if (token === undefined) return admitInternal(means, request)
  if (internalSecretIn(rawHeaders) !== undefined) return onlyOne('authorization')
  if (!means.isMetricsToken(token)) return new ProblemError('authentication_required')
  means.prove(socket)
  return undefined
}

/**
 * Of a route that is `proxied`. A proxy that proved itself is not the one to count: the caller in front of it is, and
 * only if the proxy is also trusted to tell its address. All callers together under the proxy's address would lock each
 * other out.
 */
const countsAddress = (means: AdmissionMeans, request: FastifyRequest): boolean => {
  if (request.address !== request.socket.remoteAddress) return true
  try {
    return admitInternal(means, request) !== undefined
  } catch {
    return true
  }
}

const createKeyCheck = (
  { authenticate, prove, limiters }: AdmissionMeans,
  keyIn: KeyFinder,
  addressIn: (request: FastifyRequest) => string | undefined,
  authorize: (principal: Principal, method: string) => Refusal
): AdmissionStep => {
  const accept = (request: FastifyRequest, reply: FastifyReply, principal: Principal): Refusal => {
    request.principal = principal
    prove(request.raw.socket)
    return limiters.key(request, reply) ?? authorize(principal, request.method)
  }
  return (request, reply) => {
    const apiKey = keyIn(request.raw.rawHeaders)
    if (apiKey === undefined) return new ProblemError('authentication_required')
    const known = authenticate(apiKey, addressIn(request))
    return known instanceof Promise
      ? known.then((opened) => accept(request, reply, opened))
      : accept(request, reply, known)
  }
}

const createCheck = (means: AdmissionMeans, keyIn: KeyFinder, auth: RouteAuth): AdmissionStep => {
  if (auth.kind === 'open') return () => undefined
  if (auth.kind === 'internal') return (request) => admitInternal(means, request)
  if (auth.kind === 'scraper') return (request) => admitScraper(means, request)
  if (auth.kind !== 'proxied') {
    return createKeyCheck(means, keyIn, ({ address }) => address, createAuthorize(auth, means))
  }
  // The proxy is not the one who uses the key.
  const checkKey = createKeyCheck(means, keyIn, toldAddressOf, () => undefined)
  return (request, reply) => admitInternal(means, request) ?? checkKey(request, reply)
}

/** What is answered: the error, or `rate_limited` where a login failed too often. Rejects if it cannot be recorded. */
const refuse = async (
  { limiters, recordRefusal }: AdmissionMeans,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  isCounted: boolean
): Promise<unknown> => {
  const limited = isCounted && isFailedLogin(error) && (await limiters.failedLogins(request, reply))
  if (limited instanceof ProblemError) return limited
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
  const text = typeof method === 'string' ? `${method} ${url}` : undefined
  return (request, reply, done) => {
    request.route = text ?? `${request.method} ${url}`
    if (isUnlimited) return done()
    const isCounted = !isProxied || countsAddress(means, request)
    const answer = (error: unknown): void => done(error as Error)
    const end = (error: unknown): void => {
      // A limit that was reached is on record once, not for each request that it refuses.
      const isSilent = error instanceof ProblemError && error.code === 'rate_limited'
      if (error === undefined || isSilent) answer(error)
      else refuse(means, request, reply, error, isCounted).then(answer, answer)
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
  server.decorate('chargeFresh', async (request, reply) => {
    const limited = await limiters.fresh(request, reply)
    if (limited !== undefined) await Promise.reject(limited)
  })
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
      done(limiters.address(request, reply) ?? new ProblemError('route_not_found'))
    }
  }
}
