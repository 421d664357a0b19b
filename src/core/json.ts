/** What a JSON text says, where it may be none. Rule: the parser's message, which quotes the text, goes no further. */

/** The value; undefined, which no JSON says, if the text is none. */
export const asJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For JSON.stringify: members by their names, whatever order they are in, so that what is the same is written the same. */
export const inOrder = (_name: string, value: unknown): unknown => {
  if (value instanceof Map) return inOrder('', Object.fromEntries(value))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A JSON object: neither an array nor null. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
