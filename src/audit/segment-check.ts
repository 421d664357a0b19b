/**
 * One segment of the trail, checked line by line. Rule: everything is computed anew from the lines; what is wrong first
 * is told, with its place, and what follows in the segment is only looked at to tell what became of a line.
 */
import { digestOfBytes, isMac, stepped } from '../crypto/audit-key.ts'
import { GROUP_MAX, type Place, type SegmentHead, type SegmentSeal } from './chain-line.ts'
import type { Finding, Unfinished, Verdict } from './findings.ts'
import { type VouchingRecord, vouchedBy } from './purged.ts'
import { LINE_MAX } from './read-lines.ts'

/** The instance's key as it stands; stepped in place. */
export interface RunningKey {
  step: number
  key: Buffer
}

export interface Segment {
  readonly file: string
  readonly instance: string
  /** Undefined if its first line here is no head. */
  readonly head: SegmentHead | undefined
  readonly firstLine: number
  readonly firstSeq: number
  /** The last number seen. */
  lastSeq: number
  /** Of the last line that held. */
  digest: string
  lastLine: number
  isSealed: boolean
  /** Whether something that cannot be read stands before its first line. */
  readonly isAfterUnreadable: boolean
  /** Something was wrong, and what follows was not checked. */
  isBroken: boolean
  macs: number
  /** Where its last group began, if no MAC ends that. */
  unfinishedFrom: number | undefined
  /** What is kept of purged segments, as records of its groups that hold vouch for it. */
  readonly vouched: VouchingRecord[]
}

export interface SeenLine {
  readonly bytes: Buffer
  readonly place: Place
  readonly line: number
  readonly seal: SegmentSeal | undefined
  /** Whether something that cannot be read stands between this line and the instance's line before. */
  readonly isAfterUnreadable: boolean
}

export interface SegmentEnd {
  readonly findings: readonly Finding[]
  readonly unfinished: Unfinished | undefined
}

export interface SegmentCheck {
  readonly segment: Segment
  readonly take: (line: SeenLine) => void
  readonly end: () => SegmentEnd
}

export interface SegmentCheckOptions {
  readonly file: string
  readonly head: SegmentHead | undefined
  readonly first: SeenLine
  /** Undefined: MACs cannot be checked. */
  readonly key: RunningKey | undefined
  /** What is known from elsewhere of the digest of a line. */
  readonly anchored: (seq: number) => readonly string[]
}

/** A line that has not the number that is due. */
interface Gap {
  readonly due: number
  readonly found: number
  readonly line: number
  readonly isAfterUnreadable: boolean
  /** The number of the line after it. */
  next: number | undefined
  /** Whether the line that was due stands further down. */
  isDueSeen: boolean
}

const scratch = Buffer.alloc(LINE_MAX + 64)

const computed = (former: string, { bytes, place }: SeenLine): string => {
  const start = scratch.write(former, 'latin1')
  bytes.copy(scratch, start, 0, place.hashed)
  return digestOfBytes(scratch.subarray(0, start + place.hashed))
}

const gapVerdict = ({
  due,
  found,
  isAfterUnreadable,
  next,
  isDueSeen
}: Gap): Pick<Finding, 'verdict' | 'seq' | 'to' | 'detail'> => {
  if (isDueSeen) {
    return { verdict: 'reordered', seq: due, detail: `${found} stands in the place of ${due}` }
  }
  if (isAfterUnreadable) {
    return { verdict: 'tampered', seq: due, detail: 'the line cannot be read' }
  }
  if (next === due + 1 || found < due) {
    return { verdict: 'tampered', seq: due, detail: `its number is ${found}` }
  }
  const to = found - 1 === due ? undefined : found - 1
  return { verdict: 'line missing', seq: due, to, detail: `${found} follows on ${due - 1}` }
}

/** Where the head is missing, that is told, and where the segment began is not known. */
const isSealOf = (seal: SegmentSeal, segment: Segment, seq: number): boolean =>
  seal.lastSeq === seq - 1 &&
  seal.head === segment.digest &&
  (segment.head === undefined ||
    (seal.firstSeq === segment.firstSeq && seal.count === seq - segment.firstSeq))

interface Checking extends SegmentCheckOptions {
  readonly segment: Segment
  readonly findings: Finding[]
  /** Where the group began of which no MAC has been seen yet. */
  groupFrom: number | undefined
  /** What records of that group vouch for: anybody can write a line and its digest. */
  groupVouched: VouchingRecord[]
  gap: Gap | undefined
}

const fail = (
  { segment, findings, file }: Checking,
  verdict: Verdict,
  { place, line }: SeenLine,
  detail: string,
  seq = place.seq
): void => {
  const { instance } = segment
  const to = seq === place.seq ? undefined : place.seq
  findings.push({ verdict, file, line, instance, seq, to, detail })
  segment.isBroken = true
}

const checkMac = (checking: Checking, at: SeenLine, mac: string): void => {
  const { segment, key } = checking
  const from = checking.groupFrom ?? at.place.seq
  checking.groupFrom = undefined
  const { groupVouched } = checking
  checking.groupVouched = []
  segment.macs++
  if (key === undefined) segment.vouched.push(...groupVouched)
  else if (isMac(key.key, segment.digest, mac)) {
    key.key = stepped(key.key)
    key.step++
    segment.vouched.push(...groupVouched)
  } else if (segment.macs === 1) {
    const detail = 'its MACs are not made with the key of this instance'
    fail(checking, 'other key', at, detail, segment.firstSeq)
  } else fail(checking, 'tampered', at, 'its digests were made anew, without the key', from)
}

/** A line that has the number that is due. */
const checkLine = (checking: Checking, at: SeenLine): void => {
  const { segment, head, anchored } = checking
  const { place, seal } = at
  const isHeadless = head === undefined && place.seq === segment.firstSeq
  const digest = isHeadless ? place.digest : computed(segment.digest, at)
  if (digest !== place.digest) {
    fail(checking, 'tampered', at, 'it is not the line that was written')
  } else if (seal !== undefined && place.mac === undefined) {
    // Seal and MAC are one line: nothing that a kill leaves has only the one.
    fail(checking, 'tampered', at, 'the seal has no MAC')
  } else if (seal !== undefined && !isSealOf(seal, segment, place.seq)) {
    fail(checking, 'tampered', at, 'the seal is not that of its segment')
  } else {
    segment.digest = digest
    segment.isSealed = seal !== undefined
    checking.groupFrom ??= place.seq
    const vouched = vouchedBy(at.bytes)
    if (vouched !== undefined) {
      checking.groupVouched.push({ ...vouched, instance: segment.instance, seq: place.seq })
    }
    if (anchored(place.seq).some((known) => known !== digest)) {
      const detail = 'the trail is not the one that the anchor was taken of'
      fail(checking, 'anchor mismatch', at, detail)
    }
    if (place.mac !== undefined) checkMac(checking, at, place.mac)
  }
}

const follow = ({ gap }: Checking, seq: number): void => {
  if (gap === undefined) return
  gap.next ??= seq
  if (seq === gap.due) gap.isDueSeen = true
}

const take = (checking: Checking, at: SeenLine): void => {
  const { segment } = checking
  const { seq } = at.place
  const due = segment.lastSeq + 1
  segment.lastSeq = Math.max(segment.lastSeq, seq)
  segment.lastLine = at.line
  if (segment.isBroken) follow(checking, seq)
  else if (seq === due) checkLine(checking, at)
  else {
    const { line, isAfterUnreadable } = at
    checking.gap = { due, found: seq, line, isAfterUnreadable, next: undefined, isDueSeen: false }
    segment.isBroken = true
  }
}

const end = ({ segment, findings, gap, groupFrom, file }: Checking): SegmentEnd => {
  const { instance, lastSeq } = segment
  if (gap !== undefined) findings.push({ file, line: gap.line, instance, ...gapVerdict(gap) })
  if (groupFrom === undefined || segment.isBroken) return { findings, unfinished: undefined }
  segment.unfinishedFrom = groupFrom
  if (lastSeq > groupFrom + GROUP_MAX) {
    const detail = 'more lines without a MAC than are ever written at once'
    const to = lastSeq
    findings.push({ verdict: 'tampered', file, instance, seq: groupFrom, to, detail })
  }
  return { findings, unfinished: { file, instance, seq: groupFrom, to: lastSeq } }
}

export const createSegmentCheck = (options: SegmentCheckOptions): SegmentCheck => {
  const { file, head, first } = options
  const { instance, seq: firstSeq } = first.place
  const segment: Segment = {
    file,
    instance,
    head,
    firstLine: first.line,
    firstSeq,
    lastSeq: firstSeq - 1,
    digest: head?.from ?? '',
    lastLine: first.line,
    isSealed: false,
    isAfterUnreadable: first.isAfterUnreadable,
    isBroken: false,
    macs: 0,
    unfinishedFrom: undefined,
    vouched: []
  }
  const checking: Checking = {
    ...options,
    segment,
    findings: [],
    groupFrom: undefined,
    groupVouched: [],
    gap: undefined
  }
  take(checking, first)
  return { segment, take: (at) => take(checking, at), end: () => end(checking) }
}
