import { test } from 'tap'
import type { Caller } from '../../../src/core/caller.ts'
import type { NamedStore } from '../../../src/core/store-address.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createDecideRead, parseWanted } from '../../../src/secrets/decision.ts'
import type { Store } from '../../../src/secrets/stores.ts'
import type { Grant, Rules, Wanted } from '../../../src/secrets/terms.ts'

const VAULT: NamedStore = {
  name: 'vault',
  address: {
    kind: 'vault',
    origin: 'https://vault.internal:8200',
    mounts: [
      { path: 'kv1', version: 1 },
      { path: 'kv2', version: 2 }
    ]
  }
}

const rules: Rules = {
  policy: compilePolicy([
    { client: 'reader', read: ['aws:team/*', 'vault:kv1/team/*'] },
    { client: 'neighbour', read: ['vault:kv2/**'] }
  ]),
  book: createReferenceBook(
    [
      {
        name: 'aws',
        address: { kind: 'aws-secrets-manager', partition: 'aws', region: 'x', accounts: [] }
      },
      VAULT
    ],
    new Map([['smtp', 'aws:team/smtp#password']])
  ),
  stores: { get: () => undefined, all: () => [], close: async () => {} }
}

const codeFor = (client: string, text: string, field?: string): string => {
  try {
    const reference = parseWanted(rules, { client, mode: 'r' } as Caller, { text, field })
    return reference === undefined ? 'nowhere' : 'read'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('what is wrong in the text itself is said to anybody', async (t) => {
  for (const client of ['reader', 'stranger']) {
    for (const text of ['', 'aws:a\\b', 'arn:aws:x', 'aws:team/x?colour=red']) {
      t.equal(codeFor(client, text), 'invalid_reference', text)
    }
  }
})

test('what is wrong for the configured store is said to those alone who may read the secret', async (t) => {
  const versionOfKv1 = 'vault:kv1/team/x?version=1'
  t.equal(codeFor('reader', versionOfKv1), 'invalid_reference')
  t.equal(codeFor('neighbour', versionOfKv1), 'access_denied')
  t.equal(codeFor('stranger', versionOfKv1), 'access_denied')
  t.equal(codeFor('stranger', 'vault:kv9/team/x?version=1'), 'nowhere')
  t.equal(codeFor('reader', 'aws:team/a:b'), 'invalid_reference')
  t.equal(codeFor('stranger', 'aws:team/a:b'), 'access_denied')
  t.equal(codeFor('stranger', 'nowhere:team/a:b'), 'nowhere')
})

test('what a name fixes is told to nobody', async (t) => {
  t.equal(codeFor('reader', 'smtp'), 'read')
  t.equal(codeFor('stranger', 'smtp', 'username'), 'access_denied')
  t.equal(codeFor('stranger', 'no-such-name', 'username'), 'nowhere')
})

const AWS = {
  name: 'aws',
  address: { kind: 'aws-secrets-manager', partition: 'aws', region: 'x', accounts: [] }
} as const
const store = { spec: { name: 'aws' } } as unknown as Store
const served: Rules = {
  ...rules,
  stores: { ...rules.stores, get: (name) => (name === 'aws' ? store : undefined) }
}
const reader = { client: 'reader', mode: 'r' } as Caller

const decideBy = (decideRead = createDecideRead()) => {
  return (wanted: Wanted, from = served, caller = reader, grant?: Grant) => {
    try {
      const decision = decideRead(from, caller, wanted, grant)
      return 'refusal' in decision ? decision.refusal.code : decision.reference
    } catch (error) {
      return (error as Error).message
    }
  }
}

test('a read that was decided before is decided anew with another version, field or text', async (t) => {
  const read = decideBy()
  const aws = { store: 'aws', path: 'team/x' }
  for (const _ of ['first', 'again']) {
    t.strictSame(read({ text: 'aws:team/x' }), aws)
    t.strictSame(read({ text: 'aws:team/x', field: 'a' }), { ...aws, field: 'a' })
    t.strictSame(read({ text: 'aws:team/x', version: 'a' }), { ...aws, version: 'a' })
    t.strictSame(read({ text: 'smtp' }), { store: 'aws', path: 'team/smtp', field: 'password' })
    // Written so that the parts, one after the other, look like those of what was read before.
    t.equal(read({ text: 'x', version: '\na\naws:team/' }), 'invalid_reference')
    t.equal(read({ text: 'aws:team/x', version: '\na' }), 'invalid_reference')
    t.equal(read({ text: '\na\naws:team/x' }), 'invalid_reference')
  }
})

test('a read that was decided before is decided anew with other rules', async (t) => {
  const read = decideBy()
  t.match(read({ text: 'smtp' }), { path: 'team/smtp' })
  const book = createReferenceBook([AWS], new Map([['smtp', 'aws:team/other']]))
  t.match(read({ text: 'smtp' }, { ...served, book }), { path: 'team/other' })
  const withoutStore = createReferenceBook([VAULT], new Map())
  t.equal(read({ text: 'smtp' }, { ...served, book: withoutStore }), 'access_denied')
  t.equal(read({ text: 'smtp' }, { ...served, policy: compilePolicy([]) }), 'access_denied')
  t.match(read({ text: 'smtp' }), { path: 'team/smtp' })
})

test('a read that was decided before is decided anew for another client, mode or ground', async (t) => {
  const read = decideBy()
  const wanted = { text: 'aws:team/x' }
  const grant = { by: 'bot sample-bot' }
  const stranger = { client: 'stranger', mode: 'r' } as Caller
  for (const _ of ['first', 'again']) {
    t.match(read(wanted), { path: 'team/x' })
    t.match(read(wanted, served, stranger, grant), { path: 'team/x' })
    t.equal(read(wanted, served, stranger), 'access_denied')
    t.equal(read(wanted, served, { ...reader, mode: 'w' }), 'insufficient_mode')
    t.equal(read(wanted, served, { ...reader, mode: 'w' }, grant), 'insufficient_mode')
  }
})

test('what may be read is remembered with its store, unless its name is long', async (t) => {
  const decideRead = createDecideRead()
  for (const [text, isRemembered] of [
    ['aws:team/x', true],
    [`aws:team/x#${'f'.repeat(600)}`, false]
  ] as const) {
    const [first, again] = [1, 2].map(() => decideRead(served, reader, { text }))
    t.equal(first === again, isRemembered, text.slice(0, 20))
    t.match(again, { store, locator: { path: 'team/x' } })
  }
})
