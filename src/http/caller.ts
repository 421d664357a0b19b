/** On whose behalf a request acts. Rule: the route's template goes on record, never the URL. */
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import type { Caller, Door } from '../secrets/caller.ts'

/** Puts a decision on record: `denied` if there is a problem. `reason` is for the record alone. */
export type RecordDecision = (
  request: FastifyRequest,
  facts: { readonly problem?: ProblemError; readonly reason?: string | undefined }
) => Promise<void>

/** Who asks, as far as the network knows. A trusted proxy may pass on what is no address: then it is the proxy itself. */
export const addressOf = ({ ip, socket }: FastifyRequest): string =>
  isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip

export const doorOf = (request: FastifyRequest): Door => ({
  route: `${request.method} ${request.routeOptions.url ?? ''}`,
  requestId: request.id,
  address: addressOf(request)
})

/** The caller behind an API key; a route that has no principal declared the wrong authentication. */
export const callerOf = (request: FastifyRequest): Caller => {
  const { principal } = request
  if (principal === null) throw new ProblemError('authentication_required')
  const { client, mode, keyId, kid } = principal
  const { route, requestId, address } = doorOf(request)
  return { client, mode, keyId, kid, route, requestId, address }
}
