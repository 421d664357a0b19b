import { test } from 'tap'
import type { Caller } from '../../../src/core/caller.ts'
import type { NamedStore } from '../../../src/core/store-address.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import type { Rules, Wanted } from '../../../src/secrets/caller.ts'
import { parseWanted } from '../../../src/secrets/decision.ts'

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

test('a text that was read before is read anew with another version, field or configuration', async (t) => {
  const read = (wanted: Wanted, from: Rules = rules) => {
    try {
      return parseWanted(from, { client: 'reader', mode: 'r' } as Caller, wanted)
    } catch (error) {
      return (error as { code: string }).code
    }
  }
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
  const renamed = createReferenceBook(rules.book.stores, new Map([['smtp', 'aws:team/other']]))
  t.strictSame(read({ text: 'smtp' }, { ...rules, book: renamed }), {
    store: 'aws',
    path: 'team/other'
  })
  const without = createReferenceBook([VAULT], new Map())
  t.equal(read({ text: 'aws:team/x' }, { ...rules, book: without }), undefined)
})
