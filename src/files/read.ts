/**
 * The bytes of a file that a setting names. Rule: it is a regular file (or a link to one) of a bounded size, and
 * nothing else is even opened for longer than it takes to tell: a pipe keeps its reader waiting, a device may have no
 * end.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  type StatsBase,
  statSync
} from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** More than any configuration, and little enough to have in memory. */
const MAX_MIB = 16
const MAX_BYTES = MAX_MIB * 1024 * 1024
const PIECE = 64 * 1024

/** Its message is the end of a sentence that begins with what the file is for. */
export class UnfitFile extends Error {}

const requireRegular = (stats: StatsBase<number>): void => {
  if (!stats.isFile()) throw new UnfitFile('is no regular file')
}

/** Should the file have become a pipe meanwhile, nobody waits for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** A file that the system calls regular may have no end all the same, as below /proc. */
const whole = (parts: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(parts)
  if (bytes.length > MAX_BYTES) throw new UnfitFile(`is longer than ${MAX_MIB} MiB`)
  return bytes
}

/** For a start or a reload, which can do nothing else meanwhile. */
export const readFileBytesSync = (path: string): Buffer => {
  requireRegular(statSync(path))
  const descriptor = openSync(path, FLAGS)
  try {
    requireRegular(fstatSync(descriptor))
    const parts: Buffer[] = []
    for (let size = 0; size <= MAX_BYTES; ) {
      const piece = Buffer.alloc(PIECE)
      const read = readSync(descriptor, piece)
      if (read === 0) break
      parts.push(piece.subarray(0, read))
      size += read
    }
    return whole(parts)
  } finally {
    closeSync(descriptor)
  }
}

export const readFileBytes = async (path: string, signal?: AbortSignal): Promise<Buffer> => {
  requireRegular(await stat(path))
  const handle = await open(path, FLAGS)
  try {
    requireRegular(await handle.stat())
    const parts: Buffer[] = []
    const options = { end: MAX_BYTES, autoClose: false, ...(signal && { signal }) }
    for await (const part of handle.createReadStream(options)) parts.push(part)
    return whole(parts)
  } finally {
    await handle.close()
  }
}
