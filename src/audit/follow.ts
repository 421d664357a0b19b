/**
 * The trail as it grows: every file of its folder, those of later days and of processes that start meanwhile too. Rule:
 * the lines of a file come in their order and once; among files they come as they are found.
 */
import type { FileHandle } from 'node:fs/promises'
import { stat } from 'node:fs/promises'
import { createLineReader, type LineReader, openRegular } from './read-lines.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

export interface FollowOptions {
  readonly folder: string
  /** Files of days before (YYYY-MM-DD) are not read. */
  readonly since: string
  /** Whether what is there at the beginning is told too. */
  readonly fromStart: boolean
  /** Told of each whole line, without its line feed. */
  readonly onLine: (line: string) => Promise<void>
  /** Waits a while; resolves with whether to go on. */
  readonly wait: () => Promise<boolean>
}

interface Followed {
  readonly handle: FileHandle
  readonly reader: LineReader
  readonly ino: number
}

const openFollowed = async (path: string): Promise<Followed> => {
  const handle = await openRegular(path)
  const { ino } = await handle.stat()
  return { handle, reader: createLineReader(handle), ino }
}

/** Whether the path leads to another file by now, or ours was cut. */
const isOther = async ({ ino, reader }: Followed, path: string): Promise<boolean> => {
  const there = await stat(path).catch(() => undefined)
  return there?.ino !== ino || there.size < reader.size()
}

const readOn = async (
  { reader }: Followed,
  onLine: (line: string) => Promise<void>
): Promise<void> => {
  for (let lines = await reader.next(); lines !== undefined; lines = await reader.next()) {
    // Told as text: the bytes are only good until the next piece.
    for (const line of lines.map(String)) if (line !== '') await onLine(line)
  }
}

/** Resolves once it is not to go on. Rejects where the folder or a file cannot be read. */
export const followTrail = async (options: FollowOptions): Promise<void> => {
  const { folder, since, fromStart, onLine, wait } = options
  const open = new Map<string, Followed>()
  const release = async (path: string): Promise<void> => {
    await open.get(path)?.handle.close()
    open.delete(path)
  }

  const look = async ({ path }: SegmentFile, tell: (line: string) => Promise<void>) => {
    const known = open.get(path)
    if (known !== undefined && (await isOther(known, path))) await release(path)
    const followed = open.get(path) ?? (await openFollowed(path))
    open.set(path, followed)
    await readOn(followed, tell)
  }

  try {
    let first = since
    for (let isFirst = true; ; isFirst = false) {
      const files = (await segmentFilesIn(folder)).filter(({ day }) => day >= first)
      for (const file of files) await look(file, isFirst && !fromStart ? async () => {} : onLine)
      const days = [...new Set(files.map(({ day }) => day))]
      // The day before may still be sealed, and have lines of a clock that was set back.
      first = days.at(-2) ?? first
      for (const path of [...open.keys()].filter(
        (one) => !files.some((file) => file.path === one)
      )) {
        await release(path)
      }
      if (!(await wait())) return
    }
  } finally {
    for (const path of [...open.keys()]) await release(path)
  }
}
