import { createHash, createSecretKey } from 'node:crypto'
import { inspect } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { CompactEncrypt } from 'jose'
import { test } from 'tap'
import { createKeyring, derive, kidOf, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { issueApiKey, openApiKey } from '../../../src/keys/api-key.ts'
import { isWithinLifetime } from '../../../src/keys/checks.ts'
import { claimsFor, FOREIGN_HEADERS, forgeKey } from '../../support/forged-key.ts'
import { keyRequest } from '../../support/keys.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const encryptionKey = newEncryptionKey()
const keyring = createKeyring([encryptionKey])
const kid = kidOf(encryptionKey)
const secret = createSecretKey(derive(encryptionKey, 'api-key'))

const payload = (overrides: Record<string, unknown> = {}): Record<string, unknown> =>
  claimsFor(encryptionKey, NOW, overrides)
const forge = (
  claims: Record<string, unknown>,
  header?: Record<string, unknown>,
  encode?: (json: string) => Buffer
): string => forgeKey(encryptionKey, claims, header, encode)

test('an issued key opens to what it was issued with', async (t) => {
  const scopes = ['aura-services:token', 'aura-ai-services:messaging:write']
  const { apiKey, principal } = await issueApiKey(
    keyring,
    keyRequest({ scopes, mode: 'rw', lifetimeSeconds: 86_400 }),
    NOW
  )
  t.match(apiKey, /^purser_dev_eyJ/)
  t.same(await openApiKey(keyring, apiKey), principal)
  t.match(principal, { client: 'app', scopes, mode: 'rw', kid, expiresAt: NOW / 1000 + 86_400 })
})

test('a key that keeps to the published profile opens, whoever made it', async (t) => {
  const claims = payload()
  t.match(await openApiKey(keyring, forge(claims)), { keyId: claims['jti'], client: 'app' })
})

test('no claims that a key may not hold are issued', async (t) => {
  for (const bad of [
    { keyId: 'not-a-uuid' },
    { client: '' },
    { client: 'a b' },
    { scopes: [] },
    { scopes: ['aura-services:'] },
    { scopes: ['aura-services', 'aura-services:'] },
    { networks: ['10.0.0.0/8', '10.0.0.1/8'] },
    { minimumVersion: '8.3' },
    { minimumVersion: 'v8.3.0' }
  ]) {
    await t.rejects(issueApiKey(keyring, keyRequest(bad), NOW), JSON.stringify(bad))
  }
  const scopes = Array.from({ length: 32 }, (_, i) => `aura-services:${String(i).repeat(40)}`)
  await t.rejects(issueApiKey(keyring, keyRequest({ scopes }), NOW), /too long/)
})

test('each respelling of a key that a decoder would accept is refused', async (t) => {
  const { apiKey } = await issueApiKey(keyring, keyRequest(), NOW)
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const respelled = [...ALPHABET]
    .map((last) => apiKey.slice(0, -1) + last)
    .filter((key) => key !== apiKey)
  for (const key of respelled) t.equal(await openApiKey(keyring, key), undefined)
  const [head = '', , iv = '', ciphertext = '', tag = ''] = apiKey.split('.')
  for (const space of [' ', '\t', '\n', '\r', '=']) {
    for (const segments of [
      [head, '', `${iv}${space}`, ciphertext, tag],
      [head, '', iv, `${ciphertext.slice(0, 4)}${space}${ciphertext.slice(4)}`, tag],
      [head, '', iv, ciphertext, `${space}${tag}`],
      [head, '', iv, ciphertext, `${tag}${space}`]
    ]) {
      t.equal(await openApiKey(keyring, segments.join('.')), undefined)
    }
  }
  const standardAlphabet = apiKey.replaceAll('-', '+').replace(/_(?=[^_]*$)/, '/')
  if (standardAlphabet !== apiKey) t.equal(await openApiKey(keyring, standardAlphabet), undefined)
})

test('a key with any character changed is refused', async (t) => {
  const { apiKey } = await issueApiKey(keyring, keyRequest(), NOW)
  for (let i = 0; i < apiKey.length; i++) {
    const other = apiKey[i] === 'A' ? 'B' : 'A'
    const changed = apiKey.slice(0, i) + other + apiKey.slice(i + 1)
    t.equal(await openApiKey(keyring, changed), undefined, `character ${i}`)
  }
})

test('arbitrary text is refused without an error', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((s) => `purser_dev_${s}`)
      ),
      async (text) => {
        t.equal(await openApiKey(keyring, text), undefined)
      }
    )
  )
  t.equal(await openApiKey(keyring, `purser_dev_${'a'.repeat(3000)}`), undefined)
})

test('a header beyond the profile is refused', async (t) => {
  for (const header of FOREIGN_HEADERS) {
    t.equal(await openApiKey(keyring, forge(payload(), header)), undefined, JSON.stringify(header))
  }
})

test('a compressed payload is refused', async (t) => {
  const zipped = forge(payload(), { zip: 'DEF' }, deflateRawSync)
  t.equal(await openApiKey(keyring, zipped), undefined)
})

test('another algorithm is refused', async (t) => {
  const wrapped = await new CompactEncrypt(Buffer.from(JSON.stringify(payload())))
    .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', typ: 'purser-key+jwe', kid })
    .encrypt(secret)
  const short = await new CompactEncrypt(Buffer.from(JSON.stringify(payload())))
    .setProtectedHeader({ alg: 'dir', enc: 'A128GCM', typ: 'purser-key+jwe', kid })
    .encrypt(createSecretKey(createHash('md5').update('x').digest()))
  for (const compact of [wrapped, short]) {
    t.equal(await openApiKey(keyring, `purser_dev_${compact}`), undefined)
  }
})

test('the kid inside must be the one outside', async (t) => {
  t.equal(await openApiKey(keyring, forge(payload({ kid: 'AAAAAAAA' }))), undefined)
})

test('claims of a wrong shape are refused', async (t) => {
  for (const bad of [
    { jti: 'x' },
    { jti: 7 },
    { cli: '' },
    { scp: 'aura-services' },
    { scp: [] },
    { scp: ['aura services'] },
    { scp: ['aura-services', 'aura services'] },
    { net: ['10.0.0.0/8', '10.0.0.1/8'] },
    { net: [] },
    { mode: 'rwx' },
    { env: 'prod' },
    { minv: '8' },
    { iat: '1' },
    { iat: 1.5 },
    { exp: null },
    { exp: -1 },
    { via: [] },
    { via: 'x' },
    { via: ['-'] },
    { via: ['a', 'b', 'c', 'd', 'e'] },
    { admin: true },
    ...['jti', 'cli', 'scp', 'mode', 'env', 'minv', 'iat', 'kid'].map((name) => ({
      [name]: undefined
    }))
  ]) {
    t.equal(await openApiKey(keyring, forge(payload(bad))), undefined, inspect(bad))
  }
})

test('the environment outside must be the one inside', async (t) => {
  const key = forge(payload({ env: 'pro' }))
  t.equal(await openApiKey(keyring, key), undefined)
  t.match(await openApiKey(keyring, key.replace('purser_dev_', 'purser_pro_')), {
    environment: 'pro'
  })
})

test('during a rotation keys of both encryption keys open, and new ones come under the active key', async (t) => {
  const next = newEncryptionKey()
  const { apiKey: old } = await issueApiKey(keyring, keyRequest(), NOW)
  const both = createKeyring([encryptionKey, next])
  const { apiKey: fresh, principal } = await issueApiKey(both, keyRequest(), NOW)
  t.ok(await openApiKey(both, old))
  t.ok(await openApiKey(both, fresh))
  t.equal(principal.kid, kidOf(next))
  const after = createKeyring([next])
  t.equal(await openApiKey(after, old), undefined)
  t.ok(await openApiKey(after, fresh))
})

test('a key is in force from its issue, a minute of clock skew allowed, until it expires', async (t) => {
  const { principal } = await issueApiKey(keyring, keyRequest({ lifetimeSeconds: 60 }), NOW)
  t.equal(isWithinLifetime(principal, NOW - 60_000), true)
  t.equal(isWithinLifetime(principal, NOW - 61_000), false)
  t.equal(isWithinLifetime(principal, NOW + 59_999), true)
  t.equal(isWithinLifetime(principal, NOW + 60_000), false)
})
