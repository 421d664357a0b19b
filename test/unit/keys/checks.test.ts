/** What a key has to pass, at the edges of each check, and in which order. */
import { test } from 'tap'
import type { Principal } from '../../../src/core/principal.ts'
import {
  type Circumstances,
  EACH_TIME,
  failedCheck,
  isWithinLifetime,
  KEY_CHECKS,
  PLATFORM
} from '../../../src/keys/checks.ts'

const SECONDS = 1_700_000_000
const KEY: Principal = {
  keyId: 'a',
  client: 'app',
  scopes: ['x'],
  mode: 'r',
  environment: 'dev',
  minimumVersion: '8.3.0',
  issuedAt: SECONDS,
  kid: 'k'
}
const circumstances = (more: Partial<Circumstances> = {}): Circumstances => ({
  environment: 'dev',
  platformVersion: '8.3.0',
  now: () => SECONDS * 1_000,
  isRevoked: () => false,
  ...more
})
const refusal = (key: Partial<Principal>, more?: Partial<Circumstances>, address = '10.1.2.3') =>
  failedCheck({ ...KEY, ...key }, KEY_CHECKS, circumstances(more), address)?.check

test('a key is in force from a minute before it was issued until the second in which it ends', async (t) => {
  const at = (seconds: number, key: Partial<Principal> = {}) =>
    isWithinLifetime({ ...KEY, ...key }, seconds * 1_000)
  t.equal(at(SECONDS - 60), true)
  t.equal(at(SECONDS - 61), false)
  t.equal(at(SECONDS + 1e9), true)
  t.equal(at(SECONDS + 9.999, { expiresAt: SECONDS + 10 }), true)
  t.equal(at(SECONDS + 10, { expiresAt: SECONDS + 10 }), false)
})

test('each check refuses what only it refuses, in this order', async (t) => {
  t.equal(refusal({}), undefined)
  t.strictSame(
    KEY_CHECKS.map(({ check, reason }) => [check, reason]),
    [
      ['key', 'unreadable'],
      ['environment', 'environment'],
      ['time', 'not_in_force'],
      ['revocation', 'revoked'],
      ['network', 'other_network'],
      ['version', undefined]
    ]
  )
  t.equal(failedCheck(undefined, EACH_TIME, circumstances(), undefined)?.check, 'key')
  const wrong: Partial<Principal> = {
    environment: 'pro',
    expiresAt: SECONDS,
    networks: ['10.2.0.0/16'],
    minimumVersion: '8.3.1'
  }
  const revoked = { isRevoked: () => true }
  t.equal(refusal(wrong, revoked), 'environment')
  t.equal(refusal({ ...wrong, environment: 'dev' }, revoked), 'time')
  const { expiresAt: _, ...living } = { ...wrong, environment: 'dev' as const }
  t.equal(refusal(living, revoked), 'revocation')
  t.equal(refusal(living), 'network')
  t.equal(refusal(living, {}, '10.2.0.1'), 'version')
})

test('the platform is new enough if it is not older, in the order of semver', async (t) => {
  for (const [minimumVersion, isMet] of [
    ['8.3.0', true],
    ['8.3.0-rc.1', true],
    ['8.2.99', true],
    ['8.3.1', false],
    ['8.10.0', false]
  ] as const) {
    t.equal(
      PLATFORM.isMet({ ...KEY, minimumVersion }, circumstances(), undefined),
      isMet,
      minimumVersion
    )
  }
})
