/** What is said of one segment in which a line is not what was written, and of how its groups end. */
import { test } from 'tap'
import {
  GROUP_MAX,
  headBody,
  placeOf,
  type SegmentHead,
  type SegmentSeal,
  sealBody
} from '../../../src/audit/chain-line.ts'
import { headIn, sealIn } from '../../../src/audit/file-check.ts'
import { LINE_MAX } from '../../../src/audit/read-lines.ts'
import { createSegmentCheck, type SegmentCheckOptions } from '../../../src/audit/segment-check.ts'
import { macOf, stepped } from '../../../src/crypto/audit-key.ts'
import { type Body, MAC, madeChain } from '../../support/made-chain.ts'

const ONE = 'one00000000'
const DAY = '2026-03-01'
const TIME = `${DAY}T12:00:00.000Z`
const HEAD: SegmentHead = { kid: 'k', day: DAY, step: 0 }
const RECORD = `{"time":"${TIME}","action":"a"`

/** A head, so many records, and the seal if there is one. */
const segmentOf = (
  records: number,
  { macs, seal }: { macs?: readonly number[]; seal?: Partial<SegmentSeal> } = {}
): string[] => {
  const lastSeq = records + 1
  const whole = { day: DAY, firstSeq: 1, lastSeq, count: lastSeq }
  const bodies: Body[] = [headBody(TIME, HEAD), ...Array(records).fill(RECORD)]
  if (seal !== undefined) bodies.push((head) => sealBody(TIME, { ...whole, head, ...seal }))
  return madeChain(bodies, { instance: ONE, ...(macs && { macs }) })
}

type Given = string | { readonly line: string; readonly isAfterUnreadable: boolean }

const check = (lines: readonly Given[], options: Partial<SegmentCheckOptions> = {}) => {
  const seen = lines.map((given, i) => {
    const { line, isAfterUnreadable } =
      typeof given === 'string' ? { line: given, isAfterUnreadable: false } : given
    const bytes = Buffer.from(line)
    const place = placeOf(bytes)
    if (place === undefined) throw new Error('it has a place')
    return { bytes, place, line: i + 1, seal: sealIn(bytes), isAfterUnreadable }
  })
  const [first, ...rest] = seen
  if (first === undefined) throw new Error('there is a first')
  const { segment, take, end } = createSegmentCheck({
    file: 'f',
    head: headIn(first.bytes),
    first,
    key: undefined,
    anchored: () => [],
    ...options
  })
  for (const one of rest) take(one)
  const { findings, unfinished } = end()
  const told = findings.map(
    ({ verdict, line = '-', seq, to, detail }) =>
      `${verdict} ${line} ${to === undefined ? seq : `${seq}-${to}`}: ${detail}`
  )
  return { told, segment, unfinished }
}

const toldOf = (lines: readonly Given[], options: Partial<SegmentCheckOptions> = {}) =>
  check(lines, options).told

test('a segment with its seal is sealed, one without is not, and one without its last MAC is unfinished', (t) => {
  const sealed = check(segmentOf(3, { macs: [4, 5], seal: {} }))
  t.same([sealed.told, sealed.unfinished], [[], undefined])
  t.match(sealed.segment, { isSealed: true, isBroken: false, macs: 2, lastSeq: 5, vouched: [] })
  t.equal(sealed.segment.vouched.length, 0)
  const open = check(segmentOf(3, { macs: [2] }))
  t.match(open.segment, { isSealed: false, unfinishedFrom: 3 })
  t.same(open.unfinished, { file: 'f', instance: ONE, seq: 3, to: 4 })
  t.equal(check(segmentOf(3, { macs: [4] })).unfinished, undefined)
  t.equal(check(segmentOf(3).slice(0, 1)).segment.isSealed, false)
  t.end()
})

test('a seal is that of its segment, whichever of its members is another one, and has its MAC', (t) => {
  const wrong = ['tampered 5 5: the seal is not that of its segment']
  for (const seal of [
    { firstSeq: 2 },
    { lastSeq: 3 },
    { lastSeq: 5 },
    { head: 'D'.repeat(43) },
    { count: 3 },
    { count: 5 }
  ]) {
    t.same(toldOf(segmentOf(3, { macs: [4, 5], seal })), wrong, JSON.stringify(seal))
  }
  t.same(toldOf(segmentOf(3, { macs: [4], seal: {} })), ['tampered 5 5: the seal has no MAC'])
  const headless = (seal: Partial<SegmentSeal>) =>
    toldOf(segmentOf(3, { macs: [4, 5], seal }).slice(1))
  t.same(headless({}), [])
  t.same(headless({ firstSeq: 9, count: 9 }), [], 'where it began is not known without its head')
  t.same(headless({ lastSeq: 3 }), ['tampered 4 5: the seal is not that of its segment'])
  t.same(headless({ head: 'D'.repeat(43) }), ['tampered 4 5: the seal is not that of its segment'])
  t.end()
})

test('of a line that has not the number that is due it is told what became of that', (t) => {
  const lines = segmentOf(8, { macs: [9] })
  const named = (i: number, seq: number): string =>
    (lines[i] ?? '').replace(`"seq":${i + 1},`, `"seq":${seq},`)
  t.same(toldOf(lines.toSpliced(3, 1)), ['line missing 4 4: 5 follows on 3'])
  t.same(toldOf(lines.toSpliced(3, 3)), ['line missing 4 4-6: 7 follows on 3'])
  t.same(toldOf(lines.with(3, named(3, 2))), ['tampered 4 4: its number is 2'])
  t.same(toldOf(lines.with(3, named(3, 70))), ['tampered 4 4: its number is 70'])
  t.same(
    toldOf([...lines.slice(0, 3), named(3, 70)]),
    ['line missing 4 4-69: 70 follows on 3'],
    'with nothing after it nobody knows'
  )
  t.same(toldOf([...lines.slice(0, 3), named(3, 2)]), ['tampered 4 4: its number is 2'])
  t.same(toldOf(lines.with(3, lines[5] ?? '').with(5, lines[3] ?? '')), [
    'reordered 4 4: 6 stands in the place of 4'
  ])
  const after = { line: lines[4] ?? '', isAfterUnreadable: true }
  t.same(toldOf([...lines.slice(0, 3), after, ...lines.slice(5)]), [
    'tampered 4 4: the line cannot be read'
  ])
  t.end()
})

test('what is wrong first is told, and nothing that follows from it', (t) => {
  const lines = segmentOf(8, { macs: [9] })
  const altered = lines.map((line, i) => (i > 2 ? line.replace('"a"', '"b"') : line))
  const { told, segment, unfinished } = check(altered)
  t.same(told, ['tampered 4 4: it is not the line that was written'])
  t.match(segment, { isBroken: true, lastSeq: 9, lastLine: 9 })
  t.equal(unfinished, undefined)
  t.same(toldOf(segmentOf(8).slice(1)), [], 'without its head its first line is believed')
  t.same(toldOf(altered.slice(2)), ['tampered 2 4: it is not the line that was written'])
  t.end()
})

test('a place that is known from elsewhere has that digest', (t) => {
  const lines = segmentOf(3, { macs: [4] })
  const digest = placeOf(Buffer.from(lines[2] ?? ''))?.digest ?? ''
  const known =
    (...digests: readonly string[]) =>
    (seq: number): readonly string[] =>
      seq === 3 ? digests : []
  t.same(toldOf(lines, { anchored: known(digest) }), [])
  const mismatch = ['anchor mismatch 3 3: the trail is not the one that the anchor was taken of']
  t.same(toldOf(lines, { anchored: known('D') }), mismatch)
  t.same(toldOf(lines, { anchored: known(digest, 'D') }), mismatch, 'all that are known')
  t.end()
})

test('more lines without a MAC than are written at once are no unfinished group', (t) => {
  t.same(toldOf(segmentOf(GROUP_MAX)), [])
  t.same(toldOf(segmentOf(GROUP_MAX + 1)), [
    `tampered - 1-${GROUP_MAX + 2}: more lines without a MAC than are ever written at once`
  ])
  t.end()
})

/** As who has the key: each MAC is that of its step. */
const withMacs = (lines: readonly string[], first: Buffer): string[] => {
  let key: Buffer = Buffer.from(first)
  return lines.map((line) => {
    if (!line.includes(MAC)) return line
    const made = macOf(key, placeOf(Buffer.from(line))?.digest ?? '')
    key = stepped(key)
    return line.replace(MAC, made)
  })
}

test('each group ends with the MAC of its step; the first that is another says whose key it is not', (t) => {
  const first = Buffer.alloc(32, 7)
  const running = () => ({ step: 5, key: Buffer.from(first) })
  const lines = withMacs(segmentOf(6, { macs: [2, 4, 7] }), first)
  const key = running()
  t.same(toldOf(lines, { key }), [])
  t.equal(key.step, 8)
  t.same(key.key, stepped(stepped(stepped(first))))
  t.same(toldOf(segmentOf(6, { macs: [2, 4, 7] }), { key: running() }), [
    'other key 2 1-2: its MACs are not made with the key of this instance'
  ])
  const last = lines.with(6, (lines[6] ?? '').replace(/"mac":"../, '"mac":"--'))
  t.same(toldOf(last, { key: running() }), [
    'tampered 7 5-7: its digests were made anew, without the key'
  ])
  t.end()
})

const purge = (digest: string): string =>
  `{"time":"${TIME}","action":"audit.purge","outcome":"allowed","reason":"sha256:${digest}","object":"audit 2026-01-01..2026-01-02"`

test('a record of a purge vouches once the MAC of its group holds, and for that group alone', (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((one) => one.repeat(43)) as [string, string, string]
  const bodies = [headBody(TIME, HEAD), purge(a), RECORD, purge(b), RECORD, purge(c)]
  const first = Buffer.alloc(32, 7)
  const lines = withMacs(madeChain(bodies, { instance: ONE, macs: [3, 5] }), first)
  const vouched = (some: readonly string[], isKeyed: boolean) =>
    check(some, { key: isKeyed ? { step: 0, key: Buffer.from(first) } : undefined }).segment.vouched
  const place = { instance: ONE, time: TIME, first: '2026-01-01', last: '2026-01-02' }
  const both = [
    { ...place, head: a, seq: 2 },
    { ...place, head: b, seq: 4 }
  ]
  t.strictSame(vouched(lines, true), both)
  t.strictSame(vouched(lines, false), both, 'where no key is at hand')
  const bad = lines.with(4, (lines[4] ?? '').replace(/"mac":"../, '"mac":"--'))
  t.strictSame(vouched(bad, true), both.slice(0, 1))
  t.end()
})

test('a line of the greatest length has its digest too', (t) => {
  const long = `${RECORD},"x":"${'x'.repeat(LINE_MAX - 400)}"`
  t.same(toldOf(madeChain([headBody(TIME, HEAD), long, RECORD], { instance: ONE })), [])
  const longest = madeChain([headBody(TIME, HEAD), RECORD], { instance: ONE })
  const [, bare = ''] = longest
  const room = LINE_MAX - bare.length - ',"x":""'.length
  const whole = madeChain([headBody(TIME, HEAD), `${RECORD},"x":"${'x'.repeat(room)}"`], {
    instance: ONE
  })
  t.equal(whole[1]?.length, LINE_MAX)
  t.same(toldOf(whole), [])
  t.end()
})
