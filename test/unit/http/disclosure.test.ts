import { test } from 'tap'
import { withinAnswer } from '../../../src/http/answer-budget.ts'
import type { BatchResult } from '../../../src/http/schemas.ts'

const MEGABYTE = 1024 * 1024
const result = (ref: string, size: number): BatchResult => ({
  ref,
  status: 200,
  value: 'x'.repeat(size)
})

test('values for which an answer has no room are left out, and say so', async (t) => {
  const results = [result('a', 3 * MEGABYTE), result('b', 4 * MEGABYTE), result('c', 2 * MEGABYTE)]
  const [a, b, c] = withinAnswer(results, 'id')
  t.equal(a, results[0])
  t.equal(b, results[1])
  t.match(c, { ref: 'c', status: 413, problem: { code: 'payload_too_large' } })
  t.notOk(c && 'value' in c)
})
