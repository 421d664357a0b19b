/** Days and moments as people write them. */
import { test } from 'tap'
import { momentOf, startOfDay } from '../../../src/core/day.ts'

const DAY = Date.UTC(2024, 1, 29)

test('a day begins at midnight in UTC, and is one that its month has', async (t) => {
  t.equal(startOfDay('2024-02-29'), DAY)
  t.equal(startOfDay('2024-02-29T23:59:59.999Z'), DAY, 'of a moment its day')
  for (const wrong of [
    '',
    '2024-02',
    '2023-02-29',
    '2024-02-30',
    '2024-13-01',
    '24-02-29',
    'today'
  ]) {
    t.equal(startOfDay(wrong), undefined, wrong)
  }
})

test('a moment is told in UTC with milliseconds, whatever its offset', async (t) => {
  t.equal(momentOf('2024-02-29'), '2024-02-29T00:00:00.000Z')
  t.equal(momentOf('2024-02-29T12:00:00Z'), '2024-02-29T12:00:00.000Z')
  t.equal(momentOf('2024-02-29T12:00:00+02:00'), '2024-02-29T10:00:00.000Z')
  for (const wrong of ['', '2023-02-29T12:00:00Z', '2024-02-29T25:00:00Z', '2024-02-29Tnoon']) {
    t.equal(momentOf(wrong), undefined, wrong)
  }
  t.equal(momentOf('9999-12-31T23:59:59-10:00'), undefined, 'a year of five digits')
})
