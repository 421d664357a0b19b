// What the page asks: the routes of administrators by the session's cookie, and by nothing else.
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: admin, read: ["local:**"] }]
`
const API = '/console/api'
const READS = [
  '/v1/admin/keys',
  '/v1/admin/encryption-keys',
  '/v1/admin/stores',
  '/v1/admin/cache',
  '/v1/admin/config',
  '/v1/admin/audit',
  '/v1/admin/bots',
  '/v1/admin/explain?client=admin&ref=local:team/db'
]

const setUp = async (t: Test) => {
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const canary = createCanary()
  await built.seed('local', 'team/db', canary.token)
  const { key, ask } = await built.as('admin', 'rw', { scopes: ['aura-admin', 'aura-services'] })
  await ask('GET', '/v1/secrets?ref=local:team/db')
  return { built, canary, key, browser: openBrowser(built) }
}

test('who has no session is told so, and a key opens none of it', async (t) => {
  const { built, key, browser } = await setUp(t)
  for (const url of READS) {
    assertProblem(t, await browser.ask('GET', API + url), { code: 'session_required' })
    const headers = { 'x-api-key': key }
    const answer = await built.app.server.inject({ url: API + url, headers })
    assertProblem(t, answer, { code: 'session_required' })
  }
})

test('a session sees what its key may see, never a value, and each look is on record', async (t) => {
  const { built, canary, key, browser } = await setUp(t)
  const headers = { 'x-api-key': key }
  const opened = await browser.ask('POST', `${API}/v1/sessions`, { headers })
  t.equal(opened.statusCode, 201)
  const { sessionId } = opened.json()
  for (const url of READS) {
    const answer = await browser.ask('GET', API + url)
    t.equal(answer.statusCode, 200, url)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.same(canary.findIn(answer.body), [], url)
  }
  const looks = (await recordsIn(built.folder)).filter(
    (record) => record['action'] === 'admin.read' && record['sessionId'] === sessionId
  )
  t.equal(looks.length, READS.length)
})

test('what the console has not is not there: no secret by any route', async (t) => {
  const { key, browser } = await setUp(t)
  await browser.signIn(key)
  for (const url of ['/v1/secrets?ref=local:team/db', '/v1/bots', '/v1/whoami', '/livez']) {
    assertProblem(t, await browser.ask('GET', API + url), { code: 'route_not_found', what: url })
  }
  assertProblem(t, await browser.ask('GET', '/v1/secrets?ref=local:team/db'), {
    code: 'authentication_required'
  })
})

test('a change needs the token of the session', async (t) => {
  const { built, key, browser } = await setUp(t)
  const { sessionId } = (await browser.signIn(key)).json()
  const url = `${API}/v1/admin/cache?all=true`
  const without = await browser.ask('DELETE', url, { headers: { 'x-csrf-token': 'none' } })
  assertProblem(t, without, { code: 'csrf_failed' })
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'session.authenticate',
    outcome: 'denied',
    reason: 'no_csrf_token',
    client: 'admin',
    sessionId
  })
  t.equal((await browser.ask('DELETE', url)).json().dropped, 1)
})

test('anybody may ask how to sign in, and hears nothing else', async (t) => {
  const { browser } = await setUp(t)
  const answer = await browser.ask('GET', `${API}/sign-in`)
  t.same(answer.json(), { environment: 'dev', providers: [], fetchMetadata: true })
})

test('where a provider is configured, the page leads to it, if it leads back to the page', async (t) => {
  const at = {
    CONSOLE_ENABLED: 'true',
    JWT_SECRET: randomSecret(),
    OIDC_ISSUER: 'https://id.example',
    OIDC_CLIENT_ID: 'purser',
    OIDC_CLIENT_SECRET: randomSecret(),
    OIDC_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback'
  }
  const own = { CONSOLE_HOST: '127.0.0.1', CONSOLE_PORT: '0' }
  const back = { OIDC_REDIRECT_URI: 'https://c.example/console/api/v1/sessions/oidc/callback' }
  const yaml = `${YAML}administrators: [{ email: a@b.example, client: admin, mode: r }]\n`
  const found = [{ name: 'id.example', path: '/console/api/v1/sessions/oidc/start' }]
  for (const [env, providers] of [
    [at, found],
    [{ ...at, ...back }, found],
    [{ ...at, ...own, ...back }, found],
    [{ ...at, ...own }, []]
  ] as const) {
    const { app } = await buildTestApp(t, { yaml, env })
    const headers = { host: 'localhost' }
    const answer = await app.console?.inject({ url: `${API}/sign-in`, headers })
    t.same(answer?.json().providers, providers)
  }
})
