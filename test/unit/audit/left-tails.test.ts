/** Of lines without a MAC, which a later process vouches for, and which it tells of. */
import { test } from 'tap'
import { formatAnchor, type SegmentHead } from '../../../src/audit/chain-line.ts'
import { tailFindings } from '../../../src/audit/left-tails.ts'
import type { Segment } from '../../../src/audit/segment-check.ts'

const DAY = '2026-03-01'
const HEAD: SegmentHead = { kid: 'kid', day: DAY, step: 0 }

/** Whole, with a MAC, under the first head of its instance. */
const whole = (letter: string, rest: Partial<Segment> = {}): Segment => ({
  file: `${DAY}.jsonl`,
  instance: letter.repeat(11),
  head: HEAD,
  firstLine: 1,
  firstSeq: 1,
  lastSeq: 4,
  digest: letter.repeat(43),
  lastLine: 4,
  isSealed: false,
  isAfterUnreadable: false,
  isBroken: false,
  macs: 1,
  unfinishedFrom: undefined,
  vouched: [],
  ...rest
})

const tail = (letter: string, rest: Partial<Segment> = {}): Segment =>
  whole(letter, { unfinishedFrom: 3, ...rest })

const naming = ({ instance, lastSeq: seq, digest: head }: Segment): { head: SegmentHead } => ({
  head: { ...HEAD, found: formatAnchor({ instance, seq, head }) }
})

/** Found something, and not what is asked about. */
const other = naming(whole('z'))

/** The instances of which something is told. */
const told = (...segments: readonly Segment[]): string =>
  tailFindings(segments)
    .map(({ instance }) => instance?.[0])
    .join('')

test('a tail is right where the next process names its last line, and told whole where it names another', async (t) => {
  const left = tail('a', { lastLine: 9, lastSeq: 5 })
  t.strictSame(tailFindings([left, whole('b', naming(left))]), [])
  const [finding, ...rest] = tailFindings([left, whole('b', other)])
  const { detail, ...place } = finding ?? {}
  t.strictSame(place, {
    verdict: 'tampered',
    file: left.file,
    line: 9,
    instance: left.instance,
    seq: 3,
    to: 5
  })
  t.match(detail, 'bbbbbbbbbbb', 'it names who found otherwise')
  t.strictSame(rest, [])
  const [one] = tailFindings([tail('a', { unfinishedFrom: 4 }), whole('b', other)])
  t.match(one, { seq: 4, to: undefined }, 'of one line there is no range')
})

test('it is named by its instance, number and digest, and by no two of them', (t) => {
  const left = tail('a')
  const { instance, lastSeq, digest } = left
  for (const wrong of [
    { instance: 'x'.repeat(11), lastSeq, digest },
    { instance, lastSeq: 5, digest },
    { instance, lastSeq, digest: 'x'.repeat(43) }
  ]) {
    t.equal(told(left, whole('b', naming({ ...left, ...wrong }))), 'a')
  }
  t.equal(told(left, whole('b', { head: { ...HEAD, found: 'no anchor' } })), 'a')
  t.end()
})

test('whole and broken segments are no tails, and a tail that nobody came after, or who found nothing, is left alone', (t) => {
  const next = whole('b', other)
  t.equal(told(whole('a'), next), '')
  t.equal(told(tail('a', { isBroken: true }), next), '')
  t.equal(told(tail('a')), '')
  t.equal(told(tail('a'), whole('b')), '')
  t.equal(told(next, tail('a')), '', 'who came before says nothing of it')
  t.equal(told(tail('a'), whole('b'), whole('c', other)), '', 'the next one alone does')
  t.end()
})

test('only the head of a process under a MAC of its own vouches, or tells', (t) => {
  const left = tail('a')
  for (const unable of [
    { firstSeq: 8, lastSeq: 9 },
    { macs: 0 },
    { isBroken: true }
  ] satisfies Partial<Segment>[]) {
    const between = whole('b', { ...naming(left), ...unable })
    t.equal(told(left, between, whole('c', other)), 'a', `bound by ${JSON.stringify(unable)}`)
    t.equal(told(left, { ...between, head: HEAD }, whole('c', other)), 'a', 'nor is it the next')
    t.equal(told(left, { ...between, ...other }), '', 'nor does it tell')
  }
  t.equal(told(left, whole('b', { head: undefined }), whole('c', other)), 'a')
  t.end()
})

test('files of another writer say nothing of a tail, whatever the day', (t) => {
  const left = tail('a', { file: `${DAY}.1.jsonl` })
  t.equal(told(left, whole('b', { ...other, file: `${DAY}.2.jsonl` })), '')
  t.equal(
    told(left, whole('b', { file: `${DAY}.2.jsonl` }), whole('c', { ...other, file: left.file })),
    'a'
  )
  t.equal(told(left, whole('b', { ...other, file: '2026-03-02.1.jsonl' })), 'a')
  t.end()
})

test('who came no further than to name its predecessor is vouched for with what it named', (t) => {
  const first = tail('a')
  const second = tail('b', { ...naming(first), macs: 0, unfinishedFrom: 1 })
  const third = tail('c', { ...naming(second), macs: 0, unfinishedFrom: 1 })
  t.equal(told(first, second, third, whole('d', naming(third))), '')
  t.equal(told(first, third, whole('d', naming(third))), 'a', 'one of them is not there')
  const headless = tail('b', { head: undefined, macs: 0 })
  t.equal(told(first, headless, whole('d', naming(headless))), 'a')
  t.end()
})

test('what a head says that has a MAC, and is not the first of its process, is not passed on', (t) => {
  const first = tail('a')
  const later = tail('b', { ...naming(first), firstSeq: 3 })
  t.equal(told(first, later, whole('d', naming(later))), 'a')
  t.end()
})

test('processes that name each other in a ring end the question', (t) => {
  const ends = { macs: 0, unfinishedFrom: 1 }
  const second = tail('b')
  const first = tail('a', { ...naming(second), ...ends })
  const ring = [first, { ...second, ...naming(first), ...ends }]
  t.equal(told(...ring, whole('d', naming(first))), '')
  t.end()
})
