/** On whose behalf a request acts. Rule: the route's template goes on record, never the URL. */
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Arrival, Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** As `performance.now()` counts. */
    receivedAt: number
  }
}

/** Who asks, as far as the network knows. A trusted proxy may pass on what is no address: then it is the proxy itself. */
export const addressOf = ({ ip, socket }: FastifyRequest): string =>
  isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip

export const arrivalOf = (request: FastifyRequest): Arrival => ({
  route: `${request.method} ${request.routeOptions.url ?? ''}`,
  requestId: request.id,
  address: addressOf(request),
  since: request.receivedAt
})

/** The caller behind an API key; a route that has no principal declared the wrong authentication. */
export const callerOf = (request: FastifyRequest): Caller => {
  const { principal } = request
  if (principal === null) throw new ProblemError('authentication_required')
  const { client, mode, keyId, kid } = principal
  const { route, requestId, address, since } = arrivalOf(request)
  return { client, mode, keyId, kid, route, requestId, address, since }
}
