/** One 32-character encryption key serves several purposes, each through a key of its own (RFC 5869, HKDF-SHA256). */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

export type Purpose = 'api-key' | 'cache' | 'store' | 'state' | 'audit' | 'fingerprint' | 'kid'

export const derive = (encryptionKey: string, purpose: Purpose): Buffer =>
  Buffer.from(hkdfSync('sha256', encryptionKey, '', `purser/v1/${purpose}`, 32))

/** A KeyObject lives outside the JavaScript heap and never serialises by accident; its source bytes are wiped. */
export const deriveKey = (encryptionKey: string, purpose: Purpose): KeyObject => {
  const bytes = derive(encryptionKey, purpose)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
