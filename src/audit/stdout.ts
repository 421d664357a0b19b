/**
 * Standard output as a place for the lines of the trail. Rule: it is written beside the event loop, so that a reader
 * that has stopped holds up a write and not the service; and in pieces that a pipe takes whole, so that no line of the
 * log comes into the midst of one.
 */
import { write } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Target } from './writer.ts'

/** PIPE_BUF of Linux: so much is written to a pipe at once or not at all (pipe(7)). */
const WHOLE = 4_096
const TRY_AGAIN_MS = 10

const writeSome = promisify(write)

/** Lines, together no longer than a pipe takes at once; a longer line alone. */
export const piecesOf = (text: string): Buffer[] => {
  const bytes = Buffer.from(text)
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const last = bytes.lastIndexOf('\n', start + WHOLE - 1)
    const first = last >= start ? last : bytes.indexOf('\n', start)
    const end = first < 0 || bytes.length - start <= WHOLE ? bytes.length : first + 1
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}

/** A pipe that takes nothing for now: Node makes standard output non-blocking as it opens its stream. */
export const isFull = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'EAGAIN'

const writeWhole = async (fd: number, bytes: Buffer): Promise<void> => {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += (await writeSome(fd, bytes, written)).bytesWritten
    } catch (error) {
      if (!isFull(error)) throw error
      // Whoever waits for the write has a deadline.
      await sleep(TRY_AGAIN_MS)
    }
  }
}

export const stdoutTarget = (fd = 1): Target => ({
  name: 'stdout',
  append: async (_day, text) => {
    for (const piece of piecesOf(text)) await writeWhole(fd, piece)
  },
  forget: async () => {}
})
