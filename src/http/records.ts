/** What the HTTP floor puts on record: who came to which door, and what became of it. */
import type { FastifyRequest } from 'fastify'
import type { AuditEvent } from '../core/audit-event.ts'
import type { Environment, Principal } from '../core/principal.ts'
import { PROBLEMS, type ProblemError } from '../core/problem.ts'
import { RefusedKey } from '../keys/authenticator.ts'
import type { Door } from '../secrets/caller.ts'
import { doorOf, type RecordDecision } from './caller.ts'

type RecordEvent = (event: AuditEvent) => Promise<void>

const identityOf = (principal: Principal | undefined) =>
  principal && { client: principal.client, keyId: principal.keyId, kid: principal.kid }

const outcomeOf = (problem: ProblemError | undefined): AuditEvent['outcome'] => {
  if (problem === undefined) return 'allowed'
  return PROBLEMS[problem.code].status === 403 ? 'denied' : 'failed'
}

export type Who = Door & Partial<Pick<Principal, 'client' | 'keyId' | 'kid'>>

export const createRecords = (environment: Environment, record: RecordEvent) => ({
  introspection: (
    request: FastifyRequest,
    outcome: 'allowed' | 'denied',
    principal?: Principal
  ): Promise<void> =>
    record({
      action: 'key.introspect',
      outcome,
      environment,
      ...identityOf(principal),
      ...doorOf(request)
    }),

  refusal: (request: FastifyRequest, problem: ProblemError): Promise<void> => {
    const refused = problem instanceof RefusedKey ? problem.principal : undefined
    return record({
      action: 'key.authenticate',
      outcome: 'denied',
      code: problem.code,
      ...(problem.reason !== undefined && { reason: problem.reason }),
      environment,
      ...identityOf(request.principal ?? refused),
      ...doorOf(request)
    })
  },

  adminRead: (request: FastifyRequest): Promise<void> =>
    record({
      action: 'admin.read',
      outcome: 'allowed',
      environment,
      ...identityOf(request.principal ?? undefined),
      ...doorOf(request)
    }),

  /** Who reached a limit, as it is told to `limit.reach`. */
  whoOf: (request: FastifyRequest): Who => ({
    ...identityOf(request.principal ?? undefined),
    ...doorOf(request)
  }),

  limitReached: (who: Who, reason: string): Promise<void> =>
    record({
      action: 'limit.reach',
      outcome: 'denied',
      code: 'rate_limited',
      reason,
      environment,
      ...who
    }),

  as:
    (action: AuditEvent['action']): RecordDecision =>
    (request, { problem, reason = problem?.reason }) =>
      record({
        action,
        outcome: outcomeOf(problem),
        code: problem?.code,
        reason,
        environment,
        ...identityOf(request.principal ?? undefined),
        ...doorOf(request)
      })
})
export type Records = ReturnType<typeof createRecords>
