/** Whether segments hang together, case by case: which are missing, where that is told, and what is not told twice. */
import { test } from 'tap'
import type { Anchor, KnownAnchor } from '../../../src/audit/chain-line.ts'
import { type LinkOptions, linkFindings } from '../../../src/audit/links.ts'
import type { Segment } from '../../../src/audit/segment-check.ts'

const ONE = 'one00000000'
const OTHER = 'other000000'

interface Made extends Partial<Omit<Segment, 'head'>> {
  /** What its head hangs on; null: it has no head. */
  readonly from?: string | null
  readonly step?: number
}

const segment = (firstSeq: number, lastSeq: number, more: Made = {}): Segment => {
  const { from = firstSeq === 1 ? undefined : `d${firstSeq - 1}`, step = 0, ...rest } = more
  const head =
    from === null ? undefined : { kid: 'k', day: '2026-03-01', step, ...(from && { from }) }
  return {
    file: `${firstSeq}.jsonl`,
    instance: ONE,
    head,
    firstLine: 10 + firstSeq,
    firstSeq,
    lastSeq,
    digest: `d${lastSeq}`,
    lastLine: 10 + lastSeq,
    isSealed: true,
    isAfterUnreadable: false,
    isBroken: false,
    macs: 0,
    unfinishedFrom: undefined,
    vouched: [],
    ...rest
  }
}

const anchor = (seq: number, more: Partial<KnownAnchor> = {}): KnownAnchor => ({
  instance: ONE,
  seq,
  head: `d${seq}`,
  ...more
})

const purged = (...gone: readonly Anchor[]) => new Map(gone.map((one) => [one.instance, one]))

/** `verdict file:line seq-to: detail` of each finding. */
const told = (segments: readonly Segment[], more: Partial<LinkOptions> = {}): string[] =>
  linkFindings({ segments, anchors: [], purged: new Map(), isPartial: false, ...more }).map(
    ({ verdict, file = '-', line = '-', seq = '-', to, detail }) =>
      `${verdict} ${file}:${line} ${to === undefined ? seq : `${seq}-${to}`}: ${detail}`
  )

test('segments that follow one on the other, of one instance or several, are right', (t) => {
  t.same(told([]), [])
  t.same(told([segment(1, 4, { macs: 2 }), segment(5, 9, { step: 2 })]), [])
  t.same(
    told([segment(5, 9), segment(1, 3, { instance: OTHER }), segment(1, 4)]),
    [],
    'whatever their order in files'
  )
  t.end()
})

test('what is not there before the first segment is missing, unless it was purged or not looked for', (t) => {
  const missing = 'segment missing 5.jsonl:15 1-4: what stood before it is not there'
  const first = segment(5, 9)
  t.same(told([first]), [missing])
  t.same(told([segment(2, 9)]), ['segment missing 2.jsonl:12 1: what stood before it is not there'])
  t.same(told([first], { isPartial: true }), [])
  t.same(told([first], { purged: purged(anchor(4)) }), [])
  t.same(told([first], { purged: purged(anchor(4, { instance: OTHER })) }), [missing])
  t.same(told([first], { purged: purged(anchor(2)) }), [
    'segment missing 5.jsonl:15 3-4: what stood before it is not there'
  ])
  t.same(told([segment(1, 9)], { purged: purged(anchor(4)) }), [], 'a purge that was cut short')
  t.end()
})

test('what hangs on another line than the last that was purged is told, unless it is broken anyhow', (t) => {
  const gone = { purged: purged(anchor(4)) }
  t.same(told([segment(5, 9, { from: 'other' })], gone), [
    'tampered 5.jsonl:15 5: it does not hang on what was purged'
  ])
  t.same(told([segment(5, 9, { from: 'other', isBroken: true })], gone), [])
  t.end()
})

test('a segment without its head says whether that is missing, cannot be read or was replaced', (t) => {
  const headless = (firstSeq: number, more: Made = {}) =>
    segment(firstSeq, 9, { from: null, ...more })
  const replaced = 'tampered 1.jsonl:11 1: it is not the head that was written'
  t.same(told([headless(1)]), [replaced])
  t.same(told([headless(1)], { isPartial: true }), [replaced], 'also where not all is looked at')
  t.same(told([headless(2)]), ['line missing 2.jsonl:12 1: the segment has no head'])
  t.same(told([headless(4)]), ['line missing 4.jsonl:14 1-3: the segment has no head'])
  t.same(told([headless(2, { isAfterUnreadable: true })]), [
    'tampered 2.jsonl:12 1: its head cannot be read'
  ])
  t.same(told([headless(5)], { purged: purged(anchor(4)) }), [
    'tampered 5.jsonl:15 5: it is not the head that was written'
  ])
  t.same(told([segment(1, 4), headless(7)]), [
    'line missing 7.jsonl:17 5-6: the segment has no head'
  ])
  t.same(told([segment(1, 4), headless(5)]), [
    'tampered 5.jsonl:15 5: it is not the head that was written'
  ])
  t.end()
})

test('what is not there between two segments is a missing one, or the end of one that has no seal', (t) => {
  const next = segment(8, 9)
  t.same(told([segment(1, 4), next]), [
    'segment missing 8.jsonl:18 5-7: what stood between it and 1.jsonl is not there'
  ])
  t.same(told([segment(1, 6), next]), [
    'segment missing 8.jsonl:18 7: what stood between it and 1.jsonl is not there'
  ])
  t.same(told([segment(1, 4, { isSealed: false }), next]), [
    'truncated 1.jsonl:14 5-7: its end is not there'
  ])
  t.same(told([segment(1, 4, { isSealed: false, isBroken: true }), next]), [
    'segment missing 8.jsonl:18 5-7: what stood between it and 1.jsonl is not there'
  ])
  t.end()
})

test('numbers that begin again, a digest of another line and MACs that were taken out are told once', (t) => {
  const again = segment(3, 9, { from: 'd4' })
  t.same(told([segment(1, 4), again]), [
    'tampered 3.jsonl:13 3: its numbers begin again, 5 was due'
  ])
  t.same(told([segment(1, 4, { isBroken: true }), again]), [])
  const other = segment(5, 9, { from: 'other' })
  t.same(told([segment(1, 4), other]), [
    'tampered 5.jsonl:15 5: it does not hang on the segment before'
  ])
  t.same(told([segment(1, 4, { isBroken: true }), other]), [])
  t.same(told([segment(1, 4), { ...other, isBroken: true }]), [])
  const stepped = segment(5, 9, { step: 3 })
  const taken = ['tampered 1.jsonl:14 -: MACs of it are not there']
  t.same(told([segment(1, 4, { step: 0, macs: 2 }), stepped]), taken)
  t.same(told([segment(1, 4, { step: 0, macs: 3 }), stepped]), [])
  t.same(told([segment(1, 4, { step: 0, macs: 4 }), stepped]), taken)
  t.same(
    told([segment(1, 4, { from: null, macs: 1 }), stepped]),
    ['tampered 1.jsonl:11 1: it is not the head that was written'],
    'without a head nobody knows its step'
  )
  t.end()
})

test('of what is known from elsewhere only what is beyond the end is missing, and the furthest says it', (t) => {
  const segments = [segment(1, 4), segment(5, 9)]
  const ask = (...anchors: readonly KnownAnchor[]) => told(segments, { anchors })
  t.same(ask(anchor(9), anchor(3)), [])
  t.same(ask(anchor(10)), ['truncated 5.jsonl:19 10: 10 was on record'])
  t.same(ask(anchor(11), anchor(14), anchor(12)), ['truncated 5.jsonl:19 10-14: 14 was on record'])
  t.same(
    told([segment(1, 4, { isBroken: true })], { anchors: [anchor(7)] }),
    [],
    'what is wrong in itself is not told again'
  )
  t.end()
})

test('of an instance of which nothing is there that is told, unless its files may be elsewhere', (t) => {
  const known = anchor(7, { instance: OTHER })
  const all = [segment(1, 4)]
  t.same(told(all, { anchors: [known] }), [
    'segment missing -:- 7: nothing is there of an instance of which 7 was on record'
  ])
  t.same(told(all, { anchors: [known], isPartial: true }), [])
  t.same(told(all, { anchors: [{ ...known, mayBeElsewhere: true }] }), [])
  t.same(told(all, { anchors: [known], purged: purged(anchor(7, { instance: OTHER })) }), [])
  t.end()
})

test('an anchor of what was purged is compared where it is of the last line that went', (t) => {
  const rest = { purged: purged(anchor(4)) }
  const all = [segment(5, 9)]
  t.same(told(all, { ...rest, anchors: [anchor(4)] }), [])
  t.same(told(all, { ...rest, anchors: [anchor(3, { head: 'other' })] }), [], 'nobody knows of it')
  t.same(told(all, { ...rest, anchors: [anchor(4, { head: 'other' })] }), [
    'anchor mismatch -:- 4: what was purged is not what the anchor was taken of'
  ])
  t.same(told(all, { ...rest, anchors: [anchor(12)] }), [
    'truncated 5.jsonl:19 10-12: 12 was on record'
  ])
  t.end()
})

test('a group that was on record has its MAC', (t) => {
  const all = [segment(1, 9, { isSealed: false, unfinishedFrom: 6 })]
  const ask = (seq: number) => told(all, { anchors: [anchor(seq)] })
  t.same(ask(5), [])
  t.same(ask(6), ['tampered 1.jsonl:19 6: 6 was on record, and its MAC is not there'])
  t.same(ask(9), ['tampered 1.jsonl:19 9: 9 was on record, and its MAC is not there'])
  t.same(ask(10), ['truncated 1.jsonl:19 10: 10 was on record'])
  t.end()
})
