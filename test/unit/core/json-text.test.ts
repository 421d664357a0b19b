import fc from 'fast-check'
import { test } from 'tap'
import { membersOf } from '../../../src/core/json-text.ts'

test('the members of any object, cut apart, are what a parser finds', async (t) => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 2, '\t'),
      (object, space) => {
        const members = membersOf(JSON.stringify(object, undefined, space))
        const parsed = [...members].map(([name, text]) => [name, JSON.parse(text)])
        t.same(Object.fromEntries(parsed), JSON.parse(JSON.stringify(object)))
      }
    )
  )
})

test('digits stay, names are read, and of two with one name the last counts', async (t) => {
  const members = membersOf(
    ' { "a" : 12345678901234567890 , "\\u0061":1.10,"b{":"}," , "c":[{"d":[]}] } '
  )
  t.same(
    [...members],
    [
      ['a', '1.10'],
      ['b{', '"},"'],
      ['c', '[{"d":[]}]']
    ]
  )
  t.same([...membersOf(' {\n} ')], [])
})
