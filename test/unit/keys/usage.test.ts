import { type Test, test } from 'tap'
import type { Principal } from '../../../src/core/principal.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { issueApiKey } from '../../../src/keys/api-key.ts'
import { createAuthenticator } from '../../../src/keys/authenticator.ts'
import { createKeyUsage, type KeyUse, oldUses, rewrapUses } from '../../../src/keys/usage.ts'
import { countLeftovers, removeLeftovers } from '../../../src/state/leftovers.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'
import { keyRequest } from '../../support/keys.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()
const idOf = (n: number) => `${String(n).padStart(8, '0')}-7a0a-4d0e-8a39-3f5f3c1b1f10`

const [FORMER, ACTIVE] = [newEncryptionKey(), newEncryptionKey()]
const ring = createSealer(createKeyring([FORMER, ACTIVE]))
const sealer = () => ring

/** A real state of which writes are counted, and fail while told to. */
const setUp = (t: Test) => {
  const state = openState(t)
  const told = { writes: 0, failures: 0, isBroken: false, now: NOW }
  const watched: State = {
    ...state,
    compareAndSet: (...change) => {
      if (told.isBroken) return Promise.reject(new Error('broken'))
      told.writes++
      return state.compareAndSet(...change)
    }
  }
  const onFailure = () => void told.failures++
  const usage = createKeyUsage({ state: watched, sealer, now: () => told.now, onFailure })
  return { told, state: watched, usage }
}

const all = async (uses: AsyncIterable<KeyUse>): Promise<KeyUse[]> => {
  const found = []
  for await (const use of uses) found.push(use)
  return found
}

test('a use is known with first and last time, and says nothing of the text of the key', async (t) => {
  const { usage } = setUp(t)
  usage.note({ ...PRINCIPAL, expiresAt: NOW / 1000 + 60 }, NOW)
  await usage.close()
  usage.note(PRINCIPAL, NOW + 60_000)
  const { keyId, client, scopes, mode, environment, kid } = PRINCIPAL
  const use = { keyId, client, scopes, mode, environment, kid }
  t.same(await all(usage.list()), [{ ...use, firstSeen: iso(NOW), lastUsed: iso(NOW + 60_000) }])
  t.equal(await usage.isKnown(keyId), true)
  t.equal(await usage.isKnown(idOf(1)), false)
})

test('a use says all that the key says, and the end as a moment', async (t) => {
  const { usage } = setUp(t)
  const via = [idOf(1)]
  const networks = ['10.0.0.0/8']
  usage.note({ ...PRINCIPAL, expiresAt: NOW / 1000 + 60, via, networks }, NOW)
  t.equal(await usage.isKnown(PRINCIPAL.keyId), true, 'before it is written')
  const [use] = await all(usage.list())
  t.match(use, { expiresAt: iso(NOW + 60_000), via, networks })
})

test('a use under an encryption key that is gone goes when that has been gone for as long as others are kept', async (t) => {
  const { state, usage } = setUp(t)
  usage.note(PRINCIPAL, NOW)
  usage.note({ ...PRINCIPAL, keyId: idOf(1) }, NOW)
  await usage.close()
  const lost = createSealer(createKeyring([newEncryptionKey()]))
  const uses = oldUses(() => lost)
  const preparedAt = async (days: number, isDryRun = false) => {
    const now = NOW + days * 86_400_000
    return { now, prepared: (await uses.prepare?.(state, now, { isDryRun })) ?? uses }
  }
  const removed = async (days: number): Promise<number> => {
    const { now, prepared } = await preparedAt(days)
    return await removeLeftovers(state, prepared, now)
  }
  const { now, prepared } = await preparedAt(-500, true)
  t.equal(await countLeftovers(state, prepared, now), 0, 'which notes nothing')
  t.equal(await removed(1), 0, 'from now on it is known to be gone')
  t.equal(await removed(401), 0)
  t.equal(await removed(402), 2)
  t.equal(await removed(402), 0)
})

test('a key is written at most once a minute, also where it is noted more often', async (t) => {
  const { told, usage } = setUp(t)
  for (let second = 0; second < 180; second++) {
    usage.note(PRINCIPAL, NOW + second * 1_000)
    await usage.close()
  }
  t.equal(told.writes, 3)
  t.equal((await all(usage.list()))[0]?.lastUsed, iso(NOW + 120_000))
})

test('what the authenticator admits is noted once a minute for each key, and what it refuses is not', async (t) => {
  const clock = { now: NOW }
  const noted: [Principal, number][] = []
  const revoked = new Set<string>()
  const keyring = createKeyring([newEncryptionKey()])
  const authenticator = createAuthenticator({
    keyring: () => keyring,
    environment: 'dev',
    platformVersion: '8.3.0',
    revocations: {
      isRevoked: (id) => revoked.has(id),
      revoke: async () => ({ isNew: true, isDurable: true })
    },
    now: () => clock.now,
    noteUse: (principal, at) => void noted.push([principal, at])
  })
  const { apiKey, principal } = await issueApiKey(keyring, keyRequest(), NOW)
  const newer = await issueApiKey(keyring, keyRequest({ minimumVersion: '9.0.0' }), NOW)
  for (let second = 0; second < 150; second++) {
    await authenticator.authenticate(apiKey, '10.1.2.3')
    clock.now += 1_000
  }
  t.match(await authenticator.authenticate(newer.apiKey, '10.1.2.3'), { code: 'version_too_old' })
  revoked.add(principal.keyId)
  clock.now += 3_600_000
  t.match(authenticator.authenticate(apiKey, '10.1.2.3'), { code: 'invalid_api_key' })
  t.same(
    noted,
    [NOW, NOW + 60_000, NOW + 120_000].map((at) => [principal, at])
  )
})

test('a write that fails is told once and lost, and the next one works', async (t) => {
  const { told, usage } = setUp(t)
  told.isBroken = true
  for (let minute = 0; minute < 3; minute++) {
    usage.note(PRINCIPAL, NOW + minute * 60_000)
    await usage.close()
  }
  t.equal(told.failures, 1)
  told.isBroken = false
  usage.note(PRINCIPAL, NOW + 600_000)
  await usage.close()
  t.equal((await all(usage.list()))[0]?.firstSeen, iso(NOW + 600_000))
  told.isBroken = true
  usage.note(PRINCIPAL, NOW + 700_000)
  await usage.close()
  t.equal(told.failures, 2)
})

test('two replicas that note one key lose nothing, and damage is passed over', async (t) => {
  const { state, usage } = setUp(t)
  const other = createKeyUsage({
    state,
    sealer,
    now: () => NOW,
    onFailure: () => t.fail('no write fails')
  })
  for (let n = 0; n < 20; n++) {
    usage.note({ ...PRINCIPAL, keyId: idOf(n) }, NOW)
    other.note({ ...PRINCIPAL, keyId: idOf(n + 10) }, NOW)
  }
  await state.compareAndSet(`usage/${idOf(99)}`, undefined, Buffer.from('{"keyId":1}'))
  await Promise.all([usage.close(), other.close()])
  const ids = (await all(usage.list())).map(({ keyId }) => keyId)
  t.same(
    ids,
    Array.from({ length: 30 }, (_, n) => idOf(n))
  )
  t.equal((await all(usage.list(idOf(28))))[0]?.keyId, idOf(29))
})

test('a key that was not used for 400 days is listed no more, and may go unless it is used meanwhile', async (t) => {
  const { told, state, usage } = setUp(t)
  const DAY = 24 * 3_600_000
  for (let n = 0; n < 3; n++) usage.note({ ...PRINCIPAL, keyId: idOf(n) }, NOW)
  usage.note({ ...PRINCIPAL, keyId: idOf(200) }, NOW + DAY)
  await state.compareAndSet(`usage/${idOf(300)}`, undefined, Buffer.from('{"keyId":1}'))
  await usage.close()
  const old = oldUses(sealer)
  told.now = NOW + 400 * DAY
  t.equal((await all(usage.list())).length, 4, 'to the day')
  t.equal(await countLeftovers(state, old, told.now), 0)

  told.now += 1
  const ids = async () => (await all(usage.list())).map(({ keyId }) => keyId)
  t.same(await ids(), [idOf(200)])
  t.equal(await countLeftovers(state, old, told.now), 3, 'looking removes nothing')
  usage.note({ ...PRINCIPAL, keyId: idOf(1) }, told.now)
  await usage.close()
  t.equal(await removeLeftovers(state, old, told.now), 2)
  t.same(await ids(), [idOf(1), idOf(200)])
  t.equal(await usage.isKnown(idOf(0)), false)
  t.equal(await usage.isKnown(idOf(300)), true, 'what cannot be opened stays')
})

test('what is kept of a use shows nothing of it, and is rewrapped for a new encryption key', async (t) => {
  const { state, usage } = setUp(t)
  const before = createSealer(createKeyring([FORMER]))
  const former = createKeyUsage({
    state,
    sealer: () => before,
    now: () => NOW,
    onFailure: () => {}
  })
  former.note(PRINCIPAL, NOW)
  await former.close()
  const value = await state.get(`usage/${PRINCIPAL.keyId}`)
  for (const word of [PRINCIPAL.client, PRINCIPAL.kid]) t.notOk(value?.includes(word))
  const after = createSealer(createKeyring([ACTIVE]))
  t.same(
    await all(
      createKeyUsage({ state, sealer: () => after, now: () => NOW, onFailure: () => {} }).list()
    ),
    []
  )
  t.equal(await rewrapUses({ state, sealer }), 1)
  t.equal(await rewrapUses({ state, sealer }), 0)
  t.equal((await all(usage.list()))[0]?.client, PRINCIPAL.client)
})
