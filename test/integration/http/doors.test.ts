// A second door beside the native one, tiny and of this test alone: its own parser, errors and credential, and nothing else of its own.
import { createSecretKey } from 'node:crypto'
import { METHODS } from 'node:http'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { type Test, test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { PROBLEMS, ProblemError } from '../../../src/core/problem.ts'
import { createAllowances } from '../../../src/http/allowances.ts'
import { callerOf } from '../../../src/http/caller.ts'
import { createKeyFinder } from '../../../src/http/credentials.ts'
import type { Door } from '../../../src/http/door.ts'
import { createRecords } from '../../../src/http/records.ts'
import type { TypedFastify } from '../../../src/http/route-auth.ts'
import { RefusedKey } from '../../../src/keys/authenticator.ts'
import { openServer, PRINCIPAL } from '../../support/open-server.ts'
import { type Answered, assertProblem, assertSafeHeaders } from '../../support/problem.ts'
import { answersIn, exchange, listenOn } from '../../support/raw-http.ts'

const START = Math.ceil(Date.now() / 60_000) * 60_000
const PAGE = 'https://www.example.com'
const auth = { kind: 'key', scope: 'secrets' } as const

const tinyDoor = (addRoutes: (app: TypedFastify) => void): Door => ({
  name: 'tiny',
  dialect: 'tiny',
  prefix: '/tiny',
  parsers: {
    'application/tiny+json': (_request, body) => {
      try {
        return { parsed: JSON.parse(body.toString()) }
      } catch {
        throw new ProblemError('invalid_request')
      }
    }
  },
  keyIn: createKeyFinder(
    new Map([
      ['x-tiny-token', (value) => value || undefined],
      ['authorization', (value) => /^Tiny (.+)$/.exec(value)?.[1]]
    ])
  ),
  errorShape: ({ code, details: { retryAfter } }) => ({
    status: PROBLEMS[code].status === 401 ? 403 : PROBLEMS[code].status,
    headers: {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': retryAfter })
    },
    body: JSON.stringify({ errors: [code] })
  }),
  addRoutes
})

const open = async (t: Test, { perKey = 100, perAddress = 100 } = {}) => {
  const events: AuditEvent[] = []
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => void events.push(event),
    log: () => {},
    observe: undefined
  })
  const fingerprintKey = () => createSecretKey(Buffer.alloc(32, 1))
  const addRoutes = (app: TypedFastify): void => {
    app.get('/secret', { config: { auth } }, async (request) => {
      await recorder.allowed(callerOf(request), 'secret.read', undefined)
      return { url: request.routeOptions.url }
    })
    app.post('/secret', { config: { auth } }, async ({ body }) => ({ body }))
    app.get('/broken', { config: { auth: { kind: 'open' } } }, async () => {
      throw new Error('unexpected')
    })
  }
  const server = await openServer(t, {
    limits: {
      windowSeconds: 60,
      perKey,
      perAddress,
      authFailures: 100,
      allowances: createAllowances({ shared: undefined, fingerprintKey, now: () => START })
    },
    authenticate: (key) => {
      if (key === 'good') return PRINCIPAL
      if (key === 'new') return Promise.resolve({ ...PRINCIPAL, scopes: ['other'] })
      return new RefusedKey(undefined, undefined)
    },
    recordRefusal: createRecords(recorder).refusal,
    corsOrigins: [PAGE],
    addRoutes,
    doors: [tinyDoor(addRoutes)]
  })
  return { server, events }
}

const tiny = (t: Test, answer: Answered, status: number, code: string): void => {
  t.equal(answer.statusCode, status, code)
  t.equal(answer.headers['content-type'], 'application/json')
  t.equal(answer.body, JSON.stringify({ errors: [code] }))
  t.match(answer.headers['x-request-id'], /^[\w.-]+$/)
  assertSafeHeaders(t, answer)
}

const asker =
  (server: FastifyInstance) =>
  (url: string, headers: Record<string, string> = {}, more: InjectOptions = {}) =>
    server.inject({ url, headers, ...more })

const GOOD = { 'x-tiny-token': 'good' }

test('each door takes a key from its own headers and from no other', async (t) => {
  const ask = asker((await open(t)).server)
  const found = await ask('/tiny/secret', GOOD)
  t.same([found.statusCode, found.json()], [200, { url: '/tiny/secret' }])
  t.equal((await ask('/tiny/secret', { authorization: 'Tiny good' })).statusCode, 200)
  t.equal((await ask('/secret', { 'x-api-key': 'good' })).statusCode, 200)
  for (const headers of [{}, { 'x-api-key': 'good' }, { authorization: 'Bearer good' }]) {
    tiny(t, await ask('/tiny/secret', headers), 403, 'authentication_required')
  }
  for (const headers of [GOOD, { authorization: 'Tiny good' }]) {
    assertProblem(t, await ask('/secret', headers), { code: 'authentication_required' })
  }
})

test('two credentials of one door are refused there, and those of two doors are not two', async (t) => {
  const ask = asker((await open(t)).server)
  const both = { ...GOOD, authorization: 'Tiny good' }
  tiny(t, await ask('/tiny/secret', both), 400, 'conflicting_credentials')
  t.equal((await ask('/tiny/secret', { ...GOOD, 'x-api-key': 'good' })).statusCode, 200)
  t.equal((await ask('/secret', { ...GOOD, 'x-api-key': 'good' })).statusCode, 200)
  const twice = { authorization: 'Bearer good', 'x-api-key': 'good' }
  assertProblem(t, await ask('/secret', twice), { code: 'conflicting_credentials' })
})

test('whatever is wrong in a door is said in its words, also of what is not there', async (t) => {
  const ask = asker((await open(t)).server)
  tiny(t, await ask('/tiny/secret', { 'x-tiny-token': 'bad' }), 403, 'invalid_api_key')
  tiny(t, await ask('/tiny/secret', { 'x-tiny-token': 'new' }), 403, 'insufficient_scope')
  tiny(t, await ask('/tiny/secret?x=1', GOOD), 400, 'invalid_request')
  tiny(t, await ask('/tiny/broken'), 500, 'internal_error')
  tiny(t, await ask('/tiny/nowhere', GOOD), 404, 'route_not_found')
  tiny(t, await ask('/tiny/%73ecret', GOOD), 404, 'route_not_found')
  for (const method of METHODS.filter((one) => !['CONNECT', 'GET', 'HEAD', 'POST'].includes(one))) {
    const answer = await ask('/tiny/secret', GOOD, { method: method as 'GET' })
    tiny(t, answer, 405, 'method_not_allowed')
    t.equal(answer.headers['allow'], 'GET, HEAD, POST', method)
  }
  assertProblem(t, await ask('/nowhere'), { code: 'route_not_found' })
  assertProblem(t, await ask('/tinynowhere'), { code: 'route_not_found' })
  assertProblem(t, await ask('/broken'), { code: 'internal_error' })
  assertProblem(t, await ask('/secret', {}, { method: 'DELETE' }), { code: 'method_not_allowed' })
})

test('a body is read by the parsers of its door', async (t) => {
  const ask = asker((await open(t)).server)
  const post = (url: string, type: string, payload: string) =>
    ask(url, { ...GOOD, 'x-api-key': 'good', 'content-type': type }, { method: 'POST', payload })
  const read = await post('/tiny/secret', 'application/tiny+json', '{"a":1,"a":2}')
  t.same([read.statusCode, read.json()], [200, { body: { parsed: { a: 2 } } }])
  tiny(t, await post('/tiny/secret', 'application/tiny+json', '{'), 400, 'invalid_request')
  tiny(t, await post('/tiny/secret', 'application/json', '{}'), 415, 'unsupported_media_type')
  t.same((await post('/secret', 'application/json', '{"a":1}')).json(), { body: { a: 1 } })
  const other = await post('/secret', 'application/tiny+json', '{}')
  assertProblem(t, other, { code: 'unsupported_media_type' })
  const large = `{"a":"${'x'.repeat(70_000)}"}`
  tiny(t, await post('/tiny/secret', 'application/tiny+json', large), 413, 'payload_too_large')
})

test('all doors share their limits', async (t) => {
  const { server } = await open(t, { perKey: 3 })
  const ask = asker(server)
  t.equal((await ask('/secret', { 'x-api-key': 'good' })).statusCode, 200)
  for (const left of [1, 0]) {
    const { headers } = await ask('/tiny/secret', GOOD)
    t.equal(headers['ratelimit'], `"key";r=${left};t=60`)
  }
  const refused = await ask('/tiny/secret', GOOD)
  tiny(t, refused, 429, 'rate_limited')
  t.equal(refused.headers['retry-after'], '60')
  assertProblem(t, await ask('/secret', { 'x-api-key': 'good' }), { code: 'rate_limited' })

  const crowded = asker((await open(t, { perAddress: 3 })).server)
  const urls = ['/secret', '/tiny/secret', '/tiny/nowhere', '/tiny/nowhere', '/tiny/secret']
  const answers = []
  for (const url of urls) answers.push((await crowded(url)).statusCode)
  t.same(answers, [401, 403, 404, 429, 429])
})

test('what is decided in a door is on record as in any, by its route', async (t) => {
  const { server, events } = await open(t)
  const ask = asker(server)
  await ask('/tiny/secret', { ...GOOD, 'x-request-id': 'mine' })
  await ask('/tiny/secret', { 'x-tiny-token': 'bad' })
  await ask('/tiny/secret', { 'x-tiny-token': 'new' })
  await ask('/tiny/secret', { ...GOOD, authorization: 'Tiny good' })
  t.match(events, [
    { action: 'secret.read', outcome: 'allowed', client: 'app', requestId: 'mine' },
    { action: 'key.authenticate', outcome: 'denied', code: 'invalid_api_key' },
    { action: 'key.authenticate', outcome: 'denied', code: 'insufficient_scope', client: 'app' },
    { action: 'key.authenticate', code: 'conflicting_credentials' }
  ])
  for (const { route } of events) t.equal(route, 'tiny GET /tiny/secret')
})

test('what is checked before any door holds in each, and is said in its words', async (t) => {
  const { server } = await open(t)
  const port = await listenOn(server)
  const ask = async (...head: string[]): Promise<Answered> => {
    const lines = [...head, 'x-tiny-token: good', 'x-request-id: mine', 'Connection: close']
    const { text } = await exchange(port, `${lines.join('\r\n')}\r\n\r\n`)
    const [answer] = answersIn(text)
    if (answer === undefined) throw new Error('there is no answer')
    return answer
  }
  const good = await ask('GET /tiny/secret HTTP/1.1', 'Host: a')
  t.equal(good.statusCode, 200)
  t.equal(good.headers['x-request-id'], 'mine')
  for (const head of [
    [],
    ['Host: a', 'Host: b'],
    ['Host: a', 'Transfer-Encoding: gzip, chunked']
  ]) {
    tiny(t, await ask('GET /tiny/secret HTTP/1.1', ...head), 400, 'invalid_request')
  }
  const long = `GET /tiny/secret?${'x'.repeat(17_000)} HTTP/1.1`
  tiny(t, await ask(long, 'Host: a'), 414, 'uri_too_long')
  const bad = await ask('GET /tiny/%zz HTTP/1.1', 'Host: a')
  assertProblem(t, bad, {
    code: 'invalid_request',
    what: 'before routing it is of no door but the first'
  })
})

test('pages may call the door that lets them, and read its errors, and no other door', async (t) => {
  const ask = asker((await open(t)).server)
  const allowed = async (url: string): Promise<unknown> =>
    (await ask(url, { origin: PAGE })).headers['access-control-allow-origin']
  for (const url of ['/secret', '/nowhere']) t.equal(await allowed(url), PAGE, url)
  for (const url of ['/tiny/secret', '/tiny/nowhere']) t.equal(await allowed(url), undefined, url)
  tiny(
    t,
    await ask('/tiny/secret', { origin: PAGE }, { method: 'OPTIONS' }),
    405,
    'method_not_allowed'
  )
})

test('a door whose route declares no authentication stops the boot', async (t) => {
  const forgetful = tinyDoor((app) => app.get('/forgotten', async () => 'open?'))
  await t.rejects(
    openServer(t, { addRoutes: () => {}, doors: [forgetful] }),
    /GET \/tiny\/forgotten declares no authentication/
  )
})

test('a door without a prefix has its own paths, and what is not found is the first one to say', async (t) => {
  const { prefix: _, ...door } = tinyDoor((app) =>
    app.post('/', { config: { auth } }, async ({ route }) => ({ route }))
  )
  const ask = asker(await openServer(t, { addRoutes: () => {}, doors: [door] }))
  t.same((await ask('/', GOOD, { method: 'POST' })).json(), { route: 'tiny POST /' })
  tiny(t, await ask('/', GOOD), 405, 'method_not_allowed')
  assertProblem(t, await ask('/nowhere', GOOD), { code: 'route_not_found' })
})
