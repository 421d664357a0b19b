/** What the broker puts on record of its decisions, and what it tells the operator when a store fails. */
import type { AuditEvent } from '../core/audit-event.ts'
import { ProviderFault } from '../core/fault.ts'
import type { Environment } from '../core/principal.ts'
import { ProblemError, problemOfFault } from '../core/problem.ts'
import { formatReference, type Reference } from '../core/reference.ts'
import type { Log } from '../providers/provider.ts'
import type { Caller, Door } from './caller.ts'

export type Action = AuditEvent['action']

export interface RecorderOptions {
  readonly environment: Environment
  /** Rejects with `audit_unavailable` if the event cannot be recorded. */
  readonly record: (event: AuditEvent) => Promise<void>
  readonly log: Log
}

type Facts = Partial<Pick<AuditEvent, 'version' | 'cache' | 'reason'>>

export interface Recorder {
  readonly allowed: (
    who: Caller | Door,
    action: Action,
    reference: Reference | undefined,
    facts?: Facts
  ) => Promise<void>
  /** Resolves with the problem that the caller is to see. */
  readonly failed: (
    who: Caller,
    action: Action,
    reference: Reference | undefined,
    error: unknown
  ) => Promise<ProblemError>
}

const DECISIONS = new Set(['access_denied', 'insufficient_mode'])

export const toProblem = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (!(error instanceof ProviderFault)) return new ProblemError('internal_error')
  return new ProblemError(problemOfFault[error.reason], { retryAfter: error.retryAfterSeconds })
}

const identityOf = (who: Caller | Door): Partial<AuditEvent> =>
  'client' in who
    ? {
        client: who.client,
        ...(who.keyId !== undefined && { keyId: who.keyId }),
        ...(who.kid !== undefined && { kid: who.kid })
      }
    : {}

export const createRecorder = ({ environment, record, log }: RecorderOptions): Recorder => {
  const event = (
    who: Caller | Door,
    action: Action,
    outcome: AuditEvent['outcome'],
    reference: Reference | undefined
  ): AuditEvent => ({
    action,
    outcome,
    environment,
    ...identityOf(who),
    route: who.route,
    requestId: who.requestId,
    address: who.address,
    ...(reference !== undefined && { reference: formatReference(reference) })
  })

  /** `not_found` is an answer like any other; the rest is the operator's business. */
  const logFault = (who: Door, reference: Reference | undefined, error: unknown): void => {
    const { requestId } = who
    if (error instanceof ProblemError) return
    if (!(error instanceof ProviderFault)) {
      log('error', 'a request failed unexpectedly', {
        requestId,
        ...(error instanceof Error && { name: error.name })
      })
    } else if (error.reason !== 'not_found' && error.reason !== 'conflict') {
      log('warn', 'a store failed', {
        requestId,
        store: reference?.store ?? '',
        reason: error.reason,
        ...(error.code !== undefined && { code: error.code }),
        ...(error.status !== undefined && { status: error.status })
      })
    }
  }

  return {
    allowed: (who, action, reference, facts = {}) =>
      record({ ...event(who, action, 'allowed', reference), ...facts }),

    failed: async (who, action, reference, error) => {
      logFault(who, reference, error)
      const problem = toProblem(error)
      const outcome = DECISIONS.has(problem.code) ? 'denied' : 'failed'
      await record({
        ...event(who, action, outcome, reference),
        code: problem.code,
        ...(problem.reason !== undefined && { reason: problem.reason })
      })
      return problem
    }
  }
}
