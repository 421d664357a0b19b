/**
 * Signing in once more, before an act that a browser left open must not allow. Rule: it is done as the session was opened,
 * by the same key; the mark stands in the session's own token and ends by itself, and what goes wrong is on record.
 */
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Action, Recorder } from '../audit/recorder.ts'
import { ProblemError } from '../core/problem.ts'
import { callerOf } from '../http/caller.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { type SessionRoutesOptions, sessionIn } from '../http/routes/sessions.ts'
import { strict } from '../http/schemas.ts'
import type { Authenticator } from '../keys/authenticator.ts'
import { meansOf, reauthenticatedUntil, type Session } from '../keys/session.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import { takeCode } from './sign-in-code.ts'

export interface ReauthenticationOptions {
  readonly sessions: Pick<SessionRoutesOptions, 'sessions' | 'cookie'>
  readonly examine: Authenticator['examine']
  readonly codes?: SignInCodes | undefined
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const NOT_YET = 'sign in once more first'

/** Stands before an act; `action` is what the refusal is recorded as. */
export const requireReauthentication =
  ({ recorder, now }: ReauthenticationOptions, action: Action): onRequestAsyncHookHandler =>
  async (request) => {
    if (now() < reauthenticatedUntil(sessionIn(request)) * 1000) return
    const refusal = new ProblemError('access_denied', { detail: NOT_YET }, 'not_reauthenticated')
    await Promise.reject(await recorder.failed(callerOf(request), action, undefined, refusal))
  }

const AT_PROVIDER =
  'who signed in at a provider does so there: GET /console/api/v1/sessions/oidc/again'

const StepUpBody = Type.Object(
  {
    apiKey: Type.Optional(Type.String({ maxLength: 4096 })),
    code: Type.Optional(Type.String({ maxLength: 256 }))
  },
  strict
)
type StepUpBody = Static<typeof StepUpBody>
const StepUpAnswer = Type.Object({ until: Type.String({ format: 'date-time' }) })

/** Why what was shown proves nothing of who is signed in. */
const refusalOf = async (
  request: FastifyRequest,
  { apiKey = '', code = '' }: StepUpBody,
  session: Session,
  { examine, codes }: Pick<ReauthenticationOptions, 'examine' | 'codes'>
): Promise<ProblemError | undefined> => {
  const means = meansOf(session)
  if (means === 'provider') {
    return new ProblemError('access_denied', { detail: AT_PROVIDER }, 'not_reauthenticated')
  }
  if (means === 'code') return takeCode(request, codes, code)
  const { principal, refusal } = await examine(apiKey, request.address)
  return refusal === undefined && principal?.keyId === session.principal.keyId
    ? undefined
    : new ProblemError('invalid_api_key', {}, refusal?.reason ?? 'other_key')
}

export const addReauthentication = (
  app: TypedFastify,
  url: string,
  options: ReauthenticationOptions
): void => {
  const { recorder } = options
  const { sessions, cookie } = options.sessions
  app.post(
    url,
    {
      // Renewed by the act itself.
      config: { auth: { kind: 'session', anyMode: true, slides: false }, cors: false },
      schema: { body: StepUpBody, response: { 200: StepUpAnswer } }
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const session = sessionIn(request)
      const refusal = await refusalOf(request, request.body, session, options)
      if (refusal !== undefined) {
        return Promise.reject(
          await recorder.failed(caller, 'session.reauthenticate', undefined, refusal)
        )
      }
      const { session: marked, token } = await sessions.reauthenticate(session, request.address)
      const reason = meansOf(session)
      await recorder.allowed(caller, 'session.reauthenticate', undefined, { reason })
      reply.header('set-cookie', cookie.set(token, marked.endsAt - marked.renewedAt))
      return { until: new Date(reauthenticatedUntil(marked) * 1000).toISOString() }
    }
  )
}
