/**
 * A secret's text as its fields. Rule: fields are kept in a Map, since anybody chooses their names (`__proto__` is
 * one), and a field is cut out of the text, never printed anew, so that numbers keep their digits.
 */
import { withoutMark } from '../core/file-text.ts'
import { type JsonNode, printJson, readJson } from '../core/json-text.ts'
import { ProblemError } from '../core/problem.ts'
import { stepsOf } from '../core/reference-text.ts'
import { type SecretRecord, Sensitive } from '../core/secret.ts'

/** One text, or the base64 of bytes. */
export interface Value {
  readonly value: Sensitive<string>
  readonly encoding?: 'base64'
}

/** Or the JSON of all fields of a secret that has several, and which of them are the base64 of bytes. */
export type Selection =
  | Value
  | {
      readonly data: Sensitive<string>
      readonly encodings?: Readonly<Record<string, 'base64'>>
    }

/** In characters. */
export const lengthOf = (selection: Selection): number =>
  ('value' in selection ? selection.value : selection.data).reveal().length

/** The secret's JSON object, if it is one. */
export const objectOf = ({ text: secret, encoding }: SecretRecord): JsonNode | undefined => {
  const text = withoutMark(secret.reveal())
  if (encoding !== undefined || !/^\s*\{/.test(text)) return undefined
  return readJson(text)
}

/** RFC 6901, 4: an index has no sign and no leading zero; `-` is the item behind the last, which does not exist. */
const INDEX = /^(?:0|[1-9]\d{0,8})$/

const within = (node: JsonNode | undefined, step: string): JsonNode | undefined =>
  node?.members?.get(step) ?? (INDEX.test(step) ? node?.items?.[Number(step)] : undefined)

const asText = ({ text }: JsonNode, encoding: 'base64' | undefined): Value => ({
  value: new Sensitive(text.startsWith('"') ? JSON.parse(text) : text),
  ...(encoding && { encoding })
})

const wholeText = ({ text, encoding }: SecretRecord): Value => ({
  value: text,
  ...(encoding && { encoding })
})

const selectWhole = (record: SecretRecord, object: JsonNode | undefined): Selection => {
  if (object === undefined) return wholeText(record)
  const { encodings } = record
  const [only, ...others] = object.members ?? []
  if (only !== undefined && others.length === 0) {
    const [name, node] = only
    return asText(node, encodings?.get(name))
  }
  return {
    data: new Sensitive(printJson(object)),
    ...(encodings && { encodings: Object.fromEntries(encodings) })
  }
}

const selectField = (
  { encodings }: SecretRecord,
  object: JsonNode | undefined,
  field: string
): Value => {
  const steps = stepsOf(field)
  const node = steps.reduce(within, object)
  if (node === undefined) throw new ProblemError('field_not_found')
  const [name = '', ...deeper] = steps
  return asText(node, deeper.length === 0 ? encodings?.get(name) : undefined)
}

/**
 * With a field: that field's text, objects and numbers as JSON; `field_not_found` if it is absent. Without: the only
 * field of an object of one, all fields of any other object, or the text itself.
 */
export const select = (
  record: SecretRecord,
  field: string | undefined,
  object = objectOf(record)
): Selection =>
  field === undefined ? selectWhole(record, object) : selectField(record, object, field)

/** The secret as it is stored: the text of the field, or without a field the whole text, however many fields it has. */
export const selectRaw = (
  record: SecretRecord,
  field: string | undefined,
  object = objectOf(record)
): Value => (field === undefined ? wholeText(record) : selectField(record, object, field))
