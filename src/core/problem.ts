/**
 * What a caller sees when something is wrong: the one literal table of codes and the one error class that carries them
 * (RFC 9457). Rule: a problem holds nothing upstream said and nothing the caller sent.
 */
import { type FaultReason, ProviderFault } from './fault.ts'
import type { Reason, ReasonText } from './reason.ts'

interface ProblemKind {
  readonly status: number
  readonly title: string
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean
}

const kind = (status: number, title: string, retryable = false): ProblemKind => ({
  status,
  title,
  retryable
})

export const PROBLEMS = {
  invalid_request: kind(400, 'The request is not valid'),
  invalid_reference: kind(400, 'The reference is not valid'),
  conflicting_credentials: kind(400, 'Credentials were given twice'),
  field_required: kind(400, 'The secret has several fields: name one'),
  authentication_required: kind(401, 'Authentication is required'),
  invalid_api_key: kind(401, 'The API key is not accepted'),
  session_required: kind(401, 'A session is required: sign in'),
  session_expired: kind(401, 'The session has ended: sign in again'),
  insufficient_scope: kind(403, 'The API key does not have the scope'),
  insufficient_mode: kind(403, 'The API key does not have the mode'),
  version_too_old: kind(403, 'The API key needs a newer platform version'),
  access_denied: kind(403, 'Access is denied'),
  csrf_failed: kind(403, 'The request does not come from a page of this service'),
  secret_not_found: kind(404, 'There is no such secret'),
  field_not_found: kind(404, 'The secret has no such field'),
  route_not_found: kind(404, 'There is no such route'),
  method_not_allowed: kind(405, 'The method is not allowed here'),
  request_timeout: kind(408, 'The request took too long to arrive', true),
  conflict: kind(409, 'The request conflicts with the present state'),
  payload_too_large: kind(413, 'The body is too large'),
  uri_too_long: kind(414, 'The URL is too long'),
  unsupported_media_type: kind(415, 'The media type is not supported'),
  rate_limited: kind(429, 'Too many requests', true),
  header_too_large: kind(431, 'The headers are too large'),
  internal_error: kind(500, 'Something went wrong here'),
  store_denied: kind(502, "The store refused the broker's own credentials"),
  store_misconfigured: kind(502, 'The store is not configured correctly'),
  store_invalid_answer: kind(502, 'The store gave an answer that cannot be used'),
  sign_in_invalid_answer: kind(502, 'The provider of sign-ins gave an answer that cannot be used'),
  directline_rejected: kind(502, "Direct Line refused the broker's secret"),
  store_unavailable: kind(503, 'The store cannot be reached', true),
  store_throttled: kind(503, 'The store is limiting requests', true),
  sign_in_unavailable: kind(503, 'Nobody can sign in just now: try again', true),
  audit_unavailable: kind(503, 'The disclosure could not be recorded', true),
  overloaded: kind(503, 'The service is overloaded or shutting down', true),
  store_timeout: kind(504, 'The store did not answer in time', true)
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

/** One fault of a request: where (RFC 6901 pointer into body, query or headers) and which rule; never the value. */
export interface ProblemPointer {
  readonly pointer: string
  readonly rule: string
}

export interface ProblemDetails {
  /** A sentence of ours; never text from a peer or from the caller. */
  readonly detail?: string | undefined
  /** Seconds. */
  readonly retryAfter?: number | undefined
  readonly errors?: readonly ProblemPointer[] | undefined
}

export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly details: ProblemDetails
  /** Why, as only the record may say it, e.g. `no_rule`; the caller must not be able to tell such reasons apart. */
  readonly reason?: Reason | ReasonText

  /** Without a stack: it is an answer, not a mistake of ours, and to note the stack costs half as much as a read. */
  constructor(code: ProblemCode, details: ProblemDetails = {}, reason?: Reason | ReasonText) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(details.detail ?? PROBLEMS[code].title)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ProblemError'
    this.code = code
    this.details = details
    if (reason !== undefined) this.reason = reason
  }
}

/** The problem that a caller sees for each way in which a store can fail. */
export const problemOfFault = {
  not_found: 'secret_not_found',
  denied: 'store_denied',
  misconfigured: 'store_misconfigured',
  invalid_answer: 'store_invalid_answer',
  throttled: 'store_throttled',
  unavailable: 'store_unavailable',
  timeout: 'store_timeout',
  conflict: 'conflict',
  invalid_request: 'invalid_request'
} as const satisfies Record<FaultReason, ProblemCode>

/** Why it was refused goes to the record alone. */
export const denied = (reason: Reason): ProblemError =>
  new ProblemError('access_denied', {}, reason)

/** Of whatever was thrown: what nobody expected is told as `internal_error`, and nothing more. */
export const toProblem = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (!(error instanceof ProviderFault)) return new ProblemError('internal_error')
  return new ProblemError(problemOfFault[error.reason], { retryAfter: error.retryAfterSeconds })
}

/**
 * The `application/problem+json` body. `requestId` makes `instance`; without one (a broken request line) it is left
 * out.
 */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  readonly instance?: string
  readonly retryable: boolean
  readonly retryAfter?: number
  readonly errors?: ProblemPointer[]
}

export const toProblemBody = (error: ProblemError, requestId?: string): ProblemBody => {
  const { status, title, retryable } = PROBLEMS[error.code]
  const { detail, retryAfter, errors } = error.details
  return {
    type: `urn:purser:problem:${error.code}`,
    title,
    status,
    code: error.code,
    ...(detail !== undefined && { detail }),
    ...(requestId !== undefined && { instance: `urn:purser:request:${requestId}` }),
    retryable,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(errors !== undefined && { errors: [...errors] })
  }
}
