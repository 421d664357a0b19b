// How values are represented over HTTP: numbers with the digits that they were stored with, and bytes that say what they are.
import { type Test, test } from 'tap'
import { caFileOf, dialectOf, encoded, secret } from '../../kinds/kubernetes/fake.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { openWire } from '../../support/wire.ts'

const NUMBERS =
  '{"id":12345678901234567890,"nested":{"list":[9007199254740993,1.10,1e400,-0.0]},"é":"\\u00e9","id2":1}'
const YAML = `
stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ['local:**'] }
secrets: { numbers: 'local:numbers' }
bots:
  - { name: bot, credentialsSecrets: { id: 'local:numbers#id', deep: 'local:numbers#/nested/list/0' } }
`

test('no number loses a digit, by any way', async (t) => {
  const { app, as, internalSecret, seed } = await buildTestApp(t, {
    yaml: YAML.replace("read: ['local:**']", "read: ['local:**'], bots: [bot]")
  })
  await seed('local', 'numbers', NUMBERS)
  await seed('local', 'text', 'x')
  const { key, ask } = await as('app', 'rw')
  const headers = { 'x-api-key': key }
  const data = `"data":${NUMBERS}`
  const refs = ['local:numbers', 'local:text', 'local:none', 'local:numbers#/nested']
  const batch = refs.map((ref) => `ref=${encodeURIComponent(ref)}`).join('&')
  for (const [url, options] of [
    ['/v1/secrets?ref=local:numbers', {}],
    ['/v1/secrets/numbers', {}],
    [`/v1/secrets/batch?${batch}`, {}],
    ['/v1/secrets/batch', { method: 'POST', payload: { refs } }],
    ['/v1/secrets?prefix=local:', {}],
    ['/v1/secrets?prefix=local:&limit=1', {}],
    [
      '/internal/resolve',
      {
        method: 'POST',
        headers: { 'x-internal-secret': internalSecret },
        payload: { client: 'app', refs }
      }
    ]
  ] as const) {
    const answer = await app.server.inject({ url, headers, ...options })
    t.equal(answer.statusCode, 200, url)
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.body)))
    t.ok(answer.body.includes(data), `${url} ${answer.body}`)
    const parsed = answer.json()
    t.match(parsed.results?.[0] ?? parsed, {
      store: 'local',
      version: '1',
      data: { é: 'é', id2: 1 }
    })
    if (url.includes('batch')) {
      t.match(parsed.results, [
        { ref: 'local:numbers', status: 200 },
        { ref: 'local:text', status: 200, value: 'x' },
        {
          ref: 'local:none',
          status: 404,
          problem: { code: 'secret_not_found', status: 404, retryable: false }
        },
        { status: 200, value: '{"list":[9007199254740993,1.10,1e400,-0.0]}' }
      ])
    }
    if (url.includes('limit')) t.type(parsed.cursor, 'string')
  }
  const head = await ask('HEAD', '/v1/secrets/numbers')
  const get = await ask('GET', '/v1/secrets/numbers')
  t.equal(head.headers['content-length'], get.headers['content-length'])
  const field = await ask('GET', '/v1/secrets/numbers?field=id')
  t.equal(field.json().value, '12345678901234567890')
  const all = await as('app', 'rw', { scopes: ['aura-services'] })
  const bot = await all.ask('GET', '/v1/bots/bot/credentials')
  t.match(bot.json(), { credentials: { id: '12345678901234567890', deep: '9007199254740993' } })
})

test('what is written keeps every digit, and comes back as it was written', async (t) => {
  const { as } = await buildTestApp(t, {
    yaml: YAML.replace("read: ['local:**']", "read: ['local:**'], write: ['local:**']")
  })
  const { ask } = await as('app', 'rw')
  const json = { 'content-type': 'application/json' }
  const put = (payload: string) => ask('PUT', '/v1/secrets?ref=local:new', payload, json)
  const written = await put(`{ "data": ${NUMBERS} }`)
  t.equal(written.statusCode, 200, written.body)
  const read = await ask('GET', '/v1/secrets?ref=local:new&format=raw')
  t.equal(read.body, NUMBERS)
  t.equal((await put('\ufeff{"data":{"2":1,"1":12345678901234567890}}')).statusCode, 200)
  const ordered = await ask('GET', '/v1/secrets?ref=local:new&format=raw')
  t.equal(ordered.body, '{"2":1,"1":12345678901234567890}')
  for (const body of [
    '{"data":{"a":1,"a":2}}',
    '{"data":{"a":"\\ud800"}}',
    '{"data":{"__proto__":1}}',
    '{"data":{"a":1}',
    '{"data":[1]}'
  ]) {
    t.equal((await put(body)).statusCode, 400, body)
  }
  // Other routes hand on what they have parsed, and so take no number that would be another one.
  const all = await as('app', 'rw', { scopes: ['aura-services'] })
  const body = '{"name":"x","credentials":{"id":12345678901234567890}}'
  const resolve = await all.ask('POST', '/v1/resolve', body, json)
  t.equal(resolve.statusCode, 400)
})

const openCluster = async (t: Test) => {
  const bytes = Buffer.from([0xfe, 0xed, 0x00, 0xff])
  const base64 = bytes.toString('base64')
  const wire = await openWire(
    t,
    dialectOf((request) =>
      secret(
        request,
        request.url.endsWith('/one')
          ? { keystore: base64 }
          : { keystore: base64, text: encoded(base64), user: encoded('x') }
      )
    ),
    { read: 'found', text: '' }
  )
  const { caCertFile = '' } = caFileOf(t, wire)
  const { as } = await buildTestApp(t, {
    yaml: `
stores:
  - { name: cluster, kind: kubernetes, namespaces: [apps], auth: { method: token, server: '${wire.url}', token: { env: TOKEN }, caCertFile: '${caCertFile}' } }
policies: [{ client: app, read: ['cluster:**'] }]
`,
    environ: { TOKEN: 'token-1' }
  })
  const { ask } = await as('app')
  return { bytes, base64, ask: (url: string) => ask('GET', url) }
}

test('a field of bytes says so, alone and among others; a text of the same characters does not', async (t) => {
  const { bytes, base64, ask } = await openCluster(t)
  const whole = (await ask('/v1/secrets?ref=cluster:apps/db')).json()
  t.strictSame(whole.data, { keystore: base64, text: base64, user: 'x' })
  t.strictSame(whole.encodings, { keystore: 'base64' })
  t.notOk('encoding' in whole)
  t.match((await ask('/v1/secrets?ref=cluster:apps/db%23keystore')).json(), {
    value: base64,
    encoding: 'base64'
  })
  const text = (await ask('/v1/secrets?ref=cluster:apps/db%23text')).json()
  t.equal(text.value, base64)
  t.notOk('encoding' in text || 'encodings' in text)
  t.match((await ask('/v1/secrets?ref=cluster:apps/one')).json(), {
    value: base64,
    encoding: 'base64'
  })
  const batch = (
    await ask('/v1/secrets/batch?ref=cluster:apps/db&ref=cluster:apps/db%23keystore')
  ).json()
  t.match(batch.results, [{ encodings: { keystore: 'base64' } }, { encoding: 'base64' }])

  const raw = await ask('/v1/secrets?ref=cluster:apps/db&field=keystore&format=raw')
  t.same(raw.rawPayload, bytes)
  t.equal(raw.headers['content-type'], 'application/octet-stream')
  const rawText = await ask('/v1/secrets?ref=cluster:apps/db&field=text&format=raw')
  t.equal(rawText.body, base64)
  t.equal(rawText.headers['content-type'], 'text/plain; charset=utf-8')
})
