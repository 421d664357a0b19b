/**
 * The keys of the audit trail's chains. Rule: a key makes one MAC and is then stepped one way and forgotten, so that
 * who takes a process today has no key of yesterday (Schneier and Kelsey, "Secure audit logs to support computer
 * forensics", 1999). What the first key is worth depends on who else can have it: see `FirstKey`.
 */
import { createHmac, hash, type KeyObject, randomBytes } from 'node:crypto'
import type { EncryptionKey } from './keyring.ts'
import { isSameText } from './same.ts'

const KEY_BYTES = 32
const STEP = 'purser/v1/audit-step'
/** The label, and room for a key: nothing is allocated for a step. */
const labelled = Buffer.alloc(STEP.length + KEY_BYTES, STEP)
const SEALED = { alg: 'ECDH-ES', enc: 'A256GCM', typ: 'purser-audit+jwe' } as const

/** SHA-256 as 43 characters of base64url. */
export const digestOfText = (text: string): string => hash('sha256', text, 'base64url')

/** The same of the former digest's text and the text. */
export const digestOf = (former: string, text: string): string => digestOfText(former + text)

/** The same for the bytes of a file. */
export const digestOfBytes = (bytes: Buffer): string => hash('sha256', bytes, 'base64url')

/** HMAC-SHA256 of a digest's text, as 43 characters of base64url. */
export const macOf = (key: Buffer, digest: string): string =>
  createHmac('sha256', key).update(digest).digest('base64url')

export const isMac = (key: Buffer, digest: string, given: string): boolean =>
  isSameText(macOf(key, digest), given)

/** The key after this one: SHA-256 of a label and the key. The caller forgets the one before. */
export const stepped = (key: Buffer): Buffer => {
  key.copy(labelled, STEP.length)
  const next = hash('sha256', labelled, 'buffer')
  labelled.fill(0, STEP.length)
  return next
}

/**
 * What the head of a segment says of the first key of its instance. Without `sealed` the key follows from purpose
 * `audit` of the encryption key `kid`: whoever has that key can make it again. With `sealed` it was random, and only
 * the auditor has it; `origin` then is a proof that somebody with that encryption key began the instance, since to
 * seal to a public key is in everybody's power.
 */
export interface FirstKey {
  readonly kid: string
  readonly sealed?: string
  readonly origin?: string
}

const derived = ({ keyFor }: EncryptionKey, words: string): Buffer =>
  createHmac('sha256', keyFor('audit')).update(words).digest()

const keyOfRing = (encryptionKey: EncryptionKey, instance: string): Buffer =>
  derived(encryptionKey, `purser/v1/audit-instance/${instance}`)

const originOf = (encryptionKey: EncryptionKey, instance: string, sealed: string): string =>
  derived(encryptionKey, `purser/v1/audit-origin/${instance}/${sealed}`).toString('base64url')

/** A new instance's first key: sealed to the auditor, or made of the encryption key. */
export const beginKey = async (
  encryptionKey: EncryptionKey,
  auditor: KeyObject | undefined,
  instance: string
): Promise<{ readonly key: Buffer; readonly first: FirstKey }> => {
  const { kid } = encryptionKey
  if (auditor === undefined) return { key: keyOfRing(encryptionKey, instance), first: { kid } }
  const key = randomBytes(KEY_BYTES)
  // Loaded where there is an auditor: commands begin a chain too, and start at once.
  const { CompactEncrypt } = await import('jose')
  const sealed = await new CompactEncrypt(key).setProtectedHeader(SEALED).encrypt(auditor)
  return { key, first: { kid, sealed, origin: originOf(encryptionKey, instance, sealed) } }
}

/** Whether the instance was begun with that encryption key. Without `sealed` its MACs say so. */
export const isOrigin = (
  encryptionKey: EncryptionKey,
  instance: string,
  { sealed, origin }: FirstKey
): boolean => sealed === undefined || origin === originOf(encryptionKey, instance, sealed)

/** The first key of an instance for whoever checks it; undefined if the auditor's key does not open it. */
export const openFirstKey = async (
  { sealed }: FirstKey,
  instance: string,
  keys: {
    readonly encryptionKey: EncryptionKey | undefined
    readonly auditor: KeyObject | undefined
  }
): Promise<Buffer | undefined> => {
  const { encryptionKey, auditor } = keys
  if (sealed === undefined) return encryptionKey && keyOfRing(encryptionKey, instance)
  if (auditor === undefined) return undefined
  const { compactDecrypt } = await import('jose')
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, auditor, {
      keyManagementAlgorithms: [SEALED.alg],
      contentEncryptionAlgorithms: [SEALED.enc],
      maxDecompressedLength: 0
    })
    const isOurs = protectedHeader['typ'] === SEALED.typ && plaintext.length === KEY_BYTES
    return isOurs ? Buffer.from(plaintext) : undefined
  } catch {
    return undefined
  }
}
