/**
 * An issuer of workloads' tokens with keys of its own, which publishes what it is told to. Rule: it is asked as the real ones
 * are, and what it signs can be wrong in one way at a time.
 */
import { createHmac, webcrypto } from 'node:crypto'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'

interface Pair {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

/** To make them takes longer than a test. */
const pairs: Promise<readonly [Pair, Pair, Pair]> = Promise.all([
  generateKeyPair('RS256', { extractable: true }),
  generateKeyPair('RS256', { extractable: true }),
  generateKeyPair('ES256', { extractable: true })
])

const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface Signing {
  /** Undefined: the header has none. */
  readonly kid?: string | undefined
  readonly typ?: string
  /** Signed by a key that is not the published one of that kid. */
  readonly wrongly?: boolean
  readonly ec?: boolean
}

export interface WorkloadIssuer {
  readonly issuer: string
  /** As published: an RSA key `one`, an EC key `two`. */
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly sign: (claims: object, signing?: Signing) => Promise<string>
  /** Rightly by its RSA key, of a header and claims as they are written here. */
  readonly signWritten: (header: string, claims: string) => Promise<string>
  /** `alg: none`, with an empty signature. */
  readonly unsigned: (claims: object) => string
  /** HS256, with the published RSA key as its secret. */
  readonly confused: (claims: object) => Promise<string>
  /** What was asked for, in its order. */
  readonly asked: string[]
  /** Answers instead, while it is set. */
  answer: ((url: string, init: RequestInit | undefined) => Promise<Response> | Response) | undefined
  readonly fetch: typeof globalThis.fetch
}

export const createWorkloadIssuer = async (
  issuer = 'https://oidc.example'
): Promise<WorkloadIssuer> => {
  const [own, other, ec] = await pairs
  const published = async (key: CryptoKey, kid: string, alg: string): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid,
    alg,
    use: 'sig'
  })
  const jwks = {
    keys: [
      await published(own.publicKey, 'one', 'RS256'),
      await published(ec.publicKey, 'two', 'ES256')
    ]
  }
  const sign: WorkloadIssuer['sign'] = (claims, signing = {}) => {
    const { ec: isEc = false, wrongly = false, typ } = signing
    const kid = 'kid' in signing ? signing.kid : isEc ? 'two' : 'one'
    const key = isEc ? ec : wrongly ? other : own
    return new SignJWT({ ...claims })
      .setProtectedHeader({
        alg: isEc ? 'ES256' : 'RS256',
        ...(kid !== undefined && { kid }),
        ...(typ !== undefined && { typ })
      })
      .sign(key.privateKey)
  }
  const made: WorkloadIssuer = {
    issuer,
    jwks,
    sign,
    signWritten: async (header, claims) => {
      const text = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
      const signature = await webcrypto.subtle.sign(
        'RSASSA-PKCS1-v1_5',
        own.privateKey,
        Buffer.from(text)
      )
      return `${text}.${Buffer.from(signature).toString('base64url')}`
    },
    unsigned: (claims) => `${b64({ alg: 'none', kid: 'one' })}.${b64(claims)}.`,
    confused: async (claims) => {
      const text = `${b64({ alg: 'HS256', kid: 'one' })}.${b64(claims)}`
      const secret = await exportSPKI(own.publicKey)
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    },
    asked: [],
    answer: undefined,
    fetch: async (input, init) => {
      const url = String(input)
      made.asked.push(url)
      if (made.answer !== undefined) return made.answer(url, init)
      if (url.endsWith('/.well-known/openid-configuration')) {
        return Response.json({ issuer, jwks_uri: `${new URL(issuer).origin}/keys` })
      }
      return Response.json(jwks)
    }
  }
  return made
}

/** The claims of a service account's projected token. */
export const accountClaims = (issuer: string, now: number, changes: object = {}) => {
  const seconds = Math.floor(now / 1000)
  return {
    iss: issuer,
    aud: ['purser'],
    sub: 'system:serviceaccount:shop:cart',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 600,
    jti: '0b1f2a3c-4d5e-4f60-8a7b-9c0d1e2f3a4b',
    'kubernetes.io': {
      namespace: 'shop',
      serviceaccount: { name: 'cart', uid: '7c9e6679-7425-40de-944b-e07fc1f90ae7' },
      pod: { name: 'cart-5d', uid: '9b2d7f9e-0000-4000-8000-000000000001' }
    },
    ...changes
  }
}
