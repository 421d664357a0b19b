/**
 * How each kind of route looks at its caller: the internal secret, an API key, a session. Rule: a check gives its refusal
 * back, and what is known without waiting is answered without waiting.
 */
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Admitted, Authenticator } from '../keys/authenticator.ts'
import { toldAddressOf } from './addresses.ts'
import { bearerIn, internalSecretIn, type KeyFinder, onlyOne } from './credentials.ts'
import type { Limiters, Limits } from './limiters.ts'
import { createAuthorize, type RouteAuth, type RouteAuthSettings } from './route-auth.ts'
import { forgeryIn, renewAfter, type SessionGate, sessionOf } from './session-gate.ts'

export interface AdmissionOptions extends RouteAuthSettings {
  /** Undefined: no limits. */
  readonly limits: Limits | undefined
  readonly authenticate: Authenticator['authenticate']
  readonly sessions: SessionGate
  readonly isInternalSecret: (given: string) => boolean
  readonly isMetricsToken: (given: string) => boolean
  readonly isAuthorizeSecret: (given: string) => boolean
  /** Notes that the caller has proven a key, or the internal secret. */
  readonly prove: (socket: Socket) => void
  /** Puts a failed login on record. */
  readonly recordRefusal: (request: FastifyRequest, problem: ProblemError) => Promise<void>
  /** Puts on record what an administrator is about to see. Rejects with `audit_unavailable`. */
  readonly recordAdminRead: (request: FastifyRequest) => Promise<void>
}

export interface AdmissionMeans extends Omit<AdmissionOptions, 'limits'> {
  readonly limiters: Limiters
}

/**
 * Why a request is refused. Given back rather than thrown wherever callers can make it come often, since to throw costs
 * a good part of a read; undefined: it is admitted.
 */
export type Refusal = ProblemError | undefined

/** May throw or reject with a ProblemError too; a key that is known is admitted without waiting for anything. */
export type AdmissionStep = (
  request: FastifyRequest,
  reply: FastifyReply
) => Refusal | Promise<Refusal>

const admitBySecret = (
  { prove }: AdmissionMeans,
  { raw: { rawHeaders, socket } }: FastifyRequest,
  isRight: (given: string) => boolean
): Refusal => {
  const given = internalSecretIn(rawHeaders)
  if (given instanceof ProblemError) return given
  // A missing and a wrong secret get the same answer.
  if (given === undefined || !isRight(given)) return new ProblemError('authentication_required')
  prove(socket)
  return undefined
}

const admitInternal = (means: AdmissionMeans, request: FastifyRequest): Refusal =>
  admitBySecret(means, request, means.isInternalSecret)

const admitProxy = (means: AdmissionMeans, request: FastifyRequest): Refusal =>
  admitBySecret(
    means,
    request,
    (given) => means.isInternalSecret(given) || means.isAuthorizeSecret(given)
  )

const admitScraper = (means: AdmissionMeans, request: FastifyRequest): Refusal => {
  const { rawHeaders, socket } = request.raw
  const token = bearerIn(rawHeaders)
  if (token instanceof ProblemError) return token
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
export const countsAddress = (means: AdmissionMeans, request: FastifyRequest): boolean => {
  if (request.address !== request.socket.remoteAddress) return true
  return admitProxy(means, request) !== undefined
}

const createKeyCheck = (
  { authenticate, prove, limiters }: AdmissionMeans,
  keyIn: KeyFinder,
  addressIn: (request: FastifyRequest) => string | undefined,
  authorize: (principal: Principal, method: string) => Refusal
): AdmissionStep => {
  const accept = (request: FastifyRequest, reply: FastifyReply, principal: Admitted): Refusal => {
    if (principal instanceof ProblemError) return principal
    request.principal = principal
    prove(request.raw.socket)
    return limiters.key(request, reply) ?? authorize(principal, request.method)
  }
  return (request, reply) => {
    const apiKey = keyIn(request.raw.rawHeaders)
    if (apiKey instanceof ProblemError) return apiKey
    if (apiKey === undefined) return new ProblemError('authentication_required')
    const known = authenticate(apiKey, addressIn(request))
    return known instanceof Promise
      ? known.then((opened) => accept(request, reply, opened))
      : accept(request, reply, known)
  }
}

type SessionAuth = RouteAuth & { readonly kind: 'session' }

const createSessionCheck = (
  means: AdmissionMeans,
  keyIn: KeyFinder,
  auth: SessionAuth
): AdmissionStep => {
  const { sessions, limiters, prove } = means
  const authorize = createAuthorize(auth, means)
  return async (request, reply) => {
    const session = await sessionOf(sessions, keyIn, request)
    if (session instanceof ProblemError) return session
    request.session = session
    request.principal = session.principal
    prove(request.raw.socket)
    const refusal =
      limiters.key(request, reply) ??
      forgeryIn(sessions, request, session) ??
      authorize(session.principal, request.method)
    if (refusal !== undefined) return refusal
    if (auth.slides !== false) {
      request.session = await renewAfter(sessions, request, reply, session)
    }
    return undefined
  }
}

export const createCheck = (
  means: AdmissionMeans,
  keyIn: KeyFinder,
  auth: RouteAuth
): AdmissionStep => {
  if (auth.kind === 'open') return () => undefined
  if (auth.kind === 'internal') return (request) => admitInternal(means, request)
  if (auth.kind === 'scraper') return (request) => admitScraper(means, request)
  if (auth.kind === 'session') return createSessionCheck(means, keyIn, auth)
  if (auth.kind !== 'proxied') {
    return createKeyCheck(means, keyIn, ({ address }) => address, createAuthorize(auth, means))
  }
  // The proxy is not the one who uses the key.
  const checkKey = createKeyCheck(means, keyIn, toldAddressOf, () => undefined)
  return (request, reply) => admitProxy(means, request) ?? checkKey(request, reply)
}
