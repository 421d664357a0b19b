/** Names that tell nothing: HMAC-SHA256 under an encryption key, for places whose readers must not learn what stands there. */
import { createHmac } from 'node:crypto'
import type { EncryptionKey } from './keyring.ts'

/** 43 characters of base64url. Each word goes in with its length, so that no two lists of words meet. */
export const fingerprintOf = (key: EncryptionKey, words: readonly string[]): string => {
  const hmac = createHmac('sha256', key.keyFor('fingerprint'))
  const length = Buffer.alloc(4)
  for (const word of words) {
    length.writeUInt32BE(Buffer.byteLength(word))
    hmac.update(length).update(word)
  }
  return hmac.digest('base64url')
}
