// Reading secrets over HTTP: what an answer says, in its body and in its headers.
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { assertSafeHeaders } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ['local:**'] }
  - { client: reader, read: ['local:**'] }
secrets:
  short: local:app/two#second
`

const start = async (t: Parameters<typeof buildTestApp>[0], now?: () => number) => {
  const built = await buildTestApp(t, { yaml: YAML, ...(now && { now }) })
  await built.seed('local', 'app/text', 'plain text')
  await built.seed('local', 'app/one', '{"only":"its value"}')
  await built.seed('local', 'app/two', '{"first":"1","second":{"deep":[true]},"__proto__":"p"}')
  return built
}

test('an answer has the reference, the value or the fields, the version and the times', async (t) => {
  const time = Date.parse('2030-01-02T03:04:05.678Z')
  const built = await start(t, () => time)
  const { ask } = await built.as('app', 'rw')
  const common = {
    version: '1',
    store: 'local',
    fetchedAt: '2030-01-02T03:04:05.678Z',
    expiresAt: '2030-01-02T03:14:05.678Z'
  }
  const expected: Record<string, object> = {
    'ref=local:app/text': { ref: 'local:app/text', value: 'plain text' },
    'ref=local:app/one': { ref: 'local:app/one', value: 'its value' },
    'ref=local:app/one%23only': { ref: 'local:app/one#only', value: 'its value' },
    'ref=local:app/one&field=only': { ref: 'local:app/one#only', value: 'its value' },
    'ref=local:app/two&field=second': { ref: 'local:app/two#second', value: '{"deep":[true]}' },
    'ref=local:app/text&version=1': { ref: 'local:app/text?version=1', value: 'plain text' }
  }
  for (const [query, members] of Object.entries(expected)) {
    const answer = await ask('GET', `/v1/secrets?${query}`)
    t.equal(answer.statusCode, 200, query)
    t.same(answer.json(), { ...members, ...common }, query)
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    assertSafeHeaders(t, answer)
  }
  const whole = await ask('GET', '/v1/secrets?ref=local:app/two')
  t.match(whole.body, '"data":{"first":"1","second":{"deep":[true]},"__proto__":"p"}')
  t.notOk('value' in whole.json())
  const byName = await ask('GET', '/v1/secrets/short')
  t.same(byName.json(), { ref: 'local:app/two#second', value: '{"deep":[true]}', ...common })
})

test('X-Cache and Age tell a fetch from what was kept, until its time is over', async (t) => {
  let time = Date.now()
  const built = await start(t, () => time)
  const { ask } = await built.as('app', 'rw')
  const read = async (url = '/v1/secrets?ref=local:app/text') => {
    const { headers, statusCode } = await ask('GET', url)
    t.equal(statusCode, 200)
    return `${headers['x-cache']} ${headers['age']}`
  }
  t.equal(await read(), 'MISS 0')
  t.equal(await read(), 'HIT 0')
  time += 1_999
  t.equal(await read(), 'HIT 1')
  t.equal(await read('/v1/secrets?ref=local:app/text&version=1'), 'MISS 0', 'a version is another')
  time += 597_000
  t.equal(await read(), 'HIT 598')
  time += 1_001
  t.equal(await read(), 'MISS 0', 'after 600 seconds')
  t.equal(await read(), 'HIT 0')
  t.equal(await read('/v1/secrets?ref=local:app/two%23first'), 'MISS 0')
  t.equal(await read('/v1/secrets?ref=local:app/two%23second'), 'HIT 0', 'fields share a fetch')
})

test('X-Request-Id is taken where it is one, made where it is not, and always returned', async (t) => {
  const built = await start(t)
  const { ask } = await built.as('app', 'rw')
  const made = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  for (const given of ['a', 'A.b_c-9', 'x'.repeat(128)]) {
    const { headers } = await ask('GET', '/v1/whoami', undefined, { 'x-request-id': given })
    t.equal(headers['x-request-id'], given)
  }
  const others = [undefined, '', ' ', 'a b', 'a/b', 'ä', 'a,b', '{a}', '"a"', 'x'.repeat(129)]
  for (const given of others) {
    for (const url of ['/v1/whoami', '/livez', '/nowhere', '/%zz', '/v1/secrets?ref=x:y']) {
      const headers = given === undefined ? {} : { 'x-request-id': given }
      t.match(
        (await ask('GET', url, undefined, headers)).headers['x-request-id'],
        made,
        `${given} ${url}`
      )
    }
  }
  const twice = await ask('GET', '/v1/whoami', undefined, { 'x-request-id': ['a', 'b'] as never })
  t.match(twice.headers['x-request-id'], made)
})

test('HEAD is GET without its body, and is on record like it', async (t) => {
  const built = await start(t, () => Date.parse('2030-01-02T03:04:05Z'))
  const { ask } = await built.as('app', 'r')
  const urls = [
    '/v1/secrets?ref=local:app/text',
    '/v1/secrets/short',
    '/v1/secrets/batch?ref=local:app/text',
    '/v1/whoami',
    '/livez',
    '/readyz',
    '/v1/secrets?ref=local:none',
    '/v1/secrets?ref=other:none',
    '/v1/secrets',
    '/nowhere'
  ]
  for (const url of urls) {
    const headers = { 'x-request-id': 'same' }
    await ask('GET', url, undefined, headers)
    const get = await ask('GET', url, undefined, headers)
    const head = await ask('HEAD', url, undefined, headers)
    t.equal(head.statusCode, get.statusCode, url)
    const { date: _get, ...expected } = get.headers
    const { date: _head, ...actual } = head.headers
    t.same(actual, expected, url)
    t.equal(head.body, '', url)
  }
  const records = await recordsIn(built.folder)
  const secrets = records.filter(({ action }) => action === 'secret.read')
  const ofHead = secrets.filter(({ route }) => route?.startsWith('HEAD '))
  t.same(
    ofHead.map(({ route, outcome, reference }) => [route, outcome, reference]),
    [
      ['HEAD /v1/secrets', 'allowed', 'local:app/text'],
      ['HEAD /v1/secrets/:name', 'allowed', 'local:app/two#second'],
      ['HEAD /v1/secrets/batch', 'allowed', 'local:app/text'],
      ['HEAD /v1/secrets', 'failed', 'local:none'],
      ['HEAD /v1/secrets', 'denied', undefined]
    ]
  )
})

test('whoami tells the claims of the key and what policy gives its client', async (t) => {
  const built = await start(t)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const { key, ask } = await built.as('reader', 'r', {
    keyId,
    scopes: ['aura-services:token'],
    lifetimeSeconds: 3_600
  })
  const answer = await ask('GET', '/v1/whoami')
  const { issuedAt, expiresAt, ...rest } = answer.json()
  t.same(rest, {
    client: 'reader',
    keyId,
    scopes: ['aura-services:token'],
    mode: 'r',
    environment: 'dev',
    minimumVersion: '8.3.0',
    grants: { read: ['local:**'], write: [], bots: [], channels: [] }
  })
  t.equal(Date.parse(expiresAt) - Date.parse(issuedAt), 3_600_000)
  t.notOk(answer.body.includes(key))
})
