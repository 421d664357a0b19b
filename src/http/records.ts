/** Records about a request that are made before any use case: refusals, what administrators read, limits. */
import type { FastifyRequest } from 'fastify'
import type { Action, Recorder, Who } from '../audit/recorder.ts'
import { ProblemError } from '../core/problem.ts'
import { reasonText } from '../core/reason.ts'
import { RefusedKey } from '../keys/authenticator.ts'
import { RefusedLogin } from '../keys/login.ts'
import { RefusedSession } from '../keys/sessions.ts'
import { arrivalOf, signsOf } from './caller.ts'

/** The caller by the key or the session of the request, accepted or refused. */
const whoOf = (request: FastifyRequest, problem?: ProblemError): Who => {
  const key = problem instanceof RefusedKey ? problem.principal : undefined
  const refused = problem instanceof RefusedSession ? problem.session : undefined
  const session = request.session ?? refused
  const principal = request.principal ?? key ?? refused?.principal
  const arrival = arrivalOf(request)
  if (principal === undefined) return arrival
  const { client, keyId, kid } = principal
  return { ...arrival, client, ...(session ? signsOf(session) : { keyId, kid }) }
}

/** What a refused caller attempted: to open a session, or to be let in by one, or by a key. */
const actionOf = ({ routeOptions }: FastifyRequest): Action => {
  const { auth, opensSession } = routeOptions.config
  if (opensSession === true) return 'session.open'
  return auth?.kind === 'session' ? 'session.authenticate' : 'key.authenticate'
}

export const createRecords = (recorder: Recorder) => ({
  refusal: async (request: FastifyRequest, problem: ProblemError): Promise<void> => {
    if (problem instanceof RefusedLogin) {
      const { trust, ...facts } = problem.facts
      const object = trust && `trust ${trust}`
      const told = { ...facts, object }
      await recorder.failed(arrivalOf(request), 'key.login', undefined, problem, told)
      return
    }
    const who = whoOf(request, problem)
    await recorder.failed(who, actionOf(request), undefined, problem)
  },

  adminRead: (request: FastifyRequest): Promise<void> =>
    recorder.allowed(whoOf(request), 'admin.read', undefined),

  /** Who reached a limit, as it is told to `limitReached`. */
  whoOf: (request: FastifyRequest): Who => whoOf(request),

  /** `reason`: the limit, with the count at its end. */
  limitReached: async (who: Who, reason: string): Promise<void> => {
    const problem = new ProblemError('rate_limited', {}, reasonText(reason))
    await recorder.failed(who, 'limit.reach', undefined, problem)
  }
})

export type Records = ReturnType<typeof createRecords>
