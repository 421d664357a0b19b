import fc from 'fast-check'
import { test } from 'tap'
import {
  hasLossyNumber,
  isLossy,
  membersOf,
  printJson,
  readJson
} from '../../../src/core/json-text.ts'

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

test('any JSON, taken apart and put together, says the same', async (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 2, '\t'), (json, space) => {
      const text = JSON.stringify(JSON.parse(json), undefined, space)
      const node = readJson(text)
      if (node === undefined) throw new Error('it is JSON')
      t.same(JSON.parse(printJson(node)), JSON.parse(text))
      t.same(JSON.parse(printJson(node, '  ')), JSON.parse(text))
      if (!text.includes('__proto__')) {
        t.equal(printJson(node, '  ').replace(/\s/g, ''), printJson(node).replace(/\s/g, ''))
      }
    })
  )
  t.equal(readJson('{"a":1'), undefined)
  t.equal(readJson(' 7 ')?.text, '7')
})

test('on several lines it looks as JSON.stringify makes it', async (t) => {
  const value = { a: 1, b: { c: [1, 'x', {}, []], d: null } }
  const node = readJson(JSON.stringify(value))
  t.equal(node && printJson(node, '  '), JSON.stringify(value, null, 2))
})

test('a number is lossy where a double is another one', async (t) => {
  for (const number of ['9007199254740993', '-9007199254740993', '12345678901234567890', '1e999']) {
    t.equal(isLossy(number), true, number)
  }
  for (const number of ['0', '7', '-7', '9007199254740992', '-9007199254740992', '1.10', '1e3']) {
    t.equal(isLossy(number), false, number)
  }
})

test('a lossy number is found wherever it stands as a number, and nowhere where it is a text', async (t) => {
  const number = '12345678901234567890'
  const isFound = (json: string): boolean | undefined => {
    const node = readJson(json)
    return node && hasLossyNumber(node)
  }
  for (const json of [
    number,
    `-${number}`,
    `{"a":1,"b":${number}}`,
    `[1,${number}]`,
    `{"a":[{"b":-${number}}],"c":"text"}`
  ]) {
    t.equal(isFound(json), true, json)
  }
  for (const json of [
    `"${number}"`,
    `"a ${number}"`,
    `{"${number}":"${number}"}`,
    '{}',
    '[]',
    'true',
    'null',
    '{"a":[1,2.5,true]}'
  ]) {
    t.equal(isFound(json), false, json)
  }
})

test('what is nested deeper than a reader bears is not read, and what is as deep as allowed is', async (t) => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
  t.ok(readJson(nested(501)))
  t.equal(readJson(nested(502)), undefined)
  t.equal(readJson(`{"a":${nested(502)},"b":1}`), undefined)
})
