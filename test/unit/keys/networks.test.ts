// From where a key may be used: which addresses a network holds, and that each use is asked.
import { test } from 'tap'
import { issueApiKey, openApiKey } from '../../../src/keys/api-key.ts'
import { createAuthenticator } from '../../../src/keys/authenticator.ts'
import { mayComeFrom } from '../../../src/keys/caller-network.ts'
import { areWithin, isNetwork } from '../../../src/keys/networks.ts'
import { keyRequest, randomKeyring } from '../../support/keys.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')

const bound = async (...networks: string[]) => {
  const { keyring } = randomKeyring()
  return { keyring, ...(await issueApiKey(keyring, keyRequest({ networks }), NOW)) }
}

test('a key that is bound to networks may be used from these alone', async (t) => {
  const { principal } = await bound('10.1.0.0/16', '192.0.2.7', '2001:db8:1::/48')
  for (const inside of [
    '10.1.0.0',
    '10.1.255.255',
    '::ffff:10.1.2.3',
    '192.0.2.7',
    '2001:db8:1::1',
    '2001:DB8:1:ffff::'
  ]) {
    t.ok(mayComeFrom(principal, inside), inside)
    t.ok(mayComeFrom(principal, inside), `${inside}, remembered`)
  }
  for (const outside of [
    '10.2.0.0',
    '10.0.255.255',
    '192.0.2.8',
    '2001:db8:2::1',
    '::1',
    'fe80::1%eth0',
    '10.1.2.3/8',
    '10.1.2.3:80',
    'unknown',
    '',
    undefined
  ]) {
    t.notOk(mayComeFrom(principal, outside), String(outside))
    t.notOk(mayComeFrom(principal, outside), `${outside}, remembered`)
  }
})

test('a key without networks may be used from anywhere, also where nobody tells from where', async (t) => {
  const { keyring } = randomKeyring()
  const { principal } = await issueApiKey(keyring, keyRequest(), NOW)
  for (const address of ['1.2.3.4', '::1', 'unknown', undefined]) {
    t.ok(mayComeFrom(principal, address), String(address))
  }
})

test('networks stand in the key, and a key with what is no network cannot be issued', async (t) => {
  const { keyring, apiKey } = await bound('10.1.0.0/16', '2001:db8::/32')
  t.match(await openApiKey(keyring, apiKey), { networks: ['10.1.0.0/16', '2001:db8::/32'] })
  for (const wrong of [
    '10.1.0.0/33',
    '10.1',
    'example.com',
    'FE80::/10',
    'fe80::1%eth0',
    '',
    '*',
    '10.1.0.0/016',
    '10.0.0.0/08',
    '10.1.2.3/16',
    '::ffff:10.1.2.3/112',
    '2001:db8::1/32'
  ]) {
    t.notOk(isNetwork(wrong), wrong)
    await t.rejects(bound(wrong), { message: /no key may hold/ }, wrong)
  }
  await t.rejects(bound(), { message: /no key may hold/ }, 'bound to no place at all')
  const many = Array.from({ length: 17 }, (_, i) => `10.0.0.${i}`)
  await t.rejects(bound(...many), { message: /no key may hold/ })
})

test('networks are within others only if each of them is', async (t) => {
  for (const [inner, outer, expected] of [
    [['10.1.0.0/16'], ['10.0.0.0/8'], true],
    [['10.1.0.0/16'], ['10.1.0.0/16'], true],
    [['::ffff:10.1.2.3'], ['10.1.0.0/16'], true],
    [['10.1.0.0/16', '192.0.2.1'], ['192.0.2.0/24', '10.1.0.0/16'], true],
    [['10.0.0.0/8'], ['10.1.0.0/16'], false],
    [['10.1.0.0/16', '192.0.2.1'], ['10.1.0.0/16'], false],
    [['::/0'], ['0.0.0.0/0'], false]
  ] as const) {
    t.equal(areWithin(inner, outer), expected, `${inner} in ${outer}`)
  }
})

test('a key is refused from elsewhere, at its first use and once it is known, with one code and a reason', async (t) => {
  const { keyring, apiKey, principal } = await bound('10.1.0.0/16')
  const { authenticate, isAccepted, examine } = createAuthenticator({
    keyring: () => keyring,
    environment: 'dev',
    platformVersion: '8.3.0',
    revocations: { isRevoked: () => false, revoke: async () => ({ isNew: true, isDurable: true }) },
    now: () => NOW
  })
  const refused = { code: 'invalid_api_key', reason: 'other_network', principal }
  t.match(await authenticate(apiKey, '10.2.0.1'), refused)
  t.same(await authenticate(apiKey, '10.1.0.1'), principal)
  t.same(authenticate(apiKey, '10.1.0.2'), principal, 'known')
  t.match(authenticate(apiKey, '10.2.0.1'), refused)
  t.match(await authenticate(apiKey, undefined), refused)
  t.ok(isAccepted(principal, '10.1.0.1'))
  t.notOk(isAccepted(principal, '10.2.0.1'))
  t.match(await examine(apiKey, '10.2.0.1'), { refusal: { check: 'network' } })
  t.match(await examine(apiKey, undefined), { refusal: undefined }, 'left open')
})
