/**
 * JSON as it is written. Rule: a text is cut, and no string or number of it printed anew, so that numbers keep every
 * digit that they were given. (`JSON.parse` with access to the source needs Node 21.)
 */
import { asJson } from './json.ts'

const BACKSLASH = 0x5c

/** The closing quote of the string that begins at `start`, in valid JSON. */
export const endOfString = (json: string, start: number): number => {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let backslashes = 0
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
}

const endOfValue = (json: string, start: number): number => {
  let depth = 0
  for (let at = start; ; at++) {
    const char = json[at]
    if (char === '"') at = endOfString(json, at)
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && depth-- === 0) return at
    else if (char === ',' && depth === 0) return at
  }
}

/**
 * The members' texts by their names; of two with one name the last, as JSON.parse takes it. `json` has to be the valid
 * JSON of an object: whoever calls has parsed it.
 */
export const membersOf = (json: string): ReadonlyMap<string, string> => {
  const members = new Map<string, string>()
  let at = json.indexOf('{')
  if (/^\{\s*\}/.test(json.slice(at))) return members
  while (json[at] !== '}') {
    const key = json.indexOf('"', at)
    const endOfKey = endOfString(json, key)
    const start = json.indexOf(':', endOfKey) + 1
    at = endOfValue(json, start)
    members.set(JSON.parse(json.slice(key, endOfKey + 1)), json.slice(start, at).trim())
  }
  return members
}

/** A value of a JSON text. */
export interface JsonNode {
  /** As it is written. */
  readonly text: string
  /** Of an object, by name; of two with one name the last, as JSON.parse takes it. */
  readonly members?: ReadonlyMap<string, JsonNode>
  /** Of an array. */
  readonly items?: readonly JsonNode[]
}

/** What is nested deeper would exhaust the stack of whoever reads it. */
const DEPTH_MAX = 500

/** Undefined for what is no JSON, or nested deeper than a reader could bear. */
export const readJson = (json: string): JsonNode | undefined => {
  if (asJson(json) === undefined) return undefined
  // It is valid: only where parts begin and end is still to be found.
  let at = 0
  let isTooDeep = false
  const skip = (): string | undefined => {
    while (/[\s,:]/.test(json[at] ?? '')) at++
    return json[at]
  }
  const readString = (): string => {
    const start = at
    at = endOfString(json, start) + 1
    return json.slice(start, at)
  }
  const readScalar = (): string => {
    const start = at
    while (/[^\s,\]}]/.test(json[at] ?? ',')) at++
    return json.slice(start, at)
  }
  const readValue = (depth: number): JsonNode => {
    const first = skip()
    const start = at
    isTooDeep ||= depth > DEPTH_MAX
    if (first === '"') return { text: readString() }
    if ((first !== '{' && first !== '[') || isTooDeep) return { text: readScalar() }
    at++
    const members = new Map<string, JsonNode>()
    const items: JsonNode[] = []
    while (!isTooDeep && skip() !== '}' && json[at] !== ']') {
      if (first === '{') members.set(JSON.parse(readString()), readValue(depth + 1))
      else items.push(readValue(depth + 1))
    }
    at++
    return { text: json.slice(start, at), ...(first === '{' ? { members } : { items }) }
  }
  const root = readValue(0)
  return isTooDeep ? undefined : root
}

/** Without white space, and each member once; `indent` puts every member on a line, as JSON.stringify does. */
export const printJson = ({ text, members, items }: JsonNode, indent = '', at = ''): string => {
  const parts = members
    ? [...members].map(
        ([name, node]) =>
          `${JSON.stringify(name)}:${indent && ' '}${printJson(node, indent, at + indent)}`
      )
    : items?.map((node) => printJson(node, indent, at + indent))
  if (parts === undefined) return text
  const [open, close] = members ? '{}' : '[]'
  if (indent === '' || parts.length === 0) return `${open}${parts.join(',')}${close}`
  const line = `\n${at}${indent}`
  return `${open}${line}${parts.join(`,${line}`)}\n${at}${close}`
}

/** A number that a double does not hold: too large for one, or an integer whose last digits it loses. */
export const isLossy = (number: string): boolean =>
  !Number.isFinite(Number(number)) ||
  (/^-?[1-9]\d*$/.test(number) && String(Number(number)) !== number)

/** Whether a reader that has doubles alone would lose digits of it. */
export const hasLossyNumber = ({ text, members, items }: JsonNode): boolean => {
  if (members) return [...members.values()].some(hasLossyNumber)
  return items ? items.some(hasLossyNumber) : /^[-\d]/.test(text) && isLossy(text)
}
