/**
 * Names that only we can make, for places where others may look: the same words give the same name, and a name tells
 * nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EncryptionKey } from './keyring.ts'
import { lengthPrefixed } from './length-prefixed.ts'

/** HMAC-SHA256 under purpose `fingerprint`, as 43 characters of base64url. */
export const fingerprint = ({ keyFor }: EncryptionKey, words: readonly string[]): string =>
  createHmac('sha256', keyFor('fingerprint')).update(lengthPrefixed(words)).digest('base64url')

/** Compared in constant time, so that the time taken tells nobody how much of a guess is right. */
export const isFingerprint = (
  key: EncryptionKey,
  words: readonly string[],
  given: string
): boolean => {
  const [expected, actual] = [Buffer.from(fingerprint(key, words)), Buffer.from(given)]
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
