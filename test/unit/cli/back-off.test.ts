import { test } from 'tap'
import { isSettled, waitMs } from '../../../src/cli/back-off.ts'

test('each failure in a row doubles the wait, up to a bound', async (t) => {
  const waits = Array.from({ length: 10 }, (_, i) => waitMs(i + 1))
  t.strictSame(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  t.equal(waitMs(5_000), 30_000)
})

test('a minute of serving puts an end to the row', async (t) => {
  t.equal(isSettled(59_999), false)
  t.equal(isSettled(60_000), true)
})
