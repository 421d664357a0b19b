/**
 * Lines at the end of a chain that no MAC covers: what a kill left was found by the next process, whose head names the last
 * of them. Rule: what was put there afterwards is told.
 */
import { parseAnchor, type SegmentHead } from './chain-line.ts'
import type { Finding } from './findings.ts'
import type { Segment } from './segment-check.ts'

const isUnfinished = (segment: Segment): boolean =>
  segment.unfinishedFrom !== undefined && !segment.isBroken

/** Whose head stands under a MAC: nobody else can have made it. */
type VouchedFor = Segment & { readonly head: SegmentHead }

const isVouchedFor = (segment: Segment): segment is VouchedFor => {
  const { head, firstSeq, macs, isBroken } = segment
  return head !== undefined && firstSeq === 1 && macs > 0 && !isBroken
}

const writerOf = ({ file }: Segment): string => file.slice('YYYY-MM-DD'.length)

/** Adds what the head of a process vouches for: what it found, and what that one had found if it came no further. */
const bind = (head: SegmentHead, unfinished: readonly Segment[], bound: Set<Segment>): void => {
  for (let named = head.found; named !== undefined; ) {
    const last = parseAnchor(named)
    const segment = unfinished.find(
      ({ instance, lastSeq, digest }) =>
        instance === last?.instance && lastSeq === last.seq && digest === last.head
    )
    if (segment === undefined || bound.has(segment)) return
    bound.add(segment)
    named = segment.macs === 0 ? segment.head?.found : undefined
  }
}

/** `segments` in the order of files and lines. */
export const tailFindings = (segments: readonly Segment[]): Finding[] => {
  const unfinished = segments.filter(isUnfinished)
  const bound = new Set<Segment>()
  for (const segment of segments) {
    if (isVouchedFor(segment)) bind(segment.head, unfinished, bound)
  }
  return unfinished.flatMap((segment) => {
    const next = segments
      .slice(segments.indexOf(segment) + 1)
      .find((one): one is VouchedFor => isVouchedFor(one) && writerOf(one) === writerOf(segment))
    if (bound.has(segment) || next?.head.found === undefined) return []
    const { file, lastLine: line, instance, unfinishedFrom: seq = 1, lastSeq } = segment
    const to = lastSeq > seq ? lastSeq : undefined
    const detail = `these lines without a MAC are not what ${next.instance} found when it began`
    return [{ verdict: 'tampered', file, line, instance, seq, to, detail }]
  })
}
