/** How long keys live, as people write it. */
import { test } from 'tap'
import { DAY_SECONDS, daysIn, MAX_DAYS } from '../../../src/keys/lifetime.ts'

test('a lifetime is a whole number of days, up to a century', async (t) => {
  t.equal(DAY_SECONDS, 24 * 60 * 60)
  t.equal(daysIn('1d'), 1)
  t.equal(daysIn('90d'), 90)
  t.equal(daysIn(`${MAX_DAYS}d`), MAX_DAYS)
  for (const wrong of [
    '',
    'd',
    '0d',
    '01d',
    '-1d',
    '1.5d',
    '90',
    '90D',
    ' 90d',
    '90d ',
    '90d1d',
    '1h'
  ]) {
    t.equal(daysIn(wrong), undefined, wrong)
  }
  t.equal(daysIn(`${MAX_DAYS + 1}d`), undefined)
  t.equal(daysIn('100000d'), undefined)
})
