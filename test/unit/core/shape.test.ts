/** What is said of a value that has not the shape of a schema: of the alternative that was meant, and never the value itself. */
import { test } from 'tap'
import { type TSchema, Type } from 'typebox'
import { checkShape, type Path, soundPart } from '../../../src/core/shape.ts'

const strict = { additionalProperties: false }

const faultsOf = (schema: TSchema, value: unknown, at: Path = []): string[] => {
  const faults: string[] = []
  const isSound = checkShape(schema, value, at, (path, message, keyword) => {
    faults.push(`${path.join('.')} ${message} (${keyword})`)
  })
  if (isSound !== (faults.length === 0)) throw new Error('a fault without a report')
  return faults
}

const Login = Type.Union([
  Type.Object({ method: Type.Literal('token'), token: Type.String() }, strict),
  Type.Object({ method: Type.Literal('approle'), role: Type.String() }, strict)
])
const Text = Type.Union([
  Type.String(),
  Type.Object({ env: Type.String() }, strict),
  Type.Object({ file: Type.String() }, strict)
])

test('what fits is told by no report', async (t) => {
  t.strictSame(faultsOf(Login, { method: 'token', token: 'x' }), [])
  t.strictSame(faultsOf(Text, 'x'), [])
  t.strictSame(faultsOf(Text, { file: 'x' }), [])
})

test('of alternatives only the one that was meant is complained about', async (t) => {
  t.strictSame(faultsOf(Login, { method: 'token' }), [' lacks token (required)'])
  t.strictSame(faultsOf(Login, { method: 'approle', role: 'r', token: 'x' }), [
    'token is not a known member (additionalProperties)'
  ])
  t.strictSame(faultsOf(Text, { env: 'X', more: 1 }), [
    'more is not a known member (additionalProperties)'
  ])
  const Within = Type.Object({ auth: Type.Object({ login: Login }) })
  t.strictSame(faultsOf(Within, { auth: { login: { method: 'token' } } }), [
    'auth.login lacks token (required)'
  ])
})

test('where none was meant, what there is to choose from is said once', async (t) => {
  t.strictSame(faultsOf(Login, { method: 'other' }), [
    ' must be given as one of { method: token }, { method: approle } (anyOf)'
  ])
  t.strictSame(faultsOf(Text, 7), [' must be a text or { env } or { file } (anyOf)'])
  t.strictSame(faultsOf(Type.Object({ a: Text, b: Text }), { a: 7, b: 8 }), [
    'a must be a text or { env } or { file } (anyOf)',
    'b must be a text or { env } or { file } (anyOf)'
  ])
  const Choice = Type.Union([Type.Literal('a'), Type.Literal('b')])
  t.strictSame(faultsOf(Type.Object({ list: Type.Array(Choice) }), { list: ['a', 'c'] }), [
    'list.1 must be a or b (anyOf)'
  ])
  const Types = Type.Union([Type.Array(Type.String()), Type.Integer(), Type.Boolean()])
  t.strictSame(faultsOf(Types, 'x'), [' must be a list or a whole number or true or false (anyOf)'])
  const Others = Type.Union([Type.Number(), Type.Object({})])
  t.strictSame(faultsOf(Others, 'x'), [' must be a number or an object (anyOf)'])
  const Nameless = Type.Union([Type.Null(), Type.Integer()])
  t.strictSame(faultsOf(Nameless, 'x'), [' has none of the forms it may have (anyOf)'])
  const Nested = Type.Union([Type.Union([Type.String(), Type.Boolean()]), Type.Integer()])
  t.strictSame(faultsOf(Nested, {}), [' must be a text or true or false or a whole number (anyOf)'])
})

test('a fault stands at its path, below the place of the value', async (t) => {
  const schema = Type.Object({ 'a/b': Type.Object({ '~': Type.Array(Type.Integer()) }) })
  t.match(faultsOf(schema, { 'a/b': { '~': [1, 'x'] } }, ['stores', 3]), [
    /^stores\.3\.a\/b\.~\.1 .* \(type\)$/
  ])
  t.strictSame(faultsOf(Type.Object({ a: Text }), { a: 7 }, ['stores', 3]), [
    'stores.3.a must be a text or { env } or { file } (anyOf)'
  ])
})

test('a list of words, a pattern with words of its own and one without are told as people read', async (t) => {
  t.strictSame(faultsOf(Type.Enum(['r', 'w']), 'x'), [' must be one of r, w (enum)'])
  const described = Type.String({ pattern: '^a$', description: 'one letter' })
  t.strictSame(faultsOf(Type.Object({ a: described }), { a: 'b' }), [
    'a is not of the right form: one letter (pattern)'
  ])
  const plain = faultsOf(Type.Object({ a: Type.String({ pattern: '^a$' }) }), { a: 'b' })
  t.match(plain, [/^a .*\(pattern\)$/])
  t.notMatch(plain, [/right form/])
})

test('every fault is told, however many there are', async (t) => {
  const schema = Type.Array(Type.Integer())
  t.equal(faultsOf(schema, Array(100).fill('x')).length, 100)
  t.strictSame(faultsOf(Type.Object({ a: Type.Integer(), b: Type.Integer() }), {}), [
    ' lacks a, b (required)'
  ])
})

test('no report repeats a value', async (t) => {
  const secret = 'canary-value'
  for (const schema of [
    Login,
    Text,
    Type.Integer(),
    Type.Enum(['a']),
    Type.String({ pattern: '^a$' })
  ]) {
    for (const value of [secret, { method: secret }, [secret], { env: { x: secret } }]) {
      t.notOk(faultsOf(schema, value).join().includes(secret))
    }
  }
})

test('a sound part is a copy in which what is at fault is undefined, and all else stands', async (t) => {
  const schema = Type.Object(
    { a: Type.Integer(), b: Type.Object({ c: Type.Integer(), d: Type.Integer() }) },
    strict
  )
  const part = (value: unknown, wholeOf?: (path: Path) => Path) =>
    soundPart(schema, value, () => {}, wholeOf)
  const value = { a: 1, b: { c: 'x', d: 2 } }
  t.strictSame(part(value), { a: 1, b: { c: undefined, d: 2 } })
  t.strictSame(value, { a: 1, b: { c: 'x', d: 2 } }, 'the value itself is left alone')
  t.strictSame(
    part(value, (path) => path.slice(0, 1)),
    { a: 1, b: undefined },
    'with the whole that it belongs to'
  )
  t.strictSame(part({ a: 1, b: { c: 1 } }), { a: 1, b: { c: 1 } }, 'what lacks a member stands')
  t.strictSame(
    part({ a: 1, b: { c: 1 } }, () => []),
    { a: 1, b: { c: 1 } }
  )
  t.strictSame(part({ a: 1, b: { c: 1, d: 2 }, x: 3 }), { a: 1, b: { c: 1, d: 2 }, x: undefined })
  t.strictSame(part('text'), 'text')
  const told: unknown[] = []
  soundPart(schema, { a: 'x' }, (...report) => told.push(report.length))
  t.strictSame(told, [3, 3], 'each is reported as it is found')
})
