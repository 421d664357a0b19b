/** Answers that are a record a line, the last line of which says that the answer is whole. */

export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

/** `{"end": {...}}` */
export const isWhole = (line: string): boolean => {
  try {
    const last: unknown = JSON.parse(line)
    return typeof last === 'object' && last !== null && 'end' in last
  } catch {
    return false
  }
}
