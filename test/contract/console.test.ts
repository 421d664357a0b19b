// No route of the console gives a value away: every route of its door is looked at, and asked.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type RouteOptions } from 'fastify'
import { type Test, test } from 'tap'
import { undescribedServices } from '../../scripts/openapi.ts'
import { addConsoleApi } from '../../src/console/api.ts'
import { consoleDoor } from '../../src/console/door.ts'
import type { Report } from '../../src/core/doctor-report.ts'
import { Sensitive } from '../../src/core/secret.ts'
import type { DirectLine } from '../../src/integrations/direct-line.ts'
import { createSignInCodes } from '../../src/keys/sign-in-codes.ts'
import { openBrowser } from '../support/administrator.ts'
import { buildTestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'
import { randomSecret } from '../support/keys.ts'
import { assertProblem } from '../support/problem.ts'
import { mayTell } from '../support/telling.ts'
import { WAYS } from '../support/ways.ts'

const API = '/console/api'

/** By whom other than who is signed in each may be asked. */
const WITHOUT_SESSION: Readonly<Record<string, string>> = {
  'GET /console': 'open',
  'GET /console/': 'open',
  'GET /console/assets/:name': 'open',
  'GET /console/api/sign-in': 'open',
  'GET /console/api/v1/sessions/oidc/start': 'open',
  'GET /console/api/v1/sessions/oidc/callback': 'open',
  'POST /console/api/sign-in/code': 'open',
  'POST /console/api/policy-report': 'open',
  'POST /console/api/v1/sessions': 'admin'
}

/** Routes that look as if they gave a secret away, each with why it gives none of a store. */
const TELLING: Readonly<Record<string, string>> = {
  'POST /console/api/v1/sessions': 'gives the session that is opened by it',
  'POST /console/api/v1/admin/keys': 'gives a key that is made by it',
  'GET /console/api/v1/admin/bots': 'tells what credentials are called, and none of them',
  'GET /console/api/v1/admin/providers': 'the same',
  'GET /console/api/v1/admin/channels': 'the same, of secrets'
}

const CODE_USER = { client: 'admin', mode: 'rw', scopes: ['aura-admin', 'aura-services'] } as const

const asset = {
  mediaType: '',
  plain: Buffer.of(),
  compressed: { br: Buffer.of(), gzip: Buffer.of() }
}

const routesOfDoor = async (): Promise<readonly RouteOptions[]> => {
  const routes: RouteOptions[] = []
  const app = Fastify({ exposeHeadRoutes: false }).withTypeProvider<TypeBoxTypeProvider>()
  app.addHook('onRoute', (route) => void routes.push(route))
  const { addRoutes, prefix = '' } = consoleDoor({
    assets: { document: asset, files: new Map() },
    listener: undefined,
    host: '0.0.0.0',
    isProxied: false,
    addApi: (at) =>
      addConsoleApi(at, {
        services: undescribedServices,
        environment: 'dev',
        recorder: undescribedServices as never,
        log: () => {},
        now: Date.now,
        gate: undescribedServices as never,
        overview: undescribedServices as never,
        reach: undescribedServices as never,
        integrations: undescribedServices as never,
        places: undescribedServices as never,
        doctor: undescribedServices as never,
        retention: undescribedServices as never,
        streams: undescribedServices as never,
        codes: createSignInCodes(CODE_USER)
      })
  })
  await app.register(async (at) => addRoutes(at.withTypeProvider<TypeBoxTypeProvider>()), {
    prefix
  })
  await app.close()
  return routes
}

const nameOf = ({ method, url }: RouteOptions): string => `${method} ${url}`

test('every route of the console asks for a session, and none says that it discloses', async (t) => {
  const routes = await routesOfDoor()
  t.ok(routes.length > 15, 'they were found')
  for (const route of routes) {
    const name = nameOf(route)
    t.equal(route.config?.auth?.kind, WITHOUT_SESSION[name] ?? 'session', name)
    t.equal(route.config?.cors, false, `${name} is asked by pages of its own origin`)
    t.equal(mayTell(route), name in TELLING, `${name} may give one away`)
  }
  const names = new Set(routes.map(nameOf))
  for (const name of Object.keys({ ...WITHOUT_SESSION, ...TELLING })) t.ok(names.has(name), name)
})

const REF = 'local:team/db'

const NOTHING_FOUND: Report = {
  environment: 'dev',
  status: 'ok',
  counts: { ok: 0, warn: 0, fail: 0 },
  checks: []
}

/** Whatever is asked of it. */
const giving = (text: string): DirectLine => {
  const give = async () => ({ token: new Sensitive(text), conversationId: text, userId: text })
  return { generate: give, refresh: give, generateForWebChat: give, close: () => {} }
}

const setUp = async (t: Test) => {
  const canary = createCanary()
  const built = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: admin, read: ["local:**"], write: ["local:**"], bots: ["*"], channels: ["*"] }]
secrets: { short: '${REF}' }
providers: [{ name: shared, credentialsSecrets: { password: '${REF}' } }]
bots: [{ name: helper, provider: shared, credentialsSecrets: { password: '${REF}' } }]
channels: [{ name: web, bot: helper, secrets: ['${REF}'], endpoint: 'https://directline.botframework.com', trustedOrigins: [] }]
`,
    env: {
      CONSOLE_ENABLED: 'true',
      HOST: '0.0.0.0',
      JWT_SECRET: randomSecret(),
      ALLOW_ADMIN_WRITE: 'true'
    },
    overrides: { doctor: async () => NOTHING_FOUND, directLine: giving(canary.token) }
  })
  await built.seed('local', 'team/db', canary.token)
  const { scopes } = CODE_USER
  const { key, read } = await built.as('admin', 'rw', { scopes })
  const browser = openBrowser(built)
  const signIn = async (): Promise<void> => {
    t.equal((await browser.signIn(key)).statusCode, 201)
  }
  return { built, canary, key, read, browser, signIn }
}

const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'

/** What makes the route do what it is for; others are asked without. */
const QUESTIONS: Readonly<Record<string, { name?: string; query?: string; payload?: object }>> = {
  'GET /console/api/reach': { query: 'client=admin&names=true' },
  'GET /console/api/names': { query: 'store=local&path=team/' },
  'GET /console/api/readers': { query: `ref=${REF}` },
  'GET /console/api/audit/place': { query: 'instance=AAAAAAAAAAA&seq=1&day=2026-11-21' },
  'GET /console/api/integrations/bots/:name': { name: 'helper' },
  'GET /console/api/integrations/providers/:name': { name: 'shared' },
  'GET /console/api/integrations/channels/:name': { name: 'web' },
  'POST /console/api/channels/:name/try': { name: 'web', payload: {} },
  'POST /console/api/step-up': { payload: {} },
  'POST /console/api/policy-report': { payload: { 'csp-report': {} } },
  'POST /console/api/v1/admin/keys': {
    payload: { client: 'bot', scopes: ['aura-services'], mode: 'r' }
  },
  'PUT /console/api/secrets': { query: `ref=${REF}`, payload: { value: 'another' } },
  'DELETE /console/api/v1/admin/cache': { query: 'all=true' },
  'DELETE /console/api/v1/admin/sessions': { query: 'own=true' },
  'GET /console/api/v1/admin/explain': { query: `client=admin&ref=${REF}` },
  'POST /console/api/v1/admin/explain': { payload: { ref: REF } },
  'GET /console/api/v1/admin/audit': { query: `reference=${REF}` }
}

const showsKey = (name: string): boolean => /step-up|explain/.test(name)

test('whoever may read a secret by key gets it by no route of the console', async (t) => {
  const { canary, key, read, browser, signIn } = await setUp(t)
  t.ok(canary.findIn((await read(REF)).body).length > 0, 'it is there, and cached')
  for (const route of await routesOfDoor()) {
    const name = nameOf(route)
    // A sign-out has ended the session before.
    await signIn()
    await browser.ask('POST', `${API}/step-up`, { payload: { apiKey: key } })
    // It does not end; what it tells is what the overview tells.
    if (route.url.endsWith('/stream')) continue
    // Its browser is on this machine, or comes from a provider: sign-in-code.test.ts, sign-in.test.ts.
    if (/sign-in\/code|oidc/.test(name)) continue
    const { query, payload, name: named = KEY_ID } = QUESTIONS[name] ?? {}
    const url = route.url.replace(/:\w+/, named)
    const { body, headers, statusCode } = await browser.ask(
      String(route.method),
      query === undefined ? url : `${url}?${query}`,
      {
        ...(name in WITHOUT_SESSION && { headers: { 'x-api-key': key } }),
        ...(payload && { payload: showsKey(name) ? { ...payload, apiKey: key } : payload })
      }
    )
    if (!url.includes('/assets/')) t.ok(statusCode < 300, `${name}: ${statusCode} ${body}`)
    t.same(canary.findIn(`${body}${JSON.stringify(headers)}`), [], name)
  }
})

test('an API key opens nothing of it, beside a cookie nothing either', async (t) => {
  const { key, built, browser, signIn } = await setUp(t)
  const { ask } = built.withKey(key)
  await signIn()
  for (const route of await routesOfDoor()) {
    const what = nameOf(route)
    if (what in WITHOUT_SESSION) continue
    const url = route.url.replace(/:\w+/, 'name')
    const method = String(route.method) as 'GET'
    assertProblem(t, await ask(method, url), { code: 'session_required', what })
    const both = await browser.ask(method, url, { headers: { 'x-api-key': key } })
    assertProblem(t, both, { code: 'conflicting_credentials', what })
  }
})

test('no way to a value is mounted below the console', async (t) => {
  const { browser, signIn } = await setUp(t)
  await signIn()
  for (const { route } of WAYS) {
    const [method = '', url = ''] = route.split(' ')
    const answer = await browser.ask(method, `${API}${url.replace(/:\w+/, 'name')}`)
    assertProblem(t, answer, { code: 'route_not_found', what: route })
  }
})
