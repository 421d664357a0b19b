/**
 * The credential of the AWS door: an API key as X-Amz-Security-Token, and the signature of the request under the secret that
 * follows from the key. Rule: the key alone opens nothing, and no other credential stands beside it.
 */
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import { signingCredentialsOf } from '../../crypto/sigv4-secret.ts'
import { type Found, onlyOne } from '../../http/credentials.ts'
import { isSignature, parseSigned, type Signed } from './signed.ts'
import { faultOfSignature, type Received, signingKeyOf } from './sigv4.ts'

const TOKEN = 'x-amz-security-token'
const AUTHORIZATION = 'authorization'

/** In which our own interface and other doors are given keys. */
const FOREIGN: ReadonlySet<string> = new Set([
  'x-api-key',
  'x-vault-token',
  'x-aws-parameters-secrets-token',
  'dapr-api-token'
])

/** Finds the key, of a request that says that it is signed. */
export const tokenIn = (rawHeaders: readonly string[]): Found => {
  let token: string | undefined
  let authorization: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (FOREIGN.has(name)) return onlyOne(name)
    if (name === TOKEN) {
      if (token !== undefined) return onlyOne(name)
      token = value
    }
    if (name === AUTHORIZATION) {
      if (authorization !== undefined) return onlyOne(name)
      authorization = value
    }
  }
  if (authorization === undefined) return undefined
  // Another credential than a signature, beside the key or without one.
  if (!isSignature(authorization)) return token === undefined ? undefined : onlyOne(AUTHORIZATION)
  // Signed with keys of AWS itself: whoever they belong to, it is nobody here.
  return token === undefined ? new ProblemError('invalid_api_key', {}, 'unreadable') : token
}

export interface SignatureOptions {
  readonly keyring: () => Keyring
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const REASONS = {
  incomplete: 'signature_incomplete',
  stale: 'signature_stale',
  wrong: 'signature_wrong'
} as const

/** Of this many keys, days and regions together the keys to sign with are remembered. */
const SIGNING_KEYS = 1_000

export interface Verified {
  readonly region: string
}

/** Whether the request of that principal is signed as it has to be. */
export const createSignatureCheck = ({ keyring, now }: SignatureOptions) => {
  // Four digests, and one for the secret, for a request of which all the rest costs two.
  const signingKeys = new LRUCache<string, Buffer>({ max: SIGNING_KEYS })

  const signingKey = ({ keyId, kid }: Principal, signed: Signed): Buffer => {
    const { date, region } = signed
    const name = `${kid} ${keyId} ${date} ${region}`
    const known = signingKeys.get(name)
    if (known !== undefined) return known
    const encryptionKey = keyring().find(kid)
    // The key was accepted a moment ago.
    if (encryptionKey === undefined) throw new ProblemError('invalid_api_key', {}, 'unreadable')
    const { secretAccessKey } = signingCredentialsOf(encryptionKey, keyId)
    const key = signingKeyOf(secretAccessKey, signed)
    signingKeys.set(name, key)
    return key
  }

  return (principal: Principal, received: Received, authorization: string) => {
    const signed = parseSigned(authorization)
    if (signed === undefined) {
      return new ProblemError('invalid_api_key', {}, 'signature_incomplete')
    }
    const keyFor = (one: Signed): Buffer => signingKey(principal, one)
    const fault = faultOfSignature(received, signed, keyFor, now())
    if (fault !== undefined) return new ProblemError('invalid_api_key', {}, REASONS[fault])
    return { region: signed.region } satisfies Verified
  }
}

/** As it came; the door's parser leaves a body as its bytes. */
export const receivedOf = ({ raw, body }: FastifyRequest): Received => ({
  method: raw.method ?? '',
  url: raw.url ?? '',
  rawHeaders: raw.rawHeaders,
  body: Buffer.isBuffer(body) ? body : Buffer.alloc(0)
})
