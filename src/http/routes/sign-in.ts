/**
 * Sign-in of administrators at a provider: there and back. Rule: a page of ours, or a person, begins it; what comes back
 * counts in the browser that began; and it ends at a page of this site, whose next request brings the new cookie along.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Recorder } from '../../audit/recorder.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Sessions } from '../../keys/sessions.ts'
import { SIGN_IN_SECONDS, type SignIn } from '../../keys/sign-in.ts'
import type { TypedFastify } from '../route-auth.ts'
import { foreignReason, type OriginRules } from '../same-origin.ts'
import type { Cookie } from '../session-cookie.ts'
import { currentSession } from '../session-gate.ts'
import { handOver } from './sessions.ts'
import { BackAnswer, BackQuery, ThereAnswer } from './sign-in-schemas.ts'

export interface SignInRoutesOptions {
  /** Undefined: nobody signs in at a provider. */
  readonly signIn: SignIn | undefined
  readonly sessions: Pick<Sessions, 'read' | 'openFor' | 'end'>
  /** Of the session. */
  readonly cookie: Cookie
  /** Of a sign-in under way: SameSite=Lax, so that it comes along from the provider. */
  readonly transactionCookie: Cookie
  readonly origins: OriginRules
  readonly recorder: Pick<Recorder, 'allowed'>
  /** Where whoever signed in goes next; a path. */
  readonly landing: string
}

const OFF = 'nobody signs in at a provider here: OIDC_* and GOOGLE_* are not set'

const wanted = ({ signIn }: SignInRoutesOptions): SignIn => {
  if (signIn === undefined) throw new ProblemError('access_denied', { detail: OFF }, 'sessions_off')
  return signIn
}

const addStart = (app: TypedFastify, options: SignInRoutesOptions): void => {
  app.get(
    '/v1/sessions/oidc/start',
    {
      config: { auth: { kind: 'open' }, cors: false },
      schema: {
        operationId: 'startSignIn',
        summary: 'Go to the provider of sign-ins; for a link of a page of this service',
        response: { 302: ThereAnswer }
      }
    },
    async (request, reply) => {
      const signIn = wanted(options)
      if (foreignReason(request, options.origins) !== undefined) {
        throw new ProblemError('csrf_failed', {}, 'foreign_page')
      }
      const former = await currentSession(options, request)
      const { url, token } = await signIn.begin(former?.id)
      reply.header('set-cookie', options.transactionCookie.set(token, SIGN_IN_SECONDS))
      return reply.redirect(url, 302)
    }
  )
}

/** A Strict cookie comes along with no request that another site has led to: this page asks for the next one itself. */
const pageTo = (landing: string): string => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=${landing}"><title>Signed in</title>
<p>You are signed in. <a href="${landing}">Go on</a></p></html>`

const finish = async (
  app: TypedFastify,
  options: SignInRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<string> => {
  const { sessions, transactionCookie, landing } = options
  const signIn = wanted(options)
  reply.header('set-cookie', transactionCookie.clear)
  const search = /\?(.*)$/.exec(request.raw.url ?? '')?.[1] ?? ''
  try {
    const token = transactionCookie.valueIn(request.raw.rawHeaders)
    if (token instanceof ProblemError) throw token
    const { former, ...user } = await signIn.finish(token, search)
    if (former !== undefined) await sessions.end({ id: former })
    await handOver(options, request, reply, await sessions.openFor(user))
    return pageTo(landing)
  } catch (error) {
    // Each is on record, and counted as a failed login, since nobody has proven anything.
    throw await app.failLogin(request, reply, error)
  }
}

const addCallback = (app: TypedFastify, options: SignInRoutesOptions): void => {
  app.get(
    '/v1/sessions/oidc/callback',
    {
      config: { auth: { kind: 'open' }, cors: false },
      schema: {
        operationId: 'finishSignIn',
        summary: 'Where the provider of sign-ins sends back: opens a session',
        querystring: BackQuery,
        response: { 200: BackAnswer }
      }
    },
    async (request, reply) => {
      const page = await finish(app, options, request, reply)
      return reply
        .header('content-security-policy', PAGE_POLICY)
        .header('cross-origin-opener-policy', 'same-origin')
        .type('text/html; charset=utf-8')
        .send(page)
    }
  )
}

const PAGE_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

export const addSignInRoutes = (app: TypedFastify, options: SignInRoutesOptions): void => {
  addStart(app, options)
  addCallback(app, options)
}
