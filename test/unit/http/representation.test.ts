/** What an Accept header asks for. */
import { test } from 'tap'
import { prefersText } from '../../../src/http/representation.ts'

test('an Accept that is longer than anybody sends asks for nothing, and is not read', async (t) => {
  const others = (count: number): string => ', a/b'.repeat(count)
  t.equal(prefersText(`text/plain${others(50)}`), true)
  t.equal(prefersText(`text/plain${others(5_000)}`), false)
})
