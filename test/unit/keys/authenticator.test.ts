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

test('what goes on after the request of a key ends with it, with its encryption key, and where it may not be used', async (t) => {
  const { authenticator, keyring, live, revoked, encryptionKey } = setUp()
  const bound = keyRequest({ networks: ['10.0.0.0/8'] })
  const { principal } = await issueApiKey(keyring, bound, NOW)
  const { principal: newer } = await issueApiKey(
    keyring,
    keyRequest({ minimumVersion: '9.0.0' }),
    NOW
  )
  const { isAccepted, refusalOf } = authenticator
  const outcome = (address: string | undefined) => [
    isAccepted(principal, address),
    refusalOf(principal, address)?.reason
  ]
  t.strictSame(outcome('10.1.2.3'), [true, undefined])
  t.strictSame(outcome('11.1.2.3'), [false, 'other_network'])
  t.equal(refusalOf(newer, '10.1.2.3')?.check, 'version')
  revoked.add(principal.keyId)
  t.strictSame(outcome('10.1.2.3'), [false, 'revoked'])
  revoked.clear()
  live.keyring = createKeyring([newEncryptionKey()])
  t.strictSame(outcome('10.1.2.3'), [false, 'unreadable'])
  live.keyring = createKeyring([encryptionKey])
  t.strictSame(outcome('10.1.2.3'), [true, undefined])
})

test('an examined key tells what it says and what refuses it, from a network only where one is asked about', async (t) => {
  const { authenticator, keyring } = setUp()
  const { examine } = authenticator
  const { apiKey, principal } = await issueApiKey(
    keyring,
    keyRequest({ networks: ['10.0.0.0/8'] }),
    NOW
  )
  t.strictSame(await examine(apiKey, undefined), {
    ...{ principal, refusal: undefined, address: undefined }
  })
  const elsewhere = await examine(apiKey, '11.1.2.3')
  t.match(elsewhere, { principal, refusal: { check: 'network' }, address: '11.1.2.3' })
  t.match(await examine('purser_dev_x', undefined), { refusal: { check: 'key' } })
})
