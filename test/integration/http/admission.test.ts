// How often: limits by address, by key and of failed logins, in the order in which a request passes them.
import { createSecretKey } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { test } from 'tap'
import type { Environ } from '../../../src/config/env.ts'
import { createAllowances } from '../../../src/http/allowances.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { issueKey } from '../../support/keys.ts'
import { openServer, PRINCIPAL } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'
import { frozen } from '../../support/stopwatch.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'] }]
`

const fingerprintKey = () => createSecretKey(Buffer.alloc(32, 1))

const limited = (env: Environ) => ({
  yaml: YAML,
  now: frozen,
  env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_WINDOW_SECONDS: '60', ...env }
})
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

type Inject = (ask: InjectOptions | string) => Promise<{ statusCode: number }>
const statuses = async (inject: Inject, times: number, ask: InjectOptions | string) => {
  const all: number[] = []
  for (let i = 0; i < times; i++) all.push((await inject(ask)).statusCode)
  return all
}

test('the limit of an address comes before the question whether a key is valid', async (t) => {
  let asked = 0
  const server = await openServer(t, {
    limits: {
      windowSeconds: 60,
      perKey: 100,
      perAddress: 3,
      authFailures: 100,
      allowances: createAllowances({
        shared: undefined,
        fingerprintKey,
        now: frozen
      })
    },
    authenticate: () => {
      asked++
      throw new Error('not reached above the limit')
    },
    addRoutes: (routes) =>
      routes.get('/x', { config: { auth: { kind: 'key' } } }, async () => 'never')
  })
  for (let i = 0; i < 6; i++) {
    const answer = await server.inject({ url: '/x', headers: bearer('key') })
    if (i < 3) t.equal(answer.statusCode, 500)
    else {
      assertProblem(t, answer, { code: 'rate_limited' })
      t.match(answer.headers, { 'ratelimit-policy': '"address";q=3;w=60' })
      t.match(answer.headers['ratelimit'], /^"address";r=0;t=60$/)
    }
  }
  t.equal(asked, 3)
})

test('an address has one allowance for all its keys, for none, and for URLs that lead nowhere', async (t) => {
  const { app, keyring } = await buildTestApp(t, limited({ RATE_LIMIT_IP_MAX: '5' }))
  const inject = app.server.inject.bind(app.server)
  const first = bearer(await issueKey(keyring, 'app'))
  const second = bearer(await issueKey(keyring, 'app'))
  t.equal((await inject({ url: '/v1/whoami', headers: first })).statusCode, 200)
  t.equal((await inject({ url: '/v1/whoami', headers: second })).statusCode, 200)
  t.equal((await inject('/v1/whoami')).statusCode, 401)
  t.equal((await inject('/nowhere')).statusCode, 404)
  t.equal((await inject({ url: '/v1/whoami', method: 'DELETE' })).statusCode, 405)
  for (const ask of [
    { url: '/v1/whoami', headers: first },
    { url: '/nowhere' },
    { url: '/v1/whoami', method: 'DELETE' },
    { url: '/livez', method: 'POST' },
    { url: '/internal/resolve', method: 'POST' }
  ] as const) {
    assertProblem(t, await inject(ask), { code: 'rate_limited', what: ask.url })
  }
  for (const url of ['/livez', '/readyz', '/health']) {
    t.same(await statuses(inject, 10, url), Array(10).fill(200), `${url} is never limited`)
    t.same(await statuses(inject, 2, { url, method: 'HEAD' }), [200, 200])
  }
})

test('failed logins are limited by address, and a valid key from there still works', async (t) => {
  const { app, keyring, internalSecret } = await buildTestApp(
    t,
    limited({ RATE_LIMIT_AUTH_FAILURES_MAX: '4' })
  )
  const inject = app.server.inject.bind(app.server)
  const headers = bearer(await issueKey(keyring, 'app'))
  const wrong = { url: '/v1/whoami', headers: bearer('wrong') }
  const wrongSecret = {
    url: '/internal/introspect',
    method: 'POST',
    headers: { 'x-internal-secret': 'wrong' }
  } as const
  // A valid key that is refused what it asks for is no failed login.
  const unscoped = bearer(await issueKey(keyring, 'app', 'r', { scopes: ['aura-services:token'] }))
  for (const refused of [
    { url: '/v1/secrets?ref=other:one', headers },
    { url: '/v1/secrets?ref=local:one', headers: unscoped }
  ]) {
    t.same(await statuses(inject, 8, refused), Array(8).fill(403))
  }
  t.same(await statuses(inject, 2, wrong), [401, 401])
  t.same(await statuses(inject, 1, '/v1/whoami'), [401])
  t.same(await statuses(inject, 1, wrongSecret), [401])
  for (const ask of [wrong, { url: '/v1/whoami' }, wrongSecret]) {
    const answer = await inject(ask)
    assertProblem(t, answer, { code: 'rate_limited' })
    t.match(answer.headers, { 'ratelimit-policy': '"failed-logins";q=4;w=60' })
  }
  t.same(await statuses(inject, 3, { url: '/v1/whoami', headers }), [200, 200, 200])
  const known = {
    ...wrongSecret,
    headers: { 'x-internal-secret': internalSecret },
    payload: { key: 'x' }
  }
  t.same(await statuses(inject, 2, known), [200, 200])
})

test('whoever shows two credentials has not logged in, and is limited like whoever shows a wrong one', async (t) => {
  const { app } = await buildTestApp(t, limited({ RATE_LIMIT_AUTH_FAILURES_MAX: '2' }))
  const inject = app.server.inject.bind(app.server)
  const two = { url: '/v1/whoami', headers: { ...bearer('wrong'), 'x-api-key': 'wrong' } }
  t.same(await statuses(inject, 4, two), [400, 400, 429, 429])
})

test('the limit of a key goes by its id, from wherever and in whatever header it comes', async (t) => {
  const { app, keyring } = await buildTestApp(
    t,
    limited({ RATE_LIMIT_MAX: '4', TRUST_PROXY: '127.0.0.1' })
  )
  const inject = app.server.inject.bind(app.server)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  // The same key issued twice: two texts, one id.
  const [one, two] = [
    await issueKey(keyring, 'app', 'r', { keyId }),
    await issueKey(keyring, 'app', 'r', { keyId })
  ]
  t.not(one, two)
  const ask = (headers: Record<string, string>, n: number) =>
    inject({ url: '/v1/whoami', headers: { 'x-forwarded-for': `10.0.0.${n}`, ...headers } })
  const asks: Record<string, string>[] = [
    { 'x-api-key': one },
    bearer(one),
    { authorization: `ApiKey ${two}` },
    bearer(two)
  ]
  for (const [n, headers] of asks.entries()) {
    const answer = await ask(headers, n)
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['ratelimit-policy'], '"key";q=4;w=60')
    t.match(answer.headers['ratelimit'], new RegExp(`^"key";r=${3 - n};t=60$`))
  }
  for (const [n, headers] of asks.entries()) {
    const answer = await ask(headers, n)
    assertProblem(t, answer, { code: 'rate_limited' })
    t.match(answer.headers['ratelimit'], /^"key";r=0;t=/)
    t.equal(answer.headers['retry-after'], '60')
  }
  const other = bearer(await issueKey(keyring, 'app'))
  t.equal((await ask(other, 1)).statusCode, 200, 'another key of the same client is not affected')
})

test('a window ends with the clock, and so does the limit', async (t) => {
  let time = frozen() + 57_500
  const options = limited({ RATE_LIMIT_IP_MAX: '1' })
  const { app } = await buildTestApp(t, { ...options, now: () => time })
  const inject = app.server.inject.bind(app.server)
  t.same(await statuses(inject, 2, '/nowhere'), [404, 429])
  const refused = await inject('/nowhere')
  t.equal(refused.headers['ratelimit'], '"address";r=0;t=3')
  t.equal(refused.headers['retry-after'], '3')
  time = frozen() + 60_000
  t.same(await statuses(inject, 2, '/nowhere'), [404, 429])
})

test('a batch that is more than what is left of a key takes nothing of it', async (t) => {
  const { app, keyring, seed } = await buildTestApp(t, limited({ RATE_LIMIT_MAX: '10' }))
  await seed('local', 'one', 'x')
  const headers = bearer(await issueKey(keyring, 'app', 'rw'))
  const batch = (size: number) =>
    app.server.inject({
      method: 'POST',
      url: '/v1/secrets/batch',
      headers,
      payload: { refs: Array(size).fill('local:one') }
    })
  const refused = await batch(11)
  assertProblem(t, refused, { code: 'rate_limited' })
  t.equal(refused.headers['ratelimit'], '"key";r=9;t=60')
  const answer = await batch(9)
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['ratelimit'], '"key";r=0;t=60')
})

test('reads past the cache are sixty a minute for each key, whatever else it may do', async (t) => {
  const server = await openServer(t, {
    limits: {
      windowSeconds: 10,
      perKey: 1_000,
      perAddress: 1_000,
      authFailures: 100,
      allowances: createAllowances({
        shared: undefined,
        fingerprintKey,
        now: frozen
      })
    },
    authenticate: (text) => ({ ...PRINCIPAL, keyId: text }),
    addRoutes: (routes) =>
      routes.get('/fresh', { config: { auth: { kind: 'key' } } }, async (request, reply) => {
        await routes.chargeFresh(request, reply)
        return 'fresh'
      })
  })
  const inject = server.inject.bind(server)
  const ask = { url: '/fresh', headers: bearer('one') }
  t.same(await statuses(inject, 60, ask), Array(60).fill(200))
  const refused = await inject(ask)
  assertProblem(t, refused, { code: 'rate_limited' })
  t.match(refused.headers, { 'ratelimit-policy': '"fresh";q=60;w=60', 'retry-after': '60' })
  t.equal(refused.headers['ratelimit'], '"fresh";r=0;t=60')
  t.same(await statuses(inject, 1, { ...ask, headers: bearer('two') }), [200])
})

test('without limits nothing is counted', async (t) => {
  const { app } = await buildTestApp(t, {
    yaml: YAML,
    env: {
      RATE_LIMIT_ENABLED: 'false',
      RATE_LIMIT_IP_MAX: '1',
      RATE_LIMIT_MAX: '1',
      RATE_LIMIT_AUTH_FAILURES_MAX: '1'
    }
  })
  const inject = app.server.inject.bind(app.server)
  t.same(await statuses(inject, 5, '/v1/whoami'), Array(5).fill(401))
})

test('the addresses of one IPv6 network count as one', async (t) => {
  const { app } = await buildTestApp(t, limited({ RATE_LIMIT_IP_MAX: '2' }))
  const ask = async (remoteAddress: string) =>
    (await app.server.inject({ url: '/x', remoteAddress })).statusCode
  t.equal(await ask('2001:db8:0:1::1'), 404)
  t.equal(await ask('2001:db8:0:1:ffff::2'), 404)
  t.equal(await ask('2001:db8:0:1::3'), 429)
  t.equal(await ask('2001:db8:0:2::1'), 404, 'another network is another caller')
  t.equal(await ask('1.2.3.4'), 404)
  t.equal(await ask('::ffff:1.2.3.4'), 404)
  t.equal(await ask('1.2.3.4'), 429, 'an IPv4 address is one in both its forms')
})
