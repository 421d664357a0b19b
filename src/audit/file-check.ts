/**
 * One file of the trail: its lines, each given to the segment of its instance. Rule: a line that no segment takes is
 * told, unless it is what a kill leaves, or from before the trail was chained.
 */
import { asJson, isObject } from '../core/json.ts'
import {
  isChainLine,
  type Place,
  placeOf,
  type SegmentHead,
  type SegmentSeal
} from './chain-line.ts'
import type { Finding, Unfinished } from './findings.ts'
import {
  createSegmentCheck,
  type RunningKey,
  type SeenLine,
  type Segment,
  type SegmentCheck
} from './segment-check.ts'

export interface InstanceKey {
  /** At the step of the segment; undefined: its MACs cannot be checked. */
  readonly key: RunningKey | undefined
  /** Why it is no key of ours, as the rest of a sentence. */
  readonly fault: string | undefined
}

export interface FileCheckOptions {
  readonly file: string
  readonly isKnown: (instance: string) => boolean
  readonly keyOf: (instance: string, head: SegmentHead) => InstanceKey
  readonly anchored: (instance: string, seq: number) => readonly string[]
}

export interface FileReport {
  readonly findings: readonly Finding[]
  readonly unfinished: readonly Unfinished[]
  readonly segments: readonly Segment[]
  readonly lines: number
  readonly unchained: number
  readonly withoutKey: number
}

export interface FileCheck {
  readonly take: (line: Buffer, number: number) => void
  readonly end: () => FileReport
}

/** More of them are not told one by one. */
const FOREIGN_MAX = 1_000

const chainLine = (line: Buffer): Readonly<Record<string, unknown>> | undefined => {
  const parsed = isChainLine(line) ? asJson(line.toString()) : undefined
  return isObject(parsed) ? parsed : undefined
}

/** The head that the line is, with the members that everybody needs. */
export const headIn = (line: Buffer): SegmentHead | undefined => {
  const parsed = chainLine(line)
  const { chain, kid, step } = parsed ?? {}
  const isHead = chain === 'head' && typeof kid === 'string' && Number.isSafeInteger(step)
  return isHead ? (parsed as unknown as SegmentHead) : undefined
}

/** The seal that the line is, likewise. */
export const sealIn = (line: Buffer): SegmentSeal | undefined => {
  const parsed = chainLine(line)
  return parsed?.['chain'] === 'seal' ? (parsed as unknown as SegmentSeal) : undefined
}

const startsWith = (line: Buffer, text: string): boolean =>
  line.toString('latin1', 0, text.length) === text

const CHAINED = [',"digest":"', ',"instance":"', ',"chain":"']

/** As versions before the chain wrote them. */
const isUnchained = (line: Buffer): boolean =>
  startsWith(line, '{"time":"') &&
  line.at(-1) === 0x7d &&
  !CHAINED.some((member) => line.includes(member))

/** What a write leaves that was cut off: the beginning of a line, and no more. */
const isCut = (line: Buffer): boolean =>
  line.at(-1) !== 0x7d &&
  startsWith(line, '{"time":"'.slice(0, line.length)) &&
  !/"mac":"[\w-]{43}".$/.test(line.toString('latin1', Math.max(0, line.length - 60)))

interface Checking extends FileCheckOptions {
  readonly open: Map<string, SegmentCheck>
  readonly segments: Segment[]
  readonly findings: Finding[]
  readonly unfinished: Unfinished[]
  /** Numbers of lines that no segment took. */
  foreign: number[]
  lastUnreadable: number
  lines: number
  unchained: number
  withoutKey: number
}

const endSegment = ({ open, findings, unfinished }: Checking, instance: string): void => {
  const ended = open.get(instance)?.end()
  if (ended === undefined) return
  open.delete(instance)
  findings.push(...ended.findings)
  if (ended.unfinished !== undefined) unfinished.push(ended.unfinished)
}

const NAMED_BY_DAY = /^\d{4}-\d\d-\d\d\./

/** Files are looked for by their days, and deleted by them: a segment in the file of another day would hide. */
export const misplacedIn = (file: string, { day }: SegmentHead): Finding | undefined =>
  file.startsWith(`${day}.`) || !NAMED_BY_DAY.test(file)
    ? undefined
    : { verdict: 'tampered', file, detail: `it was written into the file of ${day}` }

const NO_KEY: InstanceKey = { key: undefined, fault: undefined }

const beginSegment = (checking: Checking, head: SegmentHead | undefined, first: SeenLine): void => {
  const { file, keyOf, anchored, findings, open, segments } = checking
  const { instance, seq } = first.place
  endSegment(checking, instance)
  const { key, fault } = head === undefined ? NO_KEY : keyOf(instance, head)
  if (fault !== undefined) {
    findings.push({ verdict: 'other key', file, line: first.line, instance, seq, detail: fault })
  } else if (key === undefined) checking.withoutKey++
  const misplaced = head && misplacedIn(file, head)
  if (misplaced !== undefined) findings.push({ ...misplaced, line: first.line, instance, seq })
  const check = createSegmentCheck({
    file,
    head,
    first,
    key,
    anchored: (at) => anchored(instance, at)
  })
  open.set(instance, check)
  segments.push(check.segment)
}

const skip = (checking: Checking, bytes: Buffer, line: number): void => {
  if (checking.segments.length === 0 && isUnchained(bytes)) {
    checking.unchained++
    return
  }
  checking.lastUnreadable = line
  if (!isCut(bytes) && checking.foreign.length < FOREIGN_MAX) checking.foreign.push(line)
}

/** Whose instance was altered: it has the number that is due in a chain of this file. */
const isOfAnother = ({ open }: Checking, { seq }: Place): boolean =>
  [...open.values()].some(({ segment }) => segment.lastSeq + 1 === seq)

const takePlaced = (checking: Checking, bytes: Buffer, place: Place, line: number): void => {
  const check = checking.open.get(place.instance)
  const { lastLine: former, lastSeq } = check?.segment ?? { lastLine: 0, lastSeq: 0 }
  const isAfterUnreadable = checking.lastUnreadable > former
  const head = headIn(bytes)
  const seen = { bytes, place, line, seal: sealIn(bytes), isAfterUnreadable }
  if (check === undefined || head !== undefined) beginSegment(checking, head, seen)
  else {
    if (isAfterUnreadable && place.seq !== lastSeq + 1) {
      // What stands between is told as part of what is wrong with the segment.
      checking.foreign = checking.foreign.filter((one) => one <= former)
    }
    check.take(seen)
  }
}

const takeLine = (checking: Checking, bytes: Buffer, line: number): void => {
  const { open, isKnown } = checking
  if (bytes.length === 0) return
  checking.lines++
  const place = placeOf(bytes)
  const isOurs =
    place !== undefined &&
    (open.has(place.instance) || isKnown(place.instance) || !isOfAnother(checking, place))
  if (isOurs) takePlaced(checking, bytes, place, line)
  else skip(checking, bytes, line)
}

const endFile = (checking: Checking): FileReport => {
  const { file, open, foreign, findings } = checking
  for (const instance of [...open.keys()]) endSegment(checking, instance)
  for (const line of foreign) {
    findings.push({ verdict: 'tampered', file, line, detail: 'the line stands in no chain' })
  }
  findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return checking
}

export const createFileCheck = (options: FileCheckOptions): FileCheck => {
  const checking: Checking = {
    ...options,
    open: new Map(),
    segments: [],
    findings: [],
    unfinished: [],
    foreign: [],
    lastUnreadable: 0,
    lines: 0,
    unchained: 0,
    withoutKey: 0
  }
  return {
    take: (bytes, line) => takeLine(checking, bytes, line),
    end: () => endFile(checking)
  }
}
