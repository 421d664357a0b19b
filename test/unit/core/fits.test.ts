import { test } from 'tap'
import { Type } from 'typebox'
import { fits, fitting } from '../../../src/core/fits.ts'

test('a value fits what its schema describes, looked at once or again and again', async (t) => {
  const schema = Type.Object({ a: Type.Integer() }, { additionalProperties: false })
  const again = fitting(schema)
  for (const isFit of [(value: unknown) => fits(schema, value), again]) {
    for (const value of [{ a: 1 }, { a: -7 }]) t.equal(isFit(value), true)
    for (const value of [{}, { a: '1' }, { a: 1, b: 2 }, null, undefined, [1]]) {
      t.equal(isFit(value), false)
    }
  }
})
