/**
 * What a process finds on record when it begins: its chain names it, so that nobody can take a whole former chain away
 * without this one telling. Rule: it is a help, never a reason not to begin.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Anchor, placeOf } from './chain-line.ts'
import { segmentFilesIn } from './segments.ts'

/** More than some lines of the greatest length. */
const TAIL_BYTES = 64 * 1024

const tailOf = async (path: string): Promise<Buffer> => {
  // To open a pipe waits for somebody at its other end.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    const size = stats.isFile() ? stats.size : 0
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** The last line that ended a group. */
const lastAnchorOf = (tail: Buffer): Anchor | undefined => {
  for (let end = tail.length; end > 0; ) {
    const start = tail.lastIndexOf(0x0a, end - 1) + 1
    const place = placeOf(tail.subarray(start, end))
    if (place?.mac !== undefined) {
      return { instance: place.instance, seq: place.seq, head: place.digest }
    }
    end = start - 1
  }
  return undefined
}

/** Of one file; undefined where no group ends in its last lines. */
export const lastAnchorOfFile = async (path: string): Promise<Anchor | undefined> =>
  lastAnchorOf(await tailOf(path))

/** Of the newest file of that writer which has one; undefined also where it cannot be read. */
export const lastAnchorIn = async (
  folder: string,
  writer: string | undefined
): Promise<Anchor | undefined> => {
  try {
    const files = (await segmentFilesIn(folder)).filter((file) => file.writer === writer)
    for (const { path } of files.reverse()) {
      const anchor = await lastAnchorOfFile(path)
      if (anchor !== undefined) return anchor
    }
  } catch {
    // Whoever reads the chain sees that it names none.
  }
  return undefined
}
