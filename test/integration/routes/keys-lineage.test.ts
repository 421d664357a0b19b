// What a key issues: bounded by its issuer in time and version, told by its ancestry, and ended with any of its ancestors.
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { openApiKey } from '../../../src/keys/api-key.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from '../../support/build-app.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
const SCOPES = ['aura-admin', 'aura-services:secrets']
const DAY = 86_400

const setUp = async (t: Test, options: Partial<TestAppOptions> = {}) => {
  const clock = { now: Date.now() }
  const built = await buildTestApp(t, { yaml: YAML, now: () => clock.now, ...options })
  const admin = (more: Partial<Parameters<typeof issueKey>[3]> = {}) =>
    issueKey(built.keyring, 'admin', 'rw', { scopes: SCOPES, ...more }, clock.now)
  const { withKey } = built
  const wanted = { client: 'app', scopes: SCOPES, mode: 'rw' }
  const post = (key: string, more: object = {}) =>
    withKey(key).ask('POST', '/v1/admin/keys', { ...wanted, ...more })
  const issue = async (key: string, more: object = {}) => {
    const answer = await post(key, more)
    t.equal(answer.statusCode, 201, answer.body)
    return answer.json() as { apiKey: string; keyId: string; via: string[]; expiresAt?: string }
  }
  const status = async (key: string) => (await withKey(key).ask('GET', '/v1/whoami')).statusCode
  return { built, clock, withKey, admin, post, issue, status }
}

test('a key ends with its issuer at the latest, whatever was asked', async (t) => {
  const { clock, admin, post, status } = await setUp(t)
  const issuer = await admin({ lifetimeSeconds: 3 * DAY })
  const end = Math.floor(clock.now / 1000) + 3 * DAY
  for (const [asked, ends] of [
    [{}, true],
    [{ expires: '30d' }, true],
    [{ expiresInDays: 365 }, true],
    [{ expires: '2d' }, false]
  ] as const) {
    const { expiresAt, endsWithIssuer, apiKey } = (await post(issuer, asked)).json()
    const expected = ends ? end : end - DAY
    t.ok(Math.abs(Date.parse(expiresAt) / 1000 - expected) <= 2, JSON.stringify(asked))
    t.ok(Date.parse(expiresAt) / 1000 <= end + 2)
    t.equal(endsWithIssuer ?? false, ends, 'and it is said')
    const below = (await post(apiKey, { expires: '99d' })).json()
    t.ok(below.expiresAt <= expiresAt, 'so does what it issues itself')
  }
  const { apiKey } = (await post(issuer)).json()
  clock.now += 3 * DAY * 1000 + 2_000
  t.equal(await status(apiKey), 401)
})

test('a key has no lower minimum version than its issuer', async (t) => {
  const { admin, post } = await setUp(t)
  const issuer = await admin({ minimumVersion: '8.2.0' })
  for (const minimumVersion of ['8.1.9', '0.0.0', '8.2.0-rc.1']) {
    const { errors } = assertProblem(t, await post(issuer, { minimumVersion }), {
      code: 'invalid_request',
      what: minimumVersion
    })
    t.same(errors, [{ pointer: '/body/minimumVersion', rule: 'minimum' }])
  }
  for (const minimumVersion of ['8.2.0', '8.3.0']) {
    t.match((await post(issuer, { minimumVersion })).json(), { minimumVersion })
  }
  t.match((await post(issuer)).json(), { minimumVersion: '8.3.0' })
})

test('a key carries its whole ancestry, oldest first, and after four nobody issues a fifth', async (t) => {
  const { built, admin, issue, post, status, withKey } = await setUp(t)
  const first = randomUUID()
  const line: string[] = [first]
  let key = await admin({ keyId: first })
  for (let depth = 1; depth <= 4; depth++) {
    const issued = await issue(key)
    t.same(issued.via, line)
    t.same((await openApiKey(built.keyring, issued.apiKey))?.via, line, 'in the key itself')
    t.same((await withKey(issued.apiKey).ask('GET', '/v1/whoami')).json().via, line)
    key = issued.apiKey
    line.push(issued.keyId)
  }
  t.equal(await status(key), 200)
  const refused = assertProblem(t, await post(key), { code: 'access_denied' })
  t.match(refused.detail, /at most 4/)
  const { keys } = (await withKey(key).ask('GET', '/v1/admin/keys')).json()
  t.same(keys.find((one: { keyId: string }) => one.keyId === line[2]).via, line.slice(0, 2))
})

test('a key is revoked with all that it issued, and with all that these issued, or alone', async (t) => {
  const { built, admin, issue, status, withKey } = await setUp(t)
  const top = await admin()
  const child = await issue(top)
  const sibling = await issue(top)
  const grandchild = await issue(child.apiKey)
  const great = await issue(grandchild.apiKey)
  const line = [child, grandchild, great]
  for (const { apiKey } of line) t.equal(await status(apiKey), 200, 'known by its text from now on')

  const alone = await withKey(top).ask('DELETE', `/v1/admin/keys/${grandchild.keyId}`)
  t.same(alone.json(), { keyId: grandchild.keyId, isNew: true })
  t.same(await Promise.all(line.map(({ apiKey }) => status(apiKey))), [200, 401, 200])

  const answer = await withKey(top).ask('DELETE', `/v1/admin/keys/${child.keyId}?issued=true`)
  const { issued, ...rest } = answer.json()
  t.same(rest, { keyId: child.keyId, isNew: true })
  t.same(new Set(issued), new Set([grandchild.keyId, great.keyId]))
  t.same(await Promise.all(line.map(({ apiKey }) => status(apiKey))), [401, 401, 401])
  t.same([await status(top), await status(sibling.apiKey)], [200, 200])

  const introspect = (key: string) =>
    built.app.server.inject({
      method: 'POST',
      url: '/internal/introspect',
      headers: { 'x-internal-secret': built.internalSecret },
      payload: { key }
    })
  const authorize = (key: string) =>
    built.app.server.inject({
      url: '/internal/authorize?scope=aura-services:secrets',
      headers: {
        'x-internal-secret': built.internalSecret,
        'x-original-method': 'GET',
        'x-api-key': key
      }
    })
  t.same((await introspect(great.apiKey)).json(), { active: false })
  t.equal((await authorize(great.apiKey)).statusCode, 401)
  t.equal((await authorize(sibling.apiKey)).statusCode, 200)
  const { keys } = (await withKey(top).ask('GET', '/v1/admin/keys')).json()
  const revoked = keys.filter((one: { revoked: boolean }) => one.revoked)
  t.same(
    new Set(revoked.map(({ keyId }: { keyId: string }) => keyId)),
    new Set(line.map(({ keyId }) => keyId))
  )
  const records = (await recordsIn(built.folder)).filter(({ action }) => action === 'key.revoke')
  t.equal(records.length, 4, 'each that was revoked is on record')
})

test('a key that carries its ancestry is refused though nothing else is known of it', async (t) => {
  const { built, admin, status, withKey } = await setUp(t)
  const [issuer, other] = [randomUUID(), randomUUID()]
  const foreign = await issueKey(built.keyring, 'app', 'r', { via: [other, issuer] })
  t.equal(await status(foreign), 200, 'read, whoever wrote it')
  const top = await admin()
  await withKey(top).ask('DELETE', `/v1/admin/keys/${other}`)
  t.equal(await status(foreign), 200, 'the ancestor alone')
  const answer = await withKey(top).ask('DELETE', `/v1/admin/keys/${other}?issued=true`)
  t.same(answer.json(), { keyId: other, isNew: true, issued: [] })
  t.equal(await status(foreign), 401)
  t.match((await recordsIn(built.folder)).at(-1), { action: 'key.authenticate', reason: 'revoked' })
})

test('keys that a trust stands before are read; more than four ancestors, or none, are not', async (t) => {
  const { built, status } = await setUp(t)
  const ids = Array.from({ length: 5 }, () => randomUUID())
  const key = (via: string[]) => issueKey(built.keyring, 'app', 'r', { via })
  t.equal(await status(await key(['trust:prod-cluster', ...ids.slice(2)])), 200)
  for (const via of [ids, [], [''], ['a b'], ['-']]) {
    await t.rejects(key(via), /no key may hold these claims/)
  }
})

test('one identifier is issued once, though the key was never used', async (t) => {
  const { admin, post } = await setUp(t)
  const key = await admin()
  const identifier = randomUUID()
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => post(key, { identifier, mode: i % 2 ? 'r' : 'rw' }))
  )
  const statuses = answers.map(({ statusCode }) => statusCode).sort()
  t.same(statuses, [201, ...Array(7).fill(409)])
  assertProblem(t, await post(key, { identifier }), { code: 'conflict' })
})

test('after an upgrade keys say nothing of their ancestry for a day, and are revoked with it all the same', async (t) => {
  const { clock, built, admin } = await setUp(t)
  // As an older version leaves a state that served: uses of keys, and no word on what replicas read.
  const { state } = built.app
  await state.compareAndSet('keys/via', await state.get('keys/via'), undefined)
  await state.compareAndSet(`usage/${randomUUID()}`, undefined, Buffer.from('x'))
  await built.app.close()
  const start = () =>
    buildTestApp(t, {
      yaml: YAML,
      now: () => clock.now,
      env: { ENCRYPTION_KEYS: built.encryptionKey, DATA_DIR: `${built.folder}/data` }
    })
  const next = await start()
  const top = await admin()
  const asked = { client: 'app', scopes: SCOPES, mode: 'rw' }
  const issueNext = async (key: string) =>
    (await next.withKey(key).ask('POST', '/v1/admin/keys', asked)).json()
  const child = await issueNext(top)
  const grandchild = await issueNext(child.apiKey)
  t.equal((await openApiKey(built.keyring, grandchild.apiKey))?.via, undefined)
  t.same(grandchild.via.slice(1), [child.keyId], 'the answer says it')
  const { keyId } = (await next.withKey(top).ask('GET', '/v1/whoami')).json()
  t.same(grandchild.via, [keyId, child.keyId])
  const revoking = next.withKey(await admin())
  const revoked = (await revoking.ask('DELETE', `/v1/admin/keys/${keyId}?issued=true`)).json()
  t.same(new Set(revoked.issued), new Set([child.keyId, grandchild.keyId]))
  const isRefusedBy = async ({ withKey }: TestApp, what: string) => {
    for (const { apiKey } of [child, grandchild]) {
      t.equal((await withKey(apiKey).ask('GET', '/v1/whoami')).statusCode, 401, what)
    }
  }
  await isRefusedBy(next, 'at once')
  clock.now += 24 * 3_600_000 + 1
  const later = await issueNext(await admin())
  t.equal((await openApiKey(built.keyring, later.apiKey))?.via?.length, 1)
  await next.app.close()
  const last = await start()
  await isRefusedBy(last, 'at whoever has the state')
  const issued = await last.withKey(await admin()).ask('POST', '/v1/admin/keys', asked)
  t.equal(issued.json().via.length, 1)
  t.equal((await last.withKey(later.apiKey).ask('GET', '/v1/whoami')).statusCode, 200)
})
