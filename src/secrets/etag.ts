/**
 * What tells one value of a secret from another (RFC 9110, 8.8.3). Rule: keyed, since a plain hash of a value lets anyone
 * guess at it; and made of the value itself, since not every store names its versions.
 */
import type { Reference } from '../core/reference.ts'
import type { SecretRecord } from '../core/secret.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { EncryptionKey } from '../crypto/keyring.ts'

/** Made once for as long as the record is cached, by encryption key and field. */
const made = new WeakMap<SecretRecord, Map<string, string>>()

/**
 * Quoted, as it stands in a header. It is of the whole secret, as its version is: another field's change shows in both. Each
 * representation has its own, since it is other bytes.
 */
export const etagOf = (
  key: EncryptionKey,
  { store, path, field = '' }: Reference,
  record: SecretRecord,
  representation: 'json' | 'raw' = 'json'
): string => {
  let tags = made.get(record)
  if (tags === undefined) {
    tags = new Map()
    made.set(record, tags)
  }
  const name = key.kid + representation + field
  let tag = tags.get(name)
  if (tag === undefined) {
    const kind = representation === 'raw' ? 'etag-raw' : 'etag'
    const words = [kind, store, path, record.version, field, record.text.reveal()]
    tag = `"${fingerprint(key, words)}"`
    tags.set(name, tag)
  }
  return tag
}
