/**
 * OpenID Connect tokens of Google service accounts, as Pub/Sub sends them with a push. Rule: signed by a key that
 * Google publishes, for the audience and from the account that were configured; anything else is no proof.
 */
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'
import { ProviderFault } from '../core/fault.ts'
import { hasOneMeaning } from './compact.ts'

const ISSUER = 'https://accounts.google.com'
const KEYS = new URL('https://www.googleapis.com/oauth2/v3/certs')
const DEADLINE_MS = 3_000
/** For clocks that differ; seconds. */
const CLOCK_SKEW = 60

export interface ExpectedToken {
  readonly audience: string
  /** The account's address. */
  readonly serviceAccount: string
}

/** Rejects with a ProviderFault while Google's keys cannot be had. */
export type GoogleTokenCheck = (token: string, expected: ExpectedToken) => Promise<boolean>

/** Failures of fetching the keys rather than of the token. */
const isUnanswered = (error: unknown): boolean =>
  !(error instanceof errors.JOSEError) ||
  ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'].includes(error.code)

export const createGoogleTokenCheck = ({
  fetch,
  now
}: {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): GoogleTokenCheck => {
  // Made when a token is first looked at: Node compiles its whole fetch for it.
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined
  return async (token, { audience, serviceAccount }) => {
    if (!hasOneMeaning(token)) return false
    keys ??= createRemoteJWKSet(KEYS, { timeoutDuration: DEADLINE_MS, [customFetch]: fetch })
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: ISSUER,
        audience,
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'email'],
        currentDate: new Date(now()),
        clockTolerance: CLOCK_SKEW
      })
      return payload['email'] === serviceAccount && payload['email_verified'] === true
    } catch (error) {
      if (isUnanswered(error)) throw new ProviderFault('unavailable')
      return false
    }
  }
}
