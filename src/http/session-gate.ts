/**
 * Who is let in by a session's cookie, on the routes that take one. Rule: such a request comes from a page of our own,
 * and what changes something brings the session's token besides; only an act of the person renews a session.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { isSameText } from '../crypto/same.ts'
import type { Session } from '../keys/session.ts'
import type { Sessions } from '../keys/sessions.ts'
import { type KeyFinder, onlyOne } from './credentials.ts'
import { foreignReason, isSafe, type OriginRules } from './same-origin.ts'
import type { Cookie } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission on routes that take a session. */
    session: Session | null
  }
}

/** Lower case, as Node has them. */
const CSRF_HEADER = 'x-csrf-token'
/** `1`: the request is an act of the person, and no page that asks by itself. */
const ACT_HEADER = 'x-user-act'

export interface SessionGate {
  readonly sessions: Pick<Sessions, 'read' | 'renew'>
  readonly cookie: Cookie
  readonly origins: OriginRules
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A cookie is written anew at most so often; seconds. */
const RENEWED_EVERY = 60

/** Or `session_required`, `session_expired` or `conflicting_credentials`. */
export const sessionOf = async (
  { sessions, cookie }: SessionGate,
  keyIn: KeyFinder,
  { raw: { rawHeaders }, address }: FastifyRequest
): Promise<Session | ProblemError> => {
  const token = cookie.valueIn(rawHeaders)
  if (token instanceof ProblemError) return token
  if (token === undefined) return new ProblemError('session_required')
  return keyIn(rawHeaders) === undefined ? sessions.read(token, address) : onlyOne('cookie')
}

/** The session that the browser has, if it still counts; or `conflicting_credentials`. */
export const currentSession = async (
  { sessions, cookie }: { readonly sessions: Pick<Sessions, 'read'>; readonly cookie: Cookie },
  { raw, address }: FastifyRequest
): Promise<Session | ProblemError | undefined> => {
  const token = cookie.valueIn(raw.rawHeaders)
  if (token instanceof ProblemError) return token
  const session = token === undefined ? undefined : await sessions.read(token, address)
  return session instanceof ProblemError ? undefined : session
}

const isToken = (given: unknown, { csrfToken }: Session): boolean =>
  typeof given === 'string' && isSameText(given, csrfToken)

/** Gives `csrf_failed` back for a request that no page of ours sent. */
export const forgeryIn = (
  { origins }: Pick<SessionGate, 'origins'>,
  request: FastifyRequest,
  session: Session
): ProblemError | undefined => {
  const foreign = foreignReason(request, origins)
  if (foreign !== undefined) return new ProblemError('csrf_failed', {}, foreign)
  return isSafe(request.method) || isToken(request.headers[CSRF_HEADER], session)
    ? undefined
    : new ProblemError('csrf_failed', {}, 'no_csrf_token')
}

const isAct = ({ method, headers }: FastifyRequest): boolean =>
  !isSafe(method) || headers[ACT_HEADER] === '1'

/** Where the request is an act, and the last renewal is not just behind us. */
export const renewAfter = async (
  { sessions, cookie, now }: SessionGate,
  request: FastifyRequest,
  reply: FastifyReply,
  session: Session
): Promise<Session> => {
  const seconds = Math.floor(now() / 1000)
  const isDue = Math.abs(seconds - session.renewedAt) >= RENEWED_EVERY
  if (!isAct(request) || !isDue) return session
  const renewed = await sessions.renew(session, request.address)
  reply.header('set-cookie', cookie.set(renewed.token, renewed.session.endsAt - seconds))
  return renewed.session
}
