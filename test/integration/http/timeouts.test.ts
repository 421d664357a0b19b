// How long: a slow or silent sender is cut off, and a service that ends answers what is under way.
import { test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { openServer } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'
import { answersIn, exchange, lines, listenOn } from '../../support/raw-http.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'] }]
`
const canary = createCanary()
const WORD = encodeURIComponent(canary.token)

test('the timeouts are those of a service that nobody can hold up', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML })
  await app.server.ready()
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server.server
  t.same(
    { headersTimeout, requestTimeout, keepAliveTimeout },
    {
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 75_000
    }
  )
  t.ok(headersTimeout < requestTimeout, 'or Node swaps the two')
})

test('a slow sender is cut off within the limits, and an idle connection too', async (t) => {
  const { app, as, seed, logs } = await buildTestApp(t, {
    yaml: YAML,
    env: { KEEP_ALIVE_SECONDS: '5' }
  })
  await seed('local', 'a', 'x')
  const { key, read } = await as('app', 'rw')
  const port = await listenOn(app.server)
  const drip = (first: string): string[] => [first, ...Array(40).fill('a')]
  const slowly = { pauseMs: 400, patienceMs: 14_000 }
  const body = lines(
    'PUT /v1/secrets?ref=local:a HTTP/1.1',
    'Host: a',
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    'Content-Length: 100'
  )
  const [headers, slowBody, silent, idle] = await Promise.all([
    exchange(port, drip(`GET /livez HTTP/1.1\r\nHost: a\r\nX-Canary: ${WORD}`), slowly),
    exchange(port, drip(`${body}{"value":"${WORD}`), slowly),
    exchange(port, '', slowly),
    exchange(port, lines('GET /livez HTTP/1.1', 'Host: a'), slowly)
  ])
  for (const [what, { text, ended, ms }, from, to] of [
    ['slow headers', headers, 4_500, 7_500],
    ['a slow body', slowBody, 9_500, 12_500],
    ['a connection on which nothing is sent', silent, 4_500, 7_500]
  ] as const) {
    t.ok(ended && ms > from && ms < to, `${what} ends after ${Math.round(ms)} ms`)
    const [answer, ...others] = answersIn(text)
    t.same(others, [], what)
    if (answer === undefined) t.fail(what)
    else assertProblem(t, answer, { code: 'request_timeout', canary, what })
  }
  t.ok(idle.ended && idle.ms < 8_000, `an idle connection ends after ${Math.round(idle.ms)} ms`)
  t.equal(answersIn(idle.text).length, 1)
  t.equal((await read('local:a')).json().value, 'x', 'nothing of the slow body was taken')
  t.notMatch(logs.join(''), /unexpected|"level":"error"/)
})

test('while closing, requests on open connections are answered whole, then the connection ends', async (t) => {
  const [begun, held] = [withResolvers<void>(), withResolvers<void>()]
  const server = await openServer(t, {
    addRoutes: (routes) => {
      const config = { auth: { kind: 'open' } } as const
      routes.get('/held', { config }, async () => {
        begun.resolve()
        await held.promise
        return { status: 'held' }
      })
      routes.get('/next', { config }, async () => ({ status: 'next' }))
    }
  })
  const port = await listenOn(server)
  const ask = (path: string): string => lines(`GET ${path} HTTP/1.1`, 'Host: a')
  const talking = exchange(port, [ask('/held'), ask('/next')], { pauseMs: 150 })
  await begun.promise
  const closed = server.close()
  // After the second request was sent.
  setTimeout(held.resolve, 200)
  const { text, ended } = await talking
  await closed
  const answers = answersIn(text)
  t.equal(answers[0]?.body, '{"status":"held"}')
  t.ok(ended)
  for (const answer of answers) t.match(answer.headers, { 'cache-control': 'no-store' })
})
