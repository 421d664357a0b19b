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

type Facts = Pick<AuditEvent, 'code' | 'reason' | 'version' | 'cache'>

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

const inNameOf = ({ kind, name }: NonNullable<Caller['grantedBy']>, reason?: string): string =>
  reason === undefined ? `${kind} ${name}` : `${reason}: ${kind} ${name}`

export const createRecorder = ({ environment, record, log }: RecorderOptions): Recorder => {
  // Every member by its name: spreading the parts into one another cost as much as writing the line.
  const event = (
    { client, keyId, kid, route, requestId, address, grantedBy }: Door & Partial<Caller>,
    action: Action,
    outcome: AuditEvent['outcome'],
    reference: Reference | undefined,
    { code, reason, version, cache }: Facts
  ): AuditEvent => ({
    action,
    outcome,
    code,
    reason: grantedBy === undefined ? reason : inNameOf(grantedBy, reason),
    environment,
    client,
    keyId,
    kid,
    route,
    requestId,
    address,
    reference: reference && formatReference(reference),
    version,
    cache
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
      record(event(who, action, 'allowed', reference, facts)),

    failed: async (who, action, reference, error) => {
      logFault(who, reference, error)
      const problem = toProblem(error)
      const { code, reason } = problem
      // A reason that the caller may not know is a decision's.
      const isDecision = reason !== undefined || DECISIONS.has(code)
      const outcome = isDecision ? 'denied' : 'failed'
      await record(event(who, action, outcome, reference, { code, reason }))
      return problem
    }
  }
}
