/**
 * Envelopes for what Purser keeps: AES-256-GCM under the active encryption key, bound to where they stand. Rule:
 * nothing of a plaintext leaves `open` before the tag was checked, and an envelope moved to another place does not
 * open.
 *
 * Layout: version (1 byte) | kid (6) | iv (12) | tag (16) | ciphertext.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Keyring, KID_BYTES } from './keyring.ts'
import { lengthPrefixed } from './length-prefixed.ts'

export type EnvelopePurpose = 'cache' | 'store'

export interface Sealer {
  /** `context` names the place where the envelope will stand; the same words are needed to open it. */
  readonly seal: (purpose: EnvelopePurpose, plaintext: Buffer, context: readonly string[]) => Buffer
  /** Undefined if the envelope is damaged, was moved, or its encryption key is no longer in the key ring. */
  readonly open: (
    purpose: EnvelopePurpose,
    envelope: Buffer,
    context: readonly string[]
  ) => Buffer | undefined
  /** Whether the envelope stands under the active encryption key; false means that `rewrap` has work to do. */
  readonly isUnderActiveKey: (envelope: Buffer) => boolean
  /** Whether the key ring holds the encryption key that the envelope names; whether it opens is not tried. */
  readonly isUnderKnownKey: (envelope: Buffer) => boolean
}

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16
const IV_START = 1 + KID_BYTES
const TAG_START = IV_START + IV_BYTES
const HEADER_BYTES = TAG_START + TAG_BYTES
// Node accepts a 4-byte GCM tag unless the length is stated.
const GCM = { authTagLength: TAG_BYTES }

const additionalData = (purpose: EnvelopePurpose, context: readonly string[]): Buffer =>
  lengthPrefixed([purpose, ...context])

const isEnvelope = (bytes: Buffer): boolean => bytes.length >= HEADER_BYTES && bytes[0] === VERSION

/** Later layouts count on from ours; what begins above these is a text, or no envelope of any version. */
const LAST_VERSION = 31

/** Whether the bytes say that they are an envelope of a later layout, which this version cannot open. */
export const isOfLaterLayout = ([version = 0]: Buffer): boolean =>
  version > VERSION && version <= LAST_VERSION

const kidIn = (envelope: Buffer): string => envelope.toString('base64url', 1, IV_START)

/** The encryption key that an envelope names, from its beginning alone; undefined for what is none. */
export const kidOfEnvelope = (beginning: Buffer): string | undefined =>
  beginning.length >= IV_START && beginning[0] === VERSION ? kidIn(beginning) : undefined

export const createSealer = (keyring: Keyring): Sealer => ({
  seal: (purpose, plaintext, context) => {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', keyring.active.keyFor(purpose), iv, GCM)
    cipher.setAAD(additionalData(purpose, context))
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
    const kid = Buffer.from(keyring.active.kid, 'base64url')
    return Buffer.concat([Buffer.of(VERSION), kid, iv, cipher.getAuthTag(), ciphertext])
  },

  open: (purpose, envelope, context) => {
    if (!isEnvelope(envelope)) return undefined
    const key = keyring.find(kidIn(envelope))
    if (key === undefined) return undefined
    const iv = envelope.subarray(IV_START, TAG_START)
    const decipher = createDecipheriv('aes-256-gcm', key.keyFor(purpose), iv, GCM)
    decipher.setAAD(additionalData(purpose, context))
    decipher.setAuthTag(envelope.subarray(TAG_START, HEADER_BYTES))
    const plaintext = decipher.update(envelope.subarray(HEADER_BYTES))
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      return undefined
    }
    return plaintext
  },

  isUnderActiveKey: (envelope) => isEnvelope(envelope) && kidIn(envelope) === keyring.active.kid,

  isUnderKnownKey: (envelope) => isEnvelope(envelope) && keyring.find(kidIn(envelope)) !== undefined
})
