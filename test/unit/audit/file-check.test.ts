/** One file of the trail, line by line: which lines no chain takes, and of which of them it is told. */
import { test } from 'tap'
import { headBody, type SegmentHead, sealBody } from '../../../src/audit/chain-line.ts'
import {
  createFileCheck,
  type FileCheckOptions,
  headIn,
  misplacedIn,
  sealIn
} from '../../../src/audit/file-check.ts'
import { madeChain } from '../../support/made-chain.ts'

const ONE = 'one00000000'
const OTHER = 'other000000'
const DAY = '2026-03-01'
const FILE = `${DAY}.jsonl`
const TIME = `${DAY}T12:00:00.000Z`
const HEAD: SegmentHead = { kid: 'k', day: DAY, step: 0 }

/** A head, so many records without a MAC, and no seal. */
const chain = (records: number, instance = ONE, head: SegmentHead = HEAD): string[] =>
  madeChain([headBody(TIME, head), ...Array(records).fill(`{"time":"${TIME}","action":"a"`)], {
    instance
  })

const check = (lines: readonly string[], options: Partial<FileCheckOptions> = {}) => {
  const { take, end } = createFileCheck({
    file: FILE,
    isKnown: () => true,
    keyOf: () => ({ key: undefined, fault: undefined }),
    anchored: () => [],
    ...options
  })
  for (const [i, line] of lines.entries()) take(Buffer.from(line), i + 1)
  return end()
}

/** `verdict line seq: detail` of each finding. */
const told = (lines: readonly string[], options: Partial<FileCheckOptions> = {}): string[] =>
  check(lines, options).findings.map(
    ({ verdict, line = '-', seq = '-', detail }) => `${verdict} ${line} ${seq}: ${detail}`
  )

const PLAIN = `{"time":"${TIME}","action":"secret.read"}`
const foreign = (line: number): string => `tampered ${line} -: the line stands in no chain`

test('lines of several chains are each given to their own, and empty ones to none', (t) => {
  const [a = '', b = '', c = ''] = chain(2)
  const [x = '', y = ''] = chain(1, OTHER)
  const { findings, lines, segments, unfinished, withoutKey } = check([a, x, '', b, y, c])
  t.same([findings, lines, withoutKey], [[], 5, 2])
  t.same(
    segments.map(({ instance, firstLine, lastLine, lastSeq }) => [
      ...[instance, firstLine, lastLine, lastSeq]
    ]),
    [
      [ONE, 1, 6, 3],
      [OTHER, 2, 5, 2]
    ]
  )
  t.same(
    unfinished.map(({ instance, seq, to }) => [instance, seq, to]),
    [
      [ONE, 1, 3],
      [OTHER, 1, 2]
    ]
  )
  t.end()
})

test('only whole records before the first chain are from before the chains', (t) => {
  const own = chain(1)
  t.equal(check([PLAIN, PLAIN, ...own]).unchained, 2)
  t.same(told([PLAIN, PLAIN, ...own]), [])
  t.same(told([...own, PLAIN]), [foreign(3)])
  for (const member of ['"digest":"D"', `"instance":"${ONE}"`, '"chain":"head"']) {
    t.same(told([`${PLAIN.slice(0, -1)},${member}}`, ...own]), [foreign(1)], member)
  }
  t.same(told([PLAIN.replace('time', 'tame'), ...own]), [foreign(1)])
  t.end()
})

test('the beginning of a line is what a kill leaves, unless it is none of ours or has its MAC', (t) => {
  const own = chain(1)
  const [, whole = ''] = own
  for (const cut of [whole.slice(0, 90), whole.slice(0, 3), '{', PLAIN.slice(0, -1)]) {
    t.same(told([...own, cut]), [], cut)
    t.equal(check([...own, cut]).unchained, 0)
  }
  const mac = `,"mac":"${'M'.repeat(43)}"`
  t.same(told([...own, `${whole.slice(0, -1)}${mac}x`]), [foreign(3)])
  t.same(told([...own, `${whole.slice(0, -1)}${mac}`]), [], 'without the brace it was cut')
  t.same(told([...own, 'x', whole.slice(1, 90)]), [foreign(3), foreign(4)])
  t.same(told([...own, `${PLAIN}}`]), [foreign(3)])
  t.end()
})

test('of lines that stand in no chain a thousand are told', (t) => {
  t.equal(check([...chain(1), ...Array(1_200).fill(PLAIN)]).findings.length, 1_000)
  t.end()
})

test('a line whose number follows, under an instance that nobody knows, is one that was altered', (t) => {
  const own = chain(2)
  const [, , last = ''] = own
  const altered = last.replace(ONE, OTHER)
  const isKnown = (instance: string): boolean => instance === ONE
  t.same(told([...own.slice(0, 2), altered], { isKnown }), [foreign(3)])
  const far = altered.replace('"seq":3', '"seq":9')
  t.equal(check([...own.slice(0, 2), far], { isKnown }).segments.length, 2)
  t.equal(check([...own.slice(0, 2), altered]).segments.length, 2, 'one that is known is its own')
  t.end()
})

test('a line that cannot be read between two of a chain is told as the fault of that chain', (t) => {
  const own = chain(3)
  const bad = 'unreadable'
  t.same(told(own.with(2, bad)), [`tampered 4 3: the line cannot be read`])
  t.same(told([bad, ...own.with(2, bad)]), [foreign(1), 'tampered 5 3: the line cannot be read'])
  t.same(told([...own.slice(0, 2), bad, ...own.slice(2)]), [foreign(3)], 'one that was put there')
  t.end()
})

test('findings come in the order of their lines', (t) => {
  const own = chain(3)
  t.same(
    told(['bad', ...own.slice(0, 2), 'bad', PLAIN, own[3]?.replace('"a"', '"b"') ?? '']).map(
      (one) => one.split(' ')[1]
    ),
    ['1', '6']
  )
  t.same(
    told([...own.with(1, (own[1] ?? '').replace('"a"', '"b"')), 'x', 'y']).map(
      (one) => one.split(' ')[1]
    ),
    ['2', '5', '6']
  )
  t.end()
})

test('a key that is not ours is told at the head, and one that is not at hand is counted', (t) => {
  const lines = chain(1)
  t.same(told(lines, { keyOf: () => ({ key: undefined, fault: 'somebody else' }) }), [
    'other key 1 1: somebody else'
  ])
  t.equal(check(lines, { keyOf: () => ({ key: undefined, fault: 'x' }) }).withoutKey, 0)
  t.equal(check(lines).withoutKey, 1)
  const asked: unknown[] = []
  check(lines.slice(1), {
    keyOf: (...all) => {
      asked.push(all)
      return { key: undefined, fault: 'never asked' }
    }
  })
  t.same(asked, [], 'without a head there is nothing to ask with')
  t.equal(check(lines.slice(1)).withoutKey, 1)
  t.end()
})

test('a chain that stands in the file of another day is told, at its head', (t) => {
  const other = chain(1, ONE, { ...HEAD, day: '2026-03-02' })
  t.same(told(other), ['tampered 1 1: it was written into the file of 2026-03-02'])
  const misplaced = (file: string) => misplacedIn(file, HEAD) !== undefined
  t.same(
    [FILE, `${DAY}.2.jsonl`, 'handed-on.jsonl', `x${DAY}.jsonl`, '2026-03-02.jsonl'].map(misplaced),
    [false, false, false, false, true]
  )
  t.end()
})

test('a second head of an instance begins a segment anew', (t) => {
  const own = chain(1)
  const { segments } = check([...own, ...own])
  t.same(
    segments.map(({ firstLine, lastLine }) => [firstLine, lastLine]),
    [
      [1, 2],
      [3, 4]
    ]
  )
  t.end()
})

test('a head and a seal are read from lines that are that, and from nothing else', (t) => {
  const head = Buffer.from(`${headBody(TIME, HEAD)}}`)
  t.match(headIn(head), HEAD)
  t.equal(sealIn(head), undefined)
  const seal = { day: DAY, firstSeq: 1, lastSeq: 2, head: 'D', count: 2 }
  const sealed = Buffer.from(`${sealBody(TIME, seal)}}`)
  t.match(sealIn(sealed), seal)
  t.equal(headIn(sealed), undefined)
  for (const wrong of [{ kid: 7 }, { step: '0' }, { step: 1.5 }]) {
    t.equal(
      headIn(Buffer.from(`${headBody(TIME, { ...HEAD, ...wrong } as SegmentHead)}}`)),
      undefined
    )
  }
  t.equal(headIn(head.subarray(0, -1)), undefined)
  t.equal(headIn(Buffer.from(`{"a":1,${String(head).slice(1)}`)), undefined, 'in another place')
  t.end()
})
