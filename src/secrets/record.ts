/** What the broker puts on record of its decisions, and what it tells the operator when a store fails. */
import type { AuditEvent } from '../core/audit-event.ts'
import { ProviderFault } from '../core/fault.ts'
import type { Environment } from '../core/principal.ts'
import { PROBLEMS, ProblemError, problemOfFault } from '../core/problem.ts'
import { formatReference, type Reference } from '../core/reference.ts'
import type { Log } from '../kinds/provider.ts'
import type { Caller, Door } from './caller.ts'

export type Action = AuditEvent['action']

export interface RecorderOptions {
  readonly environment: Environment
  /** Rejects with `audit_unavailable` if the event cannot be recorded. */
  readonly record: (event: AuditEvent) => Promise<void>
  readonly log: Log
}

type Facts = Pick<AuditEvent, 'code' | 'reason' | 'object' | 'version' | 'cache'>

export interface Recorder {
  readonly allowed: (
    who: Caller | Door,
    action: Action,
    reference: Reference | undefined,
    facts?: Facts
  ) => Promise<void>
  /** Resolves with the problem that the caller is to see. */
  readonly failed: (
    who: Caller | Door,
    action: Action,
    reference: Reference | undefined,
    error: unknown,
    facts?: Pick<Facts, 'reason' | 'object'>
  ) => Promise<ProblemError>
}

const DECISIONS = new Set(['access_denied', 'insufficient_mode'])

/** Also what only the record may know the reason of, unless the fault is a store's. */
const isDecision = ({ code, reason }: ProblemError): boolean =>
  DECISIONS.has(code) || (reason !== undefined && PROBLEMS[code].status < 500)

export const toProblem = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (!(error instanceof ProviderFault)) return new ProblemError('internal_error')
  return new ProblemError(problemOfFault[error.reason], { retryAfter: error.retryAfterSeconds })
}

export const createRecorder = ({ environment, record, log }: RecorderOptions): Recorder => {
  // Every member by its name: spreading the parts into one another cost as much as writing the line.
  const event = (
    { client, keyId, kid, route, requestId, address }: Door & Partial<Caller>,
    action: Action,
    outcome: AuditEvent['outcome'],
    reference: Reference | undefined,
    { code, reason, object, version, cache }: Facts
  ): AuditEvent => ({
    action,
    outcome,
    code,
    reason,
    environment,
    client,
    keyId,
    kid,
    route,
    requestId,
    address,
    reference: reference && formatReference(reference),
    object,
    version,
    cache
  })

  const logUnexpected = ({ requestId }: Door, error: unknown): void => {
    if (error instanceof ProblemError || error instanceof ProviderFault) return
    log('error', 'a request failed unexpectedly', {
      requestId,
      ...(error instanceof Error && { name: error.name })
    })
  }

  return {
    allowed: (who, action, reference, facts = {}) =>
      record(event(who, action, 'allowed', reference, facts)),

    failed: async (who, action, reference, error, facts = {}) => {
      logUnexpected(who, error)
      const problem = toProblem(error)
      const outcome = isDecision(problem) ? 'denied' : 'failed'
      const { code, reason = facts.reason } = problem
      await record(event(who, action, outcome, reference, { object: facts.object, code, reason }))
      return problem
    }
  }
}
