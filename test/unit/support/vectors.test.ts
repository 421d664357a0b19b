/** A list of vectors that is empty tests nothing, and fails. */
import { test } from 'tap'
import { parseVectors } from '../../support/vectors.ts'

test('vectors are read as they stand, a list or several by name', async (t) => {
  t.strictSame(parseVectors('[{"name":"a"}]', 'some'), [{ name: 'a' }])
  t.strictSame(parseVectors('{"one":[1],"two":[2]}', 'some'), { one: [1], two: [2] })
})

test('a list without a vector is refused by its name', async (t) => {
  t.throws(() => parseVectors('[]', 'some'), { message: 'no vectors: some' })
  t.throws(() => parseVectors('{}', 'some'), { message: 'no vectors: some' })
  t.throws(() => parseVectors('{"one":[1],"two":[]}', 'some'), { message: 'no vectors: some.two' })
})
