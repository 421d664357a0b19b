// Forward-auth as proxies ask for it: exactly 200, 401 or 403, without a body, and an identity that nobody can make up.

import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { addAuthorizeRoute } from '../../../src/http/routes/authorize.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { careOf } from '../../support/key-care.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'
import { openServer } from '../../support/open-server.ts'
import { answersIn, exchange, listenOn } from '../../support/raw-http.ts'
import { frozen } from '../../support/stopwatch.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'
const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'

const setUp = (t: Parameters<typeof buildTestApp>[0], options: Partial<TestAppOptions> = {}) =>
  buildTestApp(t, { yaml: YAML, ...options })

interface Ask {
  readonly method?: string
  readonly scope?: string
  readonly via?: string
  readonly headers?: Readonly<Record<string, string>>
}

const asker =
  ({ app, internalSecret }: TestApp) =>
  (
    key: string | undefined,
    { method = 'GET', scope = 'aura-services:users', via = 'GET', headers }: Ask = {}
  ) =>
    app.server.inject({
      method: via as 'GET',
      url: `/internal/authorize?scope=${scope}`,
      headers: {
        'x-internal-secret': internalSecret,
        'x-original-method': method,
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...headers
      }
    })

const identityIn = (headers: Readonly<Record<string, unknown>>) =>
  ['x-purser-client', 'x-purser-key-id', 'x-purser-scopes'].map((name) => headers[name])

test('a caller gets through exactly where scope and mode of its key allow it', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const scopes = [
    'aura-services:whatsapp',
    'aura-services:users',
    'aura-ai-services:messaging:write'
  ]
  const methods = { GET: 'r', HEAD: 'r', POST: 'w', PUT: 'w', PATCH: 'w', DELETE: 'w' } as const
  for (const granted of [
    ...scopes,
    'aura-services',
    'aura-services:user',
    'aura-ai-services:messaging'
  ]) {
    for (const mode of ['r', 'w', 'rw'] as const) {
      const key = await issueKey(built.keyring, 'kernel', mode, {
        scopes: [granted],
        keyId: KEY_ID
      })
      for (const scope of scopes) {
        for (const [method, needed] of Object.entries(methods)) {
          const covers = scope === granted || scope.startsWith(`${granted}:`)
          const allowed = covers && mode.includes(needed)
          const answer = await ask(key, { method, scope })
          const what = `${granted} ${mode}: ${method} ${scope}`
          t.equal(answer.statusCode, allowed ? 200 : 403, what)
          t.equal(answer.body, '')
          t.same(
            identityIn(answer.headers),
            allowed ? ['kernel', KEY_ID, granted] : ['', '', ''],
            what
          )
        }
      }
    }
  }
})

test('a method that is unknown, missing or in another spelling is denied', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'rw', { scopes: ['aura-services'] })
  for (const method of [
    '',
    'get',
    'TRACE',
    'CONNECT',
    'PURGE',
    'PROPFIND',
    'GET,POST',
    'constructor'
  ]) {
    t.equal((await ask(key, { method })).statusCode, 403, method)
  }
})

test('the question may come by any method, with any media type, and browsers cannot ask it', async (t) => {
  const built = await setUp(t, { env: { CORS_ALLOW_ORIGINS: 'https://app.example' } })
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
  await built.app.server.ready()
  for (const via of built.app.server.supportedMethods) {
    const headers = {
      'content-type': 'text/plain',
      'content-length': '0',
      origin: 'https://app.example',
      'access-control-request-method': 'GET'
    }
    t.equal((await ask(key, { via, headers })).statusCode, 200, via)
    const refused = await ask(undefined, { via, headers })
    t.equal(refused.statusCode, 401, via)
    t.equal(refused.headers['access-control-allow-origin'], undefined, via)
  }
})

test('without a key, with a wrong one or without the proxy’s secret the answer is a bare 401 with a challenge', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
  const canary = createCanary()
  for (const answer of [
    await ask(undefined),
    await ask(canary.token),
    await ask(await issueKey(built.keyring, 'kernel', 'r', { environment: 'stg' })),
    await ask(key, { headers: { 'x-internal-secret': randomSecret() } }),
    await ask(key, { headers: { 'x-internal-secret': '' } }),
    await ask(undefined, { headers: { authorization: 'Basic eDp5' } })
  ]) {
    t.equal(answer.statusCode, 401)
    t.equal(answer.body, '')
    t.match(answer.headers['www-authenticate'], /^Bearer realm="purser"/)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.same(identityIn(answer.headers), ['', '', ''])
    t.same(canary.findIn(JSON.stringify(answer.headers)), [])
  }
})

test('AUTHORIZE_SECRET asks whether a caller may go on, and opens nothing else', async (t) => {
  const [secret, next, renewed] = [randomSecret(), randomSecret(), randomSecret()]
  const built = await setUp(t, { env: { AUTHORIZE_SECRET: `${secret},${next}` } })
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
  const by = (given: string) => ({ 'x-internal-secret': given })
  for (const given of [secret, next, built.internalSecret]) {
    const answer = await ask(key, { headers: by(given) })
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['x-purser-client'], 'kernel')
  }
  t.equal((await ask(undefined, { headers: by(secret) })).statusCode, 401, 'and no key')
  t.equal((await ask(key, { headers: { ...by('x'), authorization: secret } })).statusCode, 401)
  const json = { 'content-type': 'application/json' }
  for (const [method, url, payload] of [
    ['POST', '/internal/introspect', { apiKey: key }],
    ['POST', '/internal/resolve', { client: 'kernel', refs: ['local:a'] }],
    ['POST', '/internal/cache/invalidate', { all: true }],
    ['POST', '/internal/events/local', { path: 'a' }],
    ['GET', '/internal/metrics', undefined]
  ] as const) {
    const answer = await built.app.server.inject({
      method,
      url,
      headers: { ...by(secret), ...(payload && json) },
      ...(payload && { payload })
    })
    t.equal(answer.statusCode, 401, url)
  }
  await built.reload({ env: { AUTHORIZE_SECRET: renewed } })
  t.equal((await ask(key, { headers: by(renewed) })).statusCode, 200)
  t.equal((await ask(key, { headers: by(secret) })).statusCode, 401)
})

test('whatever else goes wrong is a bare 403', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'rw', { scopes: ['aura-services'] })
  const newer = await issueKey(built.keyring, 'kernel', 'r', { minimumVersion: '9.0.0' })
  const asks = [
    await ask(key, { headers: { 'x-api-key': key } }),
    await ask(newer),
    await ask(key, { scope: '*' }),
    await ask(key, { headers: { 'x-original-uri': '/users/..%2fadmin' } }),
    await ask(key, { scope: `aura-services&uri=/${'a'.repeat(20_000)}` })
  ]
  for (const answer of asks) {
    t.equal(answer.statusCode, 403)
    t.equal(answer.body, '')
    t.same(identityIn(answer.headers), ['', '', ''])
  }
})

const unasked = (): never => {
  throw new Error('the key is known')
}

test('a failure of ours is a bare 403 too: nobody gets through unrecorded', async (t) => {
  for (const failure of [new ProblemError('audit_unavailable'), new Error('unforeseen')]) {
    const server = await openServer(t, {
      addRoutes: (routes) =>
        addAuthorizeRoute(routes, { care: careOf(unasked, () => Promise.reject(failure)) })
    })
    const answer = await server.inject({
      url: '/internal/authorize?scope=aura-services',
      headers: { 'x-internal-secret': 'x', 'x-api-key': 'x', 'x-original-method': 'GET' }
    })
    t.equal(answer.statusCode, 403)
    t.equal(answer.body, '')
  }
})

test('headers that stand twice on the wire are denied', async (t) => {
  const built = await setUp(t)
  const port = await listenOn(built.app.server)
  const key = await issueKey(built.keyring, 'kernel', 'rw', { scopes: ['aura-services'] })
  const status = async (...more: string[]) => {
    const lines = [
      'GET /internal/authorize?scope=aura-services:users HTTP/1.1',
      'Host: purser',
      'Connection: close',
      `X-Internal-Secret: ${built.internalSecret}`,
      `Authorization: Bearer ${key}`,
      ...more
    ]
    const { text } = await exchange(port, `${lines.join('\r\n')}\r\n\r\n`)
    return answersIn(text)[0]?.statusCode
  }
  t.equal(await status('X-Original-Method: GET'), 200)
  t.equal(await status('X-Original-Method: GET', 'X-Original-Method: GET'), 403)
  t.equal(await status('X-Original-Method: GET', 'x-original-uri: /a', 'X-Original-URI: /a'), 403)
  t.equal(await status('X-Original-Method: GET', `Authorization: Bearer ${key}`), 403)
  t.equal(await status('X-Original-Method: GET', `X-Internal-Secret: ${built.internalSecret}`), 403)
  t.equal(await status('X-Original-Method: GET', 'Host: other'), 403)
})

test('each decision is on record with client, key id and scope, and without the URI', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const path = 'told-to-nobody'
  const key = await issueKey(built.keyring, 'kernel', 'r', {
    scopes: ['aura-services'],
    keyId: KEY_ID
  })
  const headers = { 'x-original-uri': `/users/${path}` }
  await ask(key, { headers })
  await ask(key, { method: 'POST', headers })
  await ask(key, { headers: { 'x-original-uri': `/${path}//` } })
  const records = await recordsIn(built.folder)
  const who = { action: 'key.authorize', client: 'kernel', keyId: KEY_ID }
  t.match(records, [
    { ...who, outcome: 'allowed', reason: 'aura-services:users' },
    { ...who, outcome: 'denied', code: 'insufficient_mode', reason: 'aura-services:users' },
    { ...who, outcome: 'denied', code: 'access_denied', reason: 'ambiguous_uri' }
  ])
  t.notMatch(JSON.stringify(records) + built.logs.join(''), path)
})

const LIMITS = {
  RATE_LIMIT_ENABLED: 'true',
  RATE_LIMIT_AUTH_FAILURES_MAX: '3',
  RATE_LIMIT_IP_MAX: '8',
  RATE_LIMIT_MAX: '5'
}

test('callers behind a proxy whose address alone is known do not lock each other out', async (t) => {
  const built = await setUp(t, { env: LIMITS, now: frozen })
  const ask = asker(built)
  for (let i = 0; i < 10; i++) t.equal((await ask(`wrong-${i}`)).statusCode, 401)
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
  const statuses = []
  for (let i = 0; i < 6; i++) statuses.push((await ask(key)).statusCode)
  t.same(statuses, [200, 200, 200, 200, 200, 403], 'the limit of the key holds, as a 403')
  const other = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
  t.equal((await ask(other)).statusCode, 200)
})

test('failed logins count against the caller’s address where a trusted proxy tells it', async (t) => {
  const built = await setUp(t, { env: { ...LIMITS, TRUST_PROXY: '127.0.0.1' }, now: frozen })
  const ask = asker(built)
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await ask('wrong', from('1.2.3.4'))).statusCode)
  t.same(statuses, [401, 401, 401, 403, 403])
  t.equal((await ask('wrong', from('5.6.7.8'))).statusCode, 401)
})

test('a proxy without the secret counts like anybody who guesses', async (t) => {
  const built = await setUp(t, { env: LIMITS, now: frozen })
  const ask = asker(built)
  const headers = { 'x-internal-secret': randomSecret() }
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await ask('x', { headers })).statusCode)
  t.same(statuses, [401, 401, 401, 403, 403])
})

test('the route is served where the internal routes are, and nowhere else', async (t) => {
  const env = { INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' }
  const built = await setUp(t, { env })
  t.equal((await asker(built)(undefined)).statusCode, 404)
  const answer = await built.app.listeners[1]?.server.inject({ url: '/internal/authorize' })
  t.equal(answer?.statusCode, 401)
})

test('of several scopes one suffices, and the record says which', async (t) => {
  const built = await setUp(t)
  const ask = asker(built)
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services:nlp'] })
  const either = 'aura-services:users,aura-services:nlp'
  t.equal((await ask(key, { scope: either })).statusCode, 200)
  t.equal((await ask(key, { scope: either.replace(',', '&scope=') })).statusCode, 200)
  t.equal((await ask(key, { scope: either, method: 'POST' })).statusCode, 403)
  t.equal((await ask(key, { scope: 'aura-services:a,aura-services:b' })).statusCode, 403)
  t.equal((await ask(key, { scope: 'aura-services:nlp,*' })).statusCode, 403, 'each has to be one')
  const records = await recordsIn(built.folder)
  t.same(
    records.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['allowed', 'aura-services:nlp'],
      ['allowed', 'aura-services:nlp'],
      ['denied', 'aura-services:nlp'],
      ['denied', 'aura-services:a,aura-services:b'],
      ['denied', 'no_scope']
    ]
  )
})
