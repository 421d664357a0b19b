// What large answers may take of the service: a size, a sum, a time, and their share of the limits.
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { eventually } from '../../support/redis.ts'
import { frozen } from '../../support/stopwatch.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'] }]
`
const BIG = 60_000

const setUp = async (t: Parameters<typeof buildTestApp>[0], env: Record<string, string> = {}) => {
  const built = await buildTestApp(t, { yaml: YAML, env, now: frozen })
  await built.seed('local', 'big', 'x'.repeat(BIG))
  await built.seed('local', 'small', 'x')
  return { ...built, ...(await built.as('app', 'rw')) }
}

test('a batch counts as the reads that it is made of', async (t) => {
  const { ask } = await setUp(t, {
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_MAX: '100',
    RATE_LIMIT_WINDOW_SECONDS: '3600'
  })
  const batch = (refs: number) =>
    ask('POST', '/v1/secrets/batch', { refs: Array.from({ length: refs }, () => 'local:small') })
  const first = await batch(60)
  t.equal(first.statusCode, 200)
  t.match(first.headers['ratelimit'], /r=40;/)
  t.equal((await batch(40)).statusCode, 200)
  const over = await batch(1)
  t.match(over.json(), { code: 'rate_limited', status: 429 })
  t.ok(over.headers['retry-after'])
})

test('a listing counts as the reads that it is made of', async (t) => {
  const { ask, seed } = await setUp(t, {
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_MAX: '25',
    RATE_LIMIT_WINDOW_SECONDS: '3600'
  })
  for (let n = 0; n < 9; n++) await seed('local', `many/${n}`, 'x')
  const list = (prefix: string) => ask('GET', `/v1/secrets?prefix=local:${prefix}`)
  t.match((await list('many/')).headers['ratelimit'], /r=16;/)
  t.match((await list('none/')).headers['ratelimit'], /r=15;/, 'one at least')
  t.match((await list('many/')).headers['ratelimit'], /r=6;/)
  const over = await list('many/')
  t.match(over.json(), { code: 'rate_limited', status: 429 })
  t.notOk(over.body.includes('"value"'))
})

test('answers that nobody takes are bounded together, and the service goes on answering', async (t) => {
  const { app, key, ask, read } = await setUp(t)
  const address = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const { port, hostname } = new URL(address)
  const body = JSON.stringify({ refs: Array.from({ length: 100 }, () => 'local:big') })
  const head = `POST /v1/secrets/batch HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const sockets = Array.from({ length: 30 }, () => connect(Number(port), hostname).pause())
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (const socket of sockets) socket.write(head + body)
  const batch = () => ask('POST', '/v1/secrets/batch', body, { 'content-type': 'application/json' })
  /** The answer to the batch once it has that status. */
  const answered = async (status: number) => {
    let answer = await batch()
    await eventually(async () => {
      if (answer.statusCode !== status) answer = await batch()
      return answer.statusCode === status
    })
    return answer
  }
  const full = await answered(503)
  t.match(full.json(), { code: 'overloaded', status: 503, retryable: true })
  t.ok(full.headers['retry-after'])
  const small = await read('local:small')
  t.equal(small.statusCode, 200)
  for (const socket of sockets) socket.destroy()
  const after = await answered(200)
  t.equal(after.statusCode, 200, 'what was not taken is given back')
})
