/** The auditor's pair of keys, to whose public half the trail's first keys are sealed (`audit-key.ts`). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

const CURVE = 'prime256v1'

export interface AuditorKeys {
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKey: string
  /** PKCS #8 in PEM. */
  readonly privateKey: string
}

/** A new pair on P-256, which OpenSSL and every HSM know too. */
export const newAuditorKeys = (): AuditorKeys =>
  generateKeyPairSync('ec', {
    namedCurve: CURVE,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  })

const parsed = (create: () => KeyObject, what: string): KeyObject => {
  let key: KeyObject | undefined
  try {
    key = create()
  } catch {
    // OpenSSL's words might quote the file.
  }
  if (key?.asymmetricKeyDetails?.namedCurve === CURVE) return key
  throw new Error(`holds no ${what} of P-256 in PEM, as \`purser audit key new\` makes it`)
}

/** Throws `Error` with the end of a sentence, also for a private key: that one has no business where records are made. */
export const parseAuditorPublicKey = (pem: Buffer): KeyObject => {
  if (pem.includes('PRIVATE KEY')) throw new Error('holds a private key: give the public one')
  return parsed(() => createPublicKey(pem), 'public key')
}

/** Throws `Error` with the end of a sentence. */
export const parseAuditorPrivateKey = (pem: Buffer): KeyObject =>
  parsed(() => createPrivateKey(pem), 'private key')
