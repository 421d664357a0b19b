/** So much of one address in a turn of the event loop, and all of it in the end, in its order. */
import { test } from 'tap'
import { createFairShare } from '../../../src/http/fair-share.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what one address sent at once is spread over turns, and nobody else waits for it', async (t) => {
  const share = createFairShare({ perTurn: 2, clock: () => 0 })
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

test('work counts by its size, and what is larger than a share has a turn of its own', async (t) => {
  const share = createFairShare({ perTurn: 10, clock: () => 0 })
  const begun: string[] = []
  const sizes = { a: 4, b: 6, c: 1, d: 20, e: 3, f: 7 }
  for (const [name, size] of Object.entries(sizes)) share('x', () => void begun.push(name), size)
  t.same(begun.splice(0), ['a', 'b'])
  for (const next of [['c'], ['d'], ['e', 'f']]) {
    await nextTurn()
    t.same(begun.splice(0), next)
  }
})

test('one address begins no more work in a turn than it has time for, and one piece at least', async (t) => {
  let now = 0
  const share = createFairShare({ clock: () => now })
  const begun: string[] = []
  const work = (name: string, ms: number) => (): void => {
    now += ms
    begun.push(name)
  }
  share('a', work('a0', 0.6))
  share('a', work('a1', 0.6))
  share('a', work('a2', 5))
  share('b', work('b0', 0.1))
  t.same(begun, ['a0', 'a1', 'b0'], 'the third of a would be above its share')
  share('a', work('a3', 0.1))
  await nextTurn()
  t.same(begun.slice(3), ['a2'], 'one is begun, however long it takes')
  await nextTurn()
  t.same(begun.slice(4), ['a3'])
})

test('work that holds back begins once nobody came for a turn, or too many did', async (t) => {
  let come = 0
  const share = createFairShare({ perTurn: 1, newcomers: () => come, clock: () => 0 })
  const begun: string[] = []
  share('a', () => void begun.push('a0'))
  share('a', () => void begun.push('a1'))
  t.same(begun, [], 'not in the turn in which it was asked for')
  for (let n = 0; n < 3; n++) {
    come++
    await nextTurn()
  }
  t.same(begun, [], 'newcomers go first')
  await nextTurn()
  t.same(begun, ['a0'])
  let turns = 0
  for (; begun.length < 2 && turns < 1_000; turns++) {
    come++
    await nextTurn()
  }
  t.same(begun, ['a0', 'a1'])
  t.ok(turns > 10 && turns < 100, `after ${turns} turns`)
})
