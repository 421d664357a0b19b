/**
 * Whether the trail is what was written: computed anew from its lines, a file at a time and in bounded memory. Rule:
 * what cannot be checked is never called right.
 */
import type { KeyObject } from 'node:crypto'
import { isOrigin, openFirstKey, stepped } from '../crypto/audit-key.ts'
import type { EncryptionKey } from '../crypto/keyring.ts'
import {
  type Anchor,
  type KnownAnchor,
  parseAnchor,
  placeOf,
  type SegmentHead
} from './chain-line.ts'
import { firstLineOf } from './complete-from.ts'
import {
  createFileCheck,
  type FileReport,
  headIn,
  type InstanceKey,
  misplacedIn
} from './file-check.ts'
import type { Finding, Unfinished } from './findings.ts'
import { createIntents, type OpenIntent } from './intents.ts'
import { linkFindings } from './links.ts'
import { readPurged } from './purged.ts'
import { readLines } from './read-lines.ts'
import type { RunningKey } from './segment-check.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

export interface VerifyOptions {
  /** The one that the files of the trail stand in. */
  readonly folder: string
  /** Only files of this day (YYYY-MM-DD) and later ones. */
  readonly since?: string | undefined
  /** What is known from elsewhere; each must be in the trail. */
  readonly anchors: readonly KnownAnchor[]
  /** Undefined: there are no encryption keys at hand. */
  readonly findKey: ((kid: string) => EncryptionKey | undefined) | undefined
  /** The auditor's private key. */
  readonly auditor: KeyObject | undefined
}

export interface Report {
  /** `cannot tell`: nothing is wrong as far as that could be checked. */
  readonly verdict: 'ok' | 'broken' | 'cannot tell'
  /** In the order of files and lines. At most a hundred, and how many there were. */
  readonly findings: readonly Finding[]
  readonly found: number
  /** Never acknowledged: what a kill leaves, or what is being written. */
  readonly unfinished: readonly Unfinished[]
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
}

const FINDINGS_MAX = 100

interface Heads {
  readonly byInstance: ReadonlyMap<string, SegmentHead>
  /** What instances found on record when they began. */
  readonly after: readonly Anchor[]
}

/** What instances say of themselves and of each other, which has to be known before their lines are checked. */
const readHeads = async (files: readonly SegmentFile[]): Promise<Heads> => {
  const byInstance = new Map<string, SegmentHead>()
  const after: Anchor[] = []
  for (const { path } of files) {
    await readLines(path, (line) => {
      const head = headIn(line)
      const instance = head && placeOf(line)?.instance
      if (head === undefined || instance === undefined) return
      if (!byInstance.has(instance)) byInstance.set(instance, head)
      const former = head.after === undefined ? undefined : parseAnchor(head.after)
      if (former !== undefined) after.push(former)
    })
  }
  return { byInstance, after }
}

interface FirstKeyFound {
  readonly key: Buffer | undefined
  readonly fault: string | undefined
}

type KeyOptions = Pick<VerifyOptions, 'findKey' | 'auditor'>

const faultOf = (
  head: SegmentHead,
  instance: string,
  encryptionKey: EncryptionKey | undefined,
  { findKey, auditor }: KeyOptions
): string | undefined => {
  // Who has the encryption keys could otherwise write a former trail anew, without the auditor's seal.
  if (auditor !== undefined && head.sealed === undefined) return 'it is not sealed to the auditor'
  if (findKey === undefined) return undefined
  if (encryptionKey === undefined) {
    return `it was begun with the encryption key ${head.kid}, which ENCRYPTION_KEYS lacks`
  }
  return isOrigin(encryptionKey, instance, head)
    ? undefined
    : 'it was not begun by somebody with the encryption keys'
}

const findFirstKey = async (
  head: SegmentHead,
  instance: string,
  options: KeyOptions
): Promise<FirstKeyFound> => {
  const encryptionKey = options.findKey?.(head.kid)
  const fault = faultOf(head, instance, encryptionKey, options)
  if (fault !== undefined) return { key: undefined, fault }
  const { auditor } = options
  const key = await openFirstKey(head, instance, { encryptionKey, auditor })
  const isShut = key === undefined && head.sealed !== undefined && auditor !== undefined
  return { key, fault: isShut ? "its first key does not open with this auditor's key" : undefined }
}

/** More steps are not made for one segment: somebody may have written any number there. */
const STEPS_MAX = 50_000_000

const forwarded = (running: RunningKey, step: number): RunningKey | undefined => {
  if (step < running.step || step - running.step > STEPS_MAX) return undefined
  for (; running.step < step; running.step++) running.key = stepped(running.key)
  return running
}

const isSameKey = (a: SegmentHead, b: SegmentHead): boolean =>
  a.kid === b.kid && a.sealed === b.sealed && a.origin === b.origin

/** The key of each instance as its segments come, which is mostly in their order. */
const createKeys = async (heads: Heads, options: KeyOptions) => {
  const found = new Map<string, FirstKeyFound>()
  for (const [instance, head] of heads.byInstance) {
    found.set(instance, await findFirstKey(head, instance, options))
  }
  const running = new Map<string, RunningKey>()
  return (instance: string, head: SegmentHead): InstanceKey => {
    const { key: first, fault } = found.get(instance) ?? { key: undefined, fault: undefined }
    const known = heads.byInstance.get(instance)
    if (fault !== undefined) return { key: undefined, fault }
    if (known !== undefined && !isSameKey(known, head)) {
      return { key: undefined, fault: 'another segment of its instance has another key' }
    }
    if (first === undefined) return { key: undefined, fault }
    const begun = running.get(instance)
    const key = forwarded(
      begun !== undefined && begun.step <= head.step ? begun : { key: first, step: 0 },
      head.step
    )
    if (key !== undefined) running.set(instance, key)
    return { key, fault }
  }
}

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

const verdictOf = (findings: readonly Finding[], withoutKey: number): Report['verdict'] => {
  if (findings.length > 0) return 'broken'
  return withoutKey > 0 ? 'cannot tell' : 'ok'
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
  const all = await segmentFilesIn(folder)
  const files = all.filter(({ day }) => day >= since)
  const hidden = await hiddenIn(
    all.filter(({ day }) => day < since),
    since
  )
  const heads = await readHeads(files)
  const keyOf = await createKeys(heads, options)
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
  const vouched = new Set(segments.flatMap((segment) => segment.vouched))
  const { anchors: purged } = await readPurged(folder, (head) => vouched.has(head))
  const isPartial = since !== ''
  const findings = [
    ...hidden,
    ...reports.flatMap((report) => report.findings),
    ...linkFindings({ segments, anchors, purged, isPartial })
  ]
  const withoutKey = sum(reports, (report) => report.withoutKey)
  const { intents: openIntents, count: open } = intents.open()
  return {
    verdict: verdictOf(findings, withoutKey),
    findings: findings.slice(0, FINDINGS_MAX),
    found: findings.length,
    unfinished: reports.flatMap((report) => report.unfinished),
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
    withoutKey
  }
}
