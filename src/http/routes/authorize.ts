/**
 * Forward-auth: a proxy asks whether the caller in front of it may go on. Rule: exactly 200, 401 or 403, without a
 * body, whatever happens, since proxies make something else of any other status; and the identity is always set, so
 * that none that a caller made up gets through.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Principal } from '../../core/principal.ts'
import { PROBLEMS, ProblemError } from '../../core/problem.ts'
import type { KeyCare } from '../../keys/care.ts'
import { callerOf } from '../caller.ts'
import { originalOf } from '../original-request.ts'
import { answerErrors, type ErrorShape, hintsOf, problemShape } from '../problems.ts'
import type { TypedFastify } from '../route-auth.ts'

export interface AuthorizeRouteOptions {
  readonly care: Pick<KeyCare, 'authorize'>
}

const identityOf = (principal?: Principal) => ({
  'x-purser-client': principal?.client ?? '',
  'x-purser-key-id': principal?.keyId ?? '',
  'x-purser-scopes': principal?.scopes.join(' ') ?? ''
})

/** An answer without a body, as it is described. */
const bodyless = (description: string) => Type.Unsafe<unknown>({ type: 'null', description })

const refusalShape: ErrorShape = (problem, requestId) => {
  // A disguised spelling of this path: nobody's question.
  if (problem.code === 'route_not_found') return problemShape(problem, requestId)
  return {
    status: PROBLEMS[problem.code].status === 401 ? 401 : 403,
    headers: { ...hintsOf(problem.code, problem.details.retryAfter), ...identityOf() }
  }
}

export const addAuthorizeRoute = (app: TypedFastify, { care }: AuthorizeRouteOptions): void => {
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { principal } = request
    if (principal === null) throw new ProblemError('authentication_required')
    await care.authorize(callerOf(request), principal, () => originalOf(request.raw))
    return reply.code(200).headers(identityOf(principal)).send()
  }
  const route = {
    url: '/internal/authorize',
    // A preflight is the upstream's to answer: whoever lets 2xx pass would take ours for a permission.
    config: { auth: { kind: 'proxied' as const }, cors: false },
    exposeHeadRoute: false,
    errorHandler: answerErrors(refusalShape),
    // Before the body, which nobody will read, and its media type, which may be any.
    onRequest: answer,
    handler: answer
  }
  app.route({
    ...route,
    method: 'GET',
    schema: {
      operationId: 'authorize',
      summary:
        "Whether a proxy may let a caller through (any method): ?scope=<scope> (of several, `scope=a,b`, one suffices), with the caller's method in X-Original-Method or X-Forwarded-Method",
      response: {
        200: {
          type: 'null',
          description: 'It may. Who it is stands in X-Purser-Client, -Key-Id and -Scopes'
        },
        401: {
          type: 'null',
          description: 'It has no API key that is accepted, or the proxy no secret'
        },
        403: bodyless('It may not')
      }
    }
  })
  app.route({
    ...route,
    method: app.supportedMethods.filter((method) => method !== 'GET'),
    schema: { hide: true }
  })
}
