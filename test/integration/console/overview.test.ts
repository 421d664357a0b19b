// What the overview tells: of requests, reads, stores and the cache; and its stream, which renews no session.
import { type Test, test } from 'tap'
import { openBrowser, SAME_ORIGIN, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ["local:**"] }]
`
const OVERVIEW = '/console/api/overview'
const START = Date.parse('2026-11-21T12:00:00Z')

const setUp = async (t: Test) => {
  const clock = { now: START }
  const built = await buildTestApp(t, {
    yaml: YAML,
    now: () => clock.now,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const canary = createCanary()
  await built.seed('local', 'team/db', canary.token)
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
  const browser = openBrowser(built)
  await browser.signIn(key)
  return { built, clock, canary, browser }
}

test('the overview counts what others asked, and tells of stores and the cache', async (t) => {
  const { built, clock, canary, browser } = await setUp(t)
  const app = await built.as('app')
  const nobody = await built.as('nobody')
  // Only what comes by a socket is an answer that is measured.
  const base = await built.app.server.listen({ host: '127.0.0.1', port: 0 })
  const read = async ({ key }: { readonly key: string }, ref: string): Promise<number> => {
    const headers = { 'x-api-key': key, connection: 'close' }
    const answer = await fetch(`${base}/v1/secrets?ref=${ref}`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }
  t.equal(await read(app, 'local:team/db'), 200)
  t.equal(await read(app, 'local:team/db'), 200)
  t.equal(await read(nobody, 'local:team/db'), 403)
  await fetch(`${base}/console`, { headers: { connection: 'close' } })
  clock.now += 60_000
  t.equal(await read(app, 'local:none'), 404)
  const answer = await browser.ask('GET', OVERVIEW)
  t.equal(answer.statusCode, 200)
  const { minutes, ...told } = answer.json()
  t.match(told, {
    environment: 'dev',
    version: /^\d+\./,
    startedAt: '2026-11-21T12:00:00.000Z',
    stores: [{ name: 'local', kind: 'local', breakers: { read: { state: 'closed' } } }],
    replicas: 1,
    pending: []
  })
  t.ok(told.cache.secrets > 0)
  t.equal(minutes.length, 60)
  t.same(minutes[58], {
    at: '2026-11-21T12:00:00.000Z',
    requests: 3,
    refusals: 1,
    failures: 0,
    hits: 1,
    misses: 1,
    upstream: 1
  })
  t.match(minutes[59], { requests: 1, refusals: 0, upstream: 1 })
  t.same(canary.findIn(answer.body), [])
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'admin.read',
    client: 'admin',
    route: 'GET /console/api/overview'
  })
})

const firstEvent = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let text = ''
  for await (const piece of stream) {
    text += piece.toString()
    if (text.includes('data: ')) break
  }
  return text
}

test('its stream tells the same, and is no act', async (t) => {
  const { built, clock, canary, browser } = await setUp(t)
  clock.now += 5 * 60_000
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await built.app.server.inject({
    url: `${OVERVIEW}/stream`,
    headers: { ...SAME_ORIGIN, cookie, 'x-user-act': '1' },
    payloadAsStream: true
  })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-store' })
  t.same(setCookies(answer), [])
  const text = await firstEvent(answer.stream())
  const data = JSON.parse(text.split('data: ')[1] ?? '')
  t.match(data, { environment: 'dev', stores: [{ name: 'local' }] })
  t.equal(data.minutes.length, 60)
  t.same(canary.findIn(text), [])
  const head = await browser.ask('HEAD', `${OVERVIEW}/stream`)
  t.equal(head.statusCode, 200)
})

test('a session that sees nothing sees no overview, and no session no stream', async (t) => {
  const { built } = await setUp(t)
  const { key } = await built.as('admin', 'w', { scopes: ['aura-admin'] })
  const browser = openBrowser(built)
  for (const url of [OVERVIEW, `${OVERVIEW}/stream`]) {
    assertProblem(t, await browser.ask('GET', url), { code: 'session_required' })
  }
  await browser.signIn(key)
  for (const url of [OVERVIEW, `${OVERVIEW}/stream`]) {
    assertProblem(t, await browser.ask('GET', url), { code: 'insufficient_mode' })
  }
})
