/** The lines of a file of any size in little memory. Rule: no line, however long, is held beyond a bound. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const PIECE = 256 * 1024
const LINE_FEED = 0x0a

/** Longer than any line of ours: a reference has 2,300 characters at most. */
export const LINE_MAX = 64 * 1024

export interface LineReader {
  /**
   * The whole lines of the next piece, without their line feeds, good until the next call; undefined where the file
   * ends for now. Of a line that is too long it is the beginning.
   */
  readonly next: () => Promise<Buffer[] | undefined>
  /** What stands behind the last line feed. */
  readonly rest: () => Buffer
  /** Bytes read so far. */
  readonly size: () => number
}

/** Reads on from where the file ends whenever it has become longer. */
export const createLineReader = (handle: FileHandle): LineReader => {
  const piece = Buffer.alloc(PIECE)
  let kept = Buffer.alloc(0)
  let size = 0
  return {
    rest: () => kept,
    size: () => size,
    next: async () => {
      const { bytesRead } = await handle.read(piece, 0, PIECE, size)
      if (bytesRead === 0) return undefined
      size += bytesRead
      const lines: Buffer[] = []
      let start = 0
      for (;;) {
        const end = piece.indexOf(LINE_FEED, start)
        if (end < 0 || end >= bytesRead) break
        const line = piece.subarray(start, end)
        lines.push(lines.length > 0 || kept.length === 0 ? line : Buffer.concat([kept, line]))
        start = end + 1
      }
      if (lines.length > 0) kept = Buffer.alloc(0)
      const room = Math.max(0, LINE_MAX - kept.length)
      kept = Buffer.concat([kept, piece.subarray(start, Math.min(bytesRead, start + room))])
      return lines
    }
  }
}

/** For reading. Rejects with `Error` where it is no regular file; a pipe keeps nobody waiting. */
export const openRegular = async (path: string): Promise<FileHandle> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new Error('is no regular file')
}

/** All lines of a file, a piece at a time; each is good until the next piece. Rejects where the file cannot be read. */
export async function* readPieces(path: string): AsyncGenerator<Buffer[]> {
  const handle = await openRegular(path)
  try {
    const reader = createLineReader(handle)
    for (let lines = await reader.next(); lines !== undefined; lines = await reader.next()) {
      yield lines
    }
    if (reader.rest().length > 0) yield [reader.rest()]
  } finally {
    await handle.close()
  }
}

/** The same, each with its number from 1. Resolves with how many bytes they had, with their line feeds. */
export const readLines = async (
  path: string,
  onLine: (line: Buffer, number: number) => void
): Promise<number> => {
  let number = 0
  let bytes = 0
  for await (const lines of readPieces(path)) {
    for (const line of lines) {
      bytes += line.length + 1
      onLine(line, ++number)
    }
  }
  return bytes
}
