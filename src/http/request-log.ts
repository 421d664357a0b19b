/**
 * A line for each request, where LOG_LEVEL is debug: so that "401, why?" needs no audit file. Rule: the route's
 * template and never the URL, the key's id and never the key; no reference, no header, no body.
 */
import type { FastifyInstance } from 'fastify'
import type { ProblemError } from '../core/problem.ts'
import { RefusedKey } from '../keys/authenticator.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The problem in the answer. */
    problem: ProblemError | null
  }
}

const DETAILED: ReadonlySet<string> = new Set(['debug', 'trace'])

export const addRequestLog = (app: FastifyInstance): void => {
  app.decorateRequest('problem', null)
  // Decided once: other levels pay nothing.
  if (!DETAILED.has(app.log.level)) return
  app.addHook('onResponse', (request, reply, done) => {
    const { id, method, routeOptions, problem } = request
    const { dialect } = routeOptions.config
    // A refused key that could be opened says whose key it was.
    const refused = problem instanceof RefusedKey ? problem.principal : undefined
    const principal = request.principal ?? refused
    app.log.debug(
      {
        requestId: id,
        method,
        ...(dialect !== undefined && { door: dialect }),
        route: routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        address: request.address,
        client: principal?.client,
        keyId: principal?.keyId,
        code: problem?.code,
        reason: problem?.reason
      },
      'request'
    )
    done()
  })
}
