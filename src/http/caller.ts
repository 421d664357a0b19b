/** On whose behalf a request acts. Rule: the route's template goes on record, never the URL. */
import type { FastifyRequest } from 'fastify'
import type { Arrival, Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { meansOf, type Session } from '../keys/session.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** As `performance.now()` counts. */
    receivedAt: number
    /** Of the caller, and the network that it counts as (addresses.ts). */
    address: string
    network: string
    /** Its method and the template of its route. Set by admission. */
    route: string
  }
}

export const arrivalOf = (request: FastifyRequest): Arrival => ({
  route: request.route,
  requestId: request.id,
  address: request.address,
  since: request.receivedAt
})

type Signs = Pick<Caller, 'keyId' | 'kid' | 'sessionId' | 'user' | 'account'>

/** What stands on record of a session: its key, where one was shown. */
export const signsOf = (session: Session): Signs => {
  const { id: sessionId, principal, user } = session
  const { keyId, kid } = principal
  return {
    ...(meansOf(session) === 'key' && { keyId, kid }),
    sessionId,
    ...(user && { account: user }),
    ...(user?.email !== undefined && { user: user.email })
  }
}

/** The caller behind an API key or a session; a route that has no principal declared the wrong authentication. */
export const callerOf = (request: FastifyRequest): Caller => {
  const { principal, session, route, id: requestId, address, receivedAt: since } = request
  if (principal === null) throw new ProblemError('authentication_required')
  const { client, mode, keyId, kid } = principal
  if (session === null) return { client, mode, keyId, kid, route, requestId, address, since }
  return { client, mode, ...signsOf(session), route, requestId, address, since }
}
