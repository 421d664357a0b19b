/** Counting by labels, and times by their buckets. */
import { test } from 'tap'
import { BUCKETS, createTally, createTimings } from '../../../src/telemetry/tally.ts'

test('each set of labels has its own count, also one that begins as another does', async (t) => {
  const tally = createTally()
  tally.add(['a', 'b'])
  tally.add(['a', 'b'])
  tally.add(['a'])
  tally.add(['a', 200])
  tally.add([])
  t.same(
    [...tally.samples()],
    [
      [[], 1],
      [['a'], 1],
      [['a', 'b'], 2],
      [['a', 200], 1]
    ]
  )
  t.same([...createTally().samples()], [])
})

test('a time counts in the first bucket that is no shorter', async (t) => {
  const timings = createTimings()
  for (const ms of [0, 0.5, 0.500_001, 5_000, 5_001]) timings.add(['x'], ms)
  const [[labels, { counts, count, sum }] = [[], { counts: [], count: 0, sum: 0 }]] = [
    ...timings.timings()
  ]
  t.same(labels, ['x'])
  t.equal(counts[0], 2)
  t.equal(counts[1], 1)
  t.equal(counts[BUCKETS.length - 1], 1)
  t.equal(count, 5, 'also what is beyond all of them')
  t.ok(Math.abs(sum - 10.002) < 0.000_01)
})
