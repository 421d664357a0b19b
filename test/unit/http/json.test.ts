import fc from 'fast-check'
import { test } from 'tap'
import { parseJson } from '../../../src/http/json.ts'

const parse = (text: string): unknown => parseJson(Buffer.from(text))

const REFUSED: Record<string, string> = {
  nothing: '',
  'half a document': '{"value":"x"',
  'two documents': '{}{}',
  'a trailing comma': '{"a":1,}',
  'single quotes': "{'a':1}",
  'a member twice': '{"a":1,"a":1}',
  'a member twice, with others between': '{"a":1,"b":[{"c":2}],"a":3}',
  'a member twice, spelt differently': '{"a":1,"\\u0061":2}',
  'a member twice, with space before its colon': '{"a":1,"a" \n:2}',
  'a member twice in an array of an object': '{"x":[{"a":1},{"a":1,"a":2}]}',
  'an empty name twice': '{"":1,"":2}',
  'a name with a quote twice': '{"\\"":1,"\\"":2}',
  'a member __proto__': '{"__proto__":{"value":"x"}}',
  'a member __proto__, spelt differently': '{"data":{"\\u005f_proto__":1}}',
  'a nesting of 33': `${'['.repeat(33)}${']'.repeat(33)}`,
  'a nesting of 100,000': `{"data":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
}

for (const [what, text] of Object.entries(REFUSED)) {
  test(`${what} is refused without a word of it`, async (t) => {
    t.throws(() => parse(text), {
      code: 'invalid_request',
      details: { errors: [{ pointer: '/body', rule: 'json' }] }
    })
  })
}

test('bytes that are not UTF-8 are refused rather than replaced', async (t) => {
  const bytes = Buffer.concat([Buffer.from('{"value":"'), Buffer.from([0xc3]), Buffer.from('"}')])
  t.throws(() => parseJson(bytes), { code: 'invalid_request' })
})

const TAKEN: Record<string, string> = {
  'one name in two objects': '[{"a":1},{"a":2}]',
  'one name on two levels': '{"a":{"a":{"a":1}}}',
  'names that differ in case': '{"a":1,"A":2}',
  'a text that looks like members': '{"a":"{\\"a\\":1,\\"a\\":2}","b":"\\\\"}',
  'brackets within texts': '{"a":"}}]]","b":"[[[["}',
  'a nesting of 32': `${'['.repeat(32)}${']'.repeat(32)}`,
  'constructor as a name': '{"constructor":{"prototype":1}}',
  'a scalar': '"a"'
}

for (const [what, text] of Object.entries(TAKEN)) {
  test(`${what} is taken`, async (t) => {
    t.same(parse(text), JSON.parse(text))
  })
}

test('whatever JSON.stringify writes is read as JSON.parse reads it', async (t) => {
  const value = fc.jsonValue({ maxDepth: 5 })
  fc.assert(
    fc.property(value, (written) => {
      const text = JSON.stringify(written)
      if (!text.includes('__proto__')) t.same(parse(text), JSON.parse(text))
    }),
    { numRuns: 200 }
  )
})

test('a number or a character that would come out as another is refused', async (t) => {
  for (const lossy of [
    '1e400',
    '-1e400',
    '12345678901234567890',
    '9007199254740993',
    '"\\ud800"',
    '"\\udc00x"'
  ]) {
    t.throws(() => parseJson(Buffer.from(`{"a":[${lossy}]}`)), { code: 'invalid_request' }, lossy)
  }
  for (const sound of [
    '9007199254740991',
    '-0.5e-7',
    '1.10',
    '"12345678901234567890"',
    '"\\ud83d\\ude00"',
    '"a\\"1e400"'
  ]) {
    t.same(parseJson(Buffer.from(`{"a":[${sound}]}`)), { a: [JSON.parse(sound)] }, sound)
  }
})
