/** The files of the trail: which there are, of which day and by whom. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

export interface SegmentFile {
  readonly name: string
  readonly path: string
  /** YYYY-MM-DD; empty for a file that is no day's. */
  readonly day: string
  /** Undefined for the only process of a service. */
  readonly writer: string | undefined
}

/** What is kept of segments that retention took away (`purged.ts`). */
export const PURGED_FILE = 'purged.jsonl'

const NAME = /^(\d{4}-\d\d-\d\d)(?:\.([a-z0-9]+))?\.jsonl$/

/** In the order of their days; none where there is no folder. */
export const segmentFilesIn = async (folder: string): Promise<SegmentFile[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.sort().flatMap((name) => {
    const [, day, writer] = NAME.exec(name) ?? []
    return day === undefined ? [] : [{ name, path: join(folder, name), day, writer }]
  })
}

/** All that a copy of the trail has to have, with what is kept of purged segments at the end. */
export const trailFilesIn = async (
  folder: string
): Promise<Pick<SegmentFile, 'name' | 'path'>[]> => [
  ...(await segmentFilesIn(folder)),
  { name: PURGED_FILE, path: join(folder, PURGED_FILE) }
]

export interface SegmentPlace {
  readonly files: readonly SegmentFile[]
  /** One file of its own, as `purser audit export --format jsonl` writes it: lines of any days, and not all there are. */
  readonly isOneFile: boolean
}

/** Of a folder, or the file itself. */
export const segmentFilesAt = async (path: string): Promise<SegmentPlace> => {
  try {
    return { files: await segmentFilesIn(path), isOneFile: false }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error
    return { files: [{ name: basename(path), path, day: '', writer: undefined }], isOneFile: true }
  }
}
