import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { issueApiKey } from '../../../src/keys/api-key.ts'
import { createAuthenticator } from '../../../src/keys/authenticator.ts'
import { keyRequest } from '../../support/keys.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')

const setUp = () => {
  const clock = { now: NOW }
  const revoked = new Set<string>()
  const encryptionKey = newEncryptionKey()
  const keyring = createKeyring([encryptionKey])
  const live = { keyring }
  const authenticator = createAuthenticator({
    keyring: () => live.keyring,
    environment: 'dev',
    platformVersion: '8.3.0',
    revocations: {
      isRevoked: (id) => revoked.has(id),
      revoke: async (id) => ({ isNew: !revoked.has(id), isDurable: Boolean(revoked.add(id)) })
    },
    now: () => clock.now
  })
  return { clock, revoked, encryptionKey, keyring, live, authenticator }
}

const refused = { code: 'invalid_api_key' }

test('a key is known at once the second time', async (t) => {
  const { authenticator, keyring } = setUp()
  const { apiKey, principal } = await issueApiKey(keyring, keyRequest(), NOW)
  t.same(await authenticator.authenticate(apiKey, '10.1.2.3'), principal)
  t.same(authenticator.authenticate(apiKey, '10.1.2.3'), principal)
})

test('a known key ends when it expires', async (t) => {
  const { authenticator, keyring, clock } = setUp()
  const { apiKey } = await issueApiKey(keyring, keyRequest({ lifetimeSeconds: 10 }), NOW)
  await authenticator.authenticate(apiKey, '10.1.2.3')
  clock.now += 10_000
  t.match(authenticator.authenticate(apiKey, '10.1.2.3'), refused)
})

test('a known key ends when it is revoked', async (t) => {
  const { authenticator, keyring, revoked } = setUp()
  const { apiKey, principal } = await issueApiKey(keyring, keyRequest(), NOW)
  await authenticator.authenticate(apiKey, '10.1.2.3')
  revoked.add(principal.keyId)
  t.match(authenticator.authenticate(apiKey, '10.1.2.3'), { ...refused, reason: 'revoked' })
})

test('a known key ends when its encryption key leaves the key ring', async (t) => {
  const { authenticator, keyring, live, encryptionKey } = setUp()
  const { apiKey } = await issueApiKey(keyring, keyRequest(), NOW)
  await authenticator.authenticate(apiKey, '10.1.2.3')
  const next = newEncryptionKey()
  live.keyring = createKeyring([encryptionKey, next])
  await authenticator.authenticate(apiKey, '10.1.2.3')
  live.keyring = createKeyring([next])
  t.match(await authenticator.authenticate(apiKey, '10.1.2.3'), refused)
})

test('a key of another environment, of the future, or garbage is refused with one code', async (t) => {
  const { authenticator, keyring } = setUp()
  const pro = await issueApiKey(keyring, keyRequest({ environment: 'pro' }), NOW)
  const future = await issueApiKey(keyring, keyRequest(), NOW + 120_000)
  for (const key of [pro.apiKey, future.apiKey, 'purser_dev_x', '']) {
    t.match(await authenticator.authenticate(key, '10.1.2.3'), refused)
  }
})

test('a key for a newer platform is told so', async (t) => {
  const { authenticator, keyring } = setUp()
  const newer = await issueApiKey(keyring, keyRequest({ minimumVersion: '8.4.0' }), NOW)
  const older = await issueApiKey(keyring, keyRequest({ minimumVersion: '8.3.0-rc.1' }), NOW)
  t.match(await authenticator.authenticate(newer.apiKey, '10.1.2.3'), {
    code: 'version_too_old'
  })
  t.ok(await authenticator.authenticate(older.apiKey, '10.1.2.3'))
})
