/**
 * The end of old records: whole files of days past, and what is needed of them so that the rest still proves itself.
 * Rule: what is not as it was written is not purged, nor is anything by a clock that cannot be believed; and nothing
 * goes before it is on record that it goes.
 */
import { unlink } from 'node:fs/promises'
import { JUMP_DAYS } from '../state/leftovers.ts'
import type { Anchor } from './chain-line.ts'
import { createFileCheck } from './file-check.ts'
import {
  addPurged,
  daysOnRecord,
  type PurgedSegment,
  purgedLines,
  purgedSegment,
  readPurged
} from './purged.ts'
import { readLines } from './read-lines.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

const DAY_MS = 86_400_000

export interface PurgeOptions {
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** AUDIT_RETENTION_DAYS. */
  readonly days: number
}

export interface PurgePlan {
  readonly files: readonly SegmentFile[]
  readonly segments: readonly PurgedSegment[]
  readonly bytes: number
  readonly lines: number
  /** What is of an earlier day (YYYY-MM-DD) is over its time. */
  readonly end: string
  /** Why nothing is purged, as a sentence. */
  readonly refusal: string | undefined
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

const daysBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / DAY_MS

const NOTHING = { files: [], segments: [], bytes: 0, lines: 0 }

/** The trail is a clock too: a service that runs writes every day. */
const whyNotByClock = (files: readonly SegmentFile[], today: string): string | undefined => {
  const ahead = files.find(({ day }) => day > today)
  if (ahead !== undefined) return `the clock says ${today}, but there is ${ahead.name}`
  const before = files.filter(({ day }) => day < today).at(-1)
  if (before === undefined || daysBetween(before.day, today) <= JUMP_DAYS) return undefined
  return `the clock says ${today}, but the last day before it on record is ${before.day}: if that is so, this is done from tomorrow on`
}

/** What would go. Digests are checked, MACs are not: that needs keys of long ago. Rejects where a file cannot be read. */
export const planPurge = async ({ folder, now, days }: PurgeOptions): Promise<PurgePlan> => {
  const all = await segmentFilesIn(folder)
  const end = dayOf(now - days * DAY_MS)
  const files = all.filter(({ day }) => day < end)
  if (files.length === 0) return { ...NOTHING, end, refusal: undefined }
  const clock = whyNotByClock(all, dayOf(now))
  if (clock !== undefined) return { ...NOTHING, end, refusal: clock }
  const segments: PurgedSegment[] = []
  let bytes = 0
  let lines = 0
  for (const { name, path } of files) {
    const check = createFileCheck({
      file: name,
      isKnown: () => true,
      keyOf: () => ({ key: undefined, fault: undefined }),
      anchored: () => []
    })
    bytes += await readLines(path, check.take)
    const report = check.end()
    const isWhole =
      report.findings.length === 0 &&
      // By the name of its file anybody could let a day be deleted.
      report.segments.every(({ head }) => head !== undefined && head.day < end)
    if (!isWhole) {
      return {
        ...NOTHING,
        end,
        refusal: `${name} is not what was written: see \`purser audit verify\``
      }
    }
    lines += report.lines
    segments.push(...report.segments.map(purgedSegment))
  }
  return { files, segments, bytes, lines, end, refusal: undefined }
}

export interface Vouched {
  /** The days that go. */
  readonly object: string
  /** The digest of what is kept of them. */
  readonly reason: string
}

/**
 * Carries the plan out. `vouch` puts it on record, and where it rejects nothing is purged. Resolves with the last lines
 * that went, of which no anchor is needed any more.
 */
export const purge = async (
  folder: string,
  { files, segments }: PurgePlan,
  vouch: (facts: Vouched) => Promise<void>
): Promise<readonly Anchor[]> => {
  const [first, last] = [files.at(0), files.at(-1)]
  if (first === undefined || last === undefined) return []
  const { head: former } = await readPurged(folder, () => false)
  const { text, head } = purgedLines(former, segments)
  await vouch({ object: daysOnRecord(first.day, last.day), reason: `sha256:${head}` })
  await addPurged(folder, text)
  for (const { path } of files) await unlink(path)
  return segments.map(({ instance, lastSeq, head: digest }) => ({
    instance,
    seq: lastSeq,
    head: digest
  }))
}
