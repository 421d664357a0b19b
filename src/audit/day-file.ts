/**
 * The file of one day of the audit trail. Rule: bytes are only ever added at its end, and what is added starts on a
 * line of its own, also after a line that a crash or a full disk has cut off.
 */
import { type Stats, write } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { syncFolder } from '../files/copy.ts'
import { makeFolder } from '../files/folder.ts'

export interface DayFileOptions {
  readonly folder: string
  /** Who writes, where several do in the folder, as `2` or `cli`: each has files of its own. */
  readonly writer?: string | undefined
  /** Whether an append waits for the disk too. */
  readonly fsync: boolean
}

export interface DayFile {
  readonly day: string
  /** Resolves once the operating system has it all (with `fsync`: the disk). After a failure, open the file anew. */
  readonly append: (text: string) => Promise<void>
  /** Whether the path leads to another file by now, or to none: an operator moved or removed ours. */
  readonly wasReplaced: () => Promise<boolean>
  readonly close: () => Promise<void>
}

const LINE_FEED = 0x0a

const endsInsideLine = async (handle: FileHandle, size: number): Promise<boolean> => {
  if (size === 0) return false
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 1 && buffer[0] !== LINE_FEED
}

// The handle's own `write` takes a third longer.
const writeSome = promisify(write)

const writeWhole = async ({ fd }: FileHandle, bytes: Buffer): Promise<void> => {
  let written = 0
  while (written < bytes.length) {
    written += (await writeSome(fd, bytes, written)).bytesWritten
  }
}

const WRITTEN_BY_OTHERS = 0o022

/**
 * A file that was there before may be writable for others. Where its rights are not ours to change, a warning at the
 * start tells.
 */
const keepOthersFromWriting = async (handle: FileHandle, { mode }: Stats): Promise<void> => {
  if ((mode & WRITTEN_BY_OTHERS) === 0) return
  await handle.chmod(mode & 0o777 & ~WRITTEN_BY_OTHERS).catch(() => {})
}

const openDay = async (
  { folder, writer, fsync }: DayFileOptions,
  day: string,
  handle: FileHandle
): Promise<DayFile> => {
  const ours = await handle.stat()
  if (ours.isFile()) await keepOthersFromWriting(handle, ours)
  let isInsideLine = ours.isFile() && (await endsInsideLine(handle, ours.size))
  if (fsync) await syncFolder(folder)
  return {
    day,
    append: async (text) => {
      // A line feed alone, by which a trail finds out whether it can be written, ends the line as well.
      const begun = isInsideLine && text !== '\n' ? `\n${text}` : text
      await writeWhole(handle, Buffer.from(begun))
      isInsideLine = false
      if (fsync) await handle.datasync()
    },
    wasReplaced: async () => {
      const there = await stat(pathOf(folder, day, writer)).catch(() => undefined)
      return there?.ino !== ours.ino || there.dev !== ours.dev
    },
    close: () => handle.close()
  }
}

export const fileNameOf = (day: string, writer: string | undefined): string =>
  writer === undefined ? `${day}.jsonl` : `${day}.${writer}.jsonl`

const pathOf = (folder: string, day: string, writer: string | undefined): string =>
  join(folder, fileNameOf(day, writer))

/**
 * Opens or creates `<folder>/<day>.jsonl`, or `<folder>/<day>.<writer>.jsonl`, and the folder, for their owner alone.
 * `day` is YYYY-MM-DD.
 */
export const openDayFile = async (options: DayFileOptions, day: string): Promise<DayFile> => {
  const { folder, writer } = options
  await makeFolder(folder)
  // Reading too, for the one byte that tells how the file ends.
  const handle = await open(pathOf(folder, day, writer), 'a+', 0o600)
  try {
    return await openDay(options, day, handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}
