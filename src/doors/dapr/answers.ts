/**
 * A secret as Dapr gives it: texts by their names. Rule: of an object each member is one, a number or an object as the JSON
 * that is stored; any other secret is one text, by the key that it was asked for.
 */
import { type JsonNode, printJson } from '../../core/json-text.ts'
import type { View } from '../../secrets/view.ts'
import { textOf, writtenOnce } from '../text.ts'

const json = (value: string): string => JSON.stringify(value)

const asText = (node: JsonNode): string =>
  node.text.startsWith('"') ? node.text : json(printJson(node))

/** The JSON of the object of texts, or of the one text. */
const written = writtenOnce((view) => {
  const { object, text } = textOf(view)
  if (object === undefined) return json(text)
  const members = [...(object.members ?? [])].map(([name, node]) => `${json(name)}:${asText(node)}`)
  return `{${members.join(',')}}`
})

export const secretData = (key: string, view: View): string => {
  const text = written(view)
  return text.startsWith('{') ? text : `{${json(key)}:${text}}`
}

/** By the keys that each could be asked for. */
export const bulkData = (secrets: readonly (readonly [key: string, view: View])[]): string =>
  `{${secrets.map(([key, view]) => `${json(key)}:${secretData(key, view)}`).join(',')}}`
