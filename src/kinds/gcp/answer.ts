/**
 * What Google's answers mean. Rule: a status counts as Google's word only if the answer was gRPC; whatever a proxy or
 * the gRPC library says in its place is judged as what it is, and no text of either goes any further.
 */
import type { grpc } from 'google-gax'
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'

/** https://grpc.io/docs/guides/status-codes/, as AIP-193 wants them used. What is not here is `unavailable`. */
const STATUSES: ReadonlyMap<number, readonly [name: string, reason: FaultReason]> = new Map([
  [3, ['INVALID_ARGUMENT', 'misconfigured']],
  [4, ['DEADLINE_EXCEEDED', 'timeout']],
  [5, ['NOT_FOUND', 'not_found']],
  [7, ['PERMISSION_DENIED', 'denied']],
  [8, ['RESOURCE_EXHAUSTED', 'throttled']],
  // Unless a version is disabled: an encryption key of the project's own that cannot be used, for one.
  [9, ['FAILED_PRECONDITION', 'misconfigured']],
  [12, ['UNIMPLEMENTED', 'invalid_answer']],
  [13, ['INTERNAL', 'unavailable']],
  [14, ['UNAVAILABLE', 'unavailable']],
  [16, ['UNAUTHENTICATED', 'denied']]
] as const)

const UNAUTHENTICATED = 16
const FAILED_PRECONDITION = 9

/** Google has no code for it: the state of a version stands in the text alone. */
const VERSION_STATE = /\bis in (DISABLED|DESTROYED) state\b/

/** What the gRPC library says, under codes of Google's, of answers that it cannot read. */
const UNREADABLE =
  /^(No message received|Received message larger than max|Response message parsing)/

/** How OpenSSL and Node call what is wrong with a certificate or a handshake; the library keeps only their text. */
const TLS_TEXT = /certificate|SSL routines/

const isGrpc = (headers: grpc.Metadata | undefined): boolean =>
  String(headers?.get('content-type')[0] ?? '').startsWith('application/grpc')

/** RetryInfo and ErrorInfo of google.rpc, once gax has decoded them. */
export type DetailsOf = (error: grpc.ServiceError) => {
  readonly reason?: string
  readonly statusDetails?: readonly { readonly retryDelay?: { readonly seconds?: unknown } }[]
}

/** The fault behind an error of the gRPC library. `head` is undefined if none came. */
export const faultOf = (
  error: grpc.ServiceError,
  head: grpc.Metadata | undefined,
  detailsOf: DetailsOf
): ProviderFault => {
  const [name, reason] = STATUSES.get(error.code) ?? ['UNKNOWN', 'unavailable']
  if (error.code === 4) return new ProviderFault('timeout', { code: name })
  if (!isGrpc(head) && !isGrpc(error.metadata)) {
    if (head === undefined) {
      return new ProviderFault(TLS_TEXT.test(error.details) ? 'misconfigured' : 'unavailable')
    }
    const [, status] = /^Received HTTP status code (\d{3})$/.exec(error.details) ?? []
    if (status === undefined) return new ProviderFault('invalid_answer')
    return new ProviderFault(reasonOfStatus(Number(status)), { status: Number(status) })
  }
  if (UNREADABLE.test(error.details)) return new ProviderFault('invalid_answer')
  if (error.code === UNAUTHENTICATED) {
    return new ProviderFault(reason, { code: name, isRefusal: true })
  }
  const [, state] = VERSION_STATE.exec(error.details) ?? []
  if (error.code === FAILED_PRECONDITION && state !== undefined) {
    return new ProviderFault('not_found', { code: `version_${state.toLowerCase()}` })
  }
  const details = detailsOf(error)
  const seconds = details.statusDetails?.find(({ retryDelay }) => retryDelay)?.retryDelay?.seconds
  return new ProviderFault(reason, {
    code: details.reason ?? name,
    retryAfterSeconds: retryAfterSeconds(seconds === undefined ? undefined : String(seconds), 0)
  })
}

/** Google knows who asks, and does not let it. */
export const isRefusal = ({ code }: ProviderFault): boolean =>
  code === 'IAM_PERMISSION_DENIED' || code === 'PERMISSION_DENIED'

/** The version that was asked for is disabled or destroyed. */
export const isSwitchedOff = ({ code }: ProviderFault): boolean =>
  code === 'version_disabled' || code === 'version_destroyed'

/** Google has disowned the token that came with the call. */
export const isStale = ({ code }: ProviderFault): boolean => code === 'UNAUTHENTICATED'

/** Google takes no part of the request, e.g. the token of a page, for what it should be. */
export const isInvalid = ({ code }: ProviderFault): boolean => code === 'INVALID_ARGUMENT'
