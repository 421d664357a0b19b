// The care of keys over HTTP: issue, see, revoke, and who still uses which encryption key.
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type Client, type TestAppOptions } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem, assertSafeHeaders } from '../../support/problem.ts'

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
const ISSUER_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const SCOPES = ['aura-admin', 'aura-services:secrets', 'aura-ai-services']

const setUp = async (t: Test, options: Partial<TestAppOptions> = {}) => {
  const built = await buildTestApp(t, { yaml: YAML, ...options })
  const admin = (mode: 'r' | 'w' | 'rw' = 'rw', scopes = SCOPES) =>
    built.as('admin', mode, { scopes, ...(mode === 'rw' && { keyId: ISSUER_ID }) })
  return { built, withKey: built.withKey, admin }
}

const wanted = { client: 'app', scopes: ['aura-services:secrets'], mode: 'r' }

test('an issued key works at once, is shown once, and its issue is on record', async (t) => {
  const { built, admin, withKey } = await setUp(t)
  const answer = await (await admin()).ask('POST', '/v1/admin/keys', {
    ...wanted,
    expiresInDays: 30
  })
  t.equal(answer.statusCode, 201)
  assertSafeHeaders(t, answer)
  const { apiKey, key, keyId, issuedAt, expiresAt, ...claims } = answer.json()
  t.same(claims, { ...wanted, environment: 'dev', minimumVersion: '8.3.0', via: [ISSUER_ID] })
  t.equal(key, apiKey, 'its former name')
  t.equal(Date.parse(expiresAt) - Date.parse(issuedAt), 30 * 86_400_000)
  t.match((await withKey(key).ask('GET', '/v1/whoami')).json(), { keyId, client: 'app' })
  const records = await recordsIn(built.folder)
  t.match(records, [
    { action: 'key.issue', outcome: 'allowed', client: 'admin', keyId: ISSUER_ID, reason: keyId }
  ])
  t.notOk(`${JSON.stringify(records)}${built.logs.join('')}`.includes(key.slice(20)))
})

test('nobody issues more than the own scopes, mode and environment', async (t) => {
  const { built, admin } = await setUp(t)
  const full = await admin()
  const post = ({ ask }: Client, more: object) =>
    ask('POST', '/v1/admin/keys', { ...wanted, ...more })
  for (const scope of [
    'aura-services',
    'aura-services:token',
    'aura-service',
    'aura-services:secrets-2'
  ]) {
    const scopes = ['aura-services:secrets', scope]
    assertProblem(t, await post(full, { scopes }), { code: 'insufficient_scope', what: scope })
  }
  for (const environment of ['stg', 'pre', 'pro']) {
    assertProblem(t, await post(full, { environment }), { code: 'access_denied' })
  }
  const writer = await admin('w')
  for (const mode of ['r', 'rw']) {
    assertProblem(t, await post(writer, { mode }), { code: 'insufficient_mode', what: mode })
  }
  t.equal((await post(writer, { mode: 'w' })).statusCode, 201, 'mode w issues mode w')
  assertProblem(t, await post(await admin('r'), {}), { code: 'insufficient_mode' })
  const noAdmin = await built.as('app', 'rw', { scopes: ['aura-services'] })
  assertProblem(t, await post(noAdmin, {}), { code: 'insufficient_scope' })
  const scopes = ['aura-admin', 'aura-services:secrets', 'aura-ai-services:messaging:write']
  const below = await post(full, { scopes, mode: 'rw', environment: 'dev' })
  t.equal(below.statusCode, 201, 'what stands below the own scopes')
  const denied = (await recordsIn(built.folder)).filter(
    ({ action, outcome }) => action === 'key.issue' && outcome === 'denied'
  )
  t.equal(denied.length, 9)
})

test('API_KEY_MAX_DAYS holds for issued keys', async (t) => {
  const { admin } = await setUp(t, { env: { API_KEY_MAX_DAYS: '30' } })
  const { ask } = await admin()
  const tooLong = await ask('POST', '/v1/admin/keys', { ...wanted, expiresInDays: 31 })
  t.match(assertProblem(t, tooLong, { code: 'invalid_request' }).errors, [
    { pointer: '/body/expiresInDays', rule: 'maximum' }
  ])
  const { issuedAt, expiresAt } = (await ask('POST', '/v1/admin/keys', wanted)).json()
  t.equal(Date.parse(expiresAt) - Date.parse(issuedAt), 30 * 86_400_000)
})

test('a request for a key that no key can be is refused without an echo', async (t) => {
  const { admin } = await setUp(t)
  const canary = createCanary()
  const { ask } = await admin()
  const long = Array.from({ length: 32 }, (_, i) => `aura-ai-services:${'x'.repeat(100)}${i}`)
  for (const more of [
    { client: canary.token },
    { scopes: [] },
    { scopes: [canary.token] },
    { scopes: long },
    { mode: 'x' },
    { environment: canary.token },
    { minimumVersion: 'canary' },
    { expiresInDays: 0 },
    { expires: '0d' },
    { expires: '1' },
    { expires: '36501d' },
    { expires: '1d', expiresInDays: 1 },
    { expiresInDays: 1.5 },
    { identifier: canary.token },
    { [canary.token]: 1 }
  ]) {
    const answer = await ask('POST', '/v1/admin/keys', { ...wanted, ...more })
    assertProblem(t, answer, { code: 'invalid_request', canary, what: Object.keys(more)[0] ?? '' })
  }
})

test('an id is not given twice: not that of a key that was seen, nor of one that was revoked', async (t) => {
  const { admin } = await setUp(t)
  const { ask } = await admin()
  const issue = (identifier: string) => ask('POST', '/v1/admin/keys', { ...wanted, identifier })
  assertProblem(t, await issue(ISSUER_ID), { code: 'conflict' })
  const other = ISSUER_ID.replace('5a', '6b')
  t.equal((await issue(other)).json().keyId, other)
  await ask('DELETE', `/v1/admin/keys/${other}`)
  assertProblem(t, await issue(other), { code: 'conflict' })
})

test('a revoked key is refused on the next request, and is told as revoked', async (t) => {
  const { built, admin, withKey } = await setUp(t)
  const { ask } = await admin()
  const issued = (await ask('POST', '/v1/admin/keys', wanted)).json()
  t.equal((await withKey(issued.key).ask('GET', '/v1/whoami')).statusCode, 200)
  const revoke = () => ask('DELETE', `/v1/admin/keys/${issued.keyId}`)
  t.same((await revoke()).json(), { keyId: issued.keyId, isNew: true })
  t.equal((await withKey(issued.key).ask('GET', '/v1/whoami')).statusCode, 401)
  t.same((await revoke()).json(), { keyId: issued.keyId, isNew: false })
  const { keys } = (await ask('GET', '/v1/admin/keys')).json()
  t.match(
    keys.find(({ keyId }: { keyId: string }) => keyId === issued.keyId),
    { client: 'app', revoked: true }
  )
  assertProblem(t, await ask('DELETE', '/v1/admin/keys/x'), {
    code: 'invalid_request'
  })
  assertProblem(t, await (await admin('r')).ask('DELETE', `/v1/admin/keys/${ISSUER_ID}`), {
    code: 'insufficient_mode'
  })
  const records = (await recordsIn(built.folder)).filter(({ action }) => action === 'key.revoke')
  t.match(records, [{ reason: issued.keyId, keyId: ISSUER_ID }, { reason: issued.keyId }])
})

test('keys that were seen are told a page at a time, without their text', async (t) => {
  const { built, admin, withKey } = await setUp(t)
  const { ask } = await admin('r')
  const texts = await Promise.all(Array.from({ length: 7 }, () => issueKey(built.keyring, 'app')))
  for (const text of texts) await withKey(text).ask('GET', '/v1/whoami')
  const seen: string[] = []
  let cursor = ''
  do {
    const answer = await ask('GET', `/v1/admin/keys?limit=3${cursor}`)
    t.notOk(texts.some((text) => answer.body.includes(text.slice(-30))))
    const page = answer.json()
    seen.push(...page.keys.map(({ keyId }: { keyId: string }) => keyId))
    cursor = page.cursor === undefined ? '' : `&cursor=${page.cursor}`
  } while (cursor !== '')
  t.equal(seen.length, 8)
  t.equal(new Set(seen).size, 8)
  for (const query of ['limit=0', 'limit=1001', 'cursor=x', 'limit=2&limit=3', 'x=1']) {
    const answer = await ask('GET', `/v1/admin/keys?${query}`)
    assertProblem(t, answer, { code: 'invalid_request', what: query })
  }
})

test('an operator sees who still uses the old encryption key, and when it can go', async (t) => {
  const clock = { now: Date.now() }
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const env = { ENCRYPTION_KEYS: before }
  const { built, withKey } = await setUp(t, { env, now: () => clock.now })
  const [oldRing, ring] = [createKeyring([before]), createKeyring([before, after])]
  const issue = (keyring: typeof ring, client: string, scopes = ['aura-services']) =>
    issueKey(keyring, client, 'rw', { scopes })
  const [a, b] = [await issue(oldRing, 'a'), await issue(oldRing, 'b')]
  await built.reload({ env: { ENCRYPTION_KEYS: `${before},${after}` } })
  const admin = await issue(ring, 'admin', SCOPES)
  const use = (key: string) => withKey(key).ask('GET', '/v1/whoami')
  const old = async (quietHours = 24) => {
    const url = `/v1/admin/encryption-keys?quietHours=${quietHours}`
    const { encryptionKeys } = (await withKey(admin).ask('GET', url)).json()
    t.match(encryptionKeys[1], { kid: ring.active.kid, active: true, mayGo: false })
    return encryptionKeys[0]
  }
  for (const key of [a, b]) t.equal((await use(key)).statusCode, 200)
  t.match(await old(), { kid: oldRing.active.kid, active: false, keys: 2, inUse: 2, mayGo: false })
  clock.now += 3_600_000
  await use(await issue(ring, 'a'))
  await use(b)
  t.match((await old(1)).clients, [
    { client: 'a', quiet: true },
    { client: 'b', quiet: false, lastUsed: new Date(clock.now).toISOString() }
  ])
  clock.now += 3_600_000
  await use(await issue(ring, 'b'))
  t.match(await old(1), { inUse: 0, mayGo: true })
  t.match(await old(), { inUse: 2, mayGo: false })
})
