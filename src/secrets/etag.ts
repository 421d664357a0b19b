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
 * The entity tag of a field, quoted, as it stands in a header. It is made of the whole secret's text and version, so it also
 * changes when another field of the secret does. JSON and raw text have different tags, since they are different bytes.
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
