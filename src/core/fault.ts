/**
 * How a store can fail. Rule: nothing that the peer said travels further than its class: no text, no body, no header;
 * only a short code of the peer's vocabulary and an HTTP status, for the operator's log.
 */

/** `not_found` is claimed only on the peer's own not-found answer; whatever is not understood is `unavailable`. */
export const FAULT_REASONS = [
  'not_found',
  'denied',
  'misconfigured',
  'invalid_answer',
  'throttled',
  'unavailable',
  'timeout',
  /** Of a write only: the newest version is not the one the writer expected, or the secret's state allows no write. */
  'conflict',
  /** The store cannot take what the caller gave: a text too large or of another shape, a cursor that has expired. */
  'invalid_request'
] as const
export type FaultReason = (typeof FAULT_REASONS)[number]

export interface FaultDetails {
  /** The peer's error code, e.g. `AccessDeniedException`; dropped unless it is a short plain word. */
  readonly code?: string | undefined
  /** The HTTP status of the peer's answer. */
  readonly status?: number | undefined
  /** How long the peer asked us to wait, in seconds. */
  readonly retryAfterSeconds?: number | undefined
  /**
   * The fault is of this process and says nothing of a secret: our own guard refused and the peer was not asked, or the
   * peer refused the credential of this process.
   */
  readonly isRefusal?: true
}

const TRANSIENT: ReadonlySet<FaultReason> = new Set(['unavailable', 'timeout', 'throttled'])

/** Whether the store may answer soon. Any other fault is an answer: what was known before it is no longer true. */
export const isTransient = ({ reason }: Pick<ProviderFault, 'reason'>): boolean =>
  TRANSIENT.has(reason)

const PLAIN_WORD = /^[A-Za-z][A-Za-z0-9_.]{0,63}$/

/** The code of our own refusal, where nothing is left of a store's quota or of a client's share of it. */
export const QUOTA = 'quota'

/** The code where a credential's file is none that can be read to its end, such as a pipe or a device. */
export const UNFIT_CREDENTIAL = 'credential_no_file'

export class ProviderFault extends Error {
  readonly reason: FaultReason
  readonly code?: string
  readonly status?: number
  readonly retryAfterSeconds?: number
  readonly isRefusal?: true

  constructor(reason: FaultReason, details: FaultDetails = {}) {
    super(`the store's answer: ${reason}`)
    this.name = 'ProviderFault'
    this.reason = reason
    if (details.code !== undefined && PLAIN_WORD.test(details.code)) this.code = details.code
    if (details.status !== undefined) this.status = details.status
    if (details.retryAfterSeconds !== undefined) this.retryAfterSeconds = details.retryAfterSeconds
    if (details.isRefusal) this.isRefusal = true
  }
}
