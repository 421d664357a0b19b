/** On whose behalf a request acts. Rule: the route's template goes on record, never the URL. */
import type { FastifyRequest } from 'fastify'
import type { Caller, Door } from '../broker/caller.ts'
import { ProblemError } from '../core/problem.ts'

export const doorOf = (request: FastifyRequest): Door => ({
  route: `${request.method} ${request.routeOptions.url ?? ''}`,
  requestId: request.id,
  address: request.ip
})

/** The caller behind an API key; a route that has no principal declared the wrong authentication. */
export const callerOf = (request: FastifyRequest): Caller => {
  const { principal } = request
  if (principal === null) throw new ProblemError('authentication_required')
  const { client, mode, keyId, kid } = principal
  const { route, requestId, address } = doorOf(request)
  return { client, mode, keyId, kid, route, requestId, address }
}
