import { hkdfSync } from 'node:crypto'
import { test } from 'tap'
import { createKeyring, derive, kidOf, newEncryptionKey } from '../../../src/crypto/keyring.ts'

const KEY = '0123456789abcdefghijklmnopqrstuv'

test('purposes are derived by HKDF-SHA256 of the key as text, with no salt', async (t) => {
  for (const purpose of [
    'api-key',
    'cache',
    'store',
    'state',
    'audit',
    'fingerprint',
    'kid'
  ] as const) {
    const expected = Buffer.from(
      hkdfSync(
        'sha256',
        Buffer.from(KEY, 'utf8'),
        Buffer.alloc(0),
        Buffer.from(`purser/v1/${purpose}`),
        32
      )
    )
    t.same(derive(KEY, purpose), expected)
  }
})

test('a kid is eight characters, the same at every start, and another for another key', async (t) => {
  t.match(kidOf(KEY), /^[A-Za-z0-9_-]{8}$/)
  t.equal(kidOf(KEY), '_4d6OtNB')
  t.not(kidOf(KEY), kidOf(newEncryptionKey()))
})

test('the last key is active and all are found by their kid', async (t) => {
  const keys = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()]
  const keyring = createKeyring(keys)
  t.equal(keyring.active.kid, kidOf(keys[2] ?? ''))
  t.same(keyring.kids, keys.map(kidOf))
  for (const kid of keyring.kids) t.equal(keyring.find(kid)?.kid, kid)
  t.equal(keyring.find('AAAAAAAA'), undefined)
  t.throws(() => createKeyring([]))
})

test('what was named under a key is looked for under the newest first, each key once', async (t) => {
  const keys = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()]
  const { all, active } = createKeyring(keys)
  t.strictSame(
    all.map(({ kid }) => kid),
    keys.map(kidOf).reverse()
  )
  t.equal(all[0], active)
})

test('the key of a purpose is derived once', async (t) => {
  const { active } = createKeyring([KEY])
  t.equal(active.keyFor('cache'), active.keyFor('cache'))
  t.strictSame(active.keyFor('cache').export(), derive(KEY, 'cache'))
})

test('a fresh encryption key has 32 characters and never comes twice', async (t) => {
  const keys = Array.from({ length: 1000 }, newEncryptionKey)
  t.ok(keys.every((key) => /^[A-Za-z0-9_-]{32}$/.test(key)))
  t.equal(new Set(keys).size, 1000)
})
