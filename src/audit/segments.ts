/** The files of the trail: which there are, of which day and by whom. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface SegmentFile {
  readonly name: string
  readonly path: string
  /** YYYY-MM-DD. */
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
