/**
 * Administrators' sessions: sign in with an API key, see who is signed in, sign out. Rule: the token goes out in the
 * cookie, once it is on record; whoever signs in again leaves the session before.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Recorder } from '../../audit/recorder.ts'
import { ProblemError } from '../../core/problem.ts'
import { meansOf, type Session } from '../../keys/session.ts'
import type { OpenedSession, Sessions } from '../../keys/sessions.ts'
import { arrivalOf, callerOf, signsOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { foreignReason, type OriginRules } from '../same-origin.ts'
import type { Cookie } from '../session-cookie.ts'
import { currentSession } from '../session-gate.ts'
import { EndedAnswer, OpenedAnswer, SessionAnswer } from './sessions-schemas.ts'

export interface SessionRoutesOptions {
  readonly sessions: Sessions
  /** Whether there is a JWT_SECRET. */
  readonly isOn: () => boolean
  readonly cookie: Cookie
  readonly origins: OriginRules
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
  readonly returnsToken: boolean
}

const OFF = 'nobody signs in to this service: JWT_SECRET is not set'

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()

const keyOf = (session: Session) =>
  meansOf(session) === 'key' ? { keyId: session.principal.keyId } : {}

const userOf = ({ user }: Session) =>
  user && {
    ...(user.email !== undefined && { user: user.email }),
    issuer: user.issuer,
    subject: user.subject
  }

export const shown = (session: Session) => ({
  sessionId: session.id,
  client: session.principal.client,
  signedInBy: meansOf(session),
  ...keyOf(session),
  ...userOf(session),
  mode: session.principal.mode,
  environment: session.principal.environment,
  csrfToken: session.csrfToken,
  signedInAt: isoTime(session.signedInAt),
  endsAt: isoTime(session.endsAt),
  endsAtLatest: isoTime(session.endsAtLatest)
})

/** Of a route that takes one. */
export const sessionIn = ({ session }: FastifyRequest): Session => {
  if (session === null) throw new ProblemError('session_required')
  return session
}

/** Ends the session that the browser has, before another one begins; gives back why that cannot be told. */
export const leave = async (
  { sessions, cookie }: Pick<SessionRoutesOptions, 'sessions' | 'cookie'>,
  request: FastifyRequest
): Promise<ProblemError | undefined> => {
  const former = await currentSession({ sessions, cookie }, request)
  if (former instanceof ProblemError) return former
  if (former !== undefined) await sessions.end(former)
  return undefined
}

/** Another one than that of whoever acts. */
export const sessionOnRecord = (id: string): string => `session ${id}`

/** Puts the session on record, and then into the browser's cookie; what was in that has ended. */
export const handOver = async (
  { cookie, recorder }: Pick<SessionRoutesOptions, 'cookie' | 'recorder'>,
  request: FastifyRequest,
  reply: FastifyReply,
  { session, token, displaced }: OpenedSession
): Promise<void> => {
  const who = { ...arrivalOf(request), client: session.principal.client, ...signsOf(session) }
  for (const { id } of displaced) {
    const facts = { object: sessionOnRecord(id), reason: 'too_many' }
    await recorder.allowed(who, 'session.end', undefined, facts)
  }
  await recorder.allowed(who, 'session.open', undefined, { reason: meansOf(session) })
  reply.header('set-cookie', cookie.set(token, session.endsAt - session.renewedAt))
}

const addOpen = (app: TypedFastify, options: SessionRoutesOptions): void => {
  const { sessions, isOn, origins, recorder, returnsToken } = options
  app.post(
    '/v1/sessions',
    {
      config: { auth: { kind: 'admin', anyMode: true }, cors: false },
      schema: {
        operationId: 'openSession',
        summary:
          'Sign in: a session of 15 minutes, 8 hours at most while something is done, in a cookie, with what the API key may and no more',
        response: { 201: OpenedAnswer }
      }
    },
    async (request, reply) => {
      const { principal } = request
      if (principal === null) throw new ProblemError('authentication_required')
      if (!isOn()) {
        return Promise.reject(new ProblemError('access_denied', { detail: OFF }, 'sessions_off'))
      }
      // A program says nothing of a page, and its key is no cookie that a browser adds.
      if (foreignReason(request, origins) === 'foreign_page') {
        const refusal = new ProblemError('csrf_failed', {}, 'foreign_page')
        return Promise.reject(
          await recorder.failed(callerOf(request), 'session.open', undefined, refusal)
        )
      }
      const left = await leave(options, request)
      if (left !== undefined) return Promise.reject(left)
      const opened = await sessions.open(principal, request.address)
      await handOver(options, request, reply, opened)
      reply.code(201)
      return { ...shown(opened.session), ...(returnsToken && { token: opened.token }) }
    }
  )
}

const addShow = (app: TypedFastify): void => {
  app.get(
    '/v1/sessions',
    {
      config: {
        auth: { kind: 'session', anyMode: true, slides: false, readsItself: true },
        cors: false
      },
      schema: {
        operationId: 'showSession',
        summary: 'Who is signed in, and until when',
        response: { 200: SessionAnswer }
      }
    },
    async (request) => shown(sessionIn(request))
  )
}

const addEnd = (app: TypedFastify, options: SessionRoutesOptions): void => {
  const { sessions, cookie, recorder } = options
  app.delete(
    '/v1/sessions',
    {
      config: { auth: { kind: 'session', anyMode: true, slides: false }, cors: false },
      schema: {
        operationId: 'endSession',
        summary: 'Sign out, everywhere from the next request on',
        response: { 200: EndedAnswer }
      }
    },
    async (request, reply) => {
      const session = sessionIn(request)
      // Before the record: where that fails, the session has ended all the same.
      const { isDurable } = await sessions.end(session)
      reply.header('set-cookie', cookie.clear)
      await recorder.allowed(callerOf(request), 'session.end', undefined)
      return { sessionId: session.id, ...(!isDurable && { pending: true }) }
    }
  )
}

export const addSessionRoutes = (app: TypedFastify, options: SessionRoutesOptions): void => {
  addOpen(app, options)
  addShow(app)
  addEnd(app, options)
}
