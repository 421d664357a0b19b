/**
 * How all providers turn HTTP statuses, transport errors and hints to wait into reasons of a fault. Rule: the provider
 * looks at its peer's own error names first; this is for what those leave open.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import type { CallOptions } from '../provider.ts'

/**
 * The reason behind an HTTP status alone. A bare 404 may come from any proxy, so it is not `not_found` here: only the
 * peer's own words make it so.
 */
export const reasonOfStatus = (status: number): FaultReason => {
  if (status >= 200 && status < 300) return 'invalid_answer'
  if (status === 401 || status === 403) return 'denied'
  if (status === 429) return 'throttled'
  return 'unavailable'
}

/**
 * Node's error codes for bad certificates (OpenSSL's X509_V_ERR_*) and failed TLS handshakes, and ours for a proxy that
 * refuses.
 */
const TLS =
  /^(CERT_|CRL_|ERR_PROXY_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_|ERR_TLS_|ERR_SSL_)/

/** The reason behind a `code` of Node's or undici's errors: the TLS ones need a person, the others may pass. */
export const reasonOfCode = (code: string): FaultReason => {
  if (TLS.test(code)) return 'misconfigured'
  return /TIMEDOUT|TIMEOUT/.test(code) ? 'timeout' : 'unavailable'
}

const LONGEST_HINT_SECONDS = 3_600

/**
 * Retry-After (RFC 9110 10.2.3), seconds or an HTTP-date, as whole seconds from `now` (ms) and an hour at most;
 * undefined where it is neither.
 */
export const retryAfterSeconds = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  const text = header.trim()
  const isDate = text.endsWith(' GMT')
  if (!isDate && !/^\d{1,10}$/.test(text)) return undefined
  const seconds = isDate ? (Date.parse(text) - now) / 1000 : Number(text)
  if (Number.isNaN(seconds)) return undefined
  return Math.min(Math.max(Math.ceil(seconds), 0), LONGEST_HINT_SECONDS)
}

const RETRY_DELAY_MS = 100

/**
 * Narrower than `isTransient`: after a timeout no time is left, and a peer that throttles or names a time is not asked
 * before then.
 */
export const isWorthRetrying = ({ reason, retryAfterSeconds }: ProviderFault): boolean =>
  reason === 'unavailable' && retryAfterSeconds === undefined

/**
 * Makes one more attempt after a fault if `isCured` says that it may help; `isCured` may first do something about the
 * fault, such as a new login. Waits a moment (with jitter) in between, and never for longer than the signal allows.
 */
export const retryOnce = async <T>(
  { signal }: CallOptions,
  attempt: () => Promise<T>,
  isCured: (fault: ProviderFault) => Promise<boolean>
): Promise<T> => {
  try {
    return await attempt()
  } catch (error) {
    if (signal.aborted || !(error instanceof ProviderFault) || !(await isCured(error))) throw error
    await sleep(RETRY_DELAY_MS * Math.random(), undefined, { signal }).catch(() => {
      throw new ProviderFault('timeout')
    })
    return attempt()
  }
}
