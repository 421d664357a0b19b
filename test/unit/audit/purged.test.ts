/** What is kept of segments that went: one line each, which counts as far as records vouch for it, and no further. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  addPurged,
  daysOnRecord,
  type PurgedSegment,
  purgedLines,
  purgedSegment,
  readPurged,
  vouchedBy
} from '../../../src/audit/purged.ts'
import type { Segment } from '../../../src/audit/segment-check.ts'
import { createDirectory } from '../../support/embedded.ts'

const ONE = 'one00000000'
const OTHER = 'other000000'
const NONE = { head: '', bytes: 0 }

const gone = (day: string, lastSeq: number, instance = ONE): PurgedSegment => ({
  file: `${day}.jsonl`,
  instance,
  firstSeq: 1,
  lastSeq,
  head: `digest of ${lastSeq}`
})

const SEGMENTS = [
  gone('2026-03-01', 4),
  gone('2026-03-03', 9),
  gone('2026-03-02', 7, OTHER),
  gone('2026-03-02', 6)
]

/** The digest of each line. */
const headsOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).digest)

const folderWith = (t: Test, text: string): string => {
  const folder = createDirectory(t)
  writeFileSync(join(folder, 'purged.jsonl'), text)
  return folder
}

test('lines hang on each other, and the last digest is that of all of them', (t) => {
  const { text, head } = purgedLines('', SEGMENTS)
  t.equal(headsOf(text).at(-1), head)
  const first = purgedLines('', SEGMENTS.slice(0, 2))
  const rest = purgedLines(first.head, SEGMENTS.slice(2))
  t.equal(first.text + rest.text, text)
  t.equal(rest.head, head)
  t.not(purgedLines('', SEGMENTS.slice(2)).head, head)
  t.strictSame(purgedLines('x', []), { text: '', head: 'x' })
  t.end()
})

test('of a segment its place and its last digest are kept, and nothing else', (t) => {
  const segment = { ...gone('2026-03-01', 4), digest: 'D', vouched: [], macs: 3, head: undefined }
  t.strictSame(purgedSegment(segment as unknown as Segment), {
    file: '2026-03-01.jsonl',
    instance: ONE,
    firstSeq: 1,
    lastSeq: 4,
    head: 'D'
  })
  t.end()
})

test('what is vouched for counts up to the last line that a record names', async (t) => {
  const { text, head } = purgedLines('', SEGMENTS)
  const folder = folderWith(t, text)
  const heads = headsOf(text)
  t.match(await readPurged(folder, () => false), {
    anchors: new Map(),
    vouchedPart: NONE,
    lastDay: '2026-03-03',
    vouched: new Set()
  })
  const some = await readPurged(folder, (one) => one === heads[1])
  t.strictSame([...some.anchors.keys()], [ONE])
  t.strictSame(some.vouchedPart, {
    head: heads[1],
    bytes: Buffer.byteLength(purgedLines('', SEGMENTS.slice(0, 2)).text)
  })
  t.strictSame([...some.vouched], [heads[1]])
  const all = await readPurged(folder, (one) => one === head || one === heads[0])
  t.strictSame(
    [...all.anchors.values()],
    [
      { instance: ONE, seq: 9, head: 'digest of 9' },
      { instance: OTHER, seq: 7, head: 'digest of 7' }
    ],
    'of each instance the furthest'
  )
  t.strictSame(all.vouchedPart, { head, bytes: Buffer.byteLength(text) })
  t.strictSame([...all.vouched], [heads[0], head])
})

test('behind a line that was altered nothing counts; an empty one and one that was not ended do no harm', async (t) => {
  const { text } = purgedLines('', SEGMENTS)
  const [first = '', second = '', ...rest] = text.split('\n')
  const { length } = Buffer.from(first)
  const counted = async (altered: string) => {
    const { vouchedPart, lastDay, vouched } = await readPurged(folderWith(t, altered), () => true)
    return [vouchedPart.bytes, lastDay, vouched.size]
  }
  const one = [length + 1, '2026-03-01', 1]
  t.strictSame(
    await counted([first, second.replace('"lastSeq":9', '"lastSeq":8'), ...rest].join('\n')),
    one
  )
  t.strictSame(await counted([first, second.replace(/}$/, ' }'), ...rest].join('\n')), one)
  t.strictSame(await counted([first, ...rest].join('\n')), one)
  t.strictSame(await counted(`${first}\n${second.slice(0, -5)}`), one)
  t.strictSame(await counted(`${first}\n${second}`), one)
  t.strictSame(await counted(`\n${first}\n`), [length + 2, '2026-03-01', 1])
  t.strictSame(await counted(`nonsense\n{"instance":7}\n7\n${first}\n`), [
    length + 1 + 9 + 15 + 2,
    '2026-03-01',
    1
  ])
})

test('where nothing was purged nothing is kept; a file that cannot be read is no such case', async (t) => {
  const nothing = { anchors: new Map(), vouchedPart: NONE, lastDay: undefined, vouched: new Set() }
  const folder = createDirectory(t)
  t.strictSame(await readPurged(folder, () => true), nothing)
  t.strictSame(await readPurged(join(folder, 'none'), () => true), nothing)
  writeFileSync(join(folder, 'handed-on.jsonl'), '')
  t.strictSame(await readPurged(join(folder, 'handed-on.jsonl'), () => true), nothing)
  mkdirSync(join(folder, 'purged.jsonl'))
  await t.rejects(
    readPurged(folder, () => true),
    { code: 'EISDIR' }
  )
})

test('what is added stands behind what is vouched for, and takes the place of the rest', async (t) => {
  const folder = createDirectory(t)
  const path = join(folder, 'purged.jsonl')
  await addPurged(folder, NONE, 'first\n')
  await addPurged(folder, { head: 'x', bytes: 6 }, 'second\n')
  t.equal(readFileSync(path, 'utf8'), 'first\nsecond\n')
  await addPurged(folder, { head: 'x', bytes: 6 }, 'third\n')
  t.equal(readFileSync(path, 'utf8'), 'first\nthird\n')
  await t.rejects(addPurged(join(folder, 'none'), NONE, 'x'))
  t.notOk(existsSync(join(folder, 'none')))
})

test('a record of a purge vouches for a digest and names the days; no other line does', (t) => {
  const time = '2026-03-08T12:00:00.000Z'
  const digest = 'd'.repeat(43)
  const record = {
    time,
    action: 'audit.purge',
    outcome: 'allowed',
    reason: `sha256:${digest}`,
    object: daysOnRecord('2026-03-01', '2026-03-03')
  }
  const vouched = (more: object) => vouchedBy(Buffer.from(JSON.stringify({ ...record, ...more })))
  const whole = { head: digest, time, first: '2026-03-01', last: '2026-03-03' }
  t.strictSame(vouched({}), whole)
  t.strictSame(vouched({ object: undefined }), { ...whole, first: '', last: '' })
  for (const object of ['audit 2026-03-01', `x${record.object}`, `${record.object}x`]) {
    t.strictSame(vouched({ object }), { ...whole, first: '', last: '' }, object)
  }
  for (const reason of [undefined, '', digest, `sha256:${digest}x`, `xsha256:${digest}`]) {
    t.equal(vouched({ reason }), undefined, `${reason}`)
  }
  t.equal(vouched({ action: 'audit.read' }), undefined)
  t.equal(vouchedBy(Buffer.from(JSON.stringify({ a: 1, ...record }))), undefined, 'elsewhere')
  t.equal(vouchedBy(Buffer.from(JSON.stringify(record).slice(0, -1))), undefined, 'cut off')
  t.end()
})
