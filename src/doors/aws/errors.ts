/**
 * Errors as AWS Secrets Manager writes them, so that its clients raise the exception that they know, and repeat what is worth
 * it. Rule: each code of ours has one name there; who is forbidden to read gets the same bytes whether there is a secret or
 * not; and nothing of the request comes back.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
 */
import { type ProblemCode, ProblemError } from '../../core/problem.ts'
import type { Reason } from '../../core/reason.ts'
import { type ErrorShape, problemBodyOf } from '../../http/problems.ts'

export const MEDIA_TYPE = 'application/x-amz-json-1.1'

interface AwsError {
  readonly status: number
  readonly type: string
  /** Undefined: ours says it. */
  readonly message?: string
}

const error = (type: string, message?: string, status = 400): AwsError => ({
  status,
  type,
  ...(message !== undefined && { message })
})

const NOT_FOUND = error(
  'ResourceNotFoundException',
  "Secrets Manager can't find the specified secret."
)
const DENIED = error('AccessDeniedException', 'You are not authorized to perform this operation.')
const THROTTLED = error('ThrottlingException', 'Rate exceeded')
const INVALID = error('InvalidParameterException')
const UNRECOGNIZED = error(
  'UnrecognizedClientException',
  'The security token included in the request is invalid.'
)
const UNSIGNED = error(
  'MissingAuthenticationTokenException',
  'The request is missing authentication information.'
)
const failed = (status: number): AwsError =>
  error('InternalServiceError', 'An error occurred on the server side.', status)

const ERRORS: Readonly<Record<ProblemCode, AwsError>> = {
  invalid_request: INVALID,
  invalid_reference: INVALID,
  conflicting_credentials: error('IncompleteSignatureException', 'Credentials were given twice.'),
  field_required: INVALID,
  authentication_required: UNSIGNED,
  invalid_api_key: UNRECOGNIZED,
  session_required: UNSIGNED,
  session_expired: UNSIGNED,
  insufficient_scope: DENIED,
  insufficient_mode: DENIED,
  version_too_old: DENIED,
  access_denied: DENIED,
  csrf_failed: DENIED,
  secret_not_found: NOT_FOUND,
  field_not_found: NOT_FOUND,
  route_not_found: error('UnknownOperationException', 'There is no such operation.', 404),
  method_not_allowed: error('UnknownOperationException', 'There is no such operation.', 405),
  request_timeout: error('RequestTimeoutException', undefined, 408),
  conflict: error(
    'ResourceExistsException',
    'A resource with the ID you requested already exists.'
  ),
  payload_too_large: error('RequestEntityTooLargeException', undefined, 413),
  uri_too_long: error('RequestEntityTooLargeException', undefined, 414),
  unsupported_media_type: error('UnsupportedMediaTypeException', undefined, 415),
  rate_limited: THROTTLED,
  header_too_large: error('RequestEntityTooLargeException', undefined, 431),
  internal_error: failed(500),
  store_denied: failed(500),
  store_misconfigured: failed(500),
  store_invalid_answer: failed(500),
  sign_in_invalid_answer: failed(500),
  directline_rejected: failed(500),
  store_unavailable: failed(503),
  store_throttled: THROTTLED,
  sign_in_unavailable: failed(503),
  audit_unavailable: failed(503),
  overloaded: failed(503),
  store_timeout: failed(504)
}

/** What AWS tells of a key that we do not: the caller has shown us the key, and can read its end from it. */
const ERRORS_BY_REASON: ReadonlyMap<unknown, AwsError> = new Map<Reason, AwsError>([
  [
    'not_in_force',
    error('ExpiredTokenException', 'The security token included in the request is expired')
  ],
  [
    'signature_incomplete',
    error(
      'IncompleteSignatureException',
      'The request signature does not conform to AWS standards.'
    )
  ],
  [
    'signature_stale',
    error('InvalidSignatureException', 'Signature expired, or not yet current: look at the clock.')
  ],
  [
    'signature_wrong',
    error(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided.'
    )
  ],
  ['unknown_operation', error('UnknownOperationException', 'There is no such operation.')]
])

const isAuthentication = (code: ProblemCode): boolean =>
  code === 'invalid_api_key' || code === 'authentication_required'

const errorOf = ({ code, reason }: ProblemError): AwsError =>
  ((isAuthentication(code) || reason === 'unknown_operation') && ERRORS_BY_REASON.get(reason)) ||
  ERRORS[code]

export interface ErrorText {
  readonly type: string
  readonly message: string
  readonly status: number
  /** Seconds. */
  readonly retryAfter: number | undefined
}

export const errorTextOf = (problem: ProblemError, requestId: string): ErrorText => {
  const { status, type, message } = errorOf(problem)
  const { title, detail, retryAfter } = problemBodyOf(problem, requestId)
  return { type, status, message: message ?? detail ?? title, retryAfter }
}

export const awsShape: ErrorShape = (problem, requestId) => {
  const { status, type, message, retryAfter } = errorTextOf(problem, requestId)
  return {
    status,
    headers: {
      'content-type': MEDIA_TYPE,
      'x-amzn-requestid': requestId,
      ...(retryAfter !== undefined && { 'retry-after': Math.ceil(retryAfter) })
    },
    body: JSON.stringify({ __type: type, message })
  }
}

/** An operation of AWS that there is none of here. */
export const unknownOperation = (): ProblemError =>
  new ProblemError('invalid_request', {}, 'unknown_operation')
