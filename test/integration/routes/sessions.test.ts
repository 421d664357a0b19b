// Administrators' sessions by key: opened, shown, renewed, ended, and bound to whatever binds the key.
import { type Test, test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import type { KeyRequest } from '../../../src/keys/api-key.ts'
import { openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestAppOptions } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []'
const MINUTE = 60_000
const NAME = '__Host-purser-session'
/** On whole seconds, as times in tokens are. */
const START = Date.parse('2026-11-21T12:00:00Z')

const setUp = async (t: Test, options: Partial<TestAppOptions> = {}) => {
  const clock = { now: START }
  const secret = randomSecret()
  const built = await buildTestApp(t, {
    yaml: YAML,
    now: () => clock.now,
    ...options,
    env: { JWT_SECRET: secret, ...options.env }
  })
  const admin = async (mode: Mode = 'rw', more: Partial<KeyRequest> = {}): Promise<string> =>
    (await built.as('admin', mode, { scopes: ['aura-admin'], ...more })).key
  return { built, clock, secret, admin, browser: openBrowser(built) }
}

test('a key opens a session, whose token stands in a __Host- cookie and nowhere else', async (t) => {
  const { built, admin, browser } = await setUp(t)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const answer = await browser.signIn(await admin('rw', { keyId }))
  t.equal(answer.statusCode, 201)
  const [cookie = '', ...others] = setCookies(answer)
  t.same(others, [])
  t.match(
    cookie,
    /^__Host-purser-session=[\w-]+\.[\w-]+\.[\w-]{43}; Max-Age=900; Path=\/; HttpOnly; SameSite=Strict; Secure$/
  )
  const { sessionId, csrfToken, ...told } = answer.json()
  t.same(told, {
    client: 'admin',
    signedInBy: 'key',
    keyId,
    mode: 'rw',
    environment: 'dev',
    signedInAt: '2026-11-21T12:00:00.000Z',
    endsAt: '2026-11-21T12:15:00.000Z',
    endsAtLatest: '2026-11-21T20:00:00.000Z'
  })
  t.match(csrfToken, /^[\w-]{22}$/, '128 bits')
  const token = browser.cookies.get(NAME) ?? ''
  const shown = await browser.ask('GET', '/v1/sessions')
  t.equal(shown.statusCode, 200)
  t.same(shown.json(), answer.json())
  const records = await recordsIn(built.folder)
  t.match(records, [
    { action: 'session.open', outcome: 'allowed', reason: 'key', client: 'admin', keyId, sessionId }
  ])
  t.equal(records.length, 1, 'to look who is signed in is no record')
  const said = `${answer.body}${shown.body}${JSON.stringify(records)}${built.logs.join('')}`
  t.notOk(said.includes(token.slice(-43)))
})

test('only a key that administers opens one, of any mode, and never by a page of another site', async (t) => {
  const { built, admin, browser } = await setUp(t)
  const noAdmin = (await built.as('app', 'rw', { scopes: ['aura-services'] })).key
  assertProblem(t, await browser.signIn(noAdmin), { code: 'insufficient_scope' })
  assertProblem(t, await browser.ask('POST', '/v1/sessions'), { code: 'authentication_required' })
  for (const mode of ['r', 'w', 'rw'] as const) {
    t.match((await browser.signIn(await admin(mode))).json(), { mode })
    t.match((await browser.ask('GET', '/v1/sessions')).json(), { mode })
  }
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' }
  ]) {
    assertProblem(t, await browser.signIn(await admin(), { headers }), { code: 'csrf_failed' })
    t.match((await recordsIn(built.folder)).at(-1), {
      action: 'session.open',
      outcome: 'denied',
      reason: 'foreign_page'
    })
  }
  const key = await admin()
  const program = await built.withKey(key).ask('POST', '/v1/sessions')
  t.equal(program.statusCode, 201, 'a program says nothing of a page')
})

test('without JWT_SECRET nobody signs in, and a cookie is no session', async (t) => {
  const { admin, browser } = await setUp(t, { env: { JWT_SECRET: '' } })
  const answer = await browser.signIn(await admin())
  assertProblem(t, answer, { code: 'access_denied' })
  t.match(answer.json().detail, /JWT_SECRET is not set/)
  browser.cookies.set(NAME, 'a.b.c')
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
})

test('a session ends after 15 minutes without an act, and a look at it is none', async (t) => {
  const { clock, admin, browser } = await setUp(t)
  await browser.signIn(await admin())
  clock.now = START + 14 * MINUTE
  t.equal(setCookies(await browser.ask('GET', '/v1/sessions')).length, 0)
  clock.now = START + 15 * MINUTE
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
})

test('whoever is not signed in is told so, and is neither on record nor counted', async (t) => {
  const limits = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '3' }
  const { built, admin, browser } = await setUp(t, { env: limits })
  for (let n = 0; n < 5; n++) {
    assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
  }
  t.equal((await browser.signIn(await admin())).statusCode, 201)
  t.match(await recordsIn(built.folder), [{ action: 'session.open' }])
})

test('tokens that are tried count as failed logins, and are on record with the reason', async (t) => {
  const limits = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '3' }
  const { built, admin, browser } = await setUp(t, { env: limits })
  const key = await admin()
  await browser.signIn(key)
  const token = browser.cookies.get(NAME) ?? ''
  browser.cookies.set(NAME, `${token.slice(0, -4)}AAAA`)
  for (let n = 0; n < 3; n++) {
    assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
  }
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'rate_limited' })
  const denied = (await recordsIn(built.folder)).filter(({ code }) => code === 'session_required')
  t.match(denied, Array(3).fill({ action: 'session.authenticate', reason: 'unreadable_session' }))
})

test('a sign-out ends the session from the next request on, for every copy of the cookie', async (t) => {
  const { built, admin, browser } = await setUp(t)
  await browser.signIn(await admin('r'))
  const token = browser.cookies.get(NAME) ?? ''
  const { sessionId } = (await browser.ask('GET', '/v1/sessions')).json()
  const answer = await browser.ask('DELETE', '/v1/sessions')
  t.same(answer.json(), { sessionId }, 'also of a session of mode r')
  t.match(setCookies(answer), [/^__Host-purser-session=; Max-Age=0; Path=\/; .*Secure$/])
  t.notOk(browser.cookies.has(NAME))
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
  browser.cookies.set(NAME, token)
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
  t.match(await recordsIn(built.folder), [
    { action: 'session.open', sessionId },
    { action: 'session.end', outcome: 'allowed', client: 'admin', sessionId },
    { action: 'session.authenticate', outcome: 'denied', reason: 'signed_out', sessionId }
  ])
})

test('whoever signs in again leaves the session before, and gets another token', async (t) => {
  const { admin, browser } = await setUp(t)
  const key = await admin()
  const first = (await browser.signIn(key)).json()
  const former = browser.cookies.get(NAME) ?? ''
  const second = (await browser.signIn(key)).json()
  t.not(second.sessionId, first.sessionId)
  t.not(second.csrfToken, first.csrfToken)
  t.equal((await browser.ask('GET', '/v1/sessions')).json().sessionId, second.sessionId)
  browser.cookies.set(NAME, former)
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
})

test('a session ends with its key: revoked, expired, or its encryption key gone', async (t) => {
  const { built, clock, admin, browser } = await setUp(t)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  await browser.signIn(await admin('rw', { keyId }))
  const other = built.withKey(await admin())
  t.equal((await other.ask('DELETE', `/v1/admin/keys/${keyId}`)).statusCode, 200)
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })

  const short = await admin('rw', { lifetimeSeconds: 60 })
  const opened = await browser.signIn(short)
  t.equal(opened.json().endsAt, '2026-11-21T12:01:00.000Z')
  t.match(setCookies(opened), [/Max-Age=60;/])
  clock.now = START + MINUTE
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })

  await browser.signIn(await admin())
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
  const next = newEncryptionKey()
  await built.reload({ env: { ENCRYPTION_KEYS: `${built.encryptionKey},${next}` } })
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
  await built.reload({ env: { ENCRYPTION_KEYS: next } })
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
})

test('a key that descends from one that is revoked with all that it issued ends its sessions', async (t) => {
  const { built, admin, browser } = await setUp(t)
  const issuer = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  await browser.signIn(await admin('rw', { via: [issuer] }))
  const other = built.withKey(await admin())
  await other.ask('DELETE', `/v1/admin/keys/${issuer}`)
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200, 'the issuer alone')
  await other.ask('DELETE', `/v1/admin/keys/${issuer}?issued=true`)
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
})

test('the networks of a key hold for each request of its session', async (t) => {
  const { built, admin, browser } = await setUp(t)
  const key = await admin('rw', { networks: ['10.1.0.0/16'] })
  assertProblem(t, await browser.signIn(key), { code: 'invalid_api_key' })
  t.equal((await browser.signIn(key, { address: '10.1.2.3' })).statusCode, 201)
  const near = await browser.ask('GET', '/v1/sessions', { address: '10.1.9.9' })
  t.equal(near.statusCode, 200)
  const far = await browser.ask('GET', '/v1/sessions', { address: '10.2.0.1' })
  assertProblem(t, far, { code: 'session_expired' })
  const records = await recordsIn(built.folder)
  t.match(records.at(-1), { reason: 'other_network', client: 'admin', address: '10.2.0.1' })
})

test('JWT_SECRET is exchanged without ending a session: all are accepted, the last signs', async (t) => {
  const { built, secret, admin, browser } = await setUp(t)
  const key = await admin()
  await browser.signIn(key)
  const next = randomSecret()
  await built.reload({ env: { JWT_SECRET: `${secret},${next}` } })
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
  const other = openBrowser(built)
  await other.signIn(key)
  await built.reload({ env: { JWT_SECRET: next } })
  t.equal((await other.ask('GET', '/v1/sessions')).statusCode, 200, 'signed by the last')
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
})

test('a session is for its environment', async (t) => {
  const { built, secret, admin, browser } = await setUp(t)
  await browser.signIn(await admin())
  const env = {
    ENVIRONMENT: 'stg',
    JWT_SECRET: secret,
    ENCRYPTION_KEYS: built.encryptionKey
  }
  const elsewhere = openBrowser(await buildTestApp(t, { yaml: YAML, env, now: () => START }))
  elsewhere.cookies.set(NAME, browser.cookies.get(NAME) ?? '')
  assertProblem(t, await elsewhere.ask('GET', '/v1/sessions'), { code: 'session_required' })
})

test('AUTH_COOKIE_SECURE=false has a cookie of another name, since browsers drop __Host- without Secure', async (t) => {
  const { admin, browser } = await setUp(t, {
    env: { AUTH_COOKIE_SECURE: 'false', AUTH_COOKIE_SAMESITE: 'lax' }
  })
  const answer = await browser.signIn(await admin(), {
    headers: { origin: 'http://purser.example' }
  })
  t.match(setCookies(answer), [
    /^purser-session=[^;]+; Max-Age=900; Path=\/; HttpOnly; SameSite=Lax$/
  ])
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
  browser.cookies.set(NAME, browser.cookies.get('purser-session') ?? '')
  browser.cookies.delete('purser-session')
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_required' })
})

test('RETURN_JWT_IN_BODY gives the token to whoever signs in, besides', async (t) => {
  const { admin, browser } = await setUp(t, { env: { RETURN_JWT_IN_BODY: 'true' } })
  const answer = await browser.signIn(await admin())
  t.equal(answer.json().token, browser.cookies.get(NAME))
  t.notOk('token' in (await browser.ask('GET', '/v1/sessions')).json())
})

test('the cookie of the longest key is short enough for a browser to keep it', async (t) => {
  const { admin, browser } = await setUp(t)
  const long = (n: number): string[] =>
    Array.from({ length: n }, (_, i) => `aura-services:${'s'.repeat(40)}:${i}`)
  let longest = ''
  for (let n = 1; n < 32; n++) {
    const key = await admin('rw', { scopes: ['aura-admin', ...long(n)] }).catch(() => undefined)
    if (key !== undefined) longest = key
  }
  t.ok(longest.length > 1900, `${longest.length}`)
  const answer = await browser.signIn(longest)
  t.equal(answer.statusCode, 201)
  t.ok((setCookies(answer)[0] ?? '').length < 4096)
  t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
})

test('a cookie and a key, or a cookie twice, are a credential too many', async (t) => {
  const { built, admin, browser } = await setUp(t)
  const key = await admin()
  await browser.signIn(key)
  const both = { code: 'conflicting_credentials' } as const
  for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
    for (const method of ['GET', 'DELETE']) {
      assertProblem(t, await browser.ask(method, '/v1/sessions', { headers }), both)
    }
  }
  const token = browser.cookies.get(NAME) ?? ''
  const cookie = `${NAME}=${token}; other=1; ${NAME}=${token}`
  assertProblem(t, await browser.ask('GET', '/v1/sessions', { headers: { cookie } }), both)
  const alone = await built.withKey(key).ask('GET', '/v1/sessions')
  assertProblem(t, alone, { code: 'session_required', what: 'a key alone is no session' })
})
