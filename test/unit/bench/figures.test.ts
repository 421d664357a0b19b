// What the bench makes of its numbers, and when its guard finds that a read has become slower.
import { test } from 'tap'
import {
  BUSY,
  bestOf,
  lossesOf,
  median,
  medianRatios,
  NOT_COMPARED,
  ratioTo,
  SLOWED,
  TOLERANCE,
  verdictOf
} from '../../../scripts/bench/figures.ts'

test('the median is the middle of the numbers by size, or between the two in the middle', async (t) => {
  const numbers = [10, 9, 100]
  t.equal(median(numbers), 10)
  t.strictSame(numbers, [10, 9, 100], 'and they stay as they were')
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.equal(median([7]), 7)
  t.ok(Number.isNaN(median([])))
})

test('a ratio is taken within a round, so that a slow round spoils neither side', async (t) => {
  // In the second round the machine had a tenth of the time for both.
  const first = [{ n: 100 }, { n: 10 }, { n: 100 }]
  const rounds = [{ n: 50 }, { n: 5 }, { n: 52 }]
  const ofN = ({ n }: { n: number }) => n
  t.equal(ratioTo(first, rounds, ofN), 0.5)
  t.equal(ratioTo(first, first, ofN), 1)
  t.ok(Number.isNaN(ratioTo([], rounds, ofN)), 'rounds that have no other side')
})

test('of several starts the median of each ratio counts', async (t) => {
  const runs = [
    { requests: 0.5, processor: 9 },
    { requests: 0.1, processor: 2 },
    { requests: 0.6, processor: 2.2 }
  ]
  t.strictSame(medianRatios(runs), { requests: 0.5, processor: 2.2 })
})

test('a loss is what goes beyond the tolerance, of requests or of processor time', async (t) => {
  const recorded = { requests: 0.5, processor: 2 }
  const within = 1 - TOLERANCE + 0.01
  const beyond = 1 - TOLERANCE - 0.01
  t.strictSame(lossesOf(recorded, recorded), [])
  t.strictSame(lossesOf({ requests: 0.9, processor: 1 }, recorded), [], 'faster')
  t.strictSame(lossesOf({ requests: 0.5 * within, processor: 2 / within }, recorded), [])
  t.match(lossesOf({ requests: 0.5 * beyond, processor: 2 }, recorded), [
    'requests a second: 84 % of what was recorded'
  ])
  t.match(lossesOf({ requests: 0.5, processor: 2 / beyond }, recorded), [
    'requests by processor time: 84 % of what was recorded'
  ])
  t.equal(lossesOf({ requests: 0.1, processor: 9 }, recorded).length, 2)
})

test('what was not measured is a loss, and what was not recorded is none', async (t) => {
  const measured = { requests: Number.NaN, processor: Number.NaN }
  t.equal(lossesOf(measured, { requests: 0.5, processor: 2 }).length, 2)
  t.strictSame(
    lossesOf({ requests: 0.1, processor: 2 }, { requests: NOT_COMPARED, processor: 2 }),
    []
  )
})

test('a second attempt makes up for what was slow in the first alone', async (t) => {
  const [first, second] = [
    { requests: 0.3, processor: 2 },
    { requests: 0.5, processor: 4 }
  ]
  t.strictSame(bestOf(first, second), { requests: 0.5, processor: 2 })
})

test('a loss fails on a quiet machine, and is no verdict on a busy or slowed one', async (t) => {
  const quiet = { others: BUSY, slowdown: SLOWED }
  t.equal(verdictOf([], { others: 1, slowdown: 2 }), 'as fast as recorded')
  t.equal(verdictOf(['slower'], quiet), 'SLOWER')
  const unknown = { others: Number.NaN, slowdown: Number.NaN }
  t.equal(verdictOf(['slower'], unknown), 'SLOWER', 'what was not measured excuses nothing')
  t.match(verdictOf(['slower'], { ...quiet, others: BUSY + 0.01 }), /^cannot be told/)
  t.match(verdictOf(['slower'], { ...quiet, slowdown: SLOWED + 0.01 }), /^cannot be told/)
})
