/** So many of one address in a turn of the event loop, and all of them in the end, in their order. */
import { test } from 'tap'
import { createFairShare } from '../../../src/http/fair-share.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what one address sent at once is spread over turns, and nobody else waits for it', async (t) => {
  const share = createFairShare(2)
  const begun: string[] = []
  for (let n = 0; n < 5; n++) share('a', () => void begun.push(`a${n}`))
  share('b', () => void begun.push('b0'))
  t.same(begun, ['a0', 'a1', 'b0'])
  await nextTurn()
  t.same(begun, ['a0', 'a1', 'b0', 'a2', 'a3'])
  share('a', () => void begun.push('a5'))
  share('b', () => void begun.push('b1'))
  t.same(begun.slice(5), ['b1'], 'who comes later does not overtake')
  await nextTurn()
  t.same(begun.slice(6), ['a4', 'a5'])
  await nextTurn()
  share('a', () => void begun.push('a6'))
  t.equal(begun.at(-1), 'a6', 'who sends one at a time waits for nothing')
})
