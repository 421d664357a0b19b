// How the service is put together: no route without a declaration, which listener serves what, and whom browsers may act for.
import { test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { issueKey } from '../../support/keys.ts'
import { openServer } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'] }]
`

test('a route that declares no authentication stops the boot', async (t) => {
  await t.rejects(
    openServer(t, { addRoutes: (routes) => routes.get('/forgotten', async () => 'open?') }),
    /GET \/forgotten declares no authentication/
  )
  await t.rejects(
    openServer(t, {
      addRoutes: (routes) => routes.post('/x', { config: {} }, async () => 'open?')
    }),
    /POST \/x declares no authentication/
  )
  await t.rejects(
    openServer(t, {
      addRoutes: (routes) =>
        routes.get('/x', { config: { auth: { kind: 'key', scope: 'a b' } } }, async () => 'x')
    }),
    /names a scope that is none/
  )
})

test('a scope is that of the route below the configured root, and no other', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML, env: { SCOPE_ROOT: 'house' } })
  await built.seed('local', 'a', 'x')
  const statusFor = async (...scopes: string[]) => {
    const { read } = await built.as('app', 'r', { scopes })
    return (await read('local:a')).statusCode
  }
  for (const scope of ['house', 'house:secrets']) t.equal(await statusFor(scope), 200, scope)
  t.equal(await statusFor('other', 'house:secrets'), 200)
  for (const scope of [
    'aura-services',
    'aura-services:secrets',
    'house:secret',
    'house:secrets-admin',
    'house:secrets:deep',
    'secrets',
    'house2',
    'HOUSE'
  ]) {
    t.equal(await statusFor(scope), 403, scope)
  }
})

const SECRETS = [
  ['GET', '/v1/secrets?ref=local:a', 'r'],
  ['GET', '/v1/secrets/short', 'r'],
  ['GET', '/v1/secrets/batch?ref=local:a', 'r'],
  ['POST', '/v1/secrets/batch', 'rw'],
  ['PUT', '/v1/secrets?ref=local:a', 'w']
] as const

test('every route of secrets asks for its scope and its mode', async (t) => {
  const { as } = await buildTestApp(t, { yaml: YAML })
  const ask = async (method: 'GET' | 'POST' | 'PUT', url: string, mode: Mode, scope: string) => {
    const client = await as('app', mode, { scopes: [`aura-services:${scope}`] })
    return client.ask(method, url)
  }
  for (const [method, url, needed] of SECRETS) {
    const what = `${method} ${url}`
    for (const mode of ['r', 'w', 'rw'] as const) {
      const unscoped = await ask(method, url, mode, 'token')
      assertProblem(t, unscoped, { code: 'insufficient_scope', what })
      const answer = await ask(method, url, mode, 'secrets')
      const suffices = [...needed].every((right) => mode.includes(right))
      if (suffices) t.notMatch(answer.body, /insufficient/, `${what} ${mode}`)
      else assertProblem(t, answer, { code: 'insufficient_mode', what: `${what} ${mode}` })
    }
  }
})

const INTERNAL = ['introspect', 'resolve', 'cache/invalidate']

test('with a listener of their own, internal routes are there and nowhere else', async (t) => {
  const { app, internalSecret, keyring } = await buildTestApp(t, {
    yaml: YAML,
    env: { INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' }
  })
  const { server } = app
  const internalServer = app.listeners[1]?.server
  if (internalServer === undefined) throw new Error('there is no internal listener')
  const headers = { 'x-internal-secret': internalSecret }
  const key = await issueKey(keyring, 'app')
  for (const path of INTERNAL) {
    const ask = { method: 'POST', url: `/internal/${path}`, headers, payload: {} } as const
    assertProblem(t, await server.inject(ask), { code: 'route_not_found' })
    const other = await server.inject({ ...ask, method: 'GET' })
    assertProblem(t, other, { code: 'route_not_found' })
    assertProblem(t, await internalServer.inject(ask), { code: 'invalid_request' })
    const unproved = await internalServer.inject({ ...ask, headers: {} })
    assertProblem(t, unproved, { code: 'authentication_required' })
  }
  for (const url of ['/v1/whoami', '/v1/secrets?ref=local:a', '/v1/secrets/batch?ref=local:a']) {
    const answer = await internalServer.inject({ url, headers: { 'x-api-key': key } })
    assertProblem(t, answer, { code: 'route_not_found' })
  }
  for (const url of ['/livez', '/readyz', '/health']) {
    t.equal((await internalServer.inject(url)).statusCode, 200)
    t.equal((await server.inject(url)).statusCode, 200)
  }
})

test('without one, internal routes are on the public listener', async (t) => {
  const { app, internalSecret } = await buildTestApp(t, { yaml: YAML })
  t.equal(app.listeners[1], undefined)
  for (const path of INTERNAL) {
    const headers = { 'x-internal-secret': internalSecret }
    const ask = { method: 'POST', url: `/internal/${path}`, headers, payload: {} } as const
    assertProblem(t, await app.server.inject(ask), { code: 'invalid_request' })
  }
})

const ALLOWED = ['https://www.example.com', 'http://localhost:3000']
const OTHERS = [
  'null',
  '*',
  'https://www.example.com.evil.example',
  'https://evil.example/https://www.example.com',
  'https://wwwXexample.com',
  'https://sub.www.example.com',
  'https://example.com',
  'http://www.example.com',
  'https://www.example.com:8443',
  'https://www.example.com:443',
  'https://www.example.com/',
  'https://www.example.com.',
  'HTTPS://WWW.EXAMPLE.COM',
  'https://www.example.com, http://localhost:3000',
  'http://localhost',
  'http://localhost:3001',
  'http://127.0.0.1:3000'
]
const CORS = /^access-control-/

test('pages of the listed origins may call, and of no origin that resembles one', async (t) => {
  const { app, keyring } = await buildTestApp(t, {
    yaml: YAML,
    env: { CORS_ALLOW_ORIGINS: ALLOWED.join(',') }
  })
  const key = await issueKey(keyring, 'app')
  const preflight = {
    method: 'OPTIONS',
    url: '/v1/whoami',
    headers: {
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization'
    }
  } as const
  const with_ = (origin: string) => ({
    preflight: app.server.inject({ ...preflight, headers: { ...preflight.headers, origin } }),
    call: app.server.inject({ url: '/v1/whoami', headers: { origin, 'x-api-key': key } }),
    refused: app.server.inject({ url: '/v1/whoami', headers: { origin } })
  })
  for (const origin of ALLOWED) {
    const asked = with_(origin)
    const answer = await asked.preflight
    t.equal(answer.statusCode, 204)
    t.equal(answer.headers['access-control-allow-origin'], origin)
    t.match(answer.headers['access-control-allow-headers'], /authorization.*x-api-key/)
    for (const other of [await asked.call, await asked.refused]) {
      t.equal(other.headers['access-control-allow-origin'], origin, 'problems can be read too')
      t.match(other.headers['access-control-expose-headers'], /x-request-id/)
    }
    for (const { headers } of [answer, await asked.call]) {
      t.notOk('access-control-allow-credentials' in headers, 'cookies are of no use here')
      t.match(headers.vary, /Origin/)
    }
  }
  for (const origin of OTHERS) {
    const asked = with_(origin)
    assertProblem(t, await asked.preflight, { code: 'method_not_allowed', what: origin })
    for (const { headers } of [await asked.preflight, await asked.call, await asked.refused]) {
      t.same(
        Object.keys(headers).filter((name) => CORS.test(name)),
        [],
        origin
      )
      t.match(headers.vary, /Origin/, 'a cache must not give it to another origin')
    }
    t.equal(
      (await asked.call).statusCode,
      200,
      'the browser, not the server, keeps it from the page'
    )
  }
  assertProblem(t, await app.server.inject({ ...preflight, url: '/nowhere' }), {
    code: 'route_not_found'
  })
  const headers = { origin: 'https://www.example.com' }
  const unasked = await app.server.inject({ method: 'OPTIONS', url: '/v1/whoami', headers })
  t.equal(unasked.statusCode, 204, 'no OPTIONS of an allowed origin is refused')
  const bare = await app.server.inject({ method: 'OPTIONS', url: '/v1/whoami' })
  assertProblem(t, bare, { code: 'method_not_allowed' })
})

test('without listed origins no page may call', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML })
  for (const origin of [...ALLOWED, ...OTHERS]) {
    const headers = { origin, 'access-control-request-method': 'GET' }
    const preflight = await app.server.inject({ method: 'OPTIONS', url: '/v1/whoami', headers })
    assertProblem(t, preflight, { code: 'method_not_allowed', what: origin })
    const call = await app.server.inject({ url: '/livez', headers: { origin } })
    for (const answer of [preflight, call]) {
      t.same(
        Object.keys(answer.headers).filter((name) => CORS.test(name)),
        [],
        origin
      )
    }
  }
})

test('in dev every origin may be listed at once, and none is told about cookies', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML, env: { CORS_ALLOW_ORIGINS: '*' } })
  const { headers } = await app.server.inject({ url: '/livez', headers: { origin: 'http://a.b' } })
  t.equal(headers['access-control-allow-origin'], 'http://a.b')
  t.notOk('access-control-allow-credentials' in headers)
  const empty = await app.server.inject({ url: '/livez', headers: { origin: '' } })
  t.equal(empty.statusCode, 200, 'an Origin without a word is none')
  t.notOk('access-control-allow-origin' in empty.headers)
})
