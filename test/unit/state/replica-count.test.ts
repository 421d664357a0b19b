/** How many replicas there are, as each of them knows it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createReplicaCount } from '../../../src/state/replica-count.ts'
import { createMemoryShared } from '../../support/shared.ts'

const WINDOW_MS = 10_000

const setUp = (t: Test) => {
  const clock = { time: 1_000 * WINDOW_MS }
  const shared = createMemoryShared(() => clock.time)
  const start = (environment = 'dev', everyMs = 2) => {
    const count = createReplicaCount({
      shared: shared.connect(),
      environment,
      now: () => clock.time,
      everyMs,
      windowMs: WINDOW_MS
    })
    t.teardown(count.close)
    return count
  }
  const pass = async (ms: number): Promise<void> => {
    clock.time += ms
    await sleep(15)
  }
  return { shared, start, pass }
}

test('replicas that start are counted at once, and ones that end after a window', async (t) => {
  const { start, pass } = setUp(t)
  const [one, two] = [start(), start()]
  await pass(0)
  t.same([one.current(), two.current()], [2, 2])
  const three = start()
  await pass(1_000)
  t.same([one.current(), two.current(), three.current()], [3, 3, 3])
  three.close()
  await pass(WINDOW_MS)
  t.equal(one.current(), 3, 'it may only be late in this window')
  await pass(WINDOW_MS)
  t.same([one.current(), two.current()], [2, 2])
})

test('the last number stands while nothing is shared', async (t) => {
  const { shared, start, pass } = setUp(t)
  const [one] = [start(), start()]
  await pass(0)
  shared.away()
  for (let n = 0; n < 3; n++) await pass(WINDOW_MS)
  t.equal(one.current(), 2)
  shared.back()
  await pass(0)
  t.equal(one.current(), 2)
})

test('other environments on the same Redis are not counted, and who shares nothing is one', async (t) => {
  const { start, pass } = setUp(t)
  const one = start()
  start('staging')
  await pass(0)
  t.equal(one.current(), 1)
  const alone = createReplicaCount({ shared: undefined, environment: 'dev', now: Date.now })
  t.equal(alone.current(), 1)
  alone.close()
})

test('a replica waits to be counted before it takes its share, though not for long where nothing is shared', async (t) => {
  const { shared, start } = setUp(t)
  start()
  const two = start()
  await two.asked
  t.equal(two.current(), 2)
  shared.away()
  const three = start('dev', 60_000)
  const since = performance.now()
  await three.asked
  t.ok(performance.now() - since < 2_000)
  t.equal(three.current(), 1)
  shared.back()
  await sleep(150)
  t.equal(three.current(), 3, 'it tries again soon, and not only after its interval')
})
