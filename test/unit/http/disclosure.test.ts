import { test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { type Result, withinAnswer } from '../../../src/http/disclosure.ts'

const MEGABYTE = 1024 * 1024
const result = (ref: string, size: number): Result => ({
  ref,
  selection: { value: new Sensitive('x'.repeat(size)) },
  view: () => {
    throw new Error('nothing is written here')
  }
})

test('values for which an answer has no room are left out, and say so', async (t) => {
  const results = [result('a', 3 * MEGABYTE), result('b', 4 * MEGABYTE), result('c', 2 * MEGABYTE)]
  const [a, b, c] = withinAnswer(results, 'id')
  t.equal(a, results[0])
  t.equal(b, results[1])
  t.match(c, { ref: 'c', status: 413, problem: { code: 'payload_too_large' } })
  t.notOk(c && 'selection' in c)
})
