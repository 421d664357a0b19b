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

test('a byte order mark before a body is ignored, once and at its beginning only', async (t) => {
  t.same(parse('\ufeff{"a":1}'), { a: 1 })
  t.throws(() => parse('\ufeff\ufeff{"a":1}'), { code: 'invalid_request' })
  t.throws(() => parse('{"a":1}\ufeff'), { code: 'invalid_request' })
  t.same(parse('{"a":"\ufeffx"}'), { a: '\ufeffx' })
})

test('text that looks like members or numbers is counted as neither', async (t) => {
  for (const text of [
    '{"a:b":":","c":["\\\\",":\\":"]}',
    '{"-1":"1e400","x":-0,"y":[1e3,1E+3,1.5e-3]}',
    '{"99999999999999999999":"99999999999999999999"}',
    '{"a":"\\\\\\"","b":1}',
    ' { "a" : [ ] , "b" : { } , "c" : -1.25 } '
  ]) {
    t.same(parse(text), JSON.parse(text), text)
  }
  for (const text of ['{"a":-12345678901234567890}', '{"a":1e309}', '[1,-1E400]']) {
    t.throws(() => parse(text), { code: 'invalid_request' }, text)
  }
})

/** The least CPU time of several runs: how busy the machine is does not count. */
const leastCpu = (work: () => unknown): number => {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 20; run++) {
    const begun = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(begun)
    least = Math.min(least, user + system)
  }
  return least
}

test('the largest body costs no more than some times its plain parse, whatever it is made of', async (t) => {
  const fill = (piece: string): string =>
    `[${Array(Math.floor(65_000 / (piece.length + 1))).fill(piece)}]`
  const names = Array.from({ length: 6_500 }, (_, i) => [`k${i}`, 1])
  const bodies = {
    members: JSON.stringify(Object.fromEntries(names)),
    numbers: fill('1'),
    'long numbers': fill('9007199254740991'),
    exponents: fill('1e1'),
    objects: fill('{"a":1}'),
    texts: fill('"a"'),
    escapes: `["${'\\\\\\"'.repeat(16_000)}"]`,
    surrogates: `["${'\\ud83d\\ude00'.repeat(5_400)}"]`,
    nests: fill(`${'['.repeat(30)}${']'.repeat(30)}`)
  }
  for (const [what, text] of Object.entries(bodies)) {
    const body = Buffer.from(text)
    t.same(parseJson(body), JSON.parse(text), what)
    const plain = leastCpu(() => JSON.parse(text))
    // What is a little more than nothing may be several times as much.
    t.ok(leastCpu(() => parseJson(body)) <= 8 * plain + 1_500, what)
  }
})
