// Stores, cache and configuration as administrators see and change them.
import { createServer } from 'node:http'
import { type Test, test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { asAdmin, randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { listen } from '../../support/wire.ts'

const YAML = `
stores:
  - { name: local, kind: local }
  - { name: vault, kind: vault, address: "http://127.0.0.1:9", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: VAULT_TOKEN_HERE } } }
policies: [{ client: app, read: ['local:**'] }, { client: [a, b], write: ['local:x'] }]
`

const setUp = async (t: Test, env = {}) => {
  const built = await buildTestApp(t, { yaml: YAML, env })
  return { built, ...(await built.as('admin', 'rw', asAdmin)) }
}

test('each store is told with its kind, its last check, and whether it is asked', async (t) => {
  const { ask } = await setUp(t)
  const stores = async () => (await ask('GET', '/v1/admin/stores')).json().stores
  const closed = { state: 'closed' }
  const breakers = { read: closed, list: closed, write: closed }
  t.same(await stores(), [
    { name: 'local', kind: 'local', requireTags: {}, breakers },
    { name: 'vault', kind: 'vault', requireTags: {}, breakers, quotaLeft: 1_000 }
  ])
  await ask('GET', '/readyz')
  for (let i = 0; i < 100; i++) {
    if ((await stores())[1].lastCheck !== undefined) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.match(await stores(), [{ lastCheck: { ok: true } }, { lastCheck: { ok: false } }])
  t.equal((await ask('GET', '/v1/admin/stores')).json().replicas, 1)
})

test('cached secrets are dropped by reference, store or all, and it is on record who did it', async (t) => {
  const { built, ask } = await setUp(t)
  const { read } = await built.as('app')
  for (const path of ['a', 'b', 'c']) await built.seed('local', path, 'x')
  const warm = async () => {
    for (const path of ['a', 'b', 'c']) await read(`local:${path}`)
  }
  const drop = async (query: string) => (await ask('DELETE', `/v1/admin/cache?${query}`)).json()
  await warm()
  t.same(await drop('ref=local:a'), { dropped: 1 })
  t.same(await drop('store=local'), { dropped: 2 })
  await warm()
  t.same(await drop('all=true'), { dropped: 3 })
  for (const query of ['', 'all=false', 'all=1', 'all=true&store=local', 'x=1', 'store=A']) {
    const answer = await ask('DELETE', `/v1/admin/cache?${query}`)
    assertProblem(t, answer, { code: 'invalid_request', what: query })
  }
  const records = (await recordsIn(built.folder)).filter((r) => r['action'] === 'cache.invalidate')
  t.match(records, Array(3).fill({ client: 'admin', route: 'DELETE /v1/admin/cache' }))
})

test('an administrator sees how full the cache is', async (t) => {
  const { built, ask } = await setUp(t)
  const { read } = await built.as('app')
  await built.seed('local', 'a', 'x')
  await read('local:a')
  const answer = await ask('GET', '/v1/admin/cache')
  t.same(answer.json(), { secrets: 1, tags: 0, maxEntries: 10_000 })
})

test('the configuration in force is told without any secret', async (t) => {
  const canary = createCanary()
  const secret = randomSecret()
  const { built, ask } = await setUp(t, { INTERNAL_SECRET: secret, CACHE_TTL_SECONDS: '77' })
  const answer = await ask('GET', '/v1/admin/config')
  t.equal(answer.statusCode, 200)
  const { settings, stores, policies } = answer.json()
  t.match(settings, {
    ENVIRONMENT: 'dev',
    CACHE_TTL_SECONDS: 77,
    INTERNAL_SECRET: '(set)',
    ENCRYPTION_KEYS: '(set)'
  })
  t.same(stores[1], { name: 'vault', kind: 'vault', requireTags: {} })
  t.same(policies, [
    { client: ['app'], read: ['local:**'] },
    { client: ['a', 'b'], write: ['local:x'] }
  ])
  for (const hidden of [secret, built.encryptionKey, 'VAULT_TOKEN_HERE', canary.token]) {
    t.notOk(answer.body.includes(hidden))
  }
})

test('only an administrator sees or changes any of it, and a reload needs ALLOW_ADMIN_WRITE', async (t) => {
  const { built, ask } = await setUp(t)
  const other = await built.as('app', 'rw', { scopes: ['aura-services'] })
  for (const [method, path] of [
    ['GET', 'stores'],
    ['DELETE', 'cache?all=true'],
    ['GET', 'config'],
    ['POST', 'config/reload']
  ] as const) {
    const answer = await other.ask(method, `/v1/admin/${path}`)
    assertProblem(t, answer, { code: 'insufficient_scope', what: path })
  }
  assertProblem(t, await ask('POST', '/v1/admin/config/reload'), { code: 'access_denied' })
})

test('a store tells of its proxy without what lets it through, and one that has no peer has none', async (t) => {
  const hidden = 'p@ss:w/rd'
  const yaml = (kind: string) => `
stores:
  - { name: one, ${kind}, proxy: 'http://user:${encodeURIComponent(hidden)}@127.0.0.1:9' }
`
  const vault =
    "kind: vault, address: 'https://vault.example', mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: T } }"
  const built = await buildTestApp(t, { yaml: yaml(vault) })
  const { ask } = await built.as('admin', 'r', asAdmin)
  for (const path of ['config', 'stores']) {
    const answer = await ask('GET', `/v1/admin/${path}`)
    t.match(answer.json().stores, [{ name: 'one', proxy: 'http://127.0.0.1:9' }])
    t.notMatch(answer.body, /user|p@ss|p%40ss/)
  }
  for (const kind of ['kind: local', vault.replace('vault.example', 'vault.example/x')]) {
    const failure = await buildTestApp(t, { yaml: yaml(kind) }).catch((error) => error)
    t.ok(failure.faults?.length > 0)
    t.notMatch(JSON.stringify(failure.faults), /p@ss|p%40ss/)
  }
})

test('a refused login shows with its class, and a mended credential is taken up', async (t) => {
  let logins = 0
  const server = createServer((request, response) => {
    const isGood = request.headers['x-vault-token'] === 'good'
    if (request.url?.startsWith('/v1/auth/userpass/login/')) {
      logins++
      response.writeHead(400).end('{"errors":["invalid username or password"]}')
    } else if (isGood) response.end('{"data":{"ttl":3600,"renewable":false}}')
    else response.writeHead(403).end('{"errors":["permission denied"]}')
  })
  const address = `http://127.0.0.1:${await listen(t, server)}`
  const clock = { ahead: 0 }
  const built = await buildTestApp(t, {
    now: () => Date.now() + clock.ahead,
    environ: { PASSWORD: 'wrong' },
    yaml: `
stores:
  - { name: vault, kind: vault, address: '${address}', mounts: [{ path: kv, version: 2 }], auth: { method: userpass, username: bob, password: { env: PASSWORD } } }
policies: [{ client: app, read: ['vault:**'] }]
`
  })
  const app = await built.as('app')
  const admin = await built.as('admin', 'r', asAdmin)
  for (let i = 0; i < 30; i++) {
    const answer = await app.read(`vault:kv/a-${i}`)
    assertProblem(t, answer, { code: 'store_denied' })
  }
  t.equal(logins, 1)
  const stores = async () => (await admin.ask('GET', '/v1/admin/stores')).json().stores
  t.match(await stores(), [{ login: { state: 'refused', reason: 'denied', attempts: 1 } }])
  t.match((await stores())[0].login.nextTry, /^2\d{3}-/)
  // The first probe makes the check, and the next ones know of it.
  for (let i = 0; i < 100; i++) {
    if ((await app.ask('GET', '/readyz')).json().status === 'degraded') break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal((await app.ask('GET', '/readyz')).json().status, 'degraded')
  t.match(await stores(), [{ lastCheck: { ok: false, reason: 'denied' } }])
  t.equal(logins, 1, 'nor does a probe show it again')
})
