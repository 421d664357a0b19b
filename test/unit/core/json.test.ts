import { test } from 'tap'
import { asJson, inOrder, isObject } from '../../../src/core/json.ts'

test('a text that is no JSON says nothing, and what is JSON what it says', async (t) => {
  for (const text of ['', '{', '{"a":1}}', 'undefined', '\ufeff{}'])
    t.equal(asJson(text), undefined)
  t.same(asJson(' {"a":[1,null]} '), { a: [1, null] })
  t.equal(asJson('null'), null)
  t.equal(asJson('"text"'), 'text')
})

test('an object is neither an array nor null', async (t) => {
  t.ok(isObject({}))
  for (const value of [[], null, undefined, 'text', 1, () => {}]) t.notOk(isObject(value))
})

test('what is the same is written the same, in whatever order it was put together', async (t) => {
  const written = '{"A":1,"a":[{"x":1,"y":2},3],"b":{"c":null,"d":"text"}}'
  const one = { b: { d: 'text', c: null }, a: [{ y: 2, x: 1 }, 3], A: 1 }
  t.equal(JSON.stringify(one, inOrder), written)
  const map = new Map<string, unknown>([
    ['a', [{ x: 1, y: 2 }, 3]],
    ['b', new Map(Object.entries({ d: 'text', c: null }))],
    ['A', 1]
  ])
  t.equal(JSON.stringify(map, inOrder), written)
})
