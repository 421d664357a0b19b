// The door for sibling services: what it says of a key, under whose policy it reads, and what it drops from the cache.
import { test } from 'tap'
import { createRevocations } from '../../../src/keys/revocations.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem, assertSafeHeaders } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }, { name: second, kind: local }]
policies:
  - { client: app, read: ['local:**', 'second:**'] }
  - { client: team, read: ['local:team/*'] }
  - { client: '*', read: ['local:common/*'] }
secrets: { short: 'local:team/one' }
`
const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'

const asInternal =
  ({ app, internalSecret }: TestApp) =>
  (path: string, payload: object) =>
    app.server.inject({
      method: 'POST',
      url: `/internal/${path}`,
      headers: { 'x-internal-secret': internalSecret },
      payload
    })

test('introspection tells the claims of a key that is accepted here', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = asInternal(built)
  const issued = Math.floor(Date.now() / 1_000) * 1_000
  const key = await issueKey(built.keyring, 'team', 'rw', { keyId: KEY_ID }, issued)
  const answer = await ask('introspect', { key })
  t.same((await ask('introspect', { apiKey: key })).json(), answer.json(), 'by either name')
  t.equal(answer.statusCode, 200)
  assertSafeHeaders(t, answer)
  t.same(answer.json(), {
    active: true,
    client: 'team',
    keyId: KEY_ID,
    scopes: ['aura-services:secrets'],
    mode: 'rw',
    environment: 'dev',
    minimumVersion: '8.3.0',
    issuedAt: new Date(issued).toISOString()
  })
})

test('introspection says no more than that of a key that is not accepted, and notices a revocation at once', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = asInternal(built)
  const other = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'team', 'r', { keyId: KEY_ID })
  const refused = [
    'x',
    ' ',
    `${key} `,
    `Bearer ${key}`,
    built.internalSecret,
    await issueKey(other.keyring, 'team'),
    await issueKey(built.keyring, 'team', 'r', { environment: 'stg' }),
    await issueKey(built.keyring, 'team', 'r', { lifetimeSeconds: 0 }),
    await issueKey(built.keyring, 'team', 'r', { minimumVersion: '9.0.0' })
  ]
  for (const given of refused) {
    const answer = await ask('introspect', { key: given })
    t.equal(answer.statusCode, 200)
    t.equal(answer.body, '{"active":false}')
  }
  t.equal((await ask('introspect', { key })).json().active, true)
  await createRevocations(built.app.state).revoke(KEY_ID, Date.now())
  t.equal((await ask('introspect', { key })).body, '{"active":false}')
  const records = (await recordsIn(built.folder)).filter(
    ({ action }) => action === 'key.introspect'
  )
  t.equal(records.length, refused.length + 2)
  t.match(records.at(-2), { outcome: 'allowed', client: 'team', keyId: KEY_ID })
  t.match(records.at(-1), { outcome: 'denied' })
})

test('a sibling reads for a client what that client may read, and no more', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = asInternal(built)
  await built.seed('local', 'team/one', 'of the team')
  await built.seed('local', 'common/one', 'of all')
  await built.seed('second', 'one', 'of the app')
  const refs = [
    'local:team/one',
    'local:common/one',
    'second:one',
    'short',
    'local:team/none',
    'x:y'
  ]
  const statusesFor = async (client: string) => {
    const answer = await ask('resolve', { client, refs })
    t.equal(answer.statusCode, 200)
    assertSafeHeaders(t, answer)
    const { results } = answer.json() as { results: { ref: string; status: number }[] }
    t.same(
      results.map(({ ref }) => ref),
      refs
    )
    return results.map(({ status }) => status)
  }
  t.same(await statusesFor('app'), [200, 200, 200, 200, 404, 403])
  t.same(await statusesFor('team'), [200, 200, 403, 200, 404, 403])
  t.same(await statusesFor('nobody'), [403, 200, 403, 403, 403, 403])
  const read = (await recordsIn(built.folder)).find(
    ({ client, outcome }) => client === 'nobody' && outcome === 'allowed'
  )
  t.match(read, { route: 'POST /internal/resolve', reference: 'local:common/one' })
  t.notOk(read?.['keyId'])
})

test('a request to the internal door that is not well formed is refused without an echo', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = asInternal(built)
  const canary = createCanary()
  const many = Array(101).fill('local:a')
  for (const [path, payload] of [
    ['introspect', {}],
    ['introspect', { key: '' }],
    ['introspect', { key: 5 }],
    ['introspect', { key: 'x', apiKey: 'x' }],
    ['introspect', { key: 'x', [canary.token]: 1 }],
    ['introspect', { key: canary.token.repeat(200) }],
    ['resolve', { client: '*', refs: ['local:common/one'] }],
    ['resolve', { client: canary.token, refs: ['local:a'] }],
    ['resolve', { client: '', refs: ['local:a'] }],
    ['resolve', { refs: ['local:a'] }],
    ['resolve', { client: 'app', refs: [] }],
    ['resolve', { client: 'app', refs: many }],
    ['resolve', { client: 'app', refs: canary.token }],
    ['resolve', { client: ['app'], refs: ['local:a'] }],
    ['cache/invalidate', {}],
    ['cache/invalidate', { all: false }],
    ['cache/invalidate', { all: 'true' }],
    ['cache/invalidate', { all: true, store: 'local' }],
    ['cache/invalidate', { store: canary.token }],
    ['cache/invalidate', { ref: '' }]
  ] as const) {
    const answer = await ask(path, payload)
    assertProblem(t, answer, {
      code: 'invalid_request',
      canary,
      what: JSON.stringify(payload).slice(0, 40)
    })
  }
  const invalid = await ask('cache/invalidate', { ref: `local:${canary.token}` })
  assertProblem(t, invalid, { code: 'invalid_reference', canary })
})

test('the cache forgets a secret, a store or everything, and says how much', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = asInternal(built)
  const app = await built.as('app')
  const all = ['local:a', 'local:b', 'local:b?version=1', 'second:a']
  for (const store of ['local', 'second']) {
    for (const path of ['a', 'b']) await built.seed(store, path, '{"f":"1","g":"2"}')
  }
  const warm = async () => {
    for (const ref of all) await read(ref)
  }
  const read = async (ref: string) => (await app.read(ref)).headers['x-cache']
  const drop = async (what: object) => {
    const answer = await ask('cache/invalidate', what)
    t.equal(answer.statusCode, 200)
    return answer.json()
  }
  await warm()
  t.same(await drop({ ref: 'local:b#f' }), { dropped: 2 }, 'every version and field of it')
  t.same(await drop({ ref: 'local:b' }), { dropped: 0 })
  t.equal(await read('local:a'), 'HIT')
  t.equal(await read('local:b'), 'MISS')
  await warm()
  t.same(await drop({ store: 'local' }), { dropped: 3 })
  t.equal(await read('second:a'), 'HIT')
  t.equal(await read('local:a'), 'MISS')
  await warm()
  t.same(await drop({ all: true }), { dropped: 4 })
  t.same(await drop({ all: true }), { dropped: 0 })
  for (const mistyped of [{ store: 'none' }, { ref: 'none:a' }]) {
    assertProblem(t, await ask('cache/invalidate', mistyped), { code: 'invalid_request' })
  }
  const records = (await recordsIn(built.folder)).filter(
    ({ action }) => action === 'cache.invalidate'
  )
  t.equal(records.length, 5)
  t.match(records[0], { route: 'POST /internal/cache/invalidate', reference: 'local:b#f' })
})
