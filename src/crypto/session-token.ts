/**
 * The one JWT profile that Purser signs (RFC 7519, compact): HS256, a `typ` of its own, a `kid`, and nothing else. Rule:
 * the secret is chosen by its `kid`, never by trying one after the other; whatever is not exactly ours opens nothing.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { asJson, isObject } from '../core/json.ts'
import { kidOf } from './keyring.ts'

export interface TokenSigner {
  /** By the last secret. Times in the claims are seconds since the epoch. */
  readonly sign: (claims: Readonly<Record<string, unknown>>) => Promise<string>
  /** Undefined for what none of the secrets has signed for this purpose. `now` in milliseconds. */
  readonly open: (token: string, now: number) => Promise<OpenedToken | undefined>
}

export interface OpenedToken {
  readonly claims: Readonly<Record<string, unknown>>
  readonly isExpired: boolean
}

export interface TokenProfile {
  /** As in JWT_SECRET: all are accepted, the last signs; none: nothing is signed, and nothing opens. */
  readonly secrets: readonly string[]
  readonly typ: string
  readonly issuer: string
  readonly audience: string
}

const ALG = 'HS256'
/**
 * header . claims . 256-bit MAC; browsers keep no cookie of more than 4,096 bytes with its name. Of a MAC's last character
 * two bits count for nothing: a token has one spelling, in which they are 0.
 */
const COMPACT =
  /^([A-Za-z0-9_-]{1,256})\.[A-Za-z0-9_-]{1,3600}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

const kidIn = (segment: string, typ: string): string | undefined => {
  const header = asJson(Buffer.from(segment, 'base64url').toString())
  if (!isObject(header)) return undefined
  const { alg, kid, typ: given, ...others } = header
  const isOurs = alg === ALG && given === typ && Object.keys(others).length === 0
  return isOurs && typeof kid === 'string' ? kid : undefined
}

export const createTokenSigner = ({
  secrets,
  typ,
  issuer,
  audience
}: TokenProfile): TokenSigner => {
  const keys = new Map<string, KeyObject>()
  for (const secret of secrets) keys.set(kidOf(secret), createSecretKey(Buffer.from(secret)))
  const last = [...keys].at(-1)
  return {
    sign: async (claims) => {
      if (last === undefined) throw new Error('there is no secret to sign with')
      const [kid, key] = last
      return new SignJWT({ ...claims, iss: issuer, aud: audience })
        .setProtectedHeader({ alg: ALG, typ, kid })
        .sign(key)
    },

    open: async (token, now) => {
      const [, header] = COMPACT.exec(token) ?? []
      const kid = header === undefined ? undefined : kidIn(header, typ)
      const key = kid === undefined ? undefined : keys.get(kid)
      if (key === undefined) return undefined
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [ALG],
          typ,
          issuer,
          audience,
          requiredClaims: ['jti', 'iat', 'exp'],
          currentDate: new Date(now)
        })
        return { claims: payload, isExpired: false }
      } catch (error) {
        // Thrown once the MAC, the issuer and the audience were found right.
        if (error instanceof errors.JWTExpired) return { claims: error.payload, isExpired: true }
        return undefined
      }
    }
  }
}
