/**
 * The one builder of audit events, which says what becomes of what somebody asked for. Rule: `denied` is what we
 * decided against; `failed` is what was not decided, or was allowed and did not come about.
 */
import type { AuditEvent } from '../core/audit-event.ts'
import type { Arrival, Caller } from '../core/caller.ts'
import { ProviderFault } from '../core/fault.ts'
import type { Environment } from '../core/principal.ts'
import { PROBLEMS, type ProblemCode, ProblemError, toProblem } from '../core/problem.ts'
import { formatReference, type Reference } from '../core/reference.ts'
import type { StateLog } from '../state/log.ts'

export type Action = AuditEvent['action']

/** Whoever is known of behind a request: a caller, a key that was refused, or nobody. */
export type Who = Omit<Arrival, 'address'> & Partial<Caller>

/** What measures may know of an outcome: no client, no key, no name of a secret. */
export interface Observed
  extends Pick<AuditEvent, 'action' | 'outcome' | 'code' | 'cache' | 'route'> {
  readonly store: string | undefined
  /** From the request to the record of its outcome; undefined where nobody waits for an answer. */
  readonly durationMs: number | undefined
}

export interface RecorderOptions {
  readonly environment: Environment
  /** Rejects with `audit_unavailable` if the event cannot be recorded. */
  readonly record: (event: AuditEvent) => Promise<void>
  readonly log: StateLog
  /**
   * Told of each outcome once it is on record; of one that is not, that it has failed for that. Throws nothing.
   */
  readonly observe?: ((observed: Observed) => void) | undefined
}

type TokenFacts = Pick<AuditEvent, 'issuer' | 'subject' | 'tokenId'>
type Facts = Pick<AuditEvent, 'code' | 'reason' | 'object' | 'version' | 'cache'> & TokenFacts

export interface Recorder {
  /** For what is no answer to a caller, as an intent or the end of a reload. */
  readonly note: (
    who: Who,
    action: Action,
    outcome: AuditEvent['outcome'],
    reference: Reference | undefined,
    facts: Facts
  ) => Promise<void>
  readonly allowed: (
    who: Who,
    action: Action,
    reference: Reference | undefined,
    facts?: Facts
  ) => Promise<void>
  /** Resolves with the problem that the caller is to see. */
  readonly failed: (
    who: Who,
    action: Action,
    reference: Reference | undefined,
    error: unknown,
    facts?: Pick<Facts, 'reason' | 'object'> & TokenFacts
  ) => Promise<ProblemError>
}

/** With these a caller is refused for what he is or may, with or without a reason. */
const REFUSALS: ReadonlySet<ProblemCode> = new Set([
  'conflicting_credentials',
  'authentication_required',
  'invalid_api_key',
  'session_required',
  'session_expired',
  'csrf_failed',
  'insufficient_scope',
  'insufficient_mode',
  'version_too_old',
  'access_denied'
])

/** Also what only the record may know the reason of, unless the fault is a store's. */
const isDecision = ({ code, reason }: ProblemError): boolean =>
  REFUSALS.has(code) || (reason !== undefined && PROBLEMS[code].status < 500)

const observedOf = (
  { action, outcome, code, cache, route }: AuditEvent,
  reference: Reference | undefined,
  since: number | undefined
): Observed => ({
  action,
  outcome,
  code,
  cache,
  route,
  store: reference?.store,
  durationMs: since === undefined ? undefined : performance.now() - since
})

const UNRECORDED = { outcome: 'failed', code: 'audit_unavailable', cache: undefined } as const

/** Tells of outcomes as their records end: those of a group have one promise, and so cost one together. */
const createTelling = (observe: (observed: Observed) => void) => {
  let last: { readonly recorded: Promise<void>; readonly told: Observed[] } | undefined
  return (recorded: Promise<void>, observed: Observed): void => {
    if (last?.recorded === recorded) {
      last.told.push(observed)
      return
    }
    const told = [observed]
    const one = { recorded, told }
    last = one
    const end = (facts: Partial<Observed> | undefined): void => {
      if (last === one) last = undefined
      for (const each of told) observe(facts === undefined ? each : { ...each, ...facts })
    }
    recorded.then(
      () => end(undefined),
      () => end(UNRECORDED)
    )
  }
}

export const createRecorder = ({
  environment,
  record,
  log,
  observe
}: RecorderOptions): Recorder => {
  const tell = observe && createTelling(observe)
  // Every member by its name: spreading the parts into one another cost as much as writing the line.
  const note: Recorder['note'] = (
    { client, keyId, kid, sessionId, user, account, route, requestId, address, since },
    action,
    outcome,
    reference,
    { code, reason, object, issuer, subject, tokenId, version, cache }
  ) => {
    const event: AuditEvent = {
      action,
      outcome,
      code,
      reason,
      environment,
      client,
      keyId,
      kid,
      sessionId,
      user,
      route,
      requestId,
      address,
      reference: reference && formatReference(reference),
      object,
      issuer: issuer ?? account?.issuer,
      subject: subject ?? account?.subject,
      tokenId,
      version,
      cache
    }
    const recorded = record(event)
    if (tell !== undefined) tell(recorded, observedOf(event, reference, since))
    return recorded
  }

  const logUnexpected = ({ requestId }: Who, error: unknown): void => {
    if (error instanceof ProblemError || error instanceof ProviderFault) return
    log('error', 'a request failed unexpectedly', {
      requestId,
      ...(error instanceof Error && { name: error.name })
    })
  }

  return {
    note,

    allowed: (who, action, reference, facts = {}) => note(who, action, 'allowed', reference, facts),

    failed: async (who, action, reference, error, facts = {}) => {
      logUnexpected(who, error)
      const problem = toProblem(error)
      const outcome = isDecision(problem) ? 'denied' : 'failed'
      const { code, reason = facts.reason } = problem
      await note(who, action, outcome, reference, { ...facts, code, reason })
      return problem
    }
  }
}
