/** Time that does not depend on how busy the machine is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startCpuWatch, startStopwatch } from '../../support/stopwatch.ts'

const standStill = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('a stopwatch counts what passes, and not what the process was held up', async (t) => {
  await sleep(20)
  const passed = startStopwatch()
  standStill(300)
  t.ok(passed() < 100, `${passed()} ms`)
  await sleep(20)
  t.ok(passed() < 100, `${passed()} ms`)
  for (let n = 0; n < 40; n++) await sleep(10)
  t.ok(passed() > 200, `${passed()} ms`)
})

test('a watch of the processor counts what is computed, and not what is waited for', async (t) => {
  const used = startCpuWatch()
  standStill(200)
  const computed = used()
  t.ok(computed > 0)
  await sleep(500)
  t.ok(used() - computed < 400, `${used() - computed} ms`)
})
