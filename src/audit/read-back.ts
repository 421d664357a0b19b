/**
 * A file of the trail, block by block from its end. Rule: one block is in memory, whatever the file's size and however
 * long its lines are.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isChainLine } from './chain-line.ts'
import { matches, needleOf, type RecordFilter } from './record-filter.ts'
import { type AuditRecord, readRecord } from './shown-record.ts'

/** As long as the longest line, which `read-lines.ts` says. */
export const BLOCK = 64 * 1024

const LINE_FEED = 0x0a
const BRACE = 0x7d
const TIME_START = 9
const TIME_END = 33
const BEGINNING = '{"time":"'

export interface Found {
  readonly record: AuditRecord
  /** Where its line ends in the file. */
  readonly end: number
}

export interface BlockFound {
  /** Bytes that were read. */
  readonly bytes: number
  /** In the order of their lines. */
  readonly found: readonly Found[]
  /** Of the oldest line; undefined where no line is whole. */
  readonly oldest: string | undefined
  /** Lines that are none of ours, or not whole. */
  readonly skipped: number
}

export interface ReadBack {
  readonly inode: number
  /** What stands before this is not read yet. */
  readonly end: () => number
  /** Reads the block before. */
  readonly read: () => Promise<BlockFound>
  readonly close: () => Promise<void>
}

/** The lines of a block that are asked for. `at`: where in the file it begins; `needle`: that of the filter. */
export const findIn = (
  block: Buffer,
  at: number,
  filter: RecordFilter,
  needle: Buffer | undefined
): Omit<BlockFound, 'bytes'> => {
  const { from = '', to } = filter
  const found: Found[] = []
  let oldest: string | undefined
  let skipped = 0
  let hit = -1
  for (let start = 0, end = 0; ; start = end + 1) {
    end = block.indexOf(LINE_FEED, start)
    if (end < 0) break
    if (end === start) continue
    if (
      block[end - 1] !== BRACE ||
      block.toString('latin1', start, start + TIME_START) !== BEGINNING
    ) {
      skipped++
      continue
    }
    const time = block.toString('latin1', start + TIME_START, start + TIME_END)
    oldest ??= time
    if (time < from || (to !== undefined && time > to)) continue
    if (needle !== undefined) {
      if (hit < start) hit = block.indexOf(needle, start)
      if (hit < 0) hit = block.length
      if (hit >= end) continue
    }
    const line = block.subarray(start, end)
    if (isChainLine(line)) continue
    const record = readRecord(line.toString())
    if (record === undefined) skipped++
    else if (matches(filter, record)) found.push({ record, end: at + end + 1 })
  }
  return { found, oldest, skipped }
}

const readBlock = async (handle: FileHandle, start: number, end: number): Promise<Buffer> => {
  const block = Buffer.allocUnsafe(end - start)
  const { bytesRead } = await handle.read(block, 0, block.length, start)
  return block.subarray(0, bytesRead)
}

/**
 * From `end` on backwards, or from where the file ends now. Rejects with `Error` where it cannot be read, or is no
 * regular file.
 */
export const openBack = async (
  path: string,
  filter: RecordFilter,
  from?: number
): Promise<ReadBack> => {
  // To open a pipe waits for somebody at its other end.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error('is no regular file')
    const needle = needleOf(filter)
    let end = Math.min(from ?? stats.size, stats.size)
    return {
      inode: stats.ino,
      end: () => end,
      read: async () => {
        const start = Math.max(0, end - BLOCK)
        const block = await readBlock(handle, start, end)
        // The first line is whole only where the file begins; else it is read again, with what is before it.
        const first = start === 0 ? 0 : block.indexOf(LINE_FEED) + 1
        const isOneLine = start > 0 && (first === 0 || first === block.length)
        end = isOneLine ? start : start + first
        const lines = isOneLine ? block.subarray(0, 0) : block.subarray(first)
        const result = findIn(lines, start + first, filter, needle)
        // Counted where its end is, which alone has a line feed.
        const isEndOfLong = isOneLine && first === block.length
        return { ...result, bytes: block.length, skipped: result.skipped + (isEndOfLong ? 1 : 0) }
      },
      close: () => handle.close()
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
