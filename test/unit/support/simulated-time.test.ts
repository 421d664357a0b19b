/** Simulations prove something only if time, order and chance in them are as the code sees them elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { every } from '../../../src/state/background.ts'
import { withDeadline } from '../../../src/state/deadline.ts'
import { simulate } from '../../support/simulated-time.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

test('a day passes in no time, for every timer that the code uses', async (t) => {
  const used = startCpuWatch()
  const seen = await simulate(1, async (time) => {
    let rounds = 0
    const loop = every('rounds of a test', 60_000, () => void rounds++)
    const late = withDeadline(
      1_000,
      () => new Promise<never>(() => {}),
      () => new Error('late')
    ).catch((error: Error) => `${error.message} after ${performance.now()}`)
    await sleep(86_400_000)
    loop.close()
    return { rounds, late: await late, passed: time.passed(), clock: performance.now() }
  })
  t.strictSame(seen, {
    rounds: 1_439,
    late: 'late after 1000',
    passed: 86_400_000,
    clock: 86_400_000
  })
  t.ok(used() < 2_000)
})

test('what was asked for first comes first, and what was cancelled never', async (t) => {
  const seen = await simulate(1, async (time) => {
    const order: string[] = []
    for (const [ms, name] of [
      [20, 'd'],
      [10, 'b'],
      [10, 'c'],
      [5, 'a']
    ] as const) {
      setTimeout(() => order.push(name), ms)
    }
    clearTimeout(setTimeout(() => order.push('never'), 7))
    setTimeout(() => order.push('wound up'), 9).refresh()
    setImmediate(() => order.push('at once'))
    await time.sleep(30)
    return order.join(' ')
  })
  t.equal(seen, 'at once a wound up b c d')
})

test('the same seed is the same chance, and afterwards everything is real again', async (t) => {
  const before = [setTimeout, performance.now, Math.random, sleep] as const
  const draw = () => simulate(7, async ({ random }) => [random(), Math.random()])
  t.strictSame(await draw(), await draw())
  t.notSame(await draw(), await simulate(8, async ({ random }) => [random(), Math.random()]))
  t.ok(before.every((one, i) => one === [setTimeout, performance.now, Math.random, sleep][i]))
  await t.rejects(
    simulate(1, () => new Promise(() => {})),
    /never comes/
  )
  const began = Date.now()
  await sleep(20)
  t.ok(Date.now() - began >= 15)
})
