/**
 * What is given of a cached secret: a field of it, with its entity tag. Rule: a view is made once and kept with the
 * cache entry alone, so that nothing of a secret outlives its entry; who may have it is decided elsewhere.
 */
import type { CacheEntry } from '../cache/slot.ts'
import type { JsonNode } from '../core/json-text.ts'
import type { Reference } from '../core/reference.ts'
import type { SecretRecord, Sensitive } from '../core/secret.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { EncryptionKey } from '../crypto/keyring.ts'
import { lengthOf, objectOf, type Selection, select, selectRaw } from './content.ts'

export interface Written {
  readonly text: Sensitive<string>
  /** Where in the text that begins which is the same whoever asks, and by whatever reference. */
  readonly from: number
}

export interface View {
  readonly reference: Reference
  readonly selection: Selection
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly expiresAt: number
  /** A keyed hash: the same for the same value at the same place, and no help in guessing the value. */
  readonly etag: string
  /** What a door made of it, for the next answer. */
  written: Written | undefined
}

/** What was given of one entry, by field; '' is the whole secret, which no field is called. */
interface Views {
  readonly kid: string
  /** The secret's JSON object, if it is one. */
  readonly object: JsonNode | undefined
  readonly json: Map<string, View>
  readonly raw: Map<string, View>
  /** Characters that all of them hold. */
  held: number
}

/** Characters that a view holds beside what it selects. */
const BESIDE = 512
/** Fields may stand within fields, so that all of them together are as many times the secret as it is deep. */
const heldAtMost = ({ text }: SecretRecord): number => 4 * text.reveal().length + 32 * BESIDE

const views = new WeakMap<CacheEntry<SecretRecord>, Views>()

const viewsOf = (entry: CacheEntry<SecretRecord>, { kid }: EncryptionKey): Views => {
  let all = views.get(entry)
  if (all?.kid !== kid) {
    all = { kid, object: objectOf(entry.record), json: new Map(), raw: new Map(), held: 0 }
    views.set(entry, all)
  }
  return all
}

/** Where there is no room for one more, all others make room: what is in use is soon there again. */
const hold = (all: Views, record: SecretRecord, { selection }: View): void => {
  const more = lengthOf(selection) + BESIDE
  if (all.held + more > heldAtMost(record)) {
    all.json.clear()
    all.raw.clear()
    all.held = 0
  }
  all.held += more
}

/**
 * The entity tag (RFC 9110, 8.8.3), quoted as it stands in a header. It is keyed, since a plain hash of a value lets
 * anyone guess at the value, and made of the whole secret's text and version, since not every store names its versions:
 * so the tag also changes when another field of the secret does. JSON and raw text have different tags, since they are
 * different bytes.
 */
export const etagOf = (
  key: EncryptionKey,
  { store, path, field = '' }: Reference,
  { version, text }: SecretRecord,
  isRaw: boolean
): string => {
  const kind = isRaw ? 'etag-raw' : 'etag'
  return `"${fingerprint(key, [kind, store, path, version, field, text.reveal()])}"`
}

/**
 * What the reference names of the entry. `isRaw`: as its store has it, also where that is an object of one field.
 * Throws `field_not_found`, which is not remembered: callers choose the names.
 */
export const viewOf = (
  entry: CacheEntry<SecretRecord>,
  reference: Reference,
  key: EncryptionKey,
  isRaw: boolean
): View => {
  const all = viewsOf(entry, key)
  const { object, json, raw } = all
  const ofKind = isRaw ? raw : json
  const { field } = reference
  let view = ofKind.get(field ?? '')
  if (view === undefined) {
    const { record, fetchedAt, expiresAt } = entry
    view = {
      reference,
      selection: isRaw ? selectRaw(record, field, object) : select(record, field, object),
      version: record.version,
      fetchedAt,
      expiresAt,
      etag: etagOf(key, reference, record, isRaw),
      written: undefined
    }
    hold(all, record, view)
    ofKind.set(field ?? '', view)
  }
  return view
}
