/** What a JSON text says, where it may be none. Rule: the parser's message, which quotes the text, goes no further. */

/** The value; undefined, which no JSON says, if the text is none. */
export const asJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON object: neither an array nor null. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
