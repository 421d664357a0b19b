import { test } from 'tap'
import { asJson, isObject } from '../../../src/core/json.ts'

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
