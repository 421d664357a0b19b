/**
 * Signing in once more, before an act that a browser left open must not allow. Rule: it is the key of the session that
 * is shown, the mark stands in the session's own token and ends by itself, and what goes wrong is on record.
 */
import type { onRequestAsyncHookHandler } from 'fastify'
import { Type } from 'typebox'
import type { Action, Recorder } from '../audit/recorder.ts'
import { ProblemError } from '../core/problem.ts'
import { callerOf } from '../http/caller.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { type SessionRoutesOptions, sessionIn } from '../http/routes/sessions.ts'
import { strict } from '../http/schemas.ts'
import type { Authenticator } from '../keys/authenticator.ts'
import { reauthenticatedUntil } from '../keys/sessions.ts'

export interface ReauthenticationOptions {
  readonly sessions: Pick<SessionRoutesOptions, 'sessions' | 'cookie'>
  readonly examine: Authenticator['examine']
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const NOT_YET = 'sign in once more first: POST /console/api/step-up'

/** Stands before an act; `action` is what the refusal is recorded as. */
export const requireReauthentication =
  ({ recorder, now }: ReauthenticationOptions, action: Action): onRequestAsyncHookHandler =>
  async (request) => {
    if (now() < reauthenticatedUntil(sessionIn(request)) * 1000) return
    const refusal = new ProblemError('access_denied', { detail: NOT_YET }, 'not_reauthenticated')
    throw await recorder.failed(callerOf(request), action, undefined, refusal)
  }

/** A provider may answer without asking the person: that proves nothing anew. */
const NO_KEY = 'who signed in at a provider has no key to show: sign in with a key'

const StepUpBody = Type.Object({ apiKey: Type.String({ maxLength: 4096 }) }, strict)
const StepUpAnswer = Type.Object({ until: Type.String({ format: 'date-time' }) })

export const addReauthentication = (
  app: TypedFastify,
  url: string,
  { sessions: { sessions, cookie }, examine, recorder }: ReauthenticationOptions
): void => {
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
      if (session.user !== undefined) {
        const problem = new ProblemError('access_denied', { detail: NO_KEY }, 'not_reauthenticated')
        throw await recorder.failed(caller, 'session.reauthenticate', undefined, problem)
      }
      const { principal, refusal } = await examine(request.body.apiKey, request.address)
      if (refusal !== undefined || principal?.keyId !== session.principal.keyId) {
        const problem = new ProblemError('invalid_api_key', {}, refusal?.reason ?? 'other_key')
        throw await recorder.failed(caller, 'session.reauthenticate', undefined, problem)
      }
      const { session: marked, token } = await sessions.reauthenticate(session)
      await recorder.allowed(caller, 'session.reauthenticate', undefined)
      reply.header('set-cookie', cookie.set(token, marked.endsAt - marked.renewedAt))
      return { until: new Date(reauthenticatedUntil(marked) * 1000).toISOString() }
    }
  )
}
