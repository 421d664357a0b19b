import { test } from 'tap'
import type { ProblemError } from '../../../src/core/problem.ts'
import { refuseFaults } from '../../../src/core/resource-fault.ts'
import {
  parseConfiguration,
  parseCredentials,
  strayReferences
} from '../../../src/integrations/bot-form.ts'
import { createReferenceBook } from '../../../src/kinds/references.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'

/** Each credential as its reference, or as `plain`; or each fault as code, pointer and rule. */
type Expect = { credentials: Record<string, string> } | { faults: [string, string, string][] }

const { configurations } = readVectors<{
  configurations: Vector<Record<string, unknown>, Expect>[]
}>('bots')

const problemOf = (object: Record<string, unknown>): ProblemError | undefined => {
  try {
    refuseFaults(parseCredentials(object).faults)
    return undefined
  } catch (error) {
    return error as ProblemError
  }
}

test('the credentials of a configuration are read as its vector says', async (t) => {
  const gravity = ['conflicting_credentials', 'invalid_reference', 'invalid_request']
  for (const { name, input, expect } of configurations) {
    const { credentials, faults, rest } = parseCredentials(input)
    if ('credentials' in expect) {
      t.same(faults, [], name)
      const read = [...credentials].map(([key, one]) => [key, 'ref' in one ? one.ref : 'plain'])
      t.strictSame(Object.fromEntries(read), expect.credentials, name)
      t.notOk(
        Object.keys(rest).some((member) => /credential/.test(member)),
        name
      )
    } else {
      const problem = problemOf(input)
      const codes = expect.faults.map(([code]) => code)
      t.equal(
        problem?.code,
        gravity.find((code) => codes.includes(code)),
        name
      )
      t.strictSame(
        faults.map(({ code }) => code),
        codes,
        name
      )
      t.strictSame(
        problem?.details.errors,
        expect.faults.map(([, pointer, rule]) => ({ pointer, rule })),
        name
      )
    }
  }
})

test('plain credentials stay what they are, and the rest of the object theirs', async (t) => {
  const object = { name: 'b', nested: { a: [1] }, credentials: { a: 'x', b: { c: 1 } } }
  const { credentials, rest } = parseCredentials(object)
  const revealed = [...credentials].map(([key, one]) => [key, 'plain' in one && one.plain.reveal()])
  t.strictSame(revealed, [
    ['a', 'x'],
    ['b', { c: 1 }]
  ])
  t.strictSame(rest, { name: 'b', nested: { a: [1] } })
})

test('a credential called like the prototype is one like others', async (t) => {
  const object = JSON.parse('{"credentials":{"__proto__":"x","constructor":"y"}}')
  t.same([...parseCredentials(object).credentials.keys()], ['__proto__', 'constructor'])
})

test('a configuration has a name, and a bot a provider by its name if any', async (t) => {
  const rulesOf = (kind: 'bot' | 'provider', value: unknown) =>
    parseConfiguration(kind, value).faults.map(({ path, rule }) => `${path.join('.')} ${rule}`)
  t.same(rulesOf('bot', { name: 'my_google', provider: 'p', displayName: 1 }), [])
  t.same(rulesOf('provider', { name: 'p', provider: { theirs: true } }), [])
  t.same(rulesOf('bot', { name: 'a b', provider: 1 }), ['name name', 'provider type'])
  t.same(rulesOf('bot', {}), ['name name'])
  for (const value of [null, [], 'text', 1]) t.same(rulesOf('bot', value), [' type'])
  t.match(parseConfiguration('bot', { name: 'b', displayName: 'B', provider: 'p', type: 't' }), {
    configuration: { name: 'b', displayName: 'B', provider: 'p', type: undefined }
  })
})

test('more than 500 credentials are refused, and 500 are not', async (t) => {
  const many = (n: number) => ({
    credentials: Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 'x']))
  })
  t.equal(problemOf(many(500)), undefined)
  t.match(problemOf(many(501)), {
    code: 'invalid_request',
    details: { errors: [{ rule: 'maximum' }] }
  })
})

test('a reference of a configured object that leads to no store is found by its place', async (t) => {
  const book = createReferenceBook(
    [
      { name: 'local', address: { kind: 'local' } },
      {
        name: 'vault',
        address: { kind: 'vault', origin: 'https://v:8200', mounts: [{ path: 'kv', version: 2 }] }
      }
    ],
    new Map([['known', 'local:a']])
  )
  const { credentials, faults } = parseCredentials({
    credentials: { plain: 'x' },
    credentialsSecrets: { a: 'local:a', b: 'other:a', c: 'known', d: 'unknown' },
    credentialsVault: {
      e: 'https://v:8200/v1/kv/data/x',
      f: 'https://other:8200/v1/kv/data/x',
      g: 'https://v:8200/v1/kv/x'
    }
  })
  t.same(faults, [])
  const stray = strayReferences(credentials, book)
  t.same(
    stray.map(({ path, rule }) => [...path, rule].join(' ')),
    [
      'credentialsSecrets b unknown_store',
      'credentialsSecrets d unknown_store',
      'credentialsVault f unknown_store',
      'credentialsVault g reference'
    ]
  )
})

test('nothing that a configuration says shows in its faults or in its printed form', async (t) => {
  const canary = createCanary()
  const { token } = canary
  const objects = [
    {
      name: token,
      credentials: { [token]: token },
      credentialsVault: { [token]: token, k: token }
    },
    { name: 'b', provider: { [token]: token }, [`credentials${token}`]: token, credentials: token },
    { name: 'b', credentials: { k: token } }
  ]
  for (const object of objects) {
    const { faults, configuration } = parseConfiguration('bot', object)
    t.same(canary.findIn(everythingIn(faults)), [])
    t.same(canary.findIn(everythingIn(problemOf(object))), [])
    const { credentials } = configuration
    const plain = [...credentials.values()]
    t.same(canary.findIn(everythingIn(plain) + JSON.stringify(plain)), [])
  }
})
