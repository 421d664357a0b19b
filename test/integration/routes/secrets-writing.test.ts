// Writing secrets over HTTP: a new version where right and store allow it, and never the value in an answer.
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { assertProblem, assertSafeHeaders } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ['local:**'], write: ['local:app/**'] }
  - { client: reader, read: ['local:**'] }
secrets: { short: 'local:app/two#second' }
`
const q = encodeURIComponent

const start = async (t: Parameters<typeof buildTestApp>[0]) => {
  const built = await buildTestApp(t, { yaml: YAML })
  await built.seed('local', 'app/text', 'plain text')
  return built
}

test('what is written is what is read next, as a new version, and is told to nobody else', async (t) => {
  const built = await start(t)
  const canary = createCanary()
  const { ask } = await built.as('app', 'rw')
  const read = async (url: string) => (await ask('GET', url)).json()
  const url = '/v1/secrets?ref=local:app/text'
  t.match(await read(url), { value: 'plain text', version: '1' })

  const written = await ask('PUT', url, { value: canary.token })
  t.equal(written.statusCode, 200)
  t.same(written.json(), { ref: 'local:app/text', version: '2' })
  assertSafeHeaders(t, written)
  const fresh = await ask('GET', url)
  t.match(fresh.json(), { value: canary.token, version: '2' })
  t.equal(fresh.headers['x-cache'], 'MISS')
  t.match(await read(`${url}&version=1`), { value: 'plain text', version: '1' })

  const data = {
    user: 'me',
    password: canary.token,
    nested: { list: [1, null, 'ü'] },
    constructor: 1
  }
  const put = await ask('PUT', '/v1/secrets?ref=local:app/new', { data })
  t.same(put.json(), { ref: 'local:app/new', version: '1' })
  t.same((await read('/v1/secrets?ref=local:app/new')).data, data)
  t.same((await read('/v1/secrets?ref=local:app/new%23password')).value, canary.token)
  const empty = await ask('PUT', '/v1/secrets?ref=local:app/new', { value: '' })
  t.same(empty.json(), { ref: 'local:app/new', version: '2' })
  t.equal((await read('/v1/secrets?ref=local:app/new')).value, '')

  const records = await recordsIn(built.folder)
  const writes = records.filter(({ action }) => action === 'secret.write')
  t.match(writes.slice(0, 2), [
    { outcome: 'allowed', reason: 'intent', reference: 'local:app/text', client: 'app' },
    { outcome: 'allowed', reference: 'local:app/text', version: '2', route: 'PUT /v1/secrets' }
  ])
  t.same(canary.findIn(JSON.stringify(records) + built.logs.join('')), [])
})

test('nothing is written without the right, or to a version or field', async (t) => {
  const built = await start(t)
  const canary = createCanary()
  const payload = { value: canary.token }
  const app = await built.as('app', 'rw')
  const reader = await built.as('reader', 'rw')
  const put = (ref: string, { ask } = app) => ask('PUT', `/v1/secrets?ref=${q(ref)}`, payload)
  const expect = async (
    code: 'access_denied' | 'invalid_reference',
    answer: ReturnType<typeof put>
  ) => assertProblem(t, await answer, { code, canary })
  const denied = await expect('access_denied', put('local:other/text'))
  for (const answer of [
    put('local:app/text', reader),
    put('other:app/text'),
    put('local:other/none#field'),
    put('short', reader)
  ]) {
    const { instance: _instance, ...body } = await expect('access_denied', answer)
    const { instance: _first, ...expected } = denied
    t.same(body, expected, 'one body for all of them')
  }
  await expect('invalid_reference', put('local:app/two#first'))
  await expect('invalid_reference', put('local:app/text?version=1'))
  await expect('invalid_reference', put('short'))
  await expect('invalid_reference', put('local:app//x'))
  const byName = await app.ask('PUT', '/v1/secrets/short', payload)
  assertProblem(t, byName, { code: 'method_not_allowed', canary })
  const read = await app.ask('GET', '/v1/secrets?ref=local:app/text')
  t.match(read.json(), { value: 'plain text', version: '1' })
})

test('a write on a condition that is not known is refused rather than made', async (t) => {
  const built = await start(t)
  const { ask } = await built.as('app', 'rw')
  const url = '/v1/secrets?ref=local:app/text'
  const answer = await ask('PUT', url, { value: 'new' }, { 'if-none-match': '*' })
  assertProblem(t, answer, { code: 'invalid_request' })
  t.match((await ask('GET', url)).json(), { value: 'plain text', version: '1' })
})

test('a body that says it is packed is no JSON', async (t) => {
  const built = await start(t)
  const { ask } = await built.as('app', 'rw')
  const packed = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
  const answer = await ask('PUT', '/v1/secrets?ref=local:app/text', '{"value":"new"}', packed)
  assertProblem(t, answer, { code: 'unsupported_media_type' })
})
