// The sessions that are open: who sees them, who ends them, what is on record of it, and how many there may be.
import { type Test, test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { SESSIONS_OF_USER_MAX } from '../../../src/keys/lifetime.ts'
import { type Browser, ORIGIN, openBrowser, SAME_ORIGIN } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []'
const API = '/console/api/v1/admin/sessions'
const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000

interface Row {
  readonly sessionId: string
  readonly [more: string]: unknown
}

const setUp = async (t: Test) => {
  const clock = { now: START }
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { JWT_SECRET: randomSecret(), CONSOLE_ENABLED: 'true', HOST: '0.0.0.0' },
    now: () => clock.now
  })
  const keyOf = async (client: string, mode: Mode = 'rw'): Promise<string> =>
    (await built.as(client, mode, { scopes: ['aura-admin'] })).key
  const signIn = async (key: string, address = '10.0.0.1'): Promise<[Browser, string]> => {
    const browser = openBrowser(built)
    const answer = await browser.signIn(key, { address })
    t.equal(answer.statusCode, 201)
    return [browser, answer.json().sessionId]
  }
  const stepUp = async (browser: Browser, apiKey: string): Promise<void> => {
    const payload = { apiKey }
    t.equal((await browser.ask('POST', '/console/api/step-up', { payload })).statusCode, 200)
  }
  const listOf = async (browser: Browser): Promise<Row[]> => {
    const answer = await browser.ask('GET', API)
    t.equal(answer.statusCode, 200, answer.body)
    return answer.json().sessions
  }
  const isIn = async (browser: Browser): Promise<boolean> =>
    (await browser.ask('GET', '/v1/sessions')).statusCode === 200
  const ends = async () =>
    (await recordsIn(built.folder)).filter(({ action }) => action === 'session.end')
  return { built, clock, keyOf, signIn, stepUp, listOf, isIn, ends }
}

test('whoever is signed in sees the own sessions, with how, when and from where, and no token of them', async (t) => {
  const { clock, keyOf, signIn, stepUp, listOf } = await setUp(t)
  const key = await keyOf('ana')
  const [here, id] = await signIn(key)
  clock.now = START + MINUTE
  const [there, other] = await signIn(key, '10.0.0.2')
  await stepUp(there, key)
  clock.now = START + 3 * MINUTE
  const answer = await here.ask('GET', API, { address: '10.0.0.3', headers: { 'x-user-act': '1' } })
  t.match(answer.json().sessions, [
    {
      sessionId: other,
      client: 'ana',
      signedInBy: 'key',
      own: true,
      current: false,
      signedInAt: '2026-11-21T12:01:00.000Z',
      reauthenticatedAt: '2026-11-21T12:01:00.000Z',
      lastActAt: '2026-11-21T12:01:00.000Z'
    },
    {
      sessionId: id,
      own: true,
      current: true,
      signedInAt: '2026-11-21T12:00:00.000Z',
      lastActAt: '2026-11-21T12:03:00.000Z',
      endsAt: '2026-11-21T12:18:00.000Z',
      address: '10.0.0.3'
    }
  ])
  t.notOk('reauthenticatedAt' in answer.json().sessions[1])
  const tokens = [here, there].flatMap(({ cookies }) => [...cookies.values()])
  t.notOk([...tokens, 'csrfToken'].some((text) => answer.body.includes(text)))
  clock.now = START + 17 * MINUTE
  t.same(
    (await listOf(here)).map(({ sessionId }) => sessionId),
    [id],
    'one that has ended is not listed'
  )
})

test('a session is ended after signing in once more, for every copy of its cookie, and is on record', async (t) => {
  const { keyOf, signIn, stepUp, isIn, listOf, ends } = await setUp(t)
  const key = await keyOf('ana')
  const [here, id] = await signIn(key)
  const [there, other] = await signIn(key)
  const end = () => here.ask('DELETE', `${API}/${other}`)
  assertProblem(t, await end(), { code: 'access_denied' })
  t.ok(await isIn(there))
  await stepUp(here, key)
  const answer = await end()
  t.equal(answer.statusCode, 200)
  t.same(answer.json(), { sessionId: other })
  t.notOk(await isIn(there))
  t.ok(await isIn(here))
  t.same(
    (await listOf(here)).map(({ sessionId }) => sessionId),
    [id]
  )
  t.match(await ends(), [
    { outcome: 'denied', reason: 'not_reauthenticated', sessionId: id },
    { outcome: 'allowed', client: 'ana', sessionId: id, object: `session ${other}` }
  ])
})

test('all of the own sessions are ended but the one that asks; another user keeps theirs', async (t) => {
  const { keyOf, signIn, stepUp, isIn } = await setUp(t)
  const key = await keyOf('ana')
  const [here] = await signIn(key)
  const mine = [(await signIn(key))[0], (await signIn(key))[0]]
  const [other] = await signIn(await keyOf('leo'))
  assertProblem(t, await here.ask('DELETE', `${API}?own=true`), { code: 'access_denied' })
  await stepUp(here, key)
  const answer = await here.ask('DELETE', `${API}?own=true`)
  t.equal(answer.statusCode, 200)
  t.equal(answer.json().ended.length, 2)
  for (const one of mine) t.notOk(await isIn(one))
  t.ok(await isIn(here))
  t.ok(await isIn(other))
  assertProblem(t, await here.ask('DELETE', API), { code: 'invalid_request' })
})

test('mode w ends the sessions of a client, and of all', async (t) => {
  const { keyOf, signIn, stepUp, isIn, ends } = await setUp(t)
  const key = await keyOf('ana')
  const [here, id] = await signIn(key)
  const [leo] = await signIn(await keyOf('leo', 'r'))
  const [eve] = await signIn(await keyOf('eve'))
  await stepUp(here, key)
  t.equal((await here.ask('DELETE', `${API}?client=leo`)).json().ended.length, 1)
  t.notOk(await isIn(leo))
  t.ok(await isIn(eve))
  t.equal((await here.ask('DELETE', `${API}?all=true`)).json().ended.length, 1)
  t.notOk(await isIn(eve))
  t.ok(await isIn(here), 'not the one that asks')
  t.same(
    (await ends()).map(({ sessionId, outcome }) => [sessionId, outcome]),
    [
      [id, 'allowed'],
      [id, 'allowed']
    ]
  )
})

test('without mode w the own sessions alone are ended, without mode r they alone are seen', async (t) => {
  const { keyOf, signIn, stepUp, isIn, listOf, ends } = await setUp(t)
  const [ana, anas] = await signIn(await keyOf('ana'))
  const auditor = await keyOf('leo', 'r')
  const [reading] = await signIn(auditor)
  const [readingToo, own] = await signIn(auditor)
  await stepUp(reading, auditor)
  t.equal((await listOf(reading)).length, 3)
  assertProblem(t, await reading.ask('DELETE', `${API}/${anas}`), { code: 'insufficient_mode' })
  const unknown = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  assertProblem(t, await reading.ask('DELETE', `${API}/${unknown}`), { code: 'insufficient_mode' })
  t.same((await reading.ask('DELETE', `${API}?client=ana`)).json(), { ended: [] })
  t.ok(await isIn(ana))
  t.match((await ends())[0], { outcome: 'denied', object: `session ${anas}` })
  t.equal((await reading.ask('DELETE', `${API}/${own}`)).statusCode, 200)
  t.notOk(await isIn(readingToo))
  const [writing, itself] = await signIn(await keyOf('eve', 'w'))
  t.match(await listOf(writing), [{ sessionId: itself, current: true }])
  t.equal((await listOf(writing)).length, 1)
})

test('an API key sees and ends them too: its own are those that it opened', async (t) => {
  const { built, keyOf, signIn, isIn } = await setUp(t)
  const key = await keyOf('ana', 'r')
  const [mine, id] = await signIn(key)
  const [other] = await signIn(await keyOf('leo'))
  const { ask } = built.withKey(key)
  const { sessions } = (await ask('GET', '/v1/admin/sessions')).json()
  t.match(
    sessions.filter(({ own }: Row) => own),
    [{ sessionId: id, current: false }]
  )
  t.equal(sessions.length, 2)
  t.same((await ask('DELETE', '/v1/admin/sessions?all=true')).json(), { ended: [id] })
  t.notOk(await isIn(mine))
  t.ok(await isIn(other))
  const noAdmin = await built.as('app', 'rw', { scopes: ['aura-services'] })
  const { ask: asApp } = built.withKey(noAdmin.key)
  assertProblem(t, await asApp('GET', '/v1/admin/sessions'), { code: 'insufficient_scope' })
})

test('a session of a revoked key is not listed, and an unlisted one can be ended by its id', async (t) => {
  const { built, keyOf, signIn, listOf, isIn } = await setUp(t)
  const revoked = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const { key } = await built.as('eve', 'rw', { scopes: ['aura-admin'], keyId: revoked })
  await signIn(key)
  const admin = await keyOf('ana')
  const [here] = await signIn(admin)
  t.equal((await listOf(here)).length, 2)
  const { ask } = built.withKey(admin)
  await ask('DELETE', `/v1/admin/keys/${revoked}`)
  t.equal((await listOf(here)).length, 1)
  const [there, other] = await signIn(admin)
  for await (const { key: name, value } of built.app.state.list('sessions/')) {
    await built.app.state.compareAndSet(name, value, undefined)
  }
  t.same((await ask('DELETE', `/v1/admin/sessions/${other}`)).json(), { sessionId: other })
  t.notOk(await isIn(there))
  const act = await here.ask('GET', API, { headers: { 'x-user-act': '1' } })
  t.equal(act.json().sessions.length, 0, 'until the next renewal of it')
})

test('a user has so many sessions at once: the oldest ends for a new one, on record', async (t) => {
  const { clock, keyOf, signIn, isIn, listOf, ends } = await setUp(t)
  const key = await keyOf('ana')
  const [other] = await signIn(await keyOf('leo'))
  const opened: [Browser, string][] = []
  for (let n = 0; n <= SESSIONS_OF_USER_MAX; n++) {
    clock.now += 1_000
    opened.push(await signIn(key))
  }
  const [[oldest, id] = [], [second] = []] = opened
  t.notOk(oldest && (await isIn(oldest)))
  t.ok(second && (await isIn(second)))
  t.ok(await isIn(other))
  t.equal((await listOf(other)).length, SESSIONS_OF_USER_MAX + 1)
  t.match(await ends(), [
    { outcome: 'allowed', client: 'ana', object: `session ${id}`, reason: 'too_many' }
  ])
})

test('a page of another site ends none', async (t) => {
  const { keyOf, signIn, stepUp, isIn } = await setUp(t)
  const key = await keyOf('ana')
  const [here] = await signIn(key)
  const [there, other] = await signIn(key)
  await stepUp(here, key)
  for (const headers of [
    { ...SAME_ORIGIN, origin: ORIGIN, 'x-csrf-token': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  ]) {
    const answer = await here.ask('DELETE', `${API}/${other}`, { headers })
    assertProblem(t, answer, { code: 'csrf_failed' })
  }
  t.ok(await isIn(there))
})
