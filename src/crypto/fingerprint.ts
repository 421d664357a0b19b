/**
 * Names that only we can make, for places where others may look: the same words give the same name, and a name tells
 * nothing.
 */
import { createHmac } from 'node:crypto'
import type { EncryptionKey } from './keyring.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import { isSameText } from './same.ts'

/** HMAC-SHA256 under purpose `fingerprint`, as 43 characters of base64url. */
export const fingerprint = ({ keyFor }: EncryptionKey, words: readonly string[]): string =>
  createHmac('sha256', keyFor('fingerprint')).update(lengthPrefixed(words)).digest('base64url')

export const isFingerprint = (
  key: EncryptionKey,
  words: readonly string[],
  given: string
): boolean => isSameText(fingerprint(key, words), given)
