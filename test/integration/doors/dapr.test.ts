// The door of Dapr's secrets, request by request: as a sidecar answers them, alone on its listener and beside our own interface.
import { type Test, test } from 'tap'
import { useEnvironment } from '../../kinds/gcp/fake.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestAppOptions } from '../../support/build-app.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { openDoor, type Spoken } from '../../support/doors.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: alpha, kind: local }
  - { name: away, kind: azure-key-vault, vaultUrl: "https://none.vault.azure.net" }
policies:
  - { client: app, read: ['alpha:app/**', 'alpha:big/**'] }
  - { client: writer, write: ['alpha:app/**'] }
  - { client: other, read: ['away:x'] }
secrets: { short: 'alpha:app/db#password', gone: 'alpha:app/none', hidden: 'alpha:secret/db' }
`
const ENTRY =
  '{ dialect: dapr, port: 0, stores: { alpha: alpha, app: "alpha:app/", big: "alpha:big/", names: "secrets:", auth: away, away: away } }'

const SECRET =
  '{"password":"p1","port":5432,"id":12345678901234567890,"more":{"a": [1, "x"]},"no":null}'
const GIVEN =
  '{"password":"p1","port":"5432","id":"12345678901234567890","more":"{\\"a\\":[1,\\"x\\"]}","no":"null"}'

const open = async (
  t: Test,
  { entry = ENTRY, ...options }: Partial<TestAppOptions> & { entry?: string } = {}
) => {
  const door = await openDoor(t, { entry }, { yaml: YAML, ...options })
  const keyOf = (client: string, mode: 'r' | 'w' = 'r') => issueKey(door.keyring, client, mode)
  const key = await keyOf('app')
  const ask = async (
    target: string,
    { key: own = key, headers = [], method = 'GET' } = {} as {
      readonly key?: string
      readonly headers?: Spoken['headers']
      readonly method?: string
    }
  ) => {
    const token = own === '' ? [] : [['dapr-api-token', own] as const]
    const answer = await door.speak({
      method,
      target: `/v1.0${target}`,
      headers: [...token, ...headers]
    })
    return { ...answer, said: [answer.statusCode, answer.body] as const }
  }
  return { ...door, key, keyOf, ask }
}

const DENIED = [403, '{"errorCode":"ERR_PERMISSION_DENIED","message":"access denied by policy"}']
const FAILED = [500, '{"errorCode":"ERR_SECRET_GET","message":"failed getting secret"}']

test('a secret is given by its members, each a text, and any other as one', async (t) => {
  const { ask, seed } = await open(t)
  await seed('alpha', 'app/db', SECRET)
  const read = await ask('/secrets/alpha/app/db')
  t.same(read.said, [200, GIVEN])
  t.equal(read.headers['content-type'], 'application/json')
  t.equal(read.headers['x-cache'], 'MISS')
  t.equal((await ask('/secrets/alpha/app/db')).headers['x-cache'], 'HIT')
  t.same((await ask('/secrets/app/db')).said, read.said, 'by a folder')
  t.same((await ask('/secrets/alpha/app%2Fdb')).said, read.said, 'as one segment')
  for (const [path, text] of [
    ['app/plain', 'plain "text"'],
    ['app/deep/list', '[1]'],
    ['app/__proto__', 'x'],
    ['app/bulk', 'y']
  ] as const) {
    await seed('alpha', path, text)
    const { body } = await ask(`/secrets/alpha/${path}`)
    t.equal(body, `{${JSON.stringify(path)}:${JSON.stringify(text)}}`)
  }
  await seed('alpha', 'app/empty', '{}')
  t.same((await ask('/secrets/alpha/app/empty')).said, [200, '{}'])
  t.same((await ask('/secrets/names/short')).said, [200, '{"short":"p1"}'])
  const long = 'x'.repeat(50_000)
  await seed('alpha', 'app/long', JSON.stringify({ long }))
  const answer = await ask('/secrets/alpha/app/long')
  t.same(answer.said, [200, JSON.stringify({ long })])
  t.equal(answer.headers['content-type'], 'application/json')
  t.equal((await ask('/secrets/alpha/app/db', { method: 'HEAD' })).body, '')
})

test('version_id is the version, and other metadata is refused', async (t) => {
  const { ask, seed } = await open(t)
  for (const text of ['first', 'second']) await seed('alpha', 'app/v', text)
  const at = (query: string) => ask(`/secrets/app/v?${query}`)
  t.equal((await at('metadata.version_id=1')).body, '{"v":"first"}')
  t.equal((await at('metadata.version_id=2')).body, '{"v":"second"}')
  t.equal((await at('metadata.version_id=')).body, '{"v":"second"}')
  t.same((await at('metadata.version_id=9')).said, [204, ''])
  t.same((await at('metadata.version_id=none')).said, [204, ''])
  for (const query of [
    'metadata.version_id=a%20b',
    'metadata.version_id=1&metadata.version_id=2',
    'metadata.version_stage=AWSCURRENT',
    'metadata.namespace=other',
    'version_id=1'
  ]) {
    const { statusCode, body } = await at(query)
    t.equal(statusCode, 400, query)
    t.match(JSON.parse(body), { errorCode: 'ERR_MALFORMED_REQUEST' }, query)
  }
  t.equal((await ask('/secrets/app/bulk?metadata.version_id=1')).statusCode, 400)
})

test('what is not there is 204, and what is forbidden or of no store is 403 in the same bytes', async (t) => {
  const { ask, seed, keyOf } = await open(t)
  await seed('alpha', 'secret/db', SECRET)
  await seed('alpha', 'app/db', SECRET)
  const missing = await ask('/secrets/alpha/app/none')
  t.same(missing.said, [204, ''])
  t.equal(missing.headers['content-type'], undefined)
  t.same((await ask('/secrets/names/gone')).said, [204, ''])
  for (const path of [
    'alpha/secret/db',
    'alpha/secret/none',
    'alpha/secret/db?metadata.version_id=1',
    'away/x',
    'auth/bulk',
    'nowhere/x',
    'nowhere/bulk',
    'names/hidden',
    'names/unknown'
  ]) {
    t.same((await ask(`/secrets/${path}`)).said, DENIED, path)
  }
  for (const key of [await keyOf('app', 'w'), await keyOf('writer', 'w'), await keyOf('nobody')]) {
    t.same((await ask('/secrets/alpha/app/db', { key })).said, DENIED)
    t.same((await ask('/secrets/alpha/bulk', { key })).said, DENIED)
  }
})

test('a bulk has what the caller may read and nothing else', async (t) => {
  const { ask, seed, keyOf, folder } = await open(t)
  await seed('alpha', 'app/db', SECRET)
  await seed('alpha', 'app/deep/text', 'one')
  await seed('alpha', 'secret/db', '{"hidden":"h"}')
  const all = await ask('/secrets/alpha/bulk')
  t.same(all.said, [200, `{"app/db":${GIVEN},"app/deep/text":{"app/deep/text":"one"}}`])
  t.equal(all.headers['content-type'], 'application/json')
  const below = await ask('/secrets/app/bulk')
  t.equal(below.body, `{"db":${GIVEN},"deep/text":{"deep/text":"one"}}`, 'keys are as asked for')
  t.same((await ask('/secrets/names/bulk')).said, [200, '{"short":{"short":"p1"}}'])
  t.same((await ask('/secrets/names/bulk', { key: await keyOf('nobody') })).said, DENIED)
  const key = await keyOf('other')
  t.same((await ask('/secrets/alpha/bulk', { key })).said, DENIED)
  const reads = (await recordsIn(folder)).filter(
    ({ action, route }) =>
      action === 'secret.read' && route === 'dapr GET /v1.0/secrets/:store/bulk'
  )
  const allowed = reads.filter(({ outcome }) => outcome === 'allowed')
  t.same(
    allowed.map(({ reference }) => reference),
    [
      'alpha:app/db',
      'alpha:app/deep/text',
      'alpha:app/db',
      'alpha:app/deep/text',
      'alpha:app/db#password'
    ]
  )
})

test('each secret of a bulk is paid for, and an answer is whole or none', async (t) => {
  const env = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '200' }
  const { ask, seed, keyOf, folder } = await open(t, { env })
  for (let i = 100; i < 230; i++) await seed('alpha', `app/${i}`, 'x')
  const left = async (key: string): Promise<string | undefined> =>
    /r=(\d+)/.exec(String((await ask('/metadata', { key })).headers['ratelimit']))?.[1]
  const key = await keyOf('app')
  const all = await ask('/secrets/app/bulk', { key })
  t.equal(Object.keys(JSON.parse(all.body)).length, 130)
  const listings = (await recordsIn(folder)).filter(({ action }) => action === 'secret.list')
  t.match(listings, [{ outcome: 'allowed', reference: 'alpha:app/' }])
  t.equal(listings.length, 1, 'one listing, however many pages of the store it took')
  t.equal(await left(key), '69')
  const limited = await ask('/secrets/app/bulk', { key })
  t.same(limited.said, [429, 'You have reached maximum request limit.'])
  t.match(limited.headers['retry-after'], /^\d+$/)
  const large = 'x'.repeat(50_000)
  for (let i = 0; i < 170; i++) await seed('alpha', `big/${i}`, large)
  const { statusCode, body } = await ask('/secrets/big/bulk', { key: await keyOf('app') })
  t.equal(statusCode, 413)
  t.match(JSON.parse(body), { errorCode: 'ERR_MALFORMED_REQUEST', message: /too much for one/ })
})

test('more secrets than a bulk gives are refused, also of names', async (t) => {
  const names = Array.from({ length: 1_001 }, (_, i) => `n${i}`)
  const yaml = YAML.replace(
    'secrets: {',
    `secrets: {${names.map((name) => ` ${name}: 'alpha:app/db',`).join('')}`
  )
  const store = await startCountingStore(t, { listed: names.map((name) => `app/${name}`) })
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  const aws = `{ name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: "${store.url}" }`
  const { ask } = await open(t, {
    entry: ENTRY.replace('alpha: alpha', 'alpha: alpha, aws: aws'),
    yaml: yaml
      .replace('stores:', `stores:\n  - ${aws}`)
      .replace("read: ['alpha:app/**'", "read: ['aws:app/**', 'alpha:app/**'")
  })
  for (const name of ['names', 'aws']) {
    t.equal((await ask(`/secrets/${name}/bulk`)).statusCode, 413, name)
  }
})

const openAws = async (t: Test) => {
  const store = await startCountingStore(t, { listed: ['app/db', 'app/last'] })
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  const yaml = `
stores:
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: "${store.url}" }
policies:
  - { client: app, read: ['aws:app/**'] }
`
  const { ask } = await open(t, { entry: '{ dialect: dapr, port: 0 }', yaml })
  t.same((await ask('/secrets/aws/app/db')).said, [200, '{"app/db":"app/db v1"}'])
  return { store, ask }
}

test('a store that fails is told as a sidecar tells it', async (t) => {
  const { store, ask } = await openAws(t)
  store.say({ is: 'not found' }, 'app/none')
  t.same((await ask('/secrets/aws/app/none')).said, [204, ''])
  store.say({ is: 'failing' }, 'app/a')
  store.say({ is: 'denied' }, 'app/b')
  store.say({ is: 'throttled', retryAfter: 7 }, 'app/c')
  for (const path of ['a', 'b', 'c']) {
    t.same((await ask(`/secrets/aws/app/${path}`)).said, FAILED, path)
  }
})

test('a bulk of which one secret fails is none, and one that is gone meanwhile is left out', async (t) => {
  for (const [is, expected] of [
    ['failing', FAILED],
    ['not found', [200, '{"app/db":{"app/db":"app/db v1"}}']],
    ['found', [200, '{"app/db":{"app/db":"app/db v1"},"app/last":{"app/last":"app/last v1"}}']]
  ] as const) {
    const { store, ask } = await openAws(t)
    store.say({ is }, 'app/last')
    t.same((await ask('/secrets/aws/bulk')).said, expected, is)
  }
  const { store, ask } = await openAws(t)
  store.say({ is: 'failing' })
  t.same((await ask('/secrets/aws/bulk')).said, FAILED, 'a listing that fails')
})

test('the key comes as dapr-api-token alone, and probes need none', async (t) => {
  const { ask, seed, key } = await open(t)
  await seed('alpha', 'app/db', SECRET)
  const path = '/secrets/alpha/app/db'
  const BAD = [401, 'invalid api token']
  t.same((await ask(path, { key: '' })).said, BAD)
  t.same((await ask(path, { key: 'nonsense' })).said, BAD)
  t.same((await ask('/metadata', { key: '' })).said, BAD)
  for (const name of [
    'X-Api-Key',
    'X-Vault-Token',
    'X-Amz-Security-Token',
    'X-Aws-Parameters-Secrets-Token',
    'Authorization'
  ]) {
    const headers = [[name, name === 'Authorization' ? `Bearer ${key}` : key]] as const
    t.same((await ask(path, { key: '', headers })).said, BAD, name)
    t.equal((await ask(path, { headers })).statusCode, 400, name)
  }
  for (const probe of ['/healthz', '/healthz/outbound', '/healthz?appid=x']) {
    t.same((await ask(probe, { key: '' })).said, [204, ''], probe)
  }
  t.match(JSON.parse((await ask('/metadata')).body), { id: 'purser' })
})

test('a service that is not ready says so to probes', async (t) => {
  const { ask, app } = await open(t)
  app.drain()
  const { said, headers } = await ask('/healthz', { key: '' })
  t.same(said, [500, '{"errorCode":"ERR_HEALTH_NOT_READY","message":"not ready"}'])
  t.equal(headers['content-type'], 'application/json')
  t.same((await ask('/healthz/outbound', { key: '' })).said, [
    500,
    '{"errorCode":"ERR_OUTBOUND_HEALTH_NOT_READY","message":"not ready"}'
  ])
})

test('what a sidecar has beside secrets is not found', async (t) => {
  const { ask, speak } = await open(t)
  const none = (status: number) => [
    status,
    '{"errorCode":"ERR_METHOD_NOT_FOUND","message":"method not found"}'
  ]
  for (const path of ['/state/store/key', '/invoke/app/method/x', '/secrets/alpha', '/shutdown']) {
    t.same((await ask(path)).said, none(404), path)
  }
  t.same((await ask('/secrets/alpha/app/db', { method: 'POST' })).said, none(405))
  t.same((await ask('/metadata/key', { method: 'PUT' })).said, none(404))
  const { statusCode, body } = await speak({ method: 'GET', target: '/v1/secrets', headers: [] })
  t.same([statusCode, body], none(404), 'our own interface is not here')
})

test('it stands on the public listener too, and neither has the paths of the other', async (t) => {
  const yaml = `${YAML}\ndoors: [{ dialect: dapr }]\n`
  const built = await buildTestApp(t, { yaml })
  await built.seed('alpha', 'app/db', SECRET)
  const { key, read } = await built.as('app')
  const { server } = built.app
  const token = { 'dapr-api-token': key }
  const given = await server.inject({ url: '/v1.0/secrets/alpha/app/db', headers: token })
  t.same([given.statusCode, given.payload], [200, GIVEN])
  t.equal((await server.inject({ url: '/v1.0/healthz' })).statusCode, 204)
  for (const url of ['/v1.0', '/v1.0/', '/v1.0/none', '/v1.0/secrets', '/v1.0/%73ecrets/alpha/x']) {
    const { statusCode, payload } = await server.inject({ url, headers: token })
    t.match([statusCode, payload], [404, /^\{"errorCode":"ERR_METHOD_NOT_FOUND"/], url)
  }
  const refused = await server.inject({
    url: '/v1.0/secrets/alpha/app/db',
    headers: { 'x-api-key': key }
  })
  t.equal(refused.payload, 'invalid api token')

  t.equal((await read('alpha:app/db')).statusCode, 200)
  const named = await server.inject({ url: '/v1/secrets/short', headers: { 'x-api-key': key } })
  t.equal(named.statusCode, 200)
  for (const url of ['/v1.0x', '/v1.00/healthz', '/v1', '/v1/healthz', '/none']) {
    assertProblem(t, await server.inject({ url }), { code: 'route_not_found', what: url })
  }
  const native = await server.inject({ url: '/v1/secrets?ref=alpha:app/db', headers: token })
  assertProblem(t, native, { code: 'authentication_required' })
})

/** What @dapr/dapr 3.18.0 sent, byte by byte, but for the key and the port. */
const recorded = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\n${more}dapr-api-token: <key>\r\nuser-agent: dapr-sdk-js/v3.18.0 http/1\r\nAccept: */*\r\nAccept-Encoding: gzip,deflate\r\nHost: 127.0.0.1:3500\r\nConnection: close\r\n\r\n`

test('what the client for JavaScript sends is answered as it expects', async (t) => {
  const { send, key, seed } = await open(t, { entry: '{ dialect: dapr, port: 0 }' })
  await seed('alpha', 'app/db', SECRET)
  const ask = async (text: string) => {
    const [answer] = await send(text.replace('<key>', key))
    return [answer?.statusCode, answer?.body]
  }
  const [status, metadata] = await ask(recorded('/v1.0/metadata'))
  t.equal(status, 200)
  t.ok(JSON.parse(String(metadata)), 'it waits for this before it reads')
  t.same(await ask(recorded('/v1.0/secrets/alpha/app/db')), [200, GIVEN])
  t.same(await ask(recorded('/v1.0/secrets/alpha/app/db?metadata.version_id=1')), [200, GIVEN])
  t.same(await ask(recorded('/v1.0/secrets/alpha/app/none')), [204, ''])
  t.same(await ask(recorded('/v1.0/secrets/alpha/other/db')), DENIED)
  const bulk = recorded('/v1.0/secrets/alpha/bulk', 'Content-Type: application/json\r\n')
  t.same(await ask(bulk), [200, `{"app/db":${GIVEN}}`])
})
