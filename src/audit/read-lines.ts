/** The lines of a file of any size in little memory. Rule: no line, however long, is held beyond a bound. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

const PIECE = 256 * 1024
const LINE_FEED = 0x0a

/** Longer than any line of ours: a reference has 2,300 characters at most. */
export const LINE_MAX = 64 * 1024

/** `line` is without its line feed, and good until the next one; of one that is too long it is the beginning. */
export type OnLine = (line: Buffer, number: number) => void

/** Resolves with the bytes read. Rejects with `Error` where the file cannot be read, or is no regular file. */
export const readLines = async (path: string, onLine: OnLine): Promise<number> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await handle.stat()).isFile()) throw new Error('is no regular file')
    const piece = Buffer.alloc(PIECE)
    let kept = Buffer.alloc(0)
    let number = 0
    let size = 0
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, PIECE)
      if (bytesRead === 0) break
      size += bytesRead
      let start = 0
      for (let end = 0; ; start = end + 1) {
        end = piece.indexOf(LINE_FEED, start)
        if (end < 0 || end >= bytesRead) break
        const rest = piece.subarray(start, end)
        onLine(kept.length === 0 ? rest : Buffer.concat([kept, rest]), ++number)
        if (kept.length > 0) kept = Buffer.alloc(0)
      }
      const room = Math.max(0, LINE_MAX - kept.length)
      const left = piece.subarray(start, Math.min(bytesRead, start + room))
      kept = Buffer.concat([kept, left])
    }
    if (kept.length > 0) onLine(kept, ++number)
    return size
  } finally {
    await handle.close()
  }
}
