/**
 * Tokens of workloads: JWTs that others sign (RFC 7519). Rule: what can be told of the text is told before any signature is
 * looked at; a token is looked at with the public key that it names and with no other; issuer, audience, algorithm and time
 * are always demanded, and a claim of another type than the expected one is a flaw (RFC 8725).
 */
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify
} from 'jose'
import { isObject } from '../core/json.ts'
import type { Reason } from '../core/reason.ts'
import { objectIn } from './compact.ts'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from './token-algorithms.ts'

export type Claims = Readonly<Record<string, unknown>>

/** A token that was taken apart; nothing of it is believed yet. */
export interface UnverifiedToken {
  readonly text: string
  readonly kid: string
  readonly algorithm: string
  readonly claims: Claims
}

export interface VerifiedToken {
  readonly subject: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Its `jti`. */
  readonly tokenId: string | undefined
  readonly claims: Claims
}

/** Why a token proves nothing: for the record alone. */
export type TokenFlaw = Extract<Reason, `token_${string}`>

/** The public keys of an issuer. */
export interface IssuerKeys {
  readonly has: (kid: string) => boolean
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly count: number
  /** How many of them verify signatures of one of those. */
  readonly countFor: (algorithms: readonly TokenAlgorithm[]) => number
}

export interface ExpectedToken {
  /** Undefined: of a kind that names its issuer in the subject. */
  readonly issuer: string | undefined
  readonly audience: string
  readonly algorithms: readonly TokenAlgorithm[]
  /** Seconds since it was issued; undefined: until it ends. */
  readonly maxAgeSeconds?: number | undefined
  /** False: `iat` may be absent. */
  readonly saysWhenIssued: boolean
}

/** Those of large clouds have four thousand characters at most. */
const TOKEN_MAX_LENGTH = 8192
const COMPACT = /^[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,1024}$/
const TYPES: ReadonlySet<string> = new Set(['jwt', 'jose', 'at+jwt'])
/** For clocks that differ; seconds. */
const CLOCK_SKEW = 30
const TEXT_MAX = 1024

const isText = (value: unknown, max = TEXT_MAX): value is string =>
  typeof value === 'string' && value !== '' && value.length <= max

/** One token has one spelling, as an API key has. */
const isOneSpelling = (segment: string): boolean =>
  Buffer.from(segment, 'base64url').toString('base64url') === segment

/** Takes it apart, or gives its flaw back. */
export const takeApart = (text: string): UnverifiedToken | TokenFlaw => {
  if (text.length > TOKEN_MAX_LENGTH || !COMPACT.test(text)) return 'token_malformed'
  const segments = text.split('.')
  if (!segments.every(isOneSpelling)) return 'token_malformed'
  const [first = '', second = ''] = segments
  const header = objectIn(first)
  const claims = objectIn(second)
  if (header === undefined || claims === undefined) return 'token_malformed'
  const { alg, kid, typ, crit, b64, zip } = header
  if (typeof alg !== 'string' || !(TOKEN_ALGORITHMS as readonly string[]).includes(alg)) {
    return 'token_algorithm'
  }
  if (!isText(kid, 256)) return 'token_without_kid'
  const isKnown = typ === undefined || (typeof typ === 'string' && TYPES.has(typ.toLowerCase()))
  // What would change how the token is to be read.
  const isOther = [crit, b64, zip].some((one) => one !== undefined)
  if (!isKnown || isOther) return 'token_malformed'
  return { text, kid, algorithm: alg, claims }
}

/** What the issuer says of its key (RFC 7517, 4.3); most say nothing. */
const mayVerify = (operations: unknown): boolean =>
  operations === undefined || (Array.isArray(operations) && operations.includes('verify'))

/** Public keys that have an id, without members that only say what else they may be for. */
const usable = (
  key: unknown,
  use: string
): key is JSONWebKeySet['keys'][number] & { kid: string } =>
  isObject(key) &&
  isText(key['kid'], 256) &&
  ['RSA', 'EC', 'OKP'].includes(String(key['kty'])) &&
  (key['use'] === use || (use === 'sig' && key['use'] === undefined)) &&
  mayVerify(key['key_ops'])

const RSA_BITS = 2048
const CURVES: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519'
}

/** As the library chooses one. */
const verifies = ({ alg, kty, crv, n }: JWK, algorithm: TokenAlgorithm): boolean => {
  if (alg !== undefined && alg !== algorithm) return false
  const curve = CURVES[algorithm]
  if (curve !== undefined) return crv === curve
  return kty === 'RSA' && Buffer.from(n ?? '', 'base64url').length * 8 >= RSA_BITS
}

/**
 * Of a JWKS (RFC 7517), or of a SPIFFE bundle, whose keys for tokens have `use: jwt-svid`. Undefined if it is none. Keys that
 * cannot be for this are left out.
 */
export const issuerKeysIn = (set: unknown, use: 'sig' | 'jwt-svid'): IssuerKeys | undefined => {
  if (!isObject(set) || !Array.isArray(set['keys'])) return undefined
  const keys = set['keys'].filter((key) => usable(key, use))
  const kids = new Set(keys.map(({ kid }) => kid))
  const find = createLocalJWKSet({ keys: keys.map(({ use: _, key_ops: __, ...key }) => key) })
  return {
    has: (kid) => kids.has(kid),
    find,
    count: keys.length,
    countFor: (algorithms) =>
      keys.filter((key) => algorithms.some((one) => verifies(key, one))).length
  }
}

/** By the claim that the library complains of. */
const FLAWS: Readonly<Record<string, TokenFlaw>> = {
  iss: 'token_issuer',
  aud: 'token_audience',
  nbf: 'token_not_in_force'
}

const flawOf = (error: unknown): TokenFlaw => {
  if (error instanceof errors.JWTExpired) {
    return error.claim === 'iat' ? 'token_too_old' : 'token_not_in_force'
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.reason === 'check_failed'
      ? (FLAWS[error.claim] ?? 'token_not_in_force')
      : 'token_incomplete'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm'
  const isOfKey =
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  return isOfKey ? 'token_unknown_key' : 'token_signature'
}

const isAudience = (aud: unknown): boolean =>
  isText(aud) || (Array.isArray(aud) && aud.length > 0 && aud.every((one) => isText(one)))

const verifiedIn = (claims: JWTPayload, now: number): VerifiedToken | TokenFlaw => {
  // JSON has numbers that a double makes infinite.
  const { sub, exp = Number.POSITIVE_INFINITY, iat, jti, iss, aud } = claims
  if (!isText(sub) || !Number.isFinite(exp) || !isAudience(aud)) return 'token_incomplete'
  if ((jti !== undefined && !isText(jti)) || (iss !== undefined && !isText(iss))) {
    return 'token_incomplete'
  }
  if (iat !== undefined && iat > now / 1000 + CLOCK_SKEW) return 'token_not_in_force'
  return { subject: sub, expiresAt: Math.floor(exp), tokenId: jti, claims }
}

/** `now` in milliseconds. Gives the flaw back. */
export const verifyToken = async (
  { text, kid }: UnverifiedToken,
  keys: IssuerKeys,
  { issuer, audience, algorithms, maxAgeSeconds, saysWhenIssued }: ExpectedToken,
  now: number
): Promise<VerifiedToken | TokenFlaw> => {
  if (!keys.has(kid)) return 'token_unknown_key'
  try {
    const { payload } = await jwtVerify(text, keys.find, {
      ...(issuer !== undefined && { issuer }),
      audience,
      algorithms: [...algorithms],
      requiredClaims: ['sub', 'exp', ...(saysWhenIssued ? ['iat'] : [])],
      ...(maxAgeSeconds !== undefined && { maxTokenAge: maxAgeSeconds }),
      currentDate: new Date(now),
      clockTolerance: CLOCK_SKEW
    })
    return verifiedIn(payload, now)
  } catch (error) {
    return flawOf(error)
  }
}
