// Times as they are typed for `--since` and `--until`.
import { test } from 'tap'
import { parseTime } from '../../../src/cli/commands/times.ts'

test('a time is a day, a moment, or so long ago', async (t) => {
  t.equal(parseTime('2028-02-29'), '2028-02-29T00:00:00.000Z')
  t.equal(parseTime('2026-03-01T08:00Z'), '2026-03-01T08:00:00.000Z')
  t.match(parseTime('12h'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('a day that no month has is none, not one of the next month', async (t) => {
  for (const text of ['2026-02-29', '2026-02-31', '2026-06-31T08:00:00Z', '2026-13-01', '1w', '']) {
    t.throws(() => parseTime(text), { message: /^Give a day/ }, text)
  }
})
