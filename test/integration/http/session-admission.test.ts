// Routes that take a session: which requests are a page's of ours, what a mode may, and which acts renew the session.
import { type Test, test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import type { RouteAuth } from '../../../src/http/route-auth.ts'
import { createCookie } from '../../../src/http/session-cookie.ts'
import { SESSION_TOKEN } from '../../../src/keys/session.ts'
import { createSessions } from '../../../src/keys/sessions.ts'
import { randomSecret } from '../../support/keys.ts'
import { NO_REGISTER } from '../../support/no-register.ts'
import { openServer, PRINCIPAL } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

type SessionAuth = Omit<RouteAuth & { kind: 'session' }, 'kind'>

const setUp = async (t: Test, mode: Mode = 'rw', secure = true) => {
  const clock = { now: START }
  const revoked = new Set<string>()
  const reads: string[] = []
  const refusals: (string | undefined)[] = []
  const signer = createTokenSigner({
    ...SESSION_TOKEN,
    secrets: [randomSecret()],
    audience: 'test'
  })
  const sessions = createSessions({
    signer: () => signer,
    refusalOf: () => undefined,
    register: NO_REGISTER,
    revocations: {
      isRevoked: (name) => revoked.has(name),
      revoke: async (name) => ({ isNew: true, isDurable: Boolean(revoked.add(name)) })
    },
    administratorOf: () => 'email_not_listed',
    environment: 'dev',
    adminScope: 'aura-admin',
    now: () => clock.now
  })
  const cookie = createCookie('purser-session', { secure, sameSite: 'strict' })
  const server = await openServer(t, {
    allowsAdminWrite: false,
    sessions: { sessions, cookie, origins: { secure }, now: () => clock.now },
    recordAdminRead: async ({ route }) => void reads.push(route),
    recordRefusal: async (_request, { reason }) => void refusals.push(reason),
    addRoutes: (app) => {
      const add = (url: string, auth: SessionAuth = {}): void => {
        app.route({
          method: ['GET', 'POST', 'PUT', 'DELETE'],
          url,
          config: { auth: { kind: 'session', ...auth }, cors: false },
          handler: async ({ principal }) => ({ client: principal?.client })
        })
      }
      add('/plain')
      add('/stream', { slides: false })
      add('/itself', { readsItself: true, anyMode: true })
      add('/settings', { changes: true })
    }
  })
  const principal = { ...PRINCIPAL, scopes: ['aura-admin'], mode }
  const opened = await sessions.open(principal)
  let token = opened.token
  const { csrfToken } = opened.session
  const ask = async (method: string, url: string, headers: Record<string, string> = {}) => {
    const answer = await server.inject({
      method: method as 'GET',
      url,
      headers: { host: 'purser.example', cookie: `${cookie.name}=${token}`, ...headers }
    })
    const [set] = [answer.headers['set-cookie'] ?? []].flat()
    if (set !== undefined) token = set.slice(cookie.name.length + 1).split(';')[0] ?? ''
    return {
      ...answer,
      statusCode: answer.statusCode,
      body: answer.body,
      isRenewed: set !== undefined
    }
  }
  return { clock, reads, refusals, csrfToken, ask, sessions, principal }
}

const OURS = { 'sec-fetch-site': 'same-origin', origin: 'https://purser.example' }

test('what changes something comes from a page of ours with the token of the session, or not at all', async (t) => {
  const { ask, csrfToken, refusals, sessions, principal } = await setUp(t)
  const withToken = { ...OURS, 'x-csrf-token': csrfToken }
  const other = (await sessions.open(principal)).session.csrfToken
  const { origin: _, ...withoutOrigin } = withToken
  const { 'sec-fetch-site': __, ...withoutSite } = withToken
  for (const headers of [withToken, withoutOrigin, withoutSite]) {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      t.equal((await ask(method, '/plain', headers)).statusCode, 200, JSON.stringify(headers))
    }
  }
  const refused: Record<string, Record<string, string>> = {
    'no token': OURS,
    'an empty token': { ...OURS, 'x-csrf-token': '' },
    'a token of another session': { ...OURS, 'x-csrf-token': other },
    'a token of another length': { ...OURS, 'x-csrf-token': `${csrfToken}A` },
    'a page of another site': { ...withToken, 'sec-fetch-site': 'cross-site' },
    'a page of a sibling': { ...withToken, 'sec-fetch-site': 'same-site' },
    'no page': { ...withToken, 'sec-fetch-site': 'none' },
    'another origin': { ...withToken, origin: 'https://evil.example' },
    'another origin alone': { ...withoutSite, origin: 'https://evil.example' },
    'another port': { ...withToken, origin: 'https://purser.example:8443' },
    'a longer name': { ...withToken, origin: 'https://purser.example.evil.example' },
    'the same host in the clear': { ...withToken, origin: 'http://purser.example' },
    'another scheme': { ...withToken, origin: 'ftp://purser.example' },
    'no origin': { ...withToken, origin: 'null' },
    'nothing said of a page': { 'x-csrf-token': csrfToken }
  }
  for (const [what, headers] of Object.entries(refused)) {
    assertProblem(t, await ask('POST', '/plain', headers), { code: 'csrf_failed', what })
  }
  t.equal(refusals.length, Object.keys(refused).length, 'each is on record')
})

test('what shows something is not shown to pages of other sites', async (t) => {
  const { ask } = await setUp(t)
  for (const site of ['cross-site', 'same-site', 'elsewhere']) {
    const answer = await ask('GET', '/plain', { 'sec-fetch-site': site })
    assertProblem(t, answer, { code: 'csrf_failed', what: site })
  }
  assertProblem(t, await ask('GET', '/plain', { origin: 'https://evil.example' }), {
    code: 'csrf_failed'
  })
  for (const headers of [{}, { 'sec-fetch-site': 'none' }, OURS]) {
    t.equal((await ask('GET', '/plain', headers)).statusCode, 200)
  }
})

test('without Secure a page may come in the clear, and pages of this machine may anyway', async (t) => {
  const inTheClear = await setUp(t, 'rw', false)
  const { ask, csrfToken } = inTheClear
  const headers = { 'x-csrf-token': csrfToken, origin: 'http://purser.example' }
  t.equal((await ask('POST', '/plain', headers)).statusCode, 200)
  const secure = await setUp(t)
  const answer = await secure.ask('POST', '/plain', {
    host: 'localhost:8700',
    origin: 'http://localhost:8700',
    'x-csrf-token': secure.csrfToken
  })
  t.equal(answer.statusCode, 200)
})

test('a session of mode r sees and changes nothing, one of mode w the other way round', async (t) => {
  const reader = await setUp(t, 'r')
  const headers = { ...OURS, 'x-csrf-token': reader.csrfToken }
  t.equal((await reader.ask('GET', '/plain')).statusCode, 200)
  for (const method of ['POST', 'PUT', 'DELETE']) {
    assertProblem(t, await reader.ask(method, '/plain', headers), { code: 'insufficient_mode' })
  }
  const writer = await setUp(t, 'w')
  assertProblem(t, await writer.ask('GET', '/plain'), { code: 'insufficient_mode' })
  t.equal((await writer.ask('GET', '/itself')).statusCode, 200, 'whoever it is')
  const token = { ...OURS, 'x-csrf-token': writer.csrfToken }
  t.equal((await writer.ask('POST', '/plain', token)).statusCode, 200)
  assertProblem(t, await writer.ask('POST', '/settings', token), { code: 'access_denied' })
})

test('what administrators are shown is on record, but for who they are', async (t) => {
  const { ask, reads } = await setUp(t)
  for (const url of ['/plain', '/stream', '/itself']) await ask('GET', url)
  t.same(reads, ['GET /plain', 'GET /stream'])
})

test('acts of the person renew a session, once a minute; what a page asks by itself does not', async (t) => {
  const { ask, clock, csrfToken } = await setUp(t)
  const act = { 'x-user-act': '1' }
  const token = { ...OURS, 'x-csrf-token': csrfToken }
  clock.now = START + 59 * SECOND
  t.notOk((await ask('GET', '/plain', act)).isRenewed, 'it was opened less than a minute ago')
  clock.now = START + MINUTE
  t.notOk((await ask('GET', '/plain')).isRenewed, 'a look that nobody asked for')
  t.notOk((await ask('GET', '/plain', { 'x-user-act': '0' })).isRenewed)
  t.notOk((await ask('GET', '/stream', act)).isRenewed, 'whatever the page says')
  t.notOk((await ask('POST', '/stream', token)).isRenewed)
  t.notOk((await ask('POST', '/plain', OURS)).isRenewed, 'forged')
  t.ok((await ask('GET', '/plain', act)).isRenewed)
  clock.now = START + 15 * MINUTE
  t.equal((await ask('GET', '/plain')).statusCode, 200, 'longer than without the act')
  t.ok((await ask('POST', '/plain', token)).isRenewed, 'a change is one, and the token stays')
  clock.now = START + 30 * MINUTE
  assertProblem(t, await ask('GET', '/plain', act), { code: 'session_expired' })
})

test('a session ends after 8 hours, whatever is done in it', async (t) => {
  const { ask, clock } = await setUp(t)
  const act = { 'x-user-act': '1' }
  for (clock.now = START; clock.now < START + 8 * HOUR; clock.now += 10 * MINUTE) {
    t.equal((await ask('GET', '/plain', act)).statusCode, 200)
  }
  clock.now = START + 8 * HOUR - SECOND
  t.equal((await ask('GET', '/plain', act)).statusCode, 200)
  clock.now = START + 8 * HOUR
  assertProblem(t, await ask('GET', '/plain', act), { code: 'session_expired' })
})
