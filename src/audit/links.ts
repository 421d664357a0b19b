/**
 * Whether the segments of an instance hang together, and whether all is there that is known of from elsewhere. Rule: a
 * segment that is wrong in itself is not told a second time.
 */
import type { Anchor, KnownAnchor } from './chain-line.ts'
import type { Finding } from './findings.ts'
import type { Segment } from './segment-check.ts'

export interface LinkOptions {
  readonly segments: readonly Segment[]
  readonly anchors: readonly KnownAnchor[]
  /** Instances that were purged, with the last line that went. */
  readonly purged: ReadonlyMap<string, Anchor>
  /** Whether files before a day were not looked at. */
  readonly isPartial: boolean
}

const range = (seq: number, to: number): Pick<Finding, 'seq' | 'to'> =>
  to > seq ? { seq, to } : { seq }

const placeOfSegment = ({ file, firstLine, instance }: Segment) => ({
  file,
  line: firstLine,
  instance
})

const endOfSegment = ({ file, lastLine, instance }: Segment) => ({ file, line: lastLine, instance })

const withoutHead = (segment: Segment, after: number): Finding => {
  const place = placeOfSegment(segment)
  if (segment.firstSeq === after + 1) {
    const detail = 'it is not the head that was written'
    return { verdict: 'tampered', ...place, seq: segment.firstSeq, detail }
  }
  const missing = range(after + 1, segment.firstSeq - 1)
  if (segment.isAfterUnreadable) {
    return { verdict: 'tampered', ...place, ...missing, detail: 'its head cannot be read' }
  }
  return { verdict: 'line missing', ...place, ...missing, detail: 'the segment has no head' }
}

const firstFinding = (first: Segment, { purged, isPartial }: LinkOptions): Finding | undefined => {
  const known = purged.get(first.instance)
  // Where a purge was cut short, what was to go is still there.
  const gone = known !== undefined && known.seq < first.firstSeq ? known : undefined
  const after = gone?.seq ?? 0
  if (isPartial && first.head !== undefined) return undefined
  if (first.head === undefined) return withoutHead(first, after)
  if (first.firstSeq !== after + 1) {
    const missing = range(after + 1, first.firstSeq - 1)
    const detail = 'what stood before it is not there'
    return { verdict: 'segment missing', ...placeOfSegment(first), ...missing, detail }
  }
  if (gone === undefined || first.isBroken || first.head.from === gone.head) return undefined
  const detail = 'it does not hang on what was purged'
  return { verdict: 'tampered', ...placeOfSegment(first), seq: first.firstSeq, detail }
}

const nextFinding = (former: Segment, next: Segment): Finding | undefined => {
  const due = former.lastSeq + 1
  if (next.firstSeq < due) {
    if (former.isBroken) return undefined
    const detail = `its numbers begin again, ${due} was due`
    return { verdict: 'tampered', ...placeOfSegment(next), seq: next.firstSeq, detail }
  }
  if (next.head === undefined) return withoutHead(next, former.lastSeq)
  if (next.firstSeq > due) {
    const missing = range(due, next.firstSeq - 1)
    return former.isSealed || former.isBroken
      ? {
          verdict: 'segment missing',
          ...placeOfSegment(next),
          ...missing,
          detail: `what stood between it and ${former.file} is not there`
        }
      : {
          verdict: 'truncated',
          ...endOfSegment(former),
          ...missing,
          detail: 'its end is not there'
        }
  }
  if (former.isBroken || next.isBroken) return undefined
  if (next.head.from !== former.digest) {
    const detail = 'it does not hang on the segment before'
    return { verdict: 'tampered', ...placeOfSegment(next), seq: next.firstSeq, detail }
  }
  if (former.head === undefined || next.head.step === former.head.step + former.macs)
    return undefined
  return { verdict: 'tampered', ...endOfSegment(former), detail: 'MACs of it are not there' }
}

const anchorFinding = (
  { instance, seq, head, mayBeElsewhere }: KnownAnchor,
  own: readonly Segment[] | undefined,
  { purged, isPartial }: LinkOptions
): Finding | undefined => {
  const gone = purged.get(instance)
  if (gone !== undefined && seq <= gone.seq) {
    if (seq < gone.seq || head === gone.head) return undefined
    const detail = 'what was purged is not what the anchor was taken of'
    return { verdict: 'anchor mismatch', instance, seq, detail }
  }
  const last = own?.at(-1)
  if (last === undefined) {
    if (isPartial || mayBeElsewhere) return undefined
    const detail = `nothing is there of an instance of which ${seq} was on record`
    return { verdict: 'segment missing', instance, seq, detail }
  }
  if (last.isBroken) return undefined
  if (seq >= (last.unfinishedFrom ?? Number.POSITIVE_INFINITY) && seq <= last.lastSeq) {
    const detail = `${seq} was on record, and its MAC is not there`
    return { verdict: 'tampered', ...endOfSegment(last), seq, detail }
  }
  if (seq <= last.lastSeq) return undefined
  const detail = `${seq} was on record`
  return { verdict: 'truncated', ...endOfSegment(last), ...range(last.lastSeq + 1, seq), detail }
}

const byInstance = (segments: readonly Segment[]): Map<string, Segment[]> => {
  const sorted = new Map<string, Segment[]>()
  for (const segment of segments) {
    const own = sorted.get(segment.instance)
    if (own === undefined) sorted.set(segment.instance, [segment])
    else own.push(segment)
  }
  for (const own of sorted.values()) own.sort((a, b) => a.firstSeq - b.firstSeq)
  return sorted
}

/** Of several anchors of an instance the furthest says it all. */
const furthest = (anchors: readonly KnownAnchor[]): KnownAnchor[] => {
  const found = new Map<string, KnownAnchor>()
  for (const anchor of anchors) {
    if ((found.get(anchor.instance)?.seq ?? 0) < anchor.seq) found.set(anchor.instance, anchor)
  }
  return [...found.values()]
}

export const linkFindings = (options: LinkOptions): Finding[] => {
  const instances = byInstance(options.segments)
  const findings: (Finding | undefined)[] = []
  for (const own of instances.values()) {
    own.forEach((segment, i) => {
      const former = own[i - 1]
      findings.push(former ? nextFinding(former, segment) : firstFinding(segment, options))
    })
  }
  for (const anchor of furthest(options.anchors)) {
    findings.push(anchorFinding(anchor, instances.get(anchor.instance), options))
  }
  return findings.filter((finding) => finding !== undefined)
}
