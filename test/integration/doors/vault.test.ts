// The door of Vault, request by request: what its clients read in an answer, letter by letter.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { createCanary } from '../../support/canary.ts'
import { openDoor, type Spoken } from '../../support/doors.ts'
import { issueKey } from '../../support/keys.ts'
import type { Answered } from '../../support/problem.ts'
import { lines } from '../../support/raw-http.ts'
import { createWorkloadIssuer } from '../../support/workload-issuer.ts'

const YAML = `
stores:
  - { name: alpha, kind: local }
  - { name: away, kind: azure-key-vault, vaultUrl: "https://none.vault.azure.net" }
policies:
  - { client: app, read: ['alpha:app/**', 'alpha:v1/**'], write: ['alpha:app/**', 'alpha:v1/**'] }
  - { client: writer, write: ['alpha:app/*'] }
  - { client: other, read: ['away:x'] }
secrets: { short: 'alpha:app/db#password', hidden: 'alpha:secret/db' }
`
const ENTRY =
  '{ dialect: vault, port: 0, mounts: { secret: alpha, app: "alpha:app/", names: "secrets:", old: { store: "alpha:v1/", version: 1 }, kv: away } }'

type Ask = (
  method: string,
  target: string,
  more?: { readonly body?: string; readonly headers?: Spoken['headers']; readonly key?: string }
) => Promise<Answered & { readonly json: () => never }>

const open = async (t: Test, env: Record<string, string> = {}) => {
  const door = await openDoor(t, { entry: ENTRY }, { yaml: YAML, env })
  const key = await issueKey(door.keyring, 'app', 'rw')
  const ask: Ask = async (method, target, { body, headers = [], key: other = key } = {}) => {
    const own = other === '' ? [] : [['X-Vault-Token', other] as const]
    const answer = await door.speak({
      method,
      target,
      headers: [...own, ...headers],
      ...(body !== undefined && { body })
    })
    return { ...answer, json: () => JSON.parse(answer.body) as never }
  }
  return { ...door, key, ask }
}

const UUID = /^[\w.-]+$/
const ENVELOPE = {
  request_id: UUID,
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  wrap_info: null,
  warnings: null,
  auth: null
}

test('a secret of KV 2 has its fields as they are stored, and its version', async (t) => {
  const { ask, seed } = await open(t)
  const text = '{"b":1.10,"a":12345678901234567890,"deep":{"x":[1,null]},"password":"p"}'
  await seed('alpha', 'app/db', text)
  const answer = await ask('GET', '/v1/secret/data/app/db')
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['content-type'], 'application/json', 'letter by letter, as hvac compares')
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['x-cache'], 'MISS')
  t.ok(answer.body.includes(`"data":${text}`), 'no digit is lost')
  t.match(answer.json(), {
    ...ENVELOPE,
    data: {
      metadata: {
        created_time: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
        custom_metadata: null,
        deletion_time: '',
        destroyed: false,
        version: 1
      }
    }
  })
  t.equal((await ask('GET', '/v1/secret/data/app/db')).headers['x-cache'], 'HIT')
  await seed('alpha', 'app/db', '{"password":"new"}')
  const version = async (query: string) =>
    (await ask('GET', `/v1/secret/data/app/db${query}`)).json()
  t.match(await version(''), { data: { data: { password: 'new' }, metadata: { version: 2 } } })
  t.match(await version('?version=1'), { data: { data: { b: 1.1 }, metadata: { version: 1 } } })
  for (const newest of ['?version=0', '?version=2', '?version=', '?unknown=1']) {
    t.match(await version(newest), { data: { metadata: { version: 2 } } }, newest)
  }
  for (const [query, status] of [
    ['?version=9', 404],
    ['?version=x', 400],
    ['?version=-1', 400],
    ['?version=1&version=2', 400]
  ] as const) {
    t.equal((await ask('GET', `/v1/secret/data/app/db${query}`)).statusCode, status, query)
  }
})

test('what is no object is a field called value, and an odd name is a name', async (t) => {
  const { ask, seed } = await open(t)
  for (const [path, text, data] of [
    ['app/text', 'a "text"\n', { value: 'a "text"\n' }],
    ['app/list', '[1]', { value: '[1]' }],
    ['app/empty', '{}', {}],
    ['app/one', '{"only":"1"}', { only: '1' }],
    ['app/with space', 'x', { value: 'x' }],
    ['app/ümläut', 'ÿ', { value: 'ÿ' }],
    ['app/50%', 'x', { value: 'x' }],
    ['app/a?b#c', 'x', { value: 'x' }]
  ] as const) {
    await seed('alpha', path, text)
    const target = `/v1/secret/data/${path.split('/').map(encodeURIComponent).join('/')}`
    t.same((await ask('GET', target)).json()['data']['data'], data, path)
  }
  t.same((await ask('GET', '/v1/app/data/one')).json()['data']['data'], { only: '1' }, 'a folder')
})

test('a long secret is answered as a short one is', async (t) => {
  const { ask, seed } = await open(t)
  for (const length of [15_000, 20_000, 60_000]) {
    const value = 'ü'.repeat(length / 2)
    await seed('alpha', 'app/long', JSON.stringify({ value }))
    const answer = await ask('GET', '/v1/secret/data/app/long')
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['content-type'], 'application/json')
    t.match(answer.json(), { ...ENVELOPE, data: { metadata: { version: Number } } })
    t.equal(answer.json()['data']['data']['value'], value, `${length}`)
  }
})

test('names are a mount of their own, with the field that they fix', async (t) => {
  const { ask, seed } = await open(t)
  await seed('alpha', 'app/db', '{"user":"u","password":"p"}')
  await seed('alpha', 'secret/db', '{"x":"y"}')
  t.same((await ask('GET', '/v1/names/data/short')).json()['data']['data'], { value: 'p' })
  const denied = await ask('GET', '/v1/names/data/hidden')
  t.equal(denied.statusCode, 403)
  for (const path of ['none', 'alpha:app/db', 'a/b', 'batch']) {
    const answer = await ask('GET', `/v1/names/data/${path}`)
    t.same([answer.statusCode, answer.body], [403, denied.body], path)
  }
  t.same((await ask('GET', '/v1/names/metadata/?list=true')).json()['data'], { keys: ['short'] })
  t.equal((await ask('PUT', '/v1/names/data/none', { body: '{"data":{}}' })).statusCode, 403)
})

test('a folder is listed by every spelling of the question, one level at a time', async (t) => {
  const { ask, seed, send, key, as, keyring } = await open(t)
  for (const path of ['app/db', 'app/deep/one', 'app/deep/two', 'other/db', 'app/z']) {
    await seed('alpha', path, 'x')
  }
  const keys = ['db', 'deep/', 'z']
  for (const target of [
    '/v1/secret/metadata/app?list=true',
    '/v1/secret/metadata/app/?list=true',
    '/v1/secret/metadata/app?list=1',
    '/v1/secret/metadata/app?list=T',
    '/v1/app/metadata/?list=true',
    '/v1/app/metadata?list=true'
  ]) {
    t.match((await ask('GET', target)).json(), { ...ENVELOPE, data: { keys } }, target)
  }
  t.same((await ask('GET', '/v1/secret/metadata/?list=true')).json()['data'], { keys: ['app/'] })
  for (const target of [
    '/v1/secret/metadata/app',
    '/v1/secret/metadata/app/',
    '/v1/app/metadata'
  ]) {
    const head = lines(`LIST ${target} HTTP/1.1`, 'Host: a', `X-Vault-Token: ${key}`)
    const [answer] = await send(head)
    t.equal(answer?.headers['content-type'], 'application/json')
    t.same(JSON.parse(answer?.body ?? '')['data'], { keys }, `LIST ${target}`)
  }
  const page = await ask('GET', '/v1/secret/metadata/app?list=true&after=db&limit=1')
  t.same(page.json()['data'], { keys: ['deep/'] })
  for (const target of [
    '/v1/secret/metadata/app/none?list=true',
    '/v1/secret/metadata/other?list=true'
  ]) {
    const answer = await ask('GET', target)
    t.same([answer.statusCode, answer.body], [404, '{"errors":[]}'], target)
  }
  t.equal((await ask('GET', '/v1/secret/data/app?list=true')).statusCode, 405)
  const writer = await as('writer', 'rw')
  const refused = await ask('GET', '/v1/secret/metadata/app?list=true', { key: writer.key })
  t.equal(refused.statusCode, 403)
  const unreadable = await issueKey(keyring, 'app', 'w')
  const byWriteKey = await ask('GET', '/v1/secret/metadata/app?list=true', { key: unreadable })
  t.same([byWriteKey.statusCode, byWriteKey.body], [403, refused.body])
})

test('a folder of more than a page is one listing on record', async (t) => {
  const { ask, seed, folder } = await open(t)
  for (let i = 100; i < 350; i++) await seed('alpha', `app/${i}`, 'x')
  const { keys } = (await ask('GET', '/v1/app/metadata/?list=true')).json()['data']
  t.equal((keys as string[]).length, 250)
  const listings = (await recordsIn(folder)).filter(({ action }) => action === 'secret.list')
  t.match(listings, [{ outcome: 'allowed', reference: 'alpha:app/' }])
  t.equal(listings.length, 1)
})

test('LIST is refused like any request: two tokens, no token, another one', async (t) => {
  const { send, key, seed } = await open(t)
  await seed('alpha', 'app/db', 'x')
  for (const [headers, status] of [
    [[`X-Vault-Token: ${key}`, `X-Vault-Token: ${key}`], 400],
    [[`X-Vault-Token: ${key}`, `Authorization: Bearer ${key}`], 400],
    [[], 403],
    [['X-Vault-Token: nonsense'], 403],
    [[`X-Vault-Token: ${key}`, 'X-Vault-Namespace: team1/'], 403],
    [[`X-Vault-Token: ${key}`, 'Content-Length: 2'], 400]
  ] as const) {
    const [answer] = await send(
      lines('LIST /v1/secret/metadata/app HTTP/1.1', 'Host: a', ...headers)
    )
    t.equal(answer?.statusCode, status, headers.map((one) => one.slice(0, 20)).join())
    t.equal(answer?.headers['content-type'], 'application/json')
  }
})

test('metadata tells the version and never the value', async (t) => {
  const { ask, seed, keyring } = await open(t)
  const canary = createCanary()
  await seed('alpha', 'app/db', JSON.stringify({ password: canary.token }))
  const answer = await ask('GET', '/v1/secret/metadata/app/db')
  t.match(answer.json(), {
    data: {
      cas_required: false,
      current_version: 1,
      custom_metadata: null,
      max_versions: 0,
      versions: { 1: { created_time: /Z$/, deletion_time: '', destroyed: false } }
    }
  })
  t.same(canary.findIn(answer.body), [])
  t.equal((await ask('GET', '/v1/secret/metadata/app/none')).statusCode, 404)
  t.equal((await ask('GET', '/v1/secret/metadata/other/db')).statusCode, 403)
  const key = await issueKey(keyring, 'app', 'w')
  t.equal((await ask('GET', '/v1/secret/metadata/app/db', { key })).statusCode, 403)
})

test('a write is taken without a media type, by PUT and by POST, and its answer has no value', async (t) => {
  const { ask, as } = await open(t)
  const { read } = await as('app')
  let version = 0
  for (const method of ['PUT', 'POST']) {
    for (const type of [
      undefined,
      'application/json',
      'text/plain',
      'application/merge-patch+json'
    ]) {
      const canary = createCanary()
      const body = `{"data":{"n":12345678901234567890,"x":${JSON.stringify(canary.token)}},"options":{}}`
      const headers = type === undefined ? [] : [['Content-Type', type] as const]
      const answer = await ask(method, '/v1/secret/data/app/new', { body, headers })
      version++
      t.match(answer.json(), {
        ...ENVELOPE,
        data: { version, deletion_time: '', destroyed: false, created_time: /Z$/ }
      })
      t.same(canary.findIn(answer.body), [])
      const stored = (await read('alpha:app/new')).body
      t.ok(stored.includes('12345678901234567890'), 'its digits are kept')
      t.ok(canary.findIn(stored).length > 0)
    }
  }
  for (const body of [
    undefined,
    '',
    '{}',
    '[]',
    '"x"',
    '{"data":null}',
    '{"data":[]}',
    '{"data":"x"}',
    '{"data":{"a":1},"options":[]}',
    '{"data":{"a":1},"options":{"cas":-1}}',
    '{"data":{"a":1},"options":{"cas":"1"}}',
    '{"data":{"a":1},"options":{"cas":1.5}}',
    '{"data":{"a":1,"a":2}}',
    '{"data":{"__proto__":{}}}',
    '{"data":'
  ]) {
    const answer = await ask('PUT', '/v1/secret/data/app/new', body === undefined ? {} : { body })
    t.match(
      answer,
      { statusCode: 400, headers: { 'content-type': 'application/json' } },
      String(body)
    )
  }
  t.match((await ask('GET', '/v1/secret/data/app/new')).json(), { data: { metadata: { version } } })
})

test('check-and-set writes on the version that was read, or where there is none', async (t) => {
  const { ask } = await open(t)
  const write = async (cas: number) => {
    const body = JSON.stringify({ data: { cas }, options: { cas } })
    const answer = await ask('PUT', '/v1/secret/data/app/cas', { body })
    return answer.statusCode === 200
      ? (answer.json()['data'] as { version: number }).version
      : [answer.statusCode, answer.body]
  }
  const mismatch = [400, '{"errors":["check-and-set parameter did not match the current version"]}']
  t.same(await write(1), mismatch)
  t.equal(await write(0), 1)
  t.same(await write(0), mismatch)
  t.equal(await write(1), 2)
  t.same(await write(1), mismatch)
  t.match((await ask('GET', '/v1/secret/data/app/cas')).json(), { data: { data: { cas: 1 } } })
})

test('what the broker cannot do is an unsupported operation', async (t) => {
  const { ask, seed } = await open(t)
  await seed('alpha', 'app/db', '{"a":"1"}')
  for (const [method, target] of [
    ['PATCH', '/v1/secret/data/app/db'],
    ['DELETE', '/v1/secret/data/app/db'],
    ['DELETE', '/v1/secret/metadata/app/db'],
    ['PUT', '/v1/secret/metadata/app/db'],
    ['PATCH', '/v1/secret/metadata/app/db'],
    ['DELETE', '/v1/old/db'],
    ['POST', '/v1/sys/health']
  ] as const) {
    const answer = await ask(method, target, { body: '{"data":{"a":null}}' })
    t.same([answer.statusCode, answer.body], [405, '{"errors":["unsupported operation"]}'], target)
  }
  for (const target of [
    '/v1/secret/subkeys/app/db',
    '/v1/secret/config',
    '/v1/secret/app/db',
    '/v1/secret'
  ]) {
    const answer = await ask('GET', target)
    t.same([answer.statusCode, answer.body], [404, '{"errors":[]}'], target)
  }
  for (const target of [
    '/v1/secret/delete/app/db',
    '/v1/secret/destroy/app/db',
    '/v1/secret/undelete/app/db'
  ]) {
    t.equal((await ask('PUT', target, { body: '{"versions":[1]}' })).statusCode, 404, target)
  }
  t.match((await ask('GET', '/v1/secret/data/app/db')).json(), { data: { data: { a: '1' } } })
})

test('KV 1 reads, writes and lists a secret as it stands', async (t) => {
  const { ask, seed } = await open(t)
  await seed('alpha', 'v1/db', '{"a":"1"}')
  t.match((await ask('GET', '/v1/old/db')).json(), { lease_duration: 2_764_800, data: { a: '1' } })
  const written = await ask('POST', '/v1/old/data/x', { body: '{"n":1.10}' })
  t.same([written.statusCode, written.body], [204, ''])
  t.ok((await ask('GET', '/v1/old/data/x')).body.includes('"data":{"n":1.10}'))
  t.same((await ask('GET', '/v1/old/?list=true')).json()['data'], { keys: ['data/', 'db'] })
  t.same((await ask('GET', '/v1/old/data?list=true')).json()['data'], { keys: ['x'] })
  const below = await ask('PUT', '/v1/old/metadata/x', { body: '{"b":"2"}' })
  t.same([below.statusCode, below.body], [204, ''], 'a word of KV 2 is a name like any other')
  t.same((await ask('GET', '/v1/old/metadata/x')).json()['data'], { b: '2' })
  t.equal((await ask('PUT', '/v1/secret/metadata/app/x', { body: '{}' })).statusCode, 405)
  t.equal((await ask('POST', '/v1/old/db', { body: '{}' })).statusCode, 400)
  t.equal((await ask('GET', '/v1/old/none')).statusCode, 404)
})

test('a namespace and a wrapped answer are refused, never left out', async (t) => {
  const { ask, seed } = await open(t)
  const canary = createCanary()
  await seed('alpha', 'app/db', JSON.stringify({ a: canary.token }))
  for (const [headers, status] of [
    [[['X-Vault-Namespace', 'team1/']], 403],
    [
      [
        ['X-Vault-Namespace', ''],
        ['X-Vault-Namespace', 'team1']
      ],
      403
    ],
    [[['X-Vault-Wrap-TTL', '60']], 400],
    [[['X-Vault-Wrap-TTL', '1h']], 400]
  ] as const) {
    const answer = await ask('GET', '/v1/secret/data/app/db', { headers })
    t.equal(answer.statusCode, status)
    t.same(canary.findIn(answer.body), [])
  }
  for (const headers of [
    [['X-Vault-Namespace', '']],
    [['X-Vault-Wrap-TTL', '0']],
    [['X-Vault-Request', 'true']]
  ] as const) {
    t.equal((await ask('GET', '/v1/secret/data/app/db', { headers })).statusCode, 200)
  }
})

test('a mount is told to whoever may use it, and to others as one that there is not', async (t) => {
  const { ask, as, folder } = await open(t)
  const told = (await ask('GET', '/v1/sys/internal/ui/mounts/secret/data/app/db')).json()
  t.match(told, { data: { path: 'secret/', type: 'kv', options: { version: '2' } } })
  t.match((await ask('GET', '/v1/sys/internal/ui/mounts/old')).json(), {
    data: { path: 'old/', options: { version: '1' } }
  })
  const writer = await as('writer', 'w')
  const target = '/v1/sys/internal/ui/mounts/secret/app'
  t.equal((await ask('GET', target, { key: writer.key })).statusCode, 200, 'it writes there')
  const none = await ask('GET', '/v1/sys/internal/ui/mounts/none/x')
  t.equal(none.statusCode, 403)
  t.match(none.body, /preflight capability check returned 403/)
  for (const path of ['kv/x', 'kv', 'sys', 'alpha/app', 'none']) {
    const answer = await ask('GET', `/v1/sys/internal/ui/mounts/${path}`)
    t.same([answer.statusCode, answer.body], [403, none.body], path)
  }
  const refusals = (await recordsIn(folder)).filter(({ outcome }) => outcome === 'denied')
  t.equal(refusals.length, 6, 'each is on record')
})

test("a key is told about itself, is not renewed, and is revoked at its bearer's wish", async (t) => {
  const { ask, keyring } = await open(t)
  const key = await issueKey(keyring, 'app', 'w', { lifetimeSeconds: 3_600, scopes: ['x'] })
  const looked = await ask('GET', '/v1/auth/token/lookup-self', { key })
  t.equal(looked.statusCode, 200, 'whatever its scopes and its mode')
  t.notOk(looked.body.includes(key), 'without its text')
  const { data } = looked.json() as { data: Record<string, unknown> }
  t.match(data, {
    accessor: /^[\da-f-]{36}$/,
    display_name: 'app',
    expire_time: /Z$/,
    renewable: false,
    type: 'service',
    policies: ['app']
  })
  t.equal(data['id'], data['accessor'])
  t.ok(Number(data['ttl']) > 3_500 && Number(data['ttl']) <= 3_600)
  const endless = (await ask('GET', '/v1/auth/token/lookup-self')).json() as never
  t.match(endless, { data: { ttl: 0, expire_time: null } })
  for (const [method, body] of [
    ['PUT', '{"increment":0}'],
    ['POST', '{}'],
    ['POST', undefined]
  ] as const) {
    const answer = await ask(method, '/v1/auth/token/renew-self', { key, ...(body && { body }) })
    t.match(answer.json(), { data: null, auth: { client_token: key, renewable: false } })
  }
  const revoked = await ask('POST', '/v1/auth/token/revoke-self', { key })
  t.same([revoked.statusCode, revoked.body], [204, ''])
  const after = await ask('GET', '/v1/auth/token/lookup-self', { key })
  t.same([after.statusCode, after.body], [403, '{"errors":["permission denied"]}'])
})

test('health, seal and leader are told to anybody, in the status that was asked for', async (t) => {
  const { ask, port, app } = await open(t)
  const anybody = { key: '' }
  t.match((await ask('GET', '/v1/sys/health', anybody)).json(), {
    initialized: true,
    sealed: false
  })
  t.equal((await ask('GET', '/v1/sys/health?activecode=299', anybody)).statusCode, 299)
  t.equal((await ask('GET', '/v1/sys/health?sealedcode=299', anybody)).statusCode, 200)
  for (const bad of ['100', '999', 'x', '']) {
    const answer = await ask('GET', `/v1/sys/health?activecode=${bad}`, anybody)
    t.equal(answer.statusCode, 400, bad)
  }
  const url = `http://127.0.0.1:${port}/v1/sys/health`
  t.equal((await fetch(url, { method: 'HEAD' })).status, 200)
  t.match((await ask('GET', '/v1/sys/seal-status', anybody)).json(), { sealed: false, n: 1 })
  t.match((await ask('GET', '/v1/sys/leader', anybody)).json(), { ha_enabled: false })
  t.equal((await ask('GET', '/v1/sys/health', { key: 'a pseudo token' })).statusCode, 200)
  app.drain()
  const draining = await ask('GET', '/v1/sys/health', anybody)
  t.match(draining, { statusCode: 503 }, 'what is about to end is to be asked no more')
  t.match(draining.json(), { sealed: true })
  t.equal((await ask('GET', '/v1/sys/health?sealedcode=299', anybody)).statusCode, 299)
  t.equal((await ask('GET', '/v1/secret/data/app/none')).statusCode, 404, 'and answers still')
})

test('a login that is not taken is refused in one way, whatever its mount', async (t) => {
  const { ask } = await open(t)
  const anybody = { key: '' }
  const login = (mount: string, body: string) =>
    ask('PUT', `/v1/auth/${mount}/login`, { ...anybody, body })
  const refused = '{"role":"none","jwt":"a.b.c"}'
  for (const mount of ['kubernetes', 'k8s/prod', 'x']) {
    const answer = await login(mount, refused)
    t.same([answer.statusCode, answer.body], [403, '{"errors":["permission denied"]}'], mount)
  }
  t.same((await login('jwt', refused)).body, '{"errors":["error validating token"]}')
  for (const body of ['{}', '[]', '{"jwt":1}', '{"jwt":""}', '{"jwt":"x","role":1}', '']) {
    t.equal((await login('jwt', body)).statusCode, 400, body)
  }
  t.equal((await ask('PUT', '/v1/auth/jwt/other', { ...anybody, body: refused })).statusCode, 404)
})

test('whatever is wrong with the request of a login itself is told as Vault does', async (t) => {
  const { ask } = await open(t, { BODY_LIMIT_KB: '4' })
  const anybody = { key: '' }
  const login = '/v1/auth/jwt/login'
  const packed = [['Content-Encoding', 'gzip']] as const
  const cases = [
    [405, await ask('GET', login, anybody)],
    [405, await ask('DELETE', login, anybody)],
    [405, await ask('LIST', login, anybody)],
    [404, await ask('PUT', `${login}/x`, { ...anybody, body: '{}' })],
    [
      413,
      await ask('PUT', login, { ...anybody, body: JSON.stringify({ jwt: 'x'.repeat(5_000) }) })
    ],
    [415, await ask('PUT', login, { ...anybody, body: '{}', headers: packed })],
    [400, await ask('PUT', login, { ...anybody, body: '{"jwt":"a","jwt":"b"}' })]
  ] as const
  for (const [status, answer] of cases) {
    t.equal(answer.statusCode, status, answer.body)
    t.match(answer.json(), { errors: [String] })
    t.notMatch(answer.body, 'problem')
  }
})

test('a token of a workload is a key for as long as its trust says, whatever the mount', async (t) => {
  const { issuer, jwks, sign } = await createWorkloadIssuer()
  const file = join(t.testdir(), 'jwks.json')
  await writeFile(file, JSON.stringify(jwks))
  const trusts = `trusts:
  - name: workloads
    kind: oidc
    issuer: ${issuer}
    audience: doors
    jwks: { file: ${JSON.stringify(file)} }
    bind: { sub: workload }
    grant: { client: app, scopes: ['aura-services:secrets'], mode: r, ttlSeconds: 300 }
`
  const door = await openDoor(t, { entry: ENTRY }, { yaml: YAML + trusts })
  await door.seed('alpha', 'app/db', '{"a":"1"}')
  const now = Math.floor(Date.now() / 1_000)
  const claims = { iss: issuer, sub: 'workload', aud: 'doors', iat: now, exp: now + 3_600 }
  const login = async (mount: string, body: object) =>
    door.speak({
      method: 'PUT',
      target: `/v1/auth/${mount}/login`,
      headers: [],
      body: JSON.stringify(body)
    })
  const jwt = `${await sign(claims)}\n`
  for (const [mount, body] of [
    ['jwt', { jwt, role: 'workloads' }],
    ['kubernetes', { jwt, role: 'workloads' }],
    ['k8s/prod', { jwt }],
    ['jwt', { jwt, role: '' }]
  ] as const) {
    const answer = await login(mount, body)
    t.equal(answer.statusCode, 200, mount)
    const { auth, data } = JSON.parse(answer.body)
    t.match(auth, { renewable: false, metadata: { role: 'workloads' }, policies: ['app'] })
    t.ok(auth.lease_duration > 290 && auth.lease_duration <= 300)
    t.equal(data, null)
    const headers = [['X-Vault-Token', auth.client_token]] as const
    const read = await door.speak({ method: 'GET', target: '/v1/secret/data/app/db', headers })
    t.equal(read.statusCode, 200)
    const write = { method: 'PUT', target: '/v1/secret/data/app/db', headers, body: '{"data":{}}' }
    t.equal((await door.speak(write)).statusCode, 403, 'of mode r')
  }
  const ended = await sign({ ...claims, iat: now - 7_200, exp: now - 3_600 })
  const elsewhere = await sign({ ...claims, aud: 'others' })
  const bodies = [{ jwt, role: 'none' }, { jwt: ended }, { jwt: elsewhere }, { jwt: 'x' }]
  const answers = new Set<string>()
  for (const body of bodies) {
    const { statusCode, body: text } = await login('kubernetes', body)
    answers.add(`${statusCode} ${text}`)
  }
  t.strictSame([...answers], ['403 {"errors":["permission denied"]}'])
  const records = await recordsIn(door.folder)
  t.match(
    records.filter(({ action }) => action === 'key.login'),
    Array.from({ length: 4 }, () => ({ outcome: 'allowed', route: 'vault PUT /v1/auth/*' }))
  )
})
