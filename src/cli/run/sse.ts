/**
 * Server-sent events as they come in (HTML, 9.2.6): of which type they are, which is all that anybody asks. Rule: a line has
 * a bound, and nothing else is kept.
 */

export interface SseReader {
  /** The types of the events that this piece completes, `message` of those that name none. Throws where a line has no end. */
  readonly read: (piece: string) => string[]
  /** The last id so far, of events and of beats. */
  readonly lastId: () => string | undefined
}

const LINE_MAX = 64 * 1024

export const createSseReader = (): SseReader => {
  let rest = ''
  let id: string | undefined
  let type = 'message'
  let hasData = false

  const readLine = (line: string): string | undefined => {
    if (line === '') {
      const completed = hasData ? type : undefined
      type = 'message'
      hasData = false
      return completed
    }
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') type = value
    else if (name === 'data') hasData = true
    // It becomes a header of the next connection.
    else if (name === 'id' && /^[\x21-\x7e]{1,256}$/.test(value)) id = value
    return undefined
  }

  return {
    lastId: () => id,
    read: (piece) => {
      const lines = (rest + piece).split(/\r\n|\n/)
      rest = lines.pop() ?? ''
      if (rest.length > LINE_MAX) throw new Error('a line has no end')
      return lines.flatMap((line) => readLine(line) ?? [])
    }
  }
}
