/**
 * Since when the files of a trail hold everything that was recorded below their folder, by what its chains say of each
 * other: each file begins with a line that names what was on record before it. Rule: it tells of files that are not
 * there; whether those that are there are whole is for `verify` to say.
 */
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { Access } from './access.ts'
import { type Anchor, parseAnchor, placeOf } from './chain-line.ts'
import { lastAnchorOfFile } from './predecessor.ts'
import { type Purged, readPurged } from './purged.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

/** The first and the last of a file. */
interface Ends {
  readonly version: string
  /** Of its first line; where that cannot be read, the end of its day. */
  readonly time: string
  /** What has to be on record before: a line of the same instance, or what it names; undefined: nothing. */
  readonly needs: Pick<Anchor, 'instance' | 'seq'> | 'unknown' | undefined
  readonly last: Anchor | undefined
}

/** Longer than any head, with its key that is sealed to an auditor. */
const HEAD_BYTES = 8 * 1024

/** Empty where it is longer than any that we write. */
export const firstLineOf = async (path: string): Promise<Buffer> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const read = buffer.subarray(0, bytesRead)
    return read.subarray(0, Math.max(0, read.indexOf('\n')))
  } finally {
    await handle.close()
  }
}

const parsed = (line: Buffer): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(line.toString())
  } catch {
    return {}
  }
}

const needsOf = (line: Buffer): Ends['needs'] => {
  const place = placeOf(line)
  const { chain, after } = parsed(line)
  if (place === undefined || chain !== 'head') return 'unknown'
  if (place.seq > 1) return { instance: place.instance, seq: place.seq - 1 }
  return typeof after === 'string' ? (parseAnchor(after) ?? 'unknown') : undefined
}

const endsOf = async ({ path, day }: SegmentFile, version: string): Promise<Ends> => {
  const first = await firstLineOf(path)
  const { time } = parsed(first)
  return {
    version,
    time: typeof time === 'string' ? time : `${day}T23:59:59.999Z`,
    needs: needsOf(first),
    last: await lastAnchorOfFile(path)
  }
}

const isThere = (needs: Ends['needs'], last: Anchor | undefined): boolean => {
  if (needs === undefined) return true
  if (needs === 'unknown' || last === undefined) return false
  return last.instance === needs.instance && last.seq >= needs.seq
}

const wasPurged = (needs: Ends['needs'], { anchors }: Purged): boolean =>
  typeof needs === 'object' && (anchors.get(needs.instance)?.seq ?? 0) >= needs.seq

/** The time after which nothing of one writer's files is missing but what was purged; undefined: nothing is at all. */
const gapIn = (files: readonly Ends[], purged: Purged): string | undefined => {
  for (let i = files.length - 1; i >= 0; i--) {
    const { needs, time } = files[i] ?? {}
    if (time === undefined || isThere(needs, files[i - 1]?.last)) continue
    if (!wasPurged(needs, purged)) return time
  }
  return undefined
}

const DAY_MS = 86_400_000

const endOf = (day: string): string => new Date(Date.parse(day) + DAY_MS).toISOString()

const latest = (times: readonly (string | undefined)[]): string | undefined =>
  times.reduce((a = '', b = '') => (a > b ? a : b), undefined) || undefined

/** What is known of what several places hold; times in ISO 8601. */
export interface Holding {
  /** Of the oldest record; undefined where nothing is on record. */
  readonly begun: string | undefined
  /** Something before it is missing that was there. */
  readonly gap: string | undefined
}

/** Since when everything is there; undefined where nothing is on record. */
export const timeOfHoldings = (holdings: readonly Holding[]): string | undefined => {
  const begun = holdings.flatMap((one) => one.begun ?? []).sort()[0]
  return latest([begun, ...holdings.map(({ gap }) => gap)])
}

export interface CompleteFrom {
  /** Rejects where the folder cannot be read. */
  readonly look: () => Promise<Holding>
}

/** `folder`: `audit/` below DATA_DIR. What was read of a file is kept for as long as the file is as it was. */
export const createCompleteFrom = (folder: string, access: Access): CompleteFrom => {
  let known = new Map<string, Ends>()

  const lookAt = async (file: SegmentFile): Promise<Ends> => {
    const { size, mtimeMs, ino } = await stat(file.path)
    const version = `${ino} ${size} ${mtimeMs}`
    const former = known.get(file.name)
    return former?.version === version ? former : await endsOf(file, version)
  }

  return {
    look: async () => {
      const files = await access(() => segmentFilesIn(folder))
      const next = new Map<string, Ends>()
      const byWriter = new Map<string, Ends[]>()
      for (const file of files) {
        // One that cannot be read is missing; the search names it.
        const ends = await access(() => lookAt(file).catch(() => undefined))
        if (ends === undefined) continue
        next.set(file.name, ends)
        const { writer = '' } = file
        byWriter.set(writer, [...(byWriter.get(writer) ?? []), ends])
      }
      known = next
      const begun = [...next.values()].map(({ time }) => time).sort()[0]
      if (begun === undefined) return { begun, gap: undefined }
      // Whether somebody vouches for what is said to be purged is for `verify` too.
      const purged = await access(() => readPurged(folder, () => true))
      const gaps = [...byWriter.values()].map((files) => gapIn(files, purged))
      return { begun, gap: latest([purged.lastDay && endOf(purged.lastDay), ...gaps]) }
    }
  }
}
