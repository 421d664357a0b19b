/**
 * A file into a new one for its owner alone, with the digest of what was copied. Rule: nothing is overwritten, and what
 * is reported stands on the disk; a file that grows is copied up to where it ended at the beginning.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

export interface Copied {
  readonly bytes: number
  /** Of those bytes, in hexadecimal. */
  readonly sha256: string
}

const PIECE = 256 * 1024

/** Should it have become a pipe, nobody waits for a writer. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

const copyBytes = async (from: FileHandle, to: FileHandle | undefined): Promise<Copied> => {
  const stats = await from.stat()
  if (!stats.isFile()) throw new Error('it is no regular file')
  const hash = createHash('sha256')
  const piece = Buffer.alloc(PIECE)
  let bytes = 0
  while (bytes < stats.size) {
    const { bytesRead } = await from.read(piece, 0, Math.min(PIECE, stats.size - bytes), bytes)
    if (bytesRead === 0) break
    const part = piece.subarray(0, bytesRead)
    hash.update(part)
    await to?.writeFile(part)
    bytes += bytesRead
  }
  await to?.sync()
  return { bytes, sha256: hash.digest('hex') }
}

export const copyFile = async (source: string, target: string): Promise<Copied> => {
  const from = await open(source, READ)
  try {
    const to = await open(target, 'wx', 0o600)
    return await copyBytes(from, to).finally(() => to.close())
  } finally {
    await from.close()
  }
}

/** What a copy of it would report. */
export const digestOf = async (source: string): Promise<Copied> => {
  const from = await open(source, READ)
  return await copyBytes(from, undefined).finally(() => from.close())
}

/** What was made or renamed in the folder is durable once the folder is. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}
