/**
 * The encryption keys of an environment: all are accepted, the last is active and seals. Rule: a key is always chosen
 * by its `kid`, never by trying one after the other, so that a forged `kid` costs no decryption.
 */
import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'

type Purpose =
  | 'api-key'
  | 'cache'
  | 'store'
  | 'state'
  | 'audit'
  | 'fingerprint'
  | 'aws-sigv4'
  | 'kid'

export interface EncryptionKey {
  /** base64url of the first 6 bytes of purpose `kid`: 8 characters that tell nothing of the key. */
  readonly kid: string
  readonly keyFor: (purpose: Exclude<Purpose, 'kid' | 'aws-sigv4'>) => KeyObject
  /** Of purpose `aws-sigv4`, another one for each salt; made anew each time (`sigv4-secret.ts`). */
  readonly signingSecretFor: (salt: string) => Buffer
}

export interface Keyring {
  readonly active: EncryptionKey
  readonly find: (kid: string) => EncryptionKey | undefined
  /** In the order of ENCRYPTION_KEYS. */
  readonly kids: readonly string[]
  /** In the order in which what was named under one of them is looked for: the active one first. */
  readonly all: readonly [EncryptionKey, ...EncryptionKey[]]
}

export const KID_BYTES = 6

export const ENCRYPTION_KEY_LENGTH = 32

/** A fresh encryption key: 192 random bits as 32 characters. */
export const newEncryptionKey = (): string => randomBytes(24).toString('base64url')

/** One encryption key serves several purposes, each through a key of its own (RFC 5869, HKDF-SHA256). */
export const derive = (encryptionKey: string, purpose: Purpose, salt = ''): Buffer =>
  Buffer.from(hkdfSync('sha256', encryptionKey, salt, `purser/v1/${purpose}`, 32))

export const kidOf = (encryptionKey: string): string =>
  derive(encryptionKey, 'kid').subarray(0, KID_BYTES).toString('base64url')

const createEncryptionKey = (encryptionKey: string): EncryptionKey => {
  const keys = new Map<Purpose, KeyObject>()
  return {
    kid: kidOf(encryptionKey),
    signingSecretFor: (salt) => derive(encryptionKey, 'aws-sigv4', salt),
    keyFor: (purpose) => {
      const known = keys.get(purpose)
      if (known !== undefined) return known
      const bytes = derive(encryptionKey, purpose)
      // It lives outside the JavaScript heap and never serialises by accident; its source bytes are wiped.
      const key = createSecretKey(bytes)
      bytes.fill(0)
      keys.set(purpose, key)
      return key
    }
  }
}

/** `encryptionKeys` as in ENCRYPTION_KEYS: validated by the configuration, at least one, the last is active. */
export const createKeyring = (encryptionKeys: readonly string[]): Keyring => {
  const keys = encryptionKeys.map(createEncryptionKey)
  const active = keys.at(-1)
  if (active === undefined) throw new Error('a key ring needs at least one encryption key')
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  return {
    active,
    find: (kid) => byKid.get(kid),
    kids: keys.map((key) => key.kid),
    all: [active, ...keys.slice(0, -1).reverse()]
  }
}
