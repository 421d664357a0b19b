/** What the writes of the trail come to, in numbers. */
import { test } from 'tap'
import { createTrailCount } from '../../../src/audit/trail-count.ts'

const groupOf = (lines: number, waitedMs = 0) => ({
  bodies: Array(lines).fill(''),
  since: performance.now() - waitedMs
})

test('what is written counts by events and by groups, what fails by groups alone', async (t) => {
  let time = 1_000
  const count = createTrailCount(() => time)
  t.match(count.figures(undefined, false), {
    lines: 0,
    groups: 0,
    lagMs: 0,
    lastWriteAt: undefined,
    isFailing: false
  })
  for (const [lines, isWritten] of [
    [3, true],
    [2, false],
    [1, true]
  ] as const) {
    const group = groupOf(lines)
    count.begins(group)
    time += 10
    count.ended(group, isWritten)
  }
  t.match(count.figures(undefined, true), {
    lines: 4,
    groups: 2,
    failedGroups: 1,
    lagMs: 0,
    lastWriteAt: 1_030,
    isFailing: true
  })
})

test('the lag is that of the group under way, or else of the next one', async (t) => {
  const count = createTrailCount(() => 0)
  const [first, next] = [groupOf(1, 5_000), groupOf(1, 1_000)]
  t.ok(count.figures(next, false).lagMs >= 1_000)
  count.begins(first)
  t.ok(count.figures(next, false).lagMs >= 5_000)
  count.ended(first, true)
  t.ok(count.figures(next, false).lagMs < 5_000)
  t.equal(count.figures(undefined, false).lagMs, 0)
})
