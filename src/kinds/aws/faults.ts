/**
 * What errors of AWS mean. Rule: of an SDK error only its name and status go on; its message and its `$response` may
 * hold the secret.
 */
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { reasonOfCode, reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'

export type Reasons = ReadonlyMap<string, FaultReason>

/** Our own name for an answer that is longer than any of AWS. */
export const TOO_LARGE = 'too_large'
/** And for an address that an operator should not have given to the SDK. */
export const IN_THE_CLEAR = 'not_https'

/**
 * The errors of the operations that we call, and the common ones of AWS.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
 */
const REASONS: Reasons = new Map([
  [TOO_LARGE, 'invalid_answer'],
  ['ResourceNotFoundException', 'not_found'],
  // For a read it has one meaning: the secret is scheduled for deletion.
  ['InvalidRequestException', 'not_found'],
  ['AccessDeniedException', 'denied'],
  ['DecryptionFailure', 'denied'],
  ['EncryptionFailure', 'denied'],
  ['ExpiredTokenException', 'denied'],
  ['ExpiredToken', 'denied'],
  ['IncompleteSignature', 'denied'],
  ['InvalidAccessKeyId', 'denied'],
  ['InvalidClientTokenId', 'denied'],
  ['InvalidSignatureException', 'denied'],
  ['MissingAuthenticationToken', 'denied'],
  ['NotAuthorized', 'denied'],
  ['OptInRequired', 'denied'],
  ['RequestExpired', 'denied'],
  ['RequestTimeTooSkewed', 'denied'],
  ['SignatureDoesNotMatch', 'denied'],
  ['UnrecognizedClientException', 'denied'],
  ['CredentialsProviderError', 'misconfigured'],
  ['TokenProviderError', 'misconfigured'],
  ['InvalidParameterException', 'misconfigured'],
  ['ValidationException', 'misconfigured'],
  ['ValidationError', 'misconfigured'],
  ['InvalidNextTokenException', 'invalid_request'],
  ['LimitExceededException', 'throttled'],
  ['RequestLimitExceeded', 'throttled'],
  ['SlowDown', 'throttled'],
  ['Throttling', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['TooManyRequestsException', 'throttled'],
  ['InternalFailure', 'unavailable'],
  ['InternalServiceError', 'unavailable'],
  ['ServiceUnavailable', 'unavailable']
])

/** For a write: the secret is scheduled for deletion, or it is another service of AWS that manages it. */
export const REASONS_OF_WRITE: Reasons = new Map([['InvalidRequestException', 'conflict']])

/**
 * Our credentials are refused, whatever was asked for; other credentials from the chain may help.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export const DISOWNED: ReadonlySet<string> = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException'
])

/** Our clock may be wrong: the SDK has set it by the answer's Date, and signs the next request accordingly. */
export const SKEWED: ReadonlySet<string> = new Set(['RequestExpired', 'RequestTimeTooSkewed'])

/** The members of an SDK error that we look at; there are more, and none of them is to go any further. */
interface SdkError {
  readonly name?: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const reasonOf = ({ name = '', code, $metadata }: SdkError, reasons: Reasons): FaultReason => {
  const known = reasons.get(name) ?? REASONS.get(name)
  if (known !== undefined) return known
  // Before the name `TimeoutError`: the SDK gives it to a reset connection too.
  if (typeof code === 'string') return reasonOfCode(code)
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout'
  // An answer that is no JSON is a `SyntaxError` with the status of that answer.
  const status = $metadata?.httpStatusCode
  return status === undefined ? 'unavailable' : reasonOfStatus(status)
}

/** `now` in milliseconds since the epoch; `reasons` for names that mean something of their own in this operation. */
export const faultOf = (
  thrown: unknown,
  now: number,
  reasons: Reasons = new Map()
): ProviderFault => {
  if (thrown instanceof ProviderFault) return thrown
  const error = (thrown ?? {}) as SdkError
  return new ProviderFault(reasonOf(error, reasons), {
    code: error.name,
    status: error.$metadata?.httpStatusCode,
    retryAfterSeconds: retryAfterSeconds(error.$response?.headers?.['retry-after'], now),
    ...(DISOWNED.has(error.name ?? '') && { isRefusal: true })
  })
}

/**
 * The fault of a chain that got no credentials, for example from STS, which answers with a 4xx and error names of its
 * own.
 */
export const loginFaultOf = (thrown: unknown, now: number): ProviderFault => {
  const fault = faultOf(thrown, now)
  const { reason, status = 0, code } = fault
  const isRefused = reason === 'unavailable' && status >= 400 && status < 500
  return isRefused ? new ProviderFault('denied', { code, status }) : fault
}

/** The fault of one secret in an answer about many. */
export const faultOfCode = (code = ''): ProviderFault =>
  new ProviderFault(REASONS.get(code) ?? 'unavailable', { code })
