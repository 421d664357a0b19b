import { test } from 'tap'
import { type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { select, selectRaw } from '../../../src/secrets/content.ts'

const record = (text: string, encoding?: 'base64'): SecretRecord => ({
  text: new Sensitive(text),
  version: '1',
  ...(encoding && { encoding })
})

const chosen = (text: string, field?: string): unknown => {
  const selection = select(record(text), field)
  return 'value' in selection ? selection.value.reveal() : JSON.parse(selection.data.reveal())
}

test('a text that is no JSON object is the value itself, to the letter', async (t) => {
  for (const text of [
    '',
    'x',
    ' x\n',
    '"x"',
    '[1,2]',
    'null',
    '7',
    '{not json',
    '{"a":1} trailing'
  ]) {
    t.equal(chosen(text), text)
    t.throws(() => select(record(text), 'a'), { code: 'field_not_found' })
  }
})

test('an object of one field is that field, of several all of them, of none nothing', async (t) => {
  t.equal(chosen('{"a":"x"}'), 'x')
  t.equal(chosen(' {"a": {"b": 1}} '), '{"b": 1}')
  t.same(chosen('{"a":"x","b":2}'), { a: 'x', b: 2 })
  t.same(chosen('{}'), {})
})

test('a byte order mark before an object costs no field, and stays with the text', async (t) => {
  t.equal(chosen('\uFEFF{"a":"x"}', 'a'), 'x')
  t.equal(chosen('\uFEFF {"a":"x"}'), 'x')
  t.same(chosen('\uFEFF{"a":"x","b":2}'), { a: 'x', b: 2 })
  t.equal(chosen('\uFEFFtext'), '\uFEFFtext')
})

test('a field is its text; objects, numbers and null are JSON', async (t) => {
  const text = '{"text":"x","number":7,"object":{"y":[true]},"nothing":null,"empty":""}'
  t.equal(chosen(text, 'text'), 'x')
  t.equal(chosen(text, 'number'), '7')
  t.equal(chosen(text, 'object'), '{"y":[true]}')
  t.equal(chosen(text, 'nothing'), 'null')
  t.equal(chosen(text, 'empty'), '')
})

test('a number keeps every digit that it was given', async (t) => {
  const text = '{"account":12345678901234567890,"e":1e400,"o":{"x":9007199254740993},"f":1.10}'
  t.equal(chosen(text, 'account'), '12345678901234567890')
  t.equal(chosen(text, 'e'), '1e400')
  t.equal(chosen(text, 'o'), '{"x":9007199254740993}')
  t.equal(chosen('{"only": 1.10}'), '1.10')
})

test('what every JavaScript object has is no field', async (t) => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    t.throws(() => select(record('{"a":"x","b":"y"}'), name), { code: 'field_not_found' })
  }
  t.equal(chosen('{"__proto__":"mine","b":"y"}', '__proto__'), 'mine')
})

test('bytes in base64 are never taken for an object', async (t) => {
  const selection = select(record('eyJhIjoxfQ==', 'base64'), undefined)
  t.equal('value' in selection && selection.value.reveal(), 'eyJhIjoxfQ==')
  t.throws(() => select(record('{"a":"x"}', 'base64'), 'a'), { code: 'field_not_found' })
})

const NESTED = `{"auths":{"registry":{"auth":"x"},"a/b":{"~":"tilde"}},"list":[{"n":12345678901234567890},[],"two"],
  "a/b":"slash","~1":"tilde","/x":"begins","":"none","0":"digit"}`

test('a pointer leads to what stands deeper, and to nothing else', async (t) => {
  for (const [field, value] of [
    ['/auths/registry/auth', 'x'],
    ['/auths/registry', '{"auth":"x"}'],
    ['/auths/a~1b/~0', 'tilde'],
    ['/list/0/n', '12345678901234567890'],
    ['/list/0', '{"n":12345678901234567890}'],
    ['/list/1', '[]'],
    ['/list/2', 'two'],
    ['a/b', 'slash'],
    ['~1', 'tilde'],
    ['/~1x', 'begins'],
    ['/', 'none'],
    ['0', 'digit']
  ] as const) {
    t.equal(chosen(NESTED, field), value, field)
    t.equal(chosen(NESTED, field), value, `${field}, again`)
  }
  for (const field of [
    '/auths/registry/auth/x',
    '/auths/registry/auth/0',
    '/auths/none',
    '/list/-',
    '/list/00',
    '/list/01',
    '/list/3',
    '/list/-1',
    '/list/+0',
    '/list/0x0',
    '/list/1e0',
    '/list/length',
    '/list/',
    '/list//',
    '/auths/',
    '/auths/constructor',
    '/a/b',
    'auths/registry',
    '/x'
  ]) {
    t.throws(() => select(record(NESTED), field), { code: 'field_not_found' }, field)
  }
})

test('of a whole secret every number keeps its digits, and each member stands once', async (t) => {
  const text = ' {"a" : 12345678901234567890, "b":{"c":[1.10, 1e400]},\n "d":"\\u00e9 ", "a":2.0} '
  const selection = select(record(text), undefined)
  t.equal(
    'data' in selection && selection.data.reveal(),
    '{"a":2.0,"b":{"c":[1.10,1e400]},"d":"\\u00e9 "}'
  )
})

test('what is nested deeper than a reader could bear is a text', async (t) => {
  const deep = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)},"b":1}`
  t.equal(chosen(deep), deep)
  t.throws(() => select(record(deep), 'b'), { code: 'field_not_found' })
})

test('a field of bytes says so, alone and among others; a text of the same characters does not', async (t) => {
  const encodings = new Map([
    ['key', 'base64'],
    ['__proto__', 'base64']
  ] as const)
  const several: SecretRecord = {
    ...record('{"key":"/u3+","text":"/u3+","__proto__":"/w=="}'),
    encodings
  }
  t.match(select(several, 'key'), { encoding: 'base64' })
  t.match(select(several, '__proto__'), { encoding: 'base64' })
  t.notOk('encoding' in select(several, 'text'))
  const whole = select(several, undefined)
  t.equal(
    'data' in whole && JSON.stringify(whole.encodings),
    '{"key":"base64","__proto__":"base64"}'
  )
  const one: SecretRecord = { ...record('{"key":"/u3+"}'), encodings }
  t.match(select(one, undefined), { encoding: 'base64' })
  t.notOk('encoding' in selectRaw(one, undefined), 'the whole text is a text')
  t.match(selectRaw(one, 'key'), { encoding: 'base64' })
  t.notOk('encodings' in select(record('{"a":1,"b":2}'), undefined))
})
