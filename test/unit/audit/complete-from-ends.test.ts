/** Since when all is there, as the beginnings and ends of files tell it, case by case. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { headBody } from '../../../src/audit/chain-line.ts'
import {
  createCompleteFrom,
  firstLineOf,
  timeOfHoldings
} from '../../../src/audit/complete-from.ts'
import { purgedLines } from '../../../src/audit/purged.ts'
import { createDirectory } from '../../support/embedded.ts'
import { madeChain } from '../../support/made-chain.ts'

const ONE = 'one00000000'
const OTHER = 'other000000'
const D = 'd'.repeat(43)

const timeOn = (day: number): string => `2026-03-0${day}T12:00:00.000Z`

interface Day {
  readonly instance?: string
  /** The number of its first line. */
  readonly seq?: number
  readonly after?: string
  /** The first line is a record. */
  readonly isHeadless?: boolean
  readonly writer?: string
}

/** A file of two lines, the latter of which ends a group. */
const put = (folder: string, day: number, more: Day = {}): void => {
  const { instance = ONE, seq = 1, after, isHeadless = false, writer } = more
  const head = { kid: 'k', day: `2026-03-0${day}`, step: 0, ...(after && { after }) }
  const record = `{"time":"${timeOn(day)}","action":"a"`
  const lines = madeChain([isHeadless ? record : headBody(timeOn(day), head), record], {
    instance,
    firstSeq: seq,
    macs: [seq + 1]
  })
  const name = `2026-03-0${day}${writer ? `.${writer}` : ''}.jsonl`
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''))
}

const look = (folder: string) => createCompleteFrom(folder, (work) => work()).look()

/** What is missing, where the first day has lines 1 and 2 of an instance and the second what is given. */
const gapBefore = async (t: Test, second: Day, first: Day = {}) => {
  const folder = createDirectory(t)
  put(folder, 1, first)
  put(folder, 2, second)
  const { begun, gap } = await look(folder)
  t.equal(begun, timeOn(1))
  return gap
}

test('a file that goes on where the one before ended misses nothing', async (t) => {
  t.equal(await gapBefore(t, { seq: 3 }), undefined)
  t.equal(await gapBefore(t, { seq: 2 }), undefined, 'it may have gone further')
  t.equal(await gapBefore(t, { seq: 4 }), timeOn(2))
  t.equal(await gapBefore(t, { seq: 3, instance: OTHER }), timeOn(2), 'of another process')
  t.equal(await gapBefore(t, { seq: 3 }, { seq: 9, instance: OTHER }), timeOn(2))
  t.equal(await gapBefore(t, { seq: 3, writer: '2' }), timeOn(2), 'of another writer')
})

test('a process that begins names what was on record before it, and that has to be there', async (t) => {
  const begun = (after?: string) => gapBefore(t, { instance: OTHER, ...(after && { after }) })
  t.equal(await begun(), undefined, 'it found nothing')
  t.equal(await begun(`${ONE}:2:${D}`), undefined)
  t.equal(await begun(`${ONE}:3:${D}`), timeOn(2))
  t.equal(await begun('nonsense'), timeOn(2), 'what it says cannot be read')
  const folder = createDirectory(t)
  put(folder, 2, { instance: OTHER, after: `${ONE}:2:${D}` })
  t.same(await look(folder), { begun: timeOn(2), gap: timeOn(2) }, 'as the first')
})

test('a file that does not begin with a head may miss anything', async (t) => {
  t.equal(await gapBefore(t, { seq: 3, isHeadless: true }), timeOn(2))
  t.equal(await gapBefore(t, { seq: 1, isHeadless: true }), timeOn(2))
  const folder = createDirectory(t)
  put(folder, 1)
  writeFileSync(join(folder, '2026-03-02.jsonl'), `{"time":"${timeOn(2)}","chain":"head"}\n`)
  t.equal((await look(folder)).gap, timeOn(2), 'nor with one that has no place')
  writeFileSync(join(folder, '2026-03-02.jsonl'), '')
  t.equal((await look(folder)).gap, '2026-03-02T23:59:59.999Z', 'nor with an empty one')
})

test('the latest of what is missing counts, of whichever writer', async (t) => {
  const folder = createDirectory(t)
  put(folder, 1)
  put(folder, 3, { seq: 9 })
  put(folder, 2, { seq: 9, writer: '2' })
  t.same(await look(folder), { begun: timeOn(1), gap: timeOn(3) })
  put(folder, 4, { seq: 12, writer: '2' })
  t.same(await look(folder), { begun: timeOn(1), gap: timeOn(4) })
  put(folder, 4, { seq: 11, writer: '2' })
  t.same(await look(folder), { begun: timeOn(1), gap: timeOn(3) })
})

test('what was purged is no gap by itself, and all is there from the end of its last day on', async (t) => {
  const folder = createDirectory(t)
  put(folder, 1, { writer: 'cli' })
  put(folder, 5, { seq: 7 })
  const purged = (...seqs: readonly number[]): void =>
    writeFileSync(
      join(folder, 'purged.jsonl'),
      purgedLines(
        '',
        seqs.map((lastSeq) => ({
          file: `2026-03-0${lastSeq - 2}.jsonl`,
          instance: ONE,
          firstSeq: 1,
          lastSeq,
          head: D
        }))
      ).text
    )
  purged(6)
  t.same(await look(folder), { begun: timeOn(1), gap: '2026-03-05T00:00:00.000Z' })
  purged(5)
  t.same(await look(folder), { begun: timeOn(1), gap: timeOn(5) }, 'it does not go far enough')
})

test('where nothing is on record nothing is missing, and what cannot be read is passed over', async (t) => {
  const folder = createDirectory(t)
  const nothing = { begun: undefined, gap: undefined }
  t.same(await look(folder), nothing)
  t.same(await look(join(folder, 'none')), nothing)
  writeFileSync(join(folder, 'purged.jsonl'), purgedLines('', []).text)
  mkdirSync(join(folder, '2026-03-01.jsonl'))
  t.same(await look(folder), nothing)
  put(folder, 2)
  t.same(await look(folder), { begun: timeOn(2), gap: undefined })
})

test('of several places the oldest record counts, and the latest of what is missing', (t) => {
  const nothing = { begun: undefined, gap: undefined }
  t.equal(timeOfHoldings([]), undefined)
  t.equal(timeOfHoldings([nothing, nothing]), undefined)
  t.equal(
    timeOfHoldings([{ begun: 'c', gap: undefined }, nothing, { begun: 'b', gap: undefined }]),
    'b'
  )
  t.equal(
    timeOfHoldings([
      { begun: 'b', gap: 'f' },
      { begun: 'c', gap: 'e' }
    ]),
    'f'
  )
  t.equal(timeOfHoldings([{ begun: undefined, gap: 'e' }]), 'e')
  t.end()
})

test('the first line of a file is read, unless it is longer than any of ours', async (t) => {
  const path = join(createDirectory(t), 'file')
  const first = async (text: string) => {
    writeFileSync(path, text)
    return (await firstLineOf(path)).toString()
  }
  t.equal(await first('a\nb\n'), 'a')
  t.equal(await first('a'), '')
  t.equal(await first(''), '')
  t.equal(await first(`${'x'.repeat(8_191)}\n`), 'x'.repeat(8_191))
  t.equal(await first(`${'x'.repeat(8_192)}\n`), '')
})
