/**
 * The end of old records: whole files of days past, and what is needed of them so that the rest still proves itself.
 * Rule: what is not as it was written is not purged, nor is anything by a clock that cannot be believed; and nothing
 * goes before it is on record that it goes.
 */
import { unlink } from 'node:fs/promises'
import type { EncryptionKey } from '../crypto/keyring.ts'
import { JUMP_DAYS } from '../state/leftovers.ts'
import type { Anchor } from './chain-line.ts'
import { createFileCheck } from './file-check.ts'
import type { Finding } from './findings.ts'
import { createKeys, readHeads } from './instance-keys.ts'
import {
  addPurged,
  daysOnRecord,
  type PurgedSegment,
  purgedLines,
  purgedSegment,
  readPurged,
  type VouchedPart,
  vouchedBy
} from './purged.ts'
import { readLines } from './read-lines.ts'
import type { RunningKey } from './segment-check.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

const DAY_MS = 86_400_000

export interface PurgeOptions {
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** AUDIT_RETENTION_DAYS. */
  readonly days: number
  /** Undefined for an encryption key that has left the key ring. */
  readonly findKey: (kid: string) => EncryptionKey | undefined
  /** What one plan leaves to the next: the keys of the chains as they stand, in old files and where purges are on record. */
  readonly running?: Map<string, RunningKey> | undefined
  readonly vouching?: Map<string, RunningKey>
  /** Then nothing is planned. */
  readonly isStopped?: () => boolean
}

export interface PurgePlan {
  readonly files: readonly SegmentFile[]
  readonly segments: readonly PurgedSegment[]
  /** Of what is kept of former purges. */
  readonly vouchedPart: VouchedPart
  readonly bytes: number
  readonly lines: number
  /** Segments whose MACs cannot be checked: sealed to an auditor, or begun with a key that is lost. */
  readonly withoutKey: number
  /** The `kid` of each encryption key that some of them were begun with and that has left the key ring. */
  readonly lostKeys: readonly string[]
  /** What is of an earlier day (YYYY-MM-DD) is over its time. */
  readonly end: string
  /** Why nothing is purged, as a sentence. */
  readonly refusal: string | undefined
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

const daysBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / DAY_MS

const NONE: VouchedPart = { head: '', bytes: 0 }
const NOTHING = {
  files: [],
  segments: [],
  vouchedPart: NONE,
  bytes: 0,
  lines: 0,
  withoutKey: 0,
  lostKeys: []
}

/** The trail is a clock too: a service that runs writes every day. */
const whyNotByClock = (files: readonly SegmentFile[], today: string): string | undefined => {
  const ahead = files.find(({ day }) => day > today)
  if (ahead !== undefined) return `the clock says ${today}, but there is ${ahead.name}`
  const before = files.filter(({ day }) => day < today).at(-1)
  if (before === undefined || daysBetween(before.day, today) <= JUMP_DAYS) return undefined
  return `the clock says ${today}, but the last day before it on record is ${before.day}: if that is so, this is done from tomorrow on`
}

const notWritten = (name: string, finding: Finding | undefined): string => {
  const { line, detail } = finding ?? {}
  const place = line === undefined ? '' : `, line ${line}`
  return `${name} is not what was written${place}: ${detail ?? 'a chain in it has no head'} (see \`purser audit verify\`)`
}

/**
 * The keys of the files' instances. For want of an encryption key that was rotated away, what is old would otherwise
 * stay for ever; whoever could write that there was one could as well delete the file.
 */
const keysFor = async (
  files: readonly SegmentFile[],
  { findKey, running, isStopped }: PurgeOptions
) => {
  const heads = await readHeads(files)
  const kids = [...heads.byInstance.values()].map(({ kid }) => kid)
  const lostKeys = [...new Set(kids)].filter((kid) => findKey(kid) === undefined)
  const byInstance = new Map([...heads.byInstance].filter(([, { kid }]) => !lostKeys.includes(kid)))
  const keys = await createKeys(
    { ...heads, byInstance },
    { findKey, auditor: undefined },
    { isServing: true, running, isStopped }
  )
  for (const instance of running?.keys() ?? []) {
    if (!byInstance.has(instance)) running?.delete(instance)
  }
  const reachAll = async (name: string): Promise<void> => {
    for (const [instance, head] of heads.inFile.get(name) ?? []) await keys.reach(instance, head)
  }
  return { keyOf: keys.keyOf, reachAll, lostKeys }
}

const hasVoucher = async ({ path }: SegmentFile): Promise<boolean> => {
  let isFound = false
  await readLines(path, (line) => {
    isFound ||= vouchedBy(line) !== undefined
  })
  return isFound
}

/**
 * How far records of the trail vouch for what is kept, and the finding that keeps that from being told. They are looked for
 * from the newest day back to the first that has one, which is mostly yesterday.
 */
const findVouchedPart = async (
  all: readonly SegmentFile[],
  options: PurgeOptions
): Promise<{ readonly part: VouchedPart; readonly refusal?: string }> => {
  const named = new Set<string>()
  let [part, day] = [NONE, '']
  for (const file of all.toReversed()) {
    if (part.head !== '' && file.day !== day) break
    if (!(await hasVoucher(file))) continue
    const { keyOf, reachAll } = await keysFor([file], { ...options, running: options.vouching })
    await reachAll(file.name)
    const check = createFileCheck({
      file: file.name,
      isKnown: () => true,
      keyOf,
      anchored: () => []
    })
    await readLines(file.path, check.take)
    const { findings, segments } = check.end()
    if (findings.length > 0) return { part, refusal: notWritten(file.name, findings[0]) }
    for (const { head } of segments.flatMap(({ vouched }) => vouched)) named.add(head)
    part = (await readPurged(options.folder, (head) => named.has(head))).vouchedPart
    day = file.day
  }
  return { part }
}

/** What would go, checked by its digests and by those MACs whose keys are at hand. Rejects where a file cannot be read. */
export const planPurge = async (options: PurgeOptions): Promise<PurgePlan> => {
  const { folder, now, days, isStopped = () => false } = options
  const all = await segmentFilesIn(folder)
  const end = dayOf(now - days * DAY_MS)
  const files = all.filter(({ day }) => day < end)
  if (files.length === 0) return { ...NOTHING, end, refusal: undefined }
  const clock = whyNotByClock(all, dayOf(now))
  if (clock !== undefined) return { ...NOTHING, end, refusal: clock }
  const { part: vouchedPart, refusal } = await findVouchedPart(all, options)
  if (refusal !== undefined) return { ...NOTHING, end, refusal }
  const { keyOf, reachAll, lostKeys } = await keysFor(files, options)
  const segments: PurgedSegment[] = []
  let [bytes, lines, withoutKey] = [0, 0, 0]
  for (const { name, path } of files) {
    await reachAll(name)
    if (isStopped()) return { ...NOTHING, end, refusal: undefined }
    const check = createFileCheck({ file: name, isKnown: () => true, keyOf, anchored: () => [] })
    bytes += await readLines(path, check.take)
    const report = check.end()
    const isWhole =
      // One of them is that a chain stands in the file of another day: by its name anybody could let a day be deleted.
      report.findings.length === 0 && report.segments.every(({ head }) => head !== undefined)
    if (!isWhole) return { ...NOTHING, end, refusal: notWritten(name, report.findings[0]) }
    lines += report.lines
    withoutKey += report.withoutKey
    segments.push(...report.segments.map(purgedSegment))
  }
  return { files, segments, vouchedPart, bytes, lines, withoutKey, lostKeys, end, refusal }
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
  { files, segments, vouchedPart }: PurgePlan,
  vouch: (facts: Vouched) => Promise<void>
): Promise<readonly Anchor[]> => {
  const [first, last] = [files.at(0), files.at(-1)]
  if (first === undefined || last === undefined) return []
  const { text, head } = purgedLines(vouchedPart.head, segments)
  await vouch({ object: daysOnRecord(first.day, last.day), reason: `sha256:${head}` })
  await addPurged(folder, vouchedPart, text)
  for (const { path } of files) await unlink(path)
  return segments.map(({ instance, lastSeq, head: digest }) => ({
    instance,
    seq: lastSeq,
    head: digest
  }))
}
