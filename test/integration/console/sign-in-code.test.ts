// Signing in by the code of the quickstart: by a page of this origin in a browser of this machine, once, and in dev alone.
import { type Test, test } from 'tap'
import { createSignInCodes } from '../../../src/keys/sign-in-codes.ts'
import { type Asking, openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestAppOptions } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: operator, read: ["local:demo/*"], write: ["local:demo/*"] }]
`
const API = '/console/api'
const URL = `${API}/sign-in/code`
const USER = { client: 'operator', mode: 'rw', scopes: ['aura-admin', 'aura-services'] } as const
const SECOND = 1000
/** As a browser of this machine calls the service. */
const HERE = { host: '127.0.0.1:8700', origin: 'http://127.0.0.1:8700' }

const setUp = async (t: Test, { env = {} }: Partial<TestAppOptions> = {}) => {
  const clock = { now: Date.parse('2026-12-01T12:00:00Z') }
  const now = (): number => clock.now
  const signInCodes = createSignInCodes(USER, now)
  const built = await buildTestApp(t, {
    yaml: YAML,
    now,
    env: {
      CONSOLE_ENABLED: 'true',
      JWT_SECRET: randomSecret(),
      AUTH_COOKIE_SECURE: 'false',
      ...env
    },
    overrides: { signInCodes }
  })
  const browser = openBrowser(built)
  const ask = (method: string, url: string, asking: Asking = {}, of = browser) =>
    of.ask(method, url, { ...asking, headers: { ...HERE, ...asking.headers } })
  const enter = (code: string, asking: Asking = {}, of = browser) =>
    ask('POST', URL, { payload: { code }, ...asking }, of)
  return { built, clock, codes: signInCodes, browser, ask, enter }
}

test('a code opens a session of the demo, which is on record as that', async (t) => {
  const { built, codes, browser, ask, enter } = await setUp(t)
  const code = codes.issue()
  const answer = await enter(code)
  t.equal(answer.statusCode, 200, answer.body)
  const { sessionId, csrfToken, ...shown } = answer.json()
  t.match(shown, { client: 'operator', signedInBy: 'code', mode: 'rw', environment: 'dev' })
  t.notOk('keyId' in shown, 'nobody showed a key')
  t.match(setCookies(answer), [/^purser-session=[^;]+; .*HttpOnly; SameSite=Strict$/])
  t.equal((await ask('GET', `${API}/v1/admin/stores`)).statusCode, 200)
  const headers = { 'x-csrf-token': csrfToken }
  t.equal((await ask('DELETE', `${API}/v1/admin/cache?all=true`, { headers })).statusCode, 200)
  t.equal((await ask('DELETE', `${API}/v1/sessions`, { headers })).statusCode, 200)
  t.equal(browser.cookies.size, 0)
  const records = await recordsIn(built.folder)
  const own = { client: 'operator', sessionId, outcome: 'allowed' }
  t.match(records, [
    { ...own, action: 'session.open', reason: 'code', route: `POST ${URL}` },
    { ...own, action: 'admin.read' },
    { ...own, action: 'cache.invalidate' },
    { ...own, action: 'session.end' }
  ])
  t.notOk(records.some((record) => 'keyId' in record))
  t.notOk(`${JSON.stringify(records)}${built.logs.join('')}`.includes(code), 'it is on no record')
})

test('a code counts once, also for two who come at the same time', async (t) => {
  const { built, codes, enter } = await setUp(t)
  const code = codes.issue()
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => enter(code, {}, openBrowser(built)))
  )
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 403, 403, 403])
  const late = await enter(code)
  assertProblem(t, late, { code: 'access_denied' })
  t.match(late.json().detail, /the terminal/)
  t.same(setCookies(late), [])
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'session.open',
    outcome: 'denied',
    reason: 'used'
  })
})

test('after 60 seconds a code is over, and another one counts', async (t) => {
  const { built, clock, codes, enter } = await setUp(t)
  const code = codes.issue()
  clock.now += 60 * SECOND
  assertProblem(t, await enter(code), { code: 'access_denied' })
  t.match((await recordsIn(built.folder)).at(-1), { outcome: 'denied', reason: 'expired' })
  t.equal((await enter(codes.issue())).statusCode, 200)
})

test('nobody guesses: a few wrong codes end the right one, and count as failed logins', async (t) => {
  const { codes, enter } = await setUp(t, {
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '6' }
  })
  const code = codes.issue()
  for (let n = 0; n < 5; n++) {
    assertProblem(t, await enter('A'.repeat(43)), { code: 'access_denied' })
  }
  assertProblem(t, await enter(code), { code: 'access_denied' })
  assertProblem(t, await enter(code), { code: 'rate_limited' })
})

const ELSEWHERE: Readonly<Record<string, Asking & { readonly code: string }>> = {
  'a name that leads a browser here': {
    headers: { host: 'evil.example:8700', origin: 'http://evil.example:8700' },
    code: 'access_denied'
  },
  'a name of the local network': {
    headers: { host: 'box.local:8700', origin: 'http://box.local:8700' },
    code: 'access_denied'
  },
  'no name': { headers: { host: '' }, code: 'csrf_failed' },
  'another machine': { address: '192.0.2.7', code: 'access_denied' },
  'another machine by IPv6': { address: '::ffff:192.0.2.7', code: 'access_denied' },
  'a page of another origin': { headers: { origin: 'https://evil.example' }, code: 'csrf_failed' },
  'a page of another port': { headers: { origin: 'http://127.0.0.1:3000' }, code: 'csrf_failed' },
  'a page of another site': { headers: { 'sec-fetch-site': 'cross-site' }, code: 'csrf_failed' },
  'a page without an origin': { headers: { origin: 'null' }, code: 'csrf_failed' }
}

for (const [what, { code: expected, ...asking }] of Object.entries(ELSEWHERE)) {
  test(`a code is no good from ${what}, and is not used up`, async (t) => {
    const { codes, enter } = await setUp(t, { env: { HOST: '0.0.0.0' } })
    const code = codes.issue()
    const answer = await enter(code, asking)
    assertProblem(t, answer, { code: expected as 'access_denied' })
    t.same(setCookies(answer), [])
    t.equal((await enter(code)).statusCode, 200)
  })
}

test('a browser of this machine may call it by each of its names', async (t) => {
  const { codes, enter } = await setUp(t)
  for (const host of ['localhost:8700', '127.0.0.1:8700', '[::1]:8700', 'localhost']) {
    const headers = { host, origin: `http://${host}` }
    t.equal((await enter(codes.issue(), { headers })).statusCode, 200, host)
  }
  t.equal((await enter(codes.issue(), { address: '::ffff:127.0.0.1' })).statusCode, 200)
})

test('what is no code by its shape, or is no JSON, is not looked at', async (t) => {
  const { codes, ask, enter } = await setUp(t)
  const code = codes.issue()
  for (let n = 0; n < 6; n++) assertProblem(t, await enter('short'), { code: 'invalid_request' })
  const form = { 'content-type': 'text/plain' }
  const answer = await ask('POST', URL, { payload: `{"code":"${code}"}`, headers: form })
  assertProblem(t, answer, { code: 'unsupported_media_type' })
  t.equal((await enter(code)).statusCode, 200)
})

test('outside dev there is no such way in, nor where no quickstart runs', async (t) => {
  const stg = await setUp(t, { env: { ENVIRONMENT: 'stg', AUTH_COOKIE_SECURE: 'true' } })
  assertProblem(t, await stg.enter(stg.codes.issue()), { code: 'route_not_found' })
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { CONSOLE_ENABLED: 'true', JWT_SECRET: randomSecret() }
  })
  const answer = await stg.enter(stg.codes.issue(), {}, openBrowser(built))
  assertProblem(t, answer, { code: 'route_not_found' })
})

test('a session by a code ends with the quickstart: another service under the same secret does not know it', async (t) => {
  const JWT_SECRET = randomSecret()
  const { codes, browser, enter } = await setUp(t, { env: { JWT_SECRET } })
  await enter(codes.issue())
  const env = { CONSOLE_ENABLED: 'true', JWT_SECRET, AUTH_COOKIE_SECURE: 'false' }
  const later = openBrowser(await buildTestApp(t, { yaml: YAML, now: Date.now, env }))
  for (const [name, value] of browser.cookies) later.cookies.set(name, value)
  const answer = await later.ask('GET', `${API}/v1/sessions`, { headers: HERE })
  assertProblem(t, answer, { code: 'session_expired' })
})

test('whoever came by a code signs in once more by another code, and by nothing else', async (t) => {
  const { built, codes, ask, enter } = await setUp(t)
  const { csrfToken } = (await enter(codes.issue())).json()
  const headers = { 'x-csrf-token': csrfToken }
  const stepUp = (payload: object) => ask('POST', `${API}/step-up`, { payload, headers })
  const write = () =>
    ask('PUT', `${API}/secrets?ref=local:demo/greeting`, { payload: { value: 'x' }, headers })
  assertProblem(t, await write(), { code: 'access_denied' })
  const { key } = await built.as('operator', 'rw', { scopes: [...USER.scopes] })
  for (const payload of [{}, { apiKey: key }, { code: 'A'.repeat(43) }]) {
    assertProblem(t, await stepUp(payload), { code: 'access_denied' })
  }
  t.equal((await stepUp({ code: codes.issue() })).statusCode, 200)
  t.equal((await write()).statusCode, 200)
})
