/** Server-sent events as they come in (HTML, 9.2.6). Rule: a line has a bound, and what is no event of ours is left. */

export interface StreamEvent {
  /** `message` if the stream does not say. */
  readonly type: string
  readonly data: string
}

export interface SseReader {
  /** The events that this piece completes. Throws where a line has no end. */
  readonly read: (piece: string) => StreamEvent[]
  /** The last id so far, of events and of beats. */
  readonly lastId: () => string | undefined
}

const LINE_MAX = 64 * 1024

export const createSseReader = (): SseReader => {
  let rest = ''
  let id: string | undefined
  let type = 'message'
  let data: string[] = []

  const readLine = (line: string): StreamEvent | undefined => {
    if (line === '') {
      const event = data.length > 0 ? { type, data: data.join('\n') } : undefined
      type = 'message'
      data = []
      return event
    }
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') type = value
    else if (name === 'data') data.push(value)
    // It becomes a header of the next connection.
    else if (name === 'id' && /^[\x21-\x7e]{1,256}$/.test(value)) id = value
    return undefined
  }

  return {
    lastId: () => id,
    read: (piece) => {
      const lines = (rest + piece).split(/\r\n|\n/)
      rest = lines.pop() ?? ''
      if (rest.length > LINE_MAX || data.length > LINE_MAX) throw new Error('a line has no end')
      return lines.flatMap((line) => readLine(line) ?? [])
    }
  }
}
