// Many pieces of work at once, but not all, and none any more once one has failed.
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { sideBySide } from '../../../src/core/side-by-side.ts'

const numbers = async function* (count: number) {
  for (let i = 0; i < count; i++) {
    await turn()
    yield i
  }
}

test('each piece is done once, so many at a time, of a list and of what comes bit by bit', async (t) => {
  for (const [items, all] of [
    [
      [2, 0, 1, 3],
      [0, 1, 2, 3]
    ],
    [numbers(5), [0, 1, 2, 3, 4]],
    [[], []]
  ] as const) {
    const done: number[] = []
    let underWay = 0
    let most = 0
    await sideBySide(items, 3, async (item) => {
      most = Math.max(most, ++underWay)
      await turn()
      await turn()
      underWay--
      done.push(item)
    })
    t.ok(most <= 3)
    t.same(done.sort(), all)
  }
})

test('where one fails that is told, and no other is begun', async (t) => {
  for (const items of [Array.from({ length: 50 }, (_, i) => i), numbers(50)]) {
    const begun: number[] = []
    const failing = sideBySide(items, 2, async (item) => {
      begun.push(item)
      await turn()
      if (item === 3) throw new Error('three')
    })
    await t.rejects(failing, { message: 'three' })
    for (let i = 0; i < 20; i++) await turn()
    t.ok(begun.length <= 6, String(begun))
  }
})
