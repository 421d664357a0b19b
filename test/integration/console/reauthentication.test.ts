// What needs a sign-in once more: issuing a key, and writing a secret; for five minutes, in that session alone.
import { type Test, test } from 'tap'
import { openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies:
  - { client: admin, read: ["local:**"], write: ["local:team/**"] }
`
const API = '/console/api'
const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000
const WANTED = { client: 'bot', scopes: ['aura-services'], mode: 'r' }
const SCOPES = ['aura-admin', 'aura-services']

const setUp = async (t: Test, scopes: readonly string[] = SCOPES) => {
  const clock = { now: START }
  const built = await buildTestApp(t, {
    yaml: YAML,
    now: () => clock.now,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const administrator = await built.as('admin', 'rw', { scopes })
  const browser = openBrowser(built)
  await browser.signIn(administrator.key)
  const stepUp = (apiKey: string, of = browser) =>
    of.ask('POST', `${API}/step-up`, { payload: { apiKey } })
  const issue = (of = browser) => of.ask('POST', `${API}/v1/admin/keys`, { payload: WANTED })
  const write = (ref: string, payload: object) =>
    browser.ask('PUT', `${API}/secrets?ref=${encodeURIComponent(ref)}`, { payload })
  return { built, clock, administrator, browser, stepUp, issue, write }
}

test('a key is issued after the sign-in was repeated, within five minutes, and each step is on record', async (t) => {
  const { built, clock, administrator, browser, stepUp, issue } = await setUp(t)
  const { sessionId, keyId } = (await browser.ask('GET', `${API}/v1/sessions`)).json()
  assertProblem(t, await issue(), { code: 'access_denied' })
  const answer = await stepUp(administrator.key)
  t.same(answer.json(), { until: '2026-11-21T12:05:00.000Z' })
  const issued = await issue()
  t.equal(issued.statusCode, 201)
  const { apiKey, keyId: newId } = issued.json()
  t.match(apiKey, /^purser_dev_/)
  clock.now = START + 5 * MINUTE - 1
  t.equal((await issue()).statusCode, 201, 'also once the session was renewed')
  clock.now = START + 5 * MINUTE
  assertProblem(t, await issue(), { code: 'access_denied' })
  const records = await recordsIn(built.folder)
  const own = { client: 'admin', keyId, sessionId }
  const refused = { ...own, action: 'key.issue', outcome: 'denied', reason: 'not_reauthenticated' }
  t.match(records, [
    { action: 'session.open' },
    refused,
    { ...own, action: 'session.reauthenticate', outcome: 'allowed' },
    { ...own, action: 'key.issue', outcome: 'allowed', reason: newId },
    { ...own, action: 'key.issue', outcome: 'allowed' },
    refused
  ])
  t.notOk(`${JSON.stringify(records)}${built.logs.join('')}`.includes(administrator.key))
})

test('another key, a revoked one or none does not do, and is on record', async (t) => {
  const { built, stepUp, issue } = await setUp(t)
  const other = await built.as('admin', 'rw', { scopes: SCOPES })
  const answers = [await stepUp(other.key), await stepUp('nothing'), await stepUp('')]
  for (const answer of answers) {
    assertProblem(t, answer, { code: 'invalid_api_key' })
    t.same(setCookies(answer), [])
  }
  assertProblem(t, await issue(), { code: 'access_denied' })
  const tried = (await recordsIn(built.folder)).filter(
    ({ action }) => action === 'session.reauthenticate'
  )
  t.match(tried, [
    { outcome: 'denied', code: 'invalid_api_key', reason: 'other_key' },
    { outcome: 'denied', reason: 'unreadable' },
    { outcome: 'denied', reason: 'unreadable' }
  ])
})

test('the mark is of one session: neither another browser nor the next sign-in has it', async (t) => {
  const { built, administrator, browser, stepUp, issue } = await setUp(t)
  const other = openBrowser(built)
  await other.signIn(administrator.key)
  await stepUp(administrator.key)
  assertProblem(t, await issue(other), { code: 'access_denied' })
  await browser.signIn(administrator.key)
  assertProblem(t, await issue(), { code: 'access_denied' })
})

test('signing in once more ends the tokens of before: a copy of the cookie is no session any more', async (t) => {
  const { built, administrator, browser, stepUp, issue } = await setUp(t)
  const copy = openBrowser(built)
  for (const again of [1, 2, 3]) {
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
    t.equal((await stepUp(administrator.key)).statusCode, 200, `${again}, in the same second`)
    t.equal((await issue()).statusCode, 201)
    const answer = await copy.ask('GET', `${API}/v1/sessions`)
    assertProblem(t, answer, { code: 'session_expired' })
  }
})

test('a page of another site gets no mark', async (t) => {
  const { administrator, browser } = await setUp(t)
  const answer = await browser.ask('POST', `${API}/step-up`, {
    payload: { apiKey: administrator.key },
    headers: { 'x-csrf-token': 'none' }
  })
  assertProblem(t, answer, { code: 'csrf_failed' })
  t.same(setCookies(answer), [])
})

test('a secret is written where policy allows its administrator, and never comes back', async (t) => {
  const { built, administrator, stepUp, write } = await setUp(t)
  const canary = createCanary()
  assertProblem(t, await write('local:team/db', { value: canary.token }), { code: 'access_denied' })
  await stepUp(administrator.key)
  const answer = await write('local:team/db', { value: canary.token })
  t.equal(answer.statusCode, 200)
  t.match(answer.json(), { ref: 'local:team/db', version: String })
  t.same(canary.findIn(`${answer.body}${JSON.stringify(answer.headers)}`), [])
  t.ok(canary.findIn((await administrator.read('local:team/db')).body).length > 0)
  assertProblem(t, await write('local:other/db', { value: 'x' }), { code: 'access_denied' })
  const records = (await recordsIn(built.folder)).filter(({ action }) => action === 'secret.write')
  t.match(records, [
    { outcome: 'denied', reason: 'not_reauthenticated', client: 'admin', sessionId: String },
    { outcome: 'allowed', reason: 'intent', reference: 'local:team/db', sessionId: String },
    { outcome: 'allowed', reference: 'local:team/db', sessionId: String },
    { outcome: 'denied', reason: 'no_rule', client: 'admin', sessionId: String }
  ])
  t.same(canary.findIn(`${JSON.stringify(records)}${built.logs.join('')}`), [])
})

test('a session writes no secret that its key may not write', async (t) => {
  const { administrator, stepUp, write } = await setUp(t, ['aura-admin'])
  await stepUp(administrator.key)
  assertProblem(t, await write('local:team/db', { value: 'x' }), { code: 'insufficient_scope' })
})
