/**
 * The one JWE profile that Purser speaks (RFC 7516, compact): `dir`, A256GCM, a fixed `typ` for each purpose, a `kid`,
 * and nothing else. Rule: one token has one spelling. Decoders accept many (white space, unused bits of a segment's
 * last character), and whatever goes by a token's text could be passed by respelling it, so any other spelling is
 * refused.
 */
import { createSecretKey, randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { asJson, isObject } from '../core/json.ts'
import type { Keyring } from './keyring.ts'

export type JwePurpose = 'api-key' | 'state'

const TYPES = { 'api-key': 'purser-key+jwe', state: 'purser-state+jwe' } as const

// header . (no encrypted key: dir) . 96-bit iv . ciphertext . 128-bit tag, RFC 7518 sections 4.5 and 5.3
const COMPACT =
  /^[A-Za-z0-9_-]{1,512}\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{22}$/

/**
 * Opens nothing. What names an encryption key that is not there is tried with it, so that a refusal takes as long as
 * that of a token which is wrong otherwise.
 */
const DECOY = createSecretKey(randomBytes(32))

const isCanonical = (segment: string): boolean =>
  Buffer.from(segment, 'base64url').toString('base64url') === segment

const headerKid = (segment: string, purpose: JwePurpose): string | undefined => {
  const header = asJson(Buffer.from(segment, 'base64url').toString())
  if (!isObject(header)) return undefined
  const { alg, enc, kid, typ, ...others } = header
  const isOurs = alg === 'dir' && enc === 'A256GCM' && typ === TYPES[purpose]
  return isOurs && Object.keys(others).length === 0 && typeof kid === 'string' ? kid : undefined
}

/**
 * Seals a JSON object under the active encryption key; the key's `kid` is written into the payload as well (see
 * `openJwe`).
 */
export const sealJwe = async (
  keyring: Keyring,
  purpose: JwePurpose,
  payload: Readonly<Record<string, unknown>>
): Promise<string> => {
  const { kid, keyFor } = keyring.active
  return new CompactEncrypt(Buffer.from(JSON.stringify({ ...payload, kid })))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: TYPES[purpose], kid })
    .encrypt(keyFor(purpose))
}

/**
 * Opens a token to its JSON payload and the `kid` under which it stood; undefined for whatever is not exactly ours.
 * AES-GCM does not commit to its key: the payload must name the same `kid` as the header.
 */
export const openJwe = async (
  keyring: Keyring,
  purpose: JwePurpose,
  compact: string
): Promise<Record<string, unknown> | undefined> => {
  if (!COMPACT.test(compact)) return undefined
  const segments = compact.split('.')
  if (!segments.every(isCanonical)) return undefined
  const kid = headerKid(segments[0] ?? '', purpose)
  if (kid === undefined) return undefined
  const key = keyring.find(kid)
  try {
    const { plaintext } = await compactDecrypt(compact, key?.keyFor(purpose) ?? DECOY, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxDecompressedLength: 0
    })
    const payload = asJson(Buffer.from(plaintext).toString())
    return key !== undefined && isObject(payload) && payload['kid'] === kid ? payload : undefined
  } catch {
    // Every reason is the same to whoever presented the token.
    return undefined
  }
}
