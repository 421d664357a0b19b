/** A secret's text as its fields. Rule: fields live in a Map, since their names are somebody else's (`__proto__` is one). */
import { withoutMark } from '../core/file-text.ts'
import { membersOf } from '../core/json-text.ts'
import { ProblemError } from '../core/problem.ts'
import { type SecretRecord, Sensitive } from '../core/secret.ts'

/** One text, or all fields of a secret that has several. */
export type Selection =
  | { readonly value: Sensitive<string> }
  | { readonly data: Sensitive<Readonly<Record<string, unknown>>> }

/** The JSON of each field, as it is written. */
type Fields = ReadonlyMap<string, string>

// Parsed once for as long as the record is cached; the text is parsed for every caller otherwise.
const parsed = new WeakMap<SecretRecord, Fields | 'text'>()

const parse = (record: SecretRecord): Fields | 'text' => {
  const text = withoutMark(record.text.reveal())
  if (record.encoding !== undefined || !/^\s*\{/.test(text)) return 'text'
  try {
    JSON.parse(text)
    return membersOf(text)
  } catch {
    return 'text'
  }
}

const fieldsOf = (record: SecretRecord): Fields | undefined => {
  let fields = parsed.get(record)
  if (fields === undefined) {
    fields = parse(record)
    parsed.set(record, fields)
  }
  return fields === 'text' ? undefined : fields
}

const asText = (json = ''): Sensitive<string> =>
  new Sensitive(json.startsWith('"') ? JSON.parse(json) : json)

/**
 * With a field: that field's text, objects and numbers as JSON; `field_not_found` if it is absent. Without: the only field
 * of an object of one, all fields of any other object, or the text itself.
 */
export const select = (record: SecretRecord, field: string | undefined): Selection => {
  const fields = fieldsOf(record)
  if (field !== undefined) {
    if (!fields?.has(field)) throw new ProblemError('field_not_found')
    return { value: asText(fields.get(field)) }
  }
  if (fields === undefined) return { value: record.text }
  if (fields.size === 1) return { value: asText([...fields.values()][0]) }
  return { data: new Sensitive(JSON.parse(withoutMark(record.text.reveal()))) }
}
