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
  const authenticator = createAuthenticator({
    environment: 'dev',
    platformVersion: '8.3.0',
    revocations: {
      isRevoked: (id) => revoked.has(id),
      revoke: async (id) => ({ isNew: !revoked.has(id), isDurable: Boolean(revoked.add(id)) })
    },
    now: () => clock.now
  })
  return { clock, revoked, encryptionKey, keyring: createKeyring([encryptionKey]), authenticator }
}

const refused = { code: 'invalid_api_key' }

test('a key is known at once the second time', async (t) => {
  const { authenticator, keyring } = setUp()
  const { apiKey, principal } = await issueApiKey(keyring, keyRequest(), NOW)
  t.same(await authenticator.authenticate(keyring, apiKey), principal)
  t.same(authenticator.authenticate(keyring, apiKey), principal)
})

test('a known key ends when it expires', async (t) => {
  const { authenticator, keyring, clock } = setUp()
  const { apiKey } = await issueApiKey(keyring, keyRequest({ lifetimeSeconds: 10 }), NOW)
  await authenticator.authenticate(keyring, apiKey)
  clock.now += 10_000
  t.throws(() => authenticator.authenticate(keyring, apiKey), refused)
})

test('a known key ends when it is revoked', async (t) => {
  const { authenticator, keyring, revoked } = setUp()
  const { apiKey, principal } = await issueApiKey(keyring, keyRequest(), NOW)
  await authenticator.authenticate(keyring, apiKey)
  revoked.add(principal.keyId)
  t.throws(() => authenticator.authenticate(keyring, apiKey), { ...refused, reason: 'revoked' })
})

test('a known key ends when its encryption key leaves the key ring', async (t) => {
  const { authenticator, keyring, encryptionKey } = setUp()
  const { apiKey } = await issueApiKey(keyring, keyRequest(), NOW)
  await authenticator.authenticate(keyring, apiKey)
  const next = newEncryptionKey()
  await authenticator.authenticate(createKeyring([encryptionKey, next]), apiKey)
  await t.rejects(async () => authenticator.authenticate(createKeyring([next]), apiKey), refused)
})

test('a key of another environment, of the future, or garbage is refused with one code', async (t) => {
  const { authenticator, keyring } = setUp()
  const pro = await issueApiKey(keyring, keyRequest({ environment: 'pro' }), NOW)
  const future = await issueApiKey(keyring, keyRequest(), NOW + 120_000)
  for (const key of [pro.apiKey, future.apiKey, 'purser_dev_x', '']) {
    await t.rejects(async () => authenticator.authenticate(keyring, key), refused)
  }
})

test('a key for a newer platform is told so', async (t) => {
  const { authenticator, keyring } = setUp()
  const newer = await issueApiKey(keyring, keyRequest({ minimumVersion: '8.4.0' }), NOW)
  const older = await issueApiKey(keyring, keyRequest({ minimumVersion: '8.3.0-rc.1' }), NOW)
  await t.rejects(async () => authenticator.authenticate(keyring, newer.apiKey), {
    code: 'version_too_old'
  })
  t.ok(await authenticator.authenticate(keyring, older.apiKey))
})
