/**
 * What a process finds on record when it begins: its chain names it, so that nobody can take a whole former chain away
 * without this one telling. Rule: it is a help, never a reason not to begin.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Anchor, placeOf } from './chain-line.ts'
import { segmentFilesIn } from './segments.ts'

/** More than some lines of the greatest length; and where no group ends there, more than most groups. */
const TAIL_BYTES = 64 * 1024
const LONG_TAIL_BYTES = 4 * 1024 * 1024

const tailOf = async (path: string, bytes: number): Promise<Buffer> => {
  // To open a pipe waits for somebody at its other end.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    const size = stats.isFile() ? stats.size : 0
    const buffer = Buffer.alloc(Math.min(size, bytes))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

export interface Predecessor {
  /** The last line that ended a group: all up to it is on record. */
  readonly after: Anchor | undefined
  /** The last line of all. */
  readonly found: Anchor | undefined
}

const NONE: Predecessor = { after: undefined, found: undefined }

const predecessorOf = (tail: Buffer): Predecessor => {
  let found: Anchor | undefined
  for (let end = tail.length; end > 0; ) {
    const start = tail.lastIndexOf(0x0a, end - 1) + 1
    const place = placeOf(tail.subarray(start, end))
    if (place !== undefined) {
      const anchor = { instance: place.instance, seq: place.seq, head: place.digest }
      found ??= anchor
      if (place.mac !== undefined) return { after: anchor, found }
    }
    end = start - 1
  }
  return { after: undefined, found }
}

const predecessorOfFile = async (path: string): Promise<Predecessor> => {
  const tail = await tailOf(path, TAIL_BYTES)
  const near = predecessorOf(tail)
  if (near.after !== undefined || tail.length < TAIL_BYTES) return near
  return predecessorOf(await tailOf(path, LONG_TAIL_BYTES))
}

/** Of one file; undefined where no group ends in its last lines. */
export const lastAnchorOfFile = async (path: string): Promise<Anchor | undefined> =>
  (await predecessorOfFile(path)).after

/** Of the newest files of that writer which have one; neither where they cannot be read. */
export const predecessorIn = async (
  folder: string,
  writer: string | undefined
): Promise<Predecessor> => {
  let found: Anchor | undefined
  try {
    const files = (await segmentFilesIn(folder)).filter((file) => file.writer === writer)
    for (const { path } of files.reverse()) {
      const last = await predecessorOfFile(path)
      found ??= last.found
      if (last.after !== undefined) return { after: last.after, found }
    }
    return { after: undefined, found }
  } catch {
    // Whoever reads the chain sees that it names none.
    return NONE
  }
}
