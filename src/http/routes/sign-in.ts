/**
 * Sign-in of administrators at a provider: there and back. Rule: a page of ours, or a person, begins it; what comes back
 * counts in the browser that began; and it ends at a page of this site, whose next request brings the new cookie along.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Recorder } from '../../audit/recorder.ts'
import { ProblemError } from '../../core/problem.ts'
import { meansOf } from '../../keys/session.ts'
import type { Sessions } from '../../keys/sessions.ts'
import {
  type BegunSignIn,
  SIGN_IN_SECONDS,
  type SignedIn,
  type SignedInAgain,
  type SignIn
} from '../../keys/sign-in.ts'
import { arrivalOf, callerOf, signsOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { foreignReason, type OriginRules } from '../same-origin.ts'
import type { Cookie } from '../session-cookie.ts'
import { currentSession } from '../session-gate.ts'
import { handOver, sessionIn } from './sessions.ts'
import { BackAnswer, BackQuery, ThereAnswer } from './sign-in-schemas.ts'

export interface SignInRoutesOptions {
  /** Undefined: nobody signs in at a provider. */
  readonly signIn: SignIn | undefined
  readonly sessions: Pick<Sessions, 'read' | 'openFor' | 'reopen' | 'reauthenticate' | 'end'>
  /** Of the session. */
  readonly cookie: Cookie
  /** Of a sign-in under way: SameSite=Lax, so that it comes along from the provider. */
  readonly transactionCookie: Cookie
  readonly origins: OriginRules
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
  /** Where whoever signed in goes next; a path. */
  readonly landing: string
}

const OFF = 'nobody signs in at a provider here: OIDC_* and GOOGLE_* are not set'
const off = (): ProblemError => new ProblemError('access_denied', { detail: OFF }, 'sessions_off')

const goThere = (
  reply: FastifyReply,
  { transactionCookie }: SignInRoutesOptions,
  begun: BegunSignIn
): FastifyReply => {
  reply.header('set-cookie', transactionCookie.set(begun.token, SIGN_IN_SECONDS))
  return reply.redirect(begun.url, 302)
}

const addStart = (app: TypedFastify, options: SignInRoutesOptions): void => {
  const { signIn, origins } = options
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
      if (signIn === undefined) return Promise.reject(off())
      if (foreignReason(request, origins) !== undefined) {
        return Promise.reject(new ProblemError('csrf_failed', {}, 'foreign_page'))
      }
      const former = await currentSession(options, request)
      if (former instanceof ProblemError) return Promise.reject(former)
      const begun = await signIn.begin(former?.id)
      return begun instanceof ProblemError ? Promise.reject(begun) : goThere(reply, options, begun)
    }
  )
}

const addAgain = (app: TypedFastify, options: SignInRoutesOptions): void => {
  const { signIn, recorder } = options
  app.get(
    '/v1/sessions/oidc/again',
    {
      config: {
        auth: { kind: 'session', anyMode: true, slides: false, readsItself: true },
        cors: false
      },
      schema: {
        operationId: 'startSignInAgain',
        summary:
          'Go to the provider to sign in once more, afresh and as the same user; for a link of the console',
        response: { 302: ThereAnswer }
      }
    },
    async (request, reply) => {
      const begun = await (signIn?.beginAgain(sessionIn(request)) ?? off())
      if (!(begun instanceof ProblemError)) return goThere(reply, options, begun)
      const who = callerOf(request)
      return Promise.reject(await recorder.failed(who, 'session.reauthenticate', undefined, begun))
    }
  )
}

/** A Strict cookie comes along with no request that another site has led to: this page asks for the next one itself. */
const pageTo = (landing: string): string => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=${landing}"><title>Signed in</title>
<p>You are signed in. <a href="${landing}">Go on</a></p></html>`

/** The page from which it was begun is in another tab. */
const PAGE_BACK = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in once more</title>
<p>You have signed in once more. Close this tab, and go on in the one before.</p></html>`

type Steps = readonly [options: SignInRoutesOptions, request: FastifyRequest, reply: FastifyReply]

const enter = async ([options, request, reply]: Steps, { user, former }: SignedIn) => {
  const { sessions, landing } = options
  if (former !== undefined) await sessions.end({ id: former })
  await handOver(options, request, reply, await sessions.openFor(user, request.address))
  return pageTo(landing)
}

/** It has to be the session that asked for it, which has not ended meanwhile. */
const enterAgain = async (
  [{ sessions, cookie, recorder }, request, reply]: Steps,
  { session: claims, refusal }: SignedInAgain
): Promise<string | ProblemError> => {
  const session = sessions.reopen(claims, request.address)
  if (session instanceof ProblemError) return session
  const who = { ...arrivalOf(request), client: session.principal.client, ...signsOf(session) }
  if (refusal !== undefined) {
    return recorder.failed(who, 'session.reauthenticate', undefined, refusal)
  }
  const { session: marked, token } = await sessions.reauthenticate(session, request.address)
  const reason = meansOf(session)
  await recorder.allowed(who, 'session.reauthenticate', undefined, { reason })
  reply.header('set-cookie', cookie.set(token, marked.endsAt - marked.renewedAt))
  return PAGE_BACK
}

const finish = async (app: TypedFastify, signIn: SignIn, ...steps: Steps): Promise<unknown> => {
  const [{ transactionCookie }, request, reply] = steps
  const search = /\?(.*)$/.exec(request.raw.url ?? '')?.[1] ?? ''
  const token = transactionCookie.valueIn(request.raw.rawHeaders)
  const done = token instanceof ProblemError ? token : await signIn.finish(token, search)
  // Each is on record, and counted as a failed login, since nobody has proven anything.
  if (done instanceof ProblemError) return app.failLogin(request, reply, done)
  return 'user' in done ? enter(steps, done) : enterAgain(steps, done)
}

const addCallback = (app: TypedFastify, options: SignInRoutesOptions): void => {
  const { signIn, transactionCookie } = options
  app.get(
    '/v1/sessions/oidc/callback',
    {
      config: { auth: { kind: 'open' }, cors: false, opensSession: true },
      schema: {
        operationId: 'finishSignIn',
        summary: 'Where the provider of sign-ins sends back: opens a session',
        querystring: BackQuery,
        response: { 200: BackAnswer }
      }
    },
    async (request, reply) => {
      if (signIn === undefined) return Promise.reject(off())
      reply.header('set-cookie', transactionCookie.clear)
      const page = await finish(app, signIn, options, request, reply)
      if (typeof page !== 'string') return Promise.reject(page)
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
  addAgain(app, options)
  addCallback(app, options)
}
