// Every decision is on record before its answer leaves; what cannot be recorded is not disclosed.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import type { Observed } from '../../src/audit/recorder.ts'
import { recordsIn } from '../support/audit-records.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:team/*'], write: ['local:team/*'] }]
`

const recordsOf = ({ folder }: TestApp) => recordsIn(folder)

test('each decision is one line: allowed or denied, cached or not, alone or in a batch, and who asked', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  await app.seed('local', 'team/a', '{"x":"1","y":"2"}')
  const client = await app.as('app', 'rw')
  const ask = (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) =>
    client.ask(method, url, payload, { 'x-request-id': 'request-1' })
  await ask('GET', '/v1/secrets?ref=local:team/a%23x')
  await ask('GET', '/v1/secrets?ref=local:team/a%23y')
  await ask('GET', '/v1/secrets?ref=local:other/a')
  await ask('GET', '/v1/secrets?ref=nowhere:a')
  await ask('GET', '/v1/secrets?ref=local:team/none')
  await ask('GET', '/v1/secrets?ref=local:team/..')
  await ask('POST', '/v1/secrets/batch', { refs: ['local:team/a', 'local:other/b'] })
  await ask('PUT', '/v1/secrets?ref=local:team/b', { value: 'v' })
  await app.withKey('nonsense').read('local:team/a')

  const who = {
    client: 'app',
    kid: app.keyring.active.kid,
    requestId: 'request-1',
    environment: 'dev'
  }
  const read = { action: 'secret.read', route: 'GET /v1/secrets', ...who }
  const records = await recordsOf(app)
  // The elements of a batch are read side by side: what is decided sooner is recorded sooner.
  records.splice(
    6,
    2,
    ...records.slice(6, 8).sort((a, b) => (a['outcome'] ?? '').localeCompare(b['outcome'] ?? ''))
  )
  t.match(records, [
    { ...read, outcome: 'allowed', reference: 'local:team/a#x', cache: 'MISS', version: '1' },
    { ...read, outcome: 'allowed', reference: 'local:team/a#y', cache: 'HIT', version: '1' },
    {
      ...read,
      outcome: 'denied',
      reference: 'local:other/a',
      code: 'access_denied',
      reason: 'no_rule'
    },
    { ...read, outcome: 'denied', code: 'access_denied', reason: 'unknown_store' },
    { ...read, outcome: 'failed', reference: 'local:team/none', code: 'secret_not_found' },
    { ...read, outcome: 'failed', code: 'invalid_reference' },
    { ...read, route: 'POST /v1/secrets/batch', outcome: 'allowed', reference: 'local:team/a' },
    { ...read, route: 'POST /v1/secrets/batch', outcome: 'denied', reference: 'local:other/b' },
    {
      action: 'secret.write',
      outcome: 'allowed',
      reason: 'intent',
      reference: 'local:team/b',
      ...who
    },
    { action: 'secret.write', outcome: 'allowed', version: '1', reference: 'local:team/b', ...who },
    { action: 'key.authenticate', outcome: 'denied', code: 'invalid_api_key', reason: 'unreadable' }
  ])
  t.equal(records.length, 11)
  t.ok(records.every(({ time = '' }) => new Date(time).toISOString() === time))
})

test('without a record no secret leaves, and readiness says so; with it again, all is well', async (t) => {
  const clock = { ahead: 0 }
  const app = await buildTestApp(t, { yaml: YAML, now: () => Date.now() + clock.ahead })
  const canary = createCanary()
  await app.seed('local', 'team/a', canary.token)
  const client = await app.as('app', 'rw')
  const { ask } = client
  const { server } = app.app
  const read = () => client.read('local:team/a')
  t.equal((await read()).statusCode, 200)

  const audit = join(app.folder, 'data', 'audit')
  await rename(audit, `${audit}-gone`)
  await writeFile(audit, 'a file where the folder was')
  // The open file is looked at once a second.
  clock.ahead += 1_000
  for (const answer of [
    await read(),
    await ask('GET', '/v1/secrets?ref=local:other/a'),
    await ask('PUT', '/v1/secrets?ref=local:team/b', { value: 'v' })
  ]) {
    t.equal(answer.statusCode, 503)
    t.match(answer.json(), { code: 'audit_unavailable', retryable: true })
    t.ok(answer.headers['retry-after'])
    t.same(canary.findIn(answer.body), [])
  }
  const batch = await ask('POST', '/v1/secrets/batch', { refs: ['local:team/a'] })
  t.same(canary.findIn(batch.body), [])
  t.match(batch.json().results, [{ status: 503, problem: { code: 'audit_unavailable' } }])
  t.equal((await server.inject('/readyz')).statusCode, 503)
  t.equal((await server.inject('/livez')).statusCode, 200)

  await rm(audit)
  // The trail may have made it again already.
  await mkdir(audit, { recursive: true })
  clock.ahead += 1_000
  t.equal((await read()).statusCode, 200)
  t.equal((await server.inject('/readyz')).statusCode, 200)
  const missing = await ask('GET', '/v1/secrets?ref=local:team/b')
  t.equal(missing.statusCode, 404, 'the write that could not be recorded did not happen')
})

test('whoever measures sees what becomes of each request, from its arrival on', async (t) => {
  const seen: Observed[] = []
  const observe = (observed: Observed) => void seen.push(observed)
  const app = await buildTestApp(t, { yaml: YAML, overrides: { observe } })
  await app.seed('local', 'team/a', 'value')
  const { read } = await app.as('app')
  await read('local:team/a')
  await app.app.server.inject('/v1/secrets?ref=local:team/a')
  t.match(seen, [
    { action: 'secret.read', outcome: 'allowed', route: 'GET /v1/secrets', store: 'local' },
    { action: 'key.authenticate', outcome: 'denied', code: 'authentication_required' }
  ])
  t.ok(seen.every(({ durationMs }) => durationMs !== undefined && durationMs > 0))
})
