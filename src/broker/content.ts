/**
 * A secret's text as its fields. Rule: fields live in a Map, since their names are somebody else's (`__proto__` is one), and
 * nothing of them is printed anew: what is asked for is cut out of the text, digit by digit.
 */
import { withoutMark } from '../core/file-text.ts'
import { type JsonNode, printJson, readJson } from '../core/json-text.ts'
import { ProblemError } from '../core/problem.ts'
import { stepsOf } from '../core/reference-text.ts'
import { type SecretRecord, Sensitive } from '../core/secret.ts'

/** One text, or the JSON of all fields of a secret that has several. */
export type Selection = { readonly value: Sensitive<string> } | { readonly data: Sensitive<string> }

interface Content {
  /** The secret's JSON object, if it is one. */
  readonly object: JsonNode | undefined
  /** By field; '' is the whole secret, which no field is called. What is not there is not kept: callers choose the names. */
  readonly selections: Map<string, Selection>
}

// Made once for as long as the record is cached; they would be made for every caller otherwise.
const contents = new WeakMap<SecretRecord, Content>()

const readObject = ({ text: secret, encoding }: SecretRecord): JsonNode | undefined => {
  const text = withoutMark(secret.reveal())
  if (encoding !== undefined || !/^\s*\{/.test(text)) return undefined
  return readJson(text)
}

const contentOf = (record: SecretRecord): Content => {
  let content = contents.get(record)
  if (content === undefined) {
    content = { object: readObject(record), selections: new Map() }
    contents.set(record, content)
  }
  return content
}

/** RFC 6901, 4: no sign, no leading zero; and `-` is the item that is not there. */
const INDEX = /^(?:0|[1-9]\d{0,8})$/

const within = (node: JsonNode | undefined, step: string): JsonNode | undefined =>
  node?.members?.get(step) ?? (INDEX.test(step) ? node?.items?.[Number(step)] : undefined)

const asText = ({ text }: JsonNode): Selection => ({
  value: new Sensitive(text.startsWith('"') ? JSON.parse(text) : text)
})

const selectWhole = (record: SecretRecord, object: JsonNode | undefined): Selection => {
  if (object === undefined) return { value: record.text }
  const [only, ...others] = object.members?.values() ?? []
  if (only !== undefined && others.length === 0) return asText(only)
  return { data: new Sensitive(printJson(object)) }
}

const selectField = (object: JsonNode | undefined, field: string): Selection => {
  const node = stepsOf(field).reduce(within, object)
  if (node === undefined) throw new ProblemError('field_not_found')
  return asText(node)
}

/**
 * With a field: that field's text, objects and numbers as JSON; `field_not_found` if it is absent. Without: the only field
 * of an object of one, all fields of any other object, or the text itself.
 */
export const select = (record: SecretRecord, field: string | undefined): Selection => {
  const { object, selections } = contentOf(record)
  const name = field ?? ''
  let selection = selections.get(name)
  if (selection === undefined) {
    selection = field === undefined ? selectWhole(record, object) : selectField(object, field)
    selections.set(name, selection)
  }
  return selection
}

/** As it is stored: with a field that field's text, without the whole text, however many fields it has. */
export const selectRaw = (
  record: SecretRecord,
  field: string | undefined
): Selection & { readonly value: Sensitive<string> } => {
  if (field === undefined) return { value: record.text }
  const selection = select(record, field)
  if ('value' in selection) return selection
  throw new Error('a field is a text')
}
