import { test } from 'tap'
import { skewOf } from '../../../src/core/clock-skew.ts'

test('a difference counts as far as neither the way nor the cut explains it', (t) => {
  const cases: readonly (readonly [
    there: number,
    cut: number,
    asked: number,
    answered: number,
    skew: number
  ])[] = [
    // Answered at once, to the millisecond.
    [10_000, 0, 10_000, 10_000, 0],
    [70_000, 0, 10_000, 10_000, 60_000],
    [10_000, 0, 70_000, 70_000, -60_000],
    // The second that a Date is of: 10.0 may be 10.999.
    [10_000, 1_000, 10_000, 10_000, 0],
    [10_000, 1_000, 10_999, 10_999, 0],
    [10_000, 1_000, 11_500, 11_500, -500],
    [10_000, 1_000, 8_000, 8_000, 2_000],
    // An answer that took ten seconds may have been written at any moment of these.
    [10_000, 0, 10_000, 20_000, 0],
    [20_000, 0, 10_000, 20_000, 0],
    [30_000, 0, 10_000, 20_000, 10_000]
  ]
  for (const [there, cut, asked, answered, skew] of cases) {
    t.equal(skewOf(there, cut, asked, answered) + 0, skew, `${there} ${cut} ${asked} ${answered}`)
  }
  t.end()
})
