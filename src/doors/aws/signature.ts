/**
 * The credential of the AWS door: an API key as X-Amz-Security-Token, and the signature of the request under the secret that
 * follows from the key. Rule: the key alone opens nothing, and no other credential stands beside it.
 */
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Reason } from '../../core/reason.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import { signingCredentialsOf } from '../../crypto/sigv4-secret.ts'
import { type Found, onlyOne } from '../../http/credentials.ts'
import { KEY_HEADERS } from '../key-headers.ts'
import { isSignature, parseTerms, splitSigned } from './signed.ts'
import { faultOfSignature, type Received, type Signing, signingOf } from './sigv4.ts'

const TOKEN = 'x-amz-security-token'
const AUTHORIZATION = 'authorization'

const FOREIGN: ReadonlySet<string> = new Set(
  KEY_HEADERS.filter((name) => name !== TOKEN && name !== AUTHORIZATION)
)

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

interface Signer {
  /** As the header has them. */
  readonly terms: string
  readonly signing: Signing
}

export interface Verified {
  readonly region: string
}

const failed = (reason: Reason): ProblemError => new ProblemError('invalid_api_key', {}, reason)

/** Whether the request of that principal is signed as it has to be. */
export const createSignatureCheck = ({ keyring, now }: SignatureOptions) => {
  // For as long as the key is known. To work it out takes longer than all the rest of a read.
  const signers = new WeakMap<Principal, Signer>()

  const signerOf = ({ keyId, kid }: Principal, text: string): Signer | ProblemError => {
    const terms = parseTerms(text)
    if (terms === undefined) return failed('signature_incomplete')
    const encryptionKey = keyring().find(kid)
    // The key was accepted a moment ago.
    if (encryptionKey === undefined) return failed('unreadable')
    const { accessKeyId, secretAccessKey } = signingCredentialsOf(encryptionKey, keyId)
    if (terms.accessKeyId !== accessKeyId) return failed('signature_other_key')
    return { terms: text, signing: signingOf(secretAccessKey, terms) }
  }

  return (
    principal: Principal,
    received: Received,
    authorization: string
  ): Verified | ProblemError => {
    const { terms, signature } = splitSigned(authorization)
    const known = signers.get(principal)
    const isKnown = known?.terms === terms
    const signer = isKnown ? known : signerOf(principal, terms)
    if (signer instanceof ProblemError) return signer
    const fault = faultOfSignature(received, signer.signing, signature, now())
    if (fault !== undefined) return failed(REASONS[fault])
    if (!isKnown) signers.set(principal, signer)
    return signer.signing.terms
  }
}

/** As it came; the door's parser leaves a body as its bytes. */
export const receivedOf = ({ raw, body }: FastifyRequest): Received => ({
  method: raw.method ?? '',
  url: raw.url ?? '',
  rawHeaders: raw.rawHeaders,
  body: Buffer.isBuffer(body) ? body : Buffer.alloc(0)
})
