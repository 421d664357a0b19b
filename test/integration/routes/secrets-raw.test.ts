// The stored bytes over HTTP: alone, exactly as they are kept, by every way of a single read; and by none of several.
import { type Test, test } from 'tap'
import { answer as awsAnswer, awsDialect } from '../../kinds/aws/fake.ts'
import { useEnvironment } from '../../kinds/gcp/fake.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { assertProblem } from '../../support/problem.ts'
import { type Dialect, openWire } from '../../support/wire.ts'

const TEXTS: Record<string, string> = {
  text: ' line one\r\nline two\n',
  one: '{ "only" : "x" }\n',
  several: '\ufeff{"a":1.10,"b": 12345678901234567890, "a" : {"c/d" :["é"]}}',
  empty: '',
  html: '<script>alert(1)</script>'
}

const YAML = `
stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ['local:**'] }
  - { client: fields, read: ['local:one#only', 'local:several#a'] }
  - { client: nothing, read: [] }
secrets: { whole: 'local:several', part: 'local:one#only' }
`

const setUp = async (t: Test, env: Record<string, string> = {}) => {
  const built = await buildTestApp(t, { yaml: YAML, env })
  for (const [name, text] of Object.entries(TEXTS)) await built.seed('local', name, text)
  const ask = async (
    url: string,
    headers: Record<string, string> = {},
    { client = 'app', method = 'GET' as 'GET' | 'HEAD' } = {}
  ) => {
    return (await built.as(client)).ask(method, url, undefined, headers)
  }
  return { ...built, ask }
}

const RAW = { accept: 'text/plain' }

test('a whole secret comes as its text to the letter, however many fields it has', async (t) => {
  const { ask } = await setUp(t)
  for (const [name, text] of Object.entries(TEXTS)) {
    for (const [url, headers] of [
      [`/v1/secrets?ref=local:${name}&format=raw`, {}],
      [`/v1/secrets?ref=local:${name}`, RAW]
    ] as const) {
      const answer = await ask(url, headers)
      t.equal(answer.statusCode, 200, url)
      t.same(answer.rawPayload, Buffer.from(text), url)
      t.match(answer.headers, {
        'content-type': 'text/plain; charset=utf-8',
        'content-length': String(Buffer.byteLength(text)),
        'x-content-type-options': 'nosniff',
        'content-disposition': 'attachment',
        'cache-control': 'no-store',
        vary: 'Accept'
      })
      const policy = String(answer.headers['content-security-policy'])
      t.match(policy, /^default-src 'none'; sandbox(;|$)/)
      t.notMatch(policy, /allow-/)
    }
  }
})

test('a field comes as its text', async (t) => {
  const { ask } = await setUp(t)
  for (const [query, text] of [
    ['ref=local:one%23only', 'x'],
    ['ref=local:several&field=b', '12345678901234567890'],
    ['ref=local:several&field=/a', '{"c/d" :["é"]}'],
    ['ref=local:several&field=/a/c~1d/0', 'é']
  ] as const) {
    const answer = await ask(`/v1/secrets?${query}&format=raw`)
    t.same(answer.rawPayload, Buffer.from(text), query)
  }
  const missing = await ask('/v1/secrets?ref=local:one%23none&format=raw')
  assertProblem(t, missing, { code: 'field_not_found' })
})

test('by name, by HEAD and by condition it is the same representation', async (t) => {
  const { ask } = await setUp(t)
  const whole = await ask('/v1/secrets/whole?format=raw')
  t.same(whole.rawPayload, Buffer.from(TEXTS['several'] ?? ''))
  t.equal((await ask('/v1/secrets/part', RAW)).body, 'x')
  for (const url of ['/v1/secrets/whole', '/v1/secrets?ref=local:several']) {
    const raw = await ask(url, RAW)
    const json = await ask(url)
    t.equal(json.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(json.headers.vary, 'Accept')
    t.notOk(json.headers['content-disposition'])
    t.not(raw.headers.etag, json.headers.etag)
    const head = await ask(url, RAW, { method: 'HEAD' })
    t.equal(head.body, '')
    for (const name of ['content-type', 'content-length', 'etag', 'content-disposition', 'vary']) {
      t.equal(head.headers[name], raw.headers[name], name)
    }
    const same = { 'if-none-match': String(raw.headers.etag) }
    const unchanged = await ask(url, { ...RAW, ...same })
    t.match(
      [unchanged.statusCode, unchanged.headers.etag, unchanged.headers.vary],
      [304, raw.headers.etag, 'Accept']
    )
    t.equal((await ask(url, same)).statusCode, 200, 'the tag of one is not the tag of the other')
    t.equal(
      (await ask(url, { 'if-none-match': String(json.headers.etag), ...RAW })).statusCode,
      200
    )
  }
})

test('JSON is for all who do not prefer text', async (t) => {
  const { ask } = await setUp(t)
  for (const [accept, isRaw] of [
    [undefined, false],
    ['*/*', false],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', false],
    ['application/json, text/plain, */*', false],
    ['text/plain, */*', false],
    ['application/json', false],
    ['text/html', false],
    ['text/plain;q=0', false],
    ['text/plain;q=x', false],
    ['text/plain;q=0.5, application/json;q=0.6', false],
    ['text/plain;q=0.5, */*;q=0.9', false],
    ['text/*;q=0.4, application/json;q=0.4', false],
    ['text/plain', true],
    ['Text/Plain; charset=utf-8', true],
    ['text/plain, application/json;q=0.9', true],
    ['text/plain, */*; q=0.01', true],
    ['text/plain;q=0.2, application/*;q=0.1', true],
    ['text/*', true],
    ['application/json;q=0, text/plain;q=0.001', true]
  ] as const) {
    const answer = await ask('/v1/secrets?ref=local:html', accept === undefined ? {} : { accept })
    t.equal(
      answer.headers['content-type'],
      isRaw ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      String(accept)
    )
  }
  const explicit = await ask('/v1/secrets?ref=local:html&format=json', RAW)
  t.equal(explicit.json().value, TEXTS['html'])
  const forced = await ask('/v1/secrets?ref=local:html&format=raw', { accept: 'application/json' })
  t.equal(forced.body, TEXTS['html'])
  for (const format of ['RAW', 'text', 'raw&format=raw']) {
    assertProblem(t, await ask(`/v1/secrets?ref=local:html&format=${format}`), {
      code: 'invalid_request'
    })
  }
})

test('the right on a field is not the right on the text that it stands in', async (t) => {
  const { ask, logs } = await setUp(t)
  const client = { client: 'fields' }
  t.equal((await ask('/v1/secrets?ref=local:one%23only&format=raw', {}, client)).body, 'x')
  for (const url of [
    '/v1/secrets?ref=local:one&format=raw',
    '/v1/secrets?ref=local:several&format=raw',
    '/v1/secrets/whole?format=raw',
    '/v1/secrets?ref=local:several&field=/a/c~1d&format=raw',
    '/v1/secrets?ref=local:several&field=b&format=raw'
  ]) {
    const refused = await ask(url, RAW, client)
    assertProblem(t, refused, { code: 'access_denied' })
    t.notOk(refused.headers['content-disposition'])
    t.equal(refused.headers['content-type'], 'application/problem+json; charset=utf-8')
  }
  t.equal((await ask('/v1/secrets/part?format=raw', {}, client)).body, 'x')
  for (const name of ['one', 'none']) {
    assertProblem(
      t,
      await ask(`/v1/secrets?ref=local:${name}&format=raw`, {}, { client: 'nothing' }),
      { code: 'access_denied' }
    )
  }
  assertProblem(t, await ask('/v1/secrets?ref=local:none&format=raw'), { code: 'secret_not_found' })
  t.ok(logs)
})

test('answers with several secrets have no other format, and say so', async (t) => {
  const { ask, app, internalSecret } = await setUp(t)
  const internal = { 'x-internal-secret': internalSecret }
  const answers = await Promise.all([
    ask('/v1/secrets?prefix=local:&format=raw'),
    ask('/v1/secrets/batch?ref=local:one&format=raw'),
    app.server.inject({
      method: 'POST',
      url: '/internal/resolve?format=raw',
      headers: internal,
      payload: { client: 'app', refs: ['local:one'] }
    })
  ])
  for (const answer of answers) {
    assertProblem(t, answer, { code: 'invalid_request' })
    t.match(answer.json(), {
      errors: [{ pointer: '/querystring/format', rule: 'unsupported' }],
      detail: /single/
    })
  }
  for (const url of ['/v1/secrets?prefix=local:', '/v1/secrets/batch?ref=local:one']) {
    t.equal((await ask(url, RAW)).headers['content-type'], 'application/json; charset=utf-8')
  }
})

test('what is no text comes as its bytes, and a page of another origin is told what it varies by', async (t) => {
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  const bytes = Buffer.from([0, 255, 254, 10, 13, 128])
  const dialect: Dialect = {
    ...awsDialect,
    found: () =>
      awsAnswer(200, {
        Name: 'b',
        VersionId: 'v'.repeat(32),
        SecretBinary: bytes.toString('base64')
      })
  }
  const wire = await openWire(t, dialect, { read: 'found', text: '' })
  const origin = 'https://page.example'
  const built = await buildTestApp(t, {
    yaml: `
stores: [{ name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${wire.url}' }]
policies: [{ client: app, read: ['aws:**'] }]
`,
    env: { CORS_ALLOW_ORIGINS: origin }
  })
  const { read } = await built.as('app')
  const raw = await read('aws:b', { origin, ...RAW })
  t.same(raw.rawPayload, bytes)
  t.match(raw.headers, {
    'content-type': 'application/octet-stream',
    'content-length': '6',
    'content-disposition': 'attachment'
  })
  t.match(String(raw.headers.vary), /Origin/)
  t.match(String(raw.headers.vary), /Accept/)
  const json = await read('aws:b', { origin })
  t.match(json.json(), { value: bytes.toString('base64'), encoding: 'base64' })
})

test('a raw value stands in no log', async (t) => {
  const canary = createCanary()
  const built = await setUp(t)
  await built.seed('local', 'canary', canary.token)
  t.equal((await built.ask('/v1/secrets?ref=local:canary&format=raw')).body, canary.token)
  t.same(canary.findIn(built.logs.join('\n')), [])
})
