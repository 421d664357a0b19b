/**
 * Whether the trail is what was written: computed anew from its lines, a file at a time and in bounded memory. Rule:
 * what cannot be checked is never called right.
 */
import type { Anchor, KnownAnchor } from './chain-line.ts'
import { firstLineOf } from './complete-from.ts'
import { createFileCheck, type FileReport, headIn, misplacedIn } from './file-check.ts'
import type { Finding, Unfinished } from './findings.ts'
import { createKeys, type KeyOptions, readHeads } from './instance-keys.ts'
import { createIntents, type OpenIntent } from './intents.ts'
import { tailFindings } from './left-tails.ts'
import { linkFindings } from './links.ts'
import { readPurged, type VouchingRecord } from './purged.ts'
import { readLines } from './read-lines.ts'
import { type SegmentFile, segmentFilesAt } from './segments.ts'

export interface VerifyOptions extends KeyOptions {
  /** The one that the files of the trail stand in, or a file of lines that were handed on. */
  readonly folder: string
  /** Only files of this day (YYYY-MM-DD) and later ones. */
  readonly since?: string | undefined
  /** What is known from elsewhere; each must be in the trail. */
  readonly anchors: readonly KnownAnchor[]
}

export type Purge = Omit<VouchingRecord, 'head'>

export interface Report {
  /** `cannot tell`: nothing is wrong as far as that could be checked. */
  readonly verdict: 'ok' | 'broken' | 'cannot tell'
  /** In the order of files and lines. At most a hundred, and how many there were. */
  readonly findings: readonly Finding[]
  readonly found: number
  /** Never acknowledged: what a kill leaves, or what is being written. */
  readonly unfinished: readonly Unfinished[]
  /** What was deleted in order, by the records that say so, oldest first. */
  readonly purges: readonly Purge[]
  /** No fault: at most a hundred, and how many there are. Whether the change was made, the store alone can tell. */
  readonly openIntents: readonly OpenIntent[]
  readonly open: number
  readonly files: number
  readonly bytes: number
  readonly instances: number
  readonly segments: number
  readonly sealed: number
  readonly lines: number
  /** Places that were known from elsewhere and compared. */
  readonly anchors: number
  /** Lines from before the trail was chained. */
  readonly unchained: number
  /** Segments whose MACs could not be checked for want of a key. */
  readonly withoutKey: number
  /** Files of another format, by their own word: what is wrong in them here may be right for who knows that format. */
  readonly otherFormat: readonly string[]
}

const FINDINGS_MAX = 100

/** That all that was found are keys: after a rotation this is to be expected, where the former key is not at hand. */
export const isOfOtherKeys = ({ findings, found }: Report): boolean =>
  found > 0 && findings.length === found && findings.every((one) => one.verdict === 'other key')

const digestsBySeq = (anchors: readonly Anchor[]) => {
  const known = new Map<string, Map<number, string[]>>()
  for (const { instance, seq, head } of anchors) {
    const own = known.get(instance) ?? new Map<number, string[]>()
    known.set(instance, own)
    own.set(seq, [...(own.get(seq) ?? []), head])
  }
  const none: readonly string[] = []
  return (instance: string, seq: number): readonly string[] => known.get(instance)?.get(seq) ?? none
}

const sum = (reports: readonly FileReport[], of: (report: FileReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0)

const verdictOf = (findings: readonly Finding[], unchecked: number): Report['verdict'] => {
  if (findings.length > 0) return 'broken'
  return unchecked > 0 ? 'cannot tell' : 'ok'
}

/** Of files that are not looked at for their names: those that begin with a day which is. */
const hiddenIn = async (files: readonly SegmentFile[], since: string): Promise<Finding[]> => {
  const findings: Finding[] = []
  for (const { name, path } of files) {
    const head = headIn(await firstLineOf(path))
    const finding = head && head.day >= since ? misplacedIn(name, head) : undefined
    if (finding !== undefined) findings.push({ ...finding, line: 1 })
  }
  return findings
}

/** Rejects where the folder or a file of it cannot be read. */
export const verifyTrail = async (options: VerifyOptions): Promise<Report> => {
  const { folder, since = '' } = options
  const { files: all, isOneFile } = await segmentFilesAt(folder)
  const files = all.filter(({ day }) => day >= since)
  const hidden = await hiddenIn(
    all.filter(({ day }) => day < since),
    since
  )
  const heads = await readHeads(files)
  const { keyOf } = await createKeys(heads, options)
  const anchors = [...options.anchors, ...heads.after]
  const anchored = digestsBySeq(anchors)
  const isKnown = (instance: string): boolean => heads.byInstance.has(instance)
  const reports: FileReport[] = []
  const intents = createIntents()
  let bytes = 0
  for (const { name, path } of files) {
    const check = createFileCheck({ file: name, isKnown, keyOf, anchored })
    bytes += await readLines(path, (line, number) => {
      check.take(line, number)
      intents.take(name, line, number)
    })
    reports.push(check.end())
  }
  const segments = reports.flatMap((report) => report.segments)
  const vouching = segments.flatMap((segment) => segment.vouched)
  const named = new Set(vouching.map(({ head }) => head))
  const { anchors: purged, vouched } = await readPurged(folder, (head) => named.has(head))
  const isPartial = since !== '' || isOneFile
  const findings = [
    ...hidden,
    ...reports.flatMap((report) => report.findings),
    ...(isOneFile ? [] : tailFindings(segments)),
    ...linkFindings({ segments, anchors, purged, isPartial })
  ]
  const withoutKey = sum(reports, (report) => report.withoutKey)
  const { intents: openIntents, count: open } = intents.open()
  return {
    verdict: verdictOf(findings, withoutKey + heads.otherFormat.size),
    findings: findings.slice(0, FINDINGS_MAX),
    found: findings.length,
    unfinished: reports.flatMap((report) => report.unfinished),
    purges: vouching
      .filter(({ head }) => vouched.has(head))
      .map(({ head: _, ...purge }) => purge)
      .sort((a, b) => (a.time < b.time ? -1 : 1)),
    openIntents,
    open,
    files: files.length,
    bytes,
    instances: new Set(segments.map(({ instance }) => instance)).size,
    segments: segments.length,
    sealed: segments.filter(({ isSealed }) => isSealed).length,
    lines: sum(reports, (report) => report.lines),
    anchors: anchors.length,
    unchained: sum(reports, (report) => report.unchained),
    withoutKey,
    otherFormat: [...heads.otherFormat]
  }
}
