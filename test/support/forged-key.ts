/** An API key as somebody might make it who holds the encryption key but does not keep to the profile (RFC 7516 by hand). */
import { createCipheriv, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { derive, kidOf } from '../../src/crypto/keyring.ts'

export const b64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64url')

/** What a good key of `app` says, but for the overrides. */
export const claimsFor = (
  encryptionKey: string,
  now: number,
  overrides: Record<string, unknown> = {}
): Record<string, unknown> => ({
  jti: randomUUID(),
  cli: 'app',
  scp: ['aura-services:secrets'],
  mode: 'r',
  env: 'dev',
  minv: '8.3.0',
  iat: Math.floor(now / 1000),
  kid: kidOf(encryptionKey),
  ...overrides
})

export const forgeKey = (
  encryptionKey: string,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
  encode = (json: string): Buffer => Buffer.from(json)
): string => {
  const kid = kidOf(encryptionKey)
  const full = { alg: 'dir', enc: 'A256GCM', typ: 'purser-key+jwe', kid, ...header }
  const protectedHeader = b64(JSON.stringify(full))
  const iv = randomBytes(12)
  const secret = createSecretKey(derive(encryptionKey, 'api-key'))
  const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(Buffer.from(protectedHeader))
  const ciphertext = Buffer.concat([cipher.update(encode(JSON.stringify(claims))), cipher.final()])
  return `purser_dev_${protectedHeader}..${b64(iv)}.${b64(ciphertext)}.${b64(cipher.getAuthTag())}`
}

/** Headers that a library might heed, and this profile does not have. */
export const FOREIGN_HEADERS: readonly Record<string, unknown>[] = [
  { jku: 'https://evil.example/keys' },
  { x5u: 'https://evil.example/cert' },
  { x5c: ['AAAA'] },
  { jwk: { kty: 'oct', k: 'AAAA' } },
  { crit: ['exp'], exp: 1 },
  { zip: 'DEF' },
  { alg: 'none' },
  { alg: 'A256KW' },
  { alg: 'PBES2-HS256+A128KW', p2s: 'AAAA', p2c: 2_000_000 },
  { alg: 'ECDH-ES', epk: { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' } },
  { enc: 'A128GCM' },
  { enc: 'A256CBC-HS512' },
  { typ: 'purser-state+jwe' },
  { typ: 'JWT' },
  { typ: undefined },
  { kid: undefined },
  { kid: 'AAAAAAAA' },
  { kid: 7 },
  { cty: 'json' }
]
