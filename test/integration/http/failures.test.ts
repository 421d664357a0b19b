// When something fails here: nothing of why is told, nothing leaves unrecorded, and callers know whether to come again.

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { test } from 'tap'
import { addInternalRoutes } from '../../../src/http/routes/internal.ts'
import { addSecretRoutes } from '../../../src/http/routes/secrets.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { careOf } from '../../support/key-care.ts'
import { failingBroker, openServer, PRINCIPAL } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:app/**'], write: ['local:app/**'] }]
secrets: { short: 'local:app/one' }
`
const canary = createCanary()

const post = (url: string, payload: string): InjectOptions => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  payload
})
const internal = (path: string, payload: string): InjectOptions =>
  post(`/internal/${path}`, payload)
const put = (payload: string): InjectOptions => ({
  ...post('/v1/secrets?ref=local:app/one', payload),
  method: 'PUT'
})

test('what throws unexpectedly is an internal error, and says nothing of itself', async (t) => {
  const word = canary.token
  const thrown: unknown[] = [
    new Error(word),
    Object.assign(new Error(word), { statusCode: 404, code: 'ResourceNotFoundException' }),
    Object.assign(new Error(word), { statusCode: 401, headers: { 'x-leak': word } }),
    Object.assign(new Error(word), { status: 429, code: word, config: { headers: { word } } }),
    Object.assign(new TypeError(word), { cause: new Error(word) }),
    word,
    { message: word, statusCode: 400 },
    null
  ]
  for (const error of thrown) {
    const logs: string[] = []
    const broker = failingBroker(() => error)
    const server = await openServer(
      t,
      {
        addRoutes: (routes) => {
          addSecretRoutes(routes, { broker, now: Date.now })
          addInternalRoutes(routes, {
            broker,
            care: careOf(
              () => PRINCIPAL,
              () => broker.invalidate({} as never, 'all').then(() => {})
            )
          })
        }
      },
      logs
    )
    const asks: InjectOptions[] = [
      { url: '/v1/secrets?ref=local:a' },
      { url: '/v1/secrets/name' },
      { url: '/v1/secrets/batch?ref=local:a' },
      post('/v1/secrets/batch', '{"refs":["local:a"]}'),
      put('{"value":"x"}'),
      internal('resolve', '{"client":"app","refs":["local:a"]}'),
      internal('cache/invalidate', '{"all":true}'),
      internal('introspect', '{"key":"x"}')
    ]
    for (const ask of asks) {
      const headers = { authorization: 'Bearer x', 'x-internal-secret': 'x', ...ask.headers }
      const answer = await server.inject({ ...ask, headers })
      assertProblem(t, answer, { code: 'internal_error', canary, what: String(ask.url) })
      t.notOk('x-leak' in answer.headers)
    }
    t.same(canary.findIn(logs.join('')), [])
    t.equal(logs.filter((line) => line.includes('unexpected error')).length, asks.length)
  }
})

test('without its record no secret is told, and the caller may come again', async (t) => {
  const { app, as, withKey, seed, folder, internalSecret } = await buildTestApp(t, { yaml: YAML })
  await seed('local', 'app/one', canary.token)
  const { key, read } = await as('app', 'rw')
  const url = '/v1/secrets?ref=local:app/one'
  // A file where the trail's folder should be: nobody, root included, can write below it.
  const inTheWay = join(folder, 'data', 'audit')
  await writeFile(inTheWay, '')
  const asks: InjectOptions[] = [
    { url },
    { url, method: 'HEAD' },
    { url: '/v1/secrets/short' },
    { ...put('{"value":"new"}') },
    { url: '/v1/secrets?ref=local:other/one' }
  ]
  for (const ask of asks) {
    const answer = await app.server.inject({
      ...ask,
      headers: { ...ask.headers, 'x-api-key': key }
    })
    const bodiless = ask.method === 'HEAD'
    assertProblem(t, answer, { code: 'audit_unavailable', canary, bodiless })
  }
  assertProblem(t, await withKey('wrong').read('local:app/one'), { code: 'audit_unavailable' })
  const introspected = await app.server.inject({
    ...internal('introspect', '{"key":"x"}'),
    headers: { 'content-type': 'application/json', 'x-internal-secret': internalSecret }
  })
  assertProblem(t, introspected, { code: 'audit_unavailable' })
  for (const url of ['/readyz', '/health']) {
    assertProblem(t, await app.server.inject(url), { code: 'audit_unavailable' })
  }
  t.equal((await app.server.inject('/livez')).statusCode, 200)

  await rm(inTheWay)
  t.equal((await read('local:app/one')).body.includes('value'), true)
  t.equal((await app.server.inject('/readyz')).statusCode, 200)
})

test('while the service drains, readiness says so and requests are still answered', async (t) => {
  const { app, as, seed } = await buildTestApp(t, { yaml: YAML })
  await seed('local', 'app/one', 'x')
  const { read } = await as('app')
  for (const url of ['/readyz', '/health']) {
    t.same((await app.server.inject(url)).json(), { status: 'ok' })
  }
  app.drain()
  for (const url of ['/readyz', '/health']) {
    assertProblem(t, await app.server.inject(url), { code: 'overloaded' })
  }
  t.same((await app.server.inject('/livez')).json(), { status: 'ok' })
  t.equal((await read('local:app/one')).statusCode, 200)
})
