import { test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { viewOf } from '../../../src/secrets/view.ts'

const [key, another] = [1, 2].map(() => createKeyring([newEncryptionKey()]).active)
if (key === undefined || another === undefined) throw new Error('there are two keys')

const entryOf = (text: string, version = '1') => ({
  record: { text: new Sensitive(text), version },
  fetchedAt: 1_000,
  expiresAt: 2_000
})
const reference = (field?: string) => ({
  store: 'kv',
  path: 'team/db',
  ...(field !== undefined && { field })
})

test('a field is looked up once for as long as its secret is cached, and anew when it was fetched anew', async (t) => {
  const entry = entryOf('{"a":"x","b":"y"}')
  const view = viewOf(entry, reference('a'), key, false)
  t.match(view, { version: '1', fetchedAt: 1_000, expiresAt: 2_000 })
  t.equal('value' in view.selection && view.selection.value.reveal(), 'x')
  t.equal(viewOf(entry, reference('a'), key, false), view)
  for (const other of [
    viewOf(entry, reference('b'), key, false),
    viewOf(entry, reference(), key, false),
    viewOf(entry, reference('a'), key, true),
    viewOf({ ...entry }, reference('a'), key, false)
  ]) {
    t.not(other, view)
  }
  t.equal(viewOf(entry, reference('a'), key, false), view, 'also between the others')
})

test('the entity tag tells values, places, versions, fields, representations and encryption keys apart', async (t) => {
  const entry = entryOf('{"a":"x"}')
  const tags = [
    viewOf(entry, reference('a'), key, false),
    viewOf(entry, reference(), key, false),
    viewOf(entry, reference('a'), key, true),
    viewOf(entry, reference('a'), another, false),
    viewOf(entryOf('{"a":"y"}'), reference('a'), key, false),
    viewOf(entryOf('{"a":"x"}', '2'), reference('a'), key, false),
    viewOf(entryOf('{"a":"x"}'), { ...reference('a'), path: 'team/other' }, key, false)
  ].map(({ etag }) => etag)
  t.equal(new Set(tags).size, tags.length)
  t.equal(viewOf(entryOf('{"a":"x"}'), reference('a'), key, false).etag, tags[0], 'for all time')
})

test('a field that is not there is not remembered, and may be asked for as often as one likes', async (t) => {
  const entry = entryOf('{"a":"x"}')
  for (const _ of ['first', 'again']) {
    t.throws(() => viewOf(entry, reference('z'), key, false), { code: 'field_not_found' })
  }
})

test('all fields of a secret are remembered, but not more than takes a few times its own room', async (t) => {
  const fields = Array.from({ length: 20 }, (_, i) => `field${i}`)
  const flat = entryOf(JSON.stringify(Object.fromEntries(fields.map((name) => [name, 'x']))))
  const viewsOfAll = () => fields.map((field) => viewOf(flat, reference(field), key, false))
  viewsOfAll().forEach((view, i) => {
    t.equal(viewOf(flat, reference(fields[i]), key, false), view)
  })

  // Each holds all below it, so that together they hold as many times the secret as it is deep.
  const depth = 100
  const deep = entryOf(`${'{"a":'.repeat(depth)}"${'x'.repeat(4_000)}"${'}'.repeat(depth)}`)
  const [first, ...others] = Array.from({ length: depth }, (_, i) => '/a'.repeat(i + 1))
  const view = viewOf(deep, reference(first), key, false)
  t.equal(viewOf(deep, reference(first), key, false), view)
  for (const field of others) viewOf(deep, reference(field), key, false)
  t.not(viewOf(deep, reference(first), key, false), view)
})
