// Sockets: whatever does not become a request is let go of by the service, whatever its peer does.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import tap, { type Test, test } from 'tap'
import { createConnections } from '../../../src/http/connections.ts'
import { createCertificate } from '../../support/certificate.ts'
import { openServer } from '../../support/open-server.ts'
import { answersIn, exchange, lines, listenOn } from '../../support/raw-http.ts'
import { eventually } from '../../support/redis.ts'

// Each of these waits for the service's own timeouts, on a server of its own: they wait side by side.
tap.jobs = 4
const waiting = { buffered: true }

const ask = (path: string): string => lines(`GET ${path} HTTP/1.1`, 'Host: a')

type App = Parameters<Parameters<typeof openServer>[1]['addRoutes']>[0]
const config = { auth: { kind: 'open' } } as const
const addRoutes = (routes: App): void => {
  routes.get('/a', { config }, async () => ({ a: 1 }))
  routes.post('/b', { config }, async () => ({ b: 1 }))
  // Begins when the peer has closed its half.
  routes.get('/stream', { config }, async ({ raw: { socket } }, reply) => {
    if (!socket.readableEnded) await once(socket, 'end')
    return reply.header('connection', 'close').send(new PassThrough())
  })
}

/** A peer that never closes: it neither answers an end nor hears of one. */
const open = async (t: Test, port: number, localAddress = '127.0.0.1'): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true })
  socket.on('error', () => {}).pause()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const countOf = (server: FastifyInstance): Promise<number> =>
  new Promise((resolve, reject) =>
    server.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  )

/** Milliseconds until the server has no socket left, or undefined after half a minute. */
const untilNone = async (server: FastifyInstance): Promise<number | undefined> => {
  const begun = performance.now()
  while (performance.now() - begun < 30_000) {
    if ((await countOf(server)) === 0) return performance.now() - begun
    await sleep(100)
  }
  return undefined
}

const BEGINNINGS: Record<string, string | Buffer> = {
  nothing: '',
  'a byte': 'G',
  'half of the headers': 'GET /a HTTP/1.1\r\nHost: a\r\n',
  'half of a body': `${lines('POST /b HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 9')}{"a"`,
  garbage: 'no such thing\r\n\r\n',
  'a request, then garbage': `${ask('/a')}no such thing\r\n\r\n`,
  'a request, then half of the headers': `${ask('/a')}GET /a`,
  'headers without end': `GET /a HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`,
  'the beginning of a TLS hello': Buffer.from([22, 3, 1, 2, 0])
}

test(
  'what does not become a request is let go of, though the peer never closes',
  waiting,
  async (t) => {
    const server = await openServer(t, { addRoutes })
    const port = await listenOn(server)
    for (const beginning of Object.values(BEGINNINGS)) {
      for (let n = 0; n < 5; n++) (await open(t, port)).write(beginning)
    }
    t.ok(await untilNone(server), 'nothing is held')
  }
)

test(
  'nor is it where the peer has closed its half, be it what it asked for an answer without an end',
  waiting,
  async (t) => {
    const server = await openServer(t, { addRoutes })
    const port = await listenOn(server)
    const streams = {
      'a stream': ask('/stream'),
      'a stream, after others': `${ask('/a')}${ask('/a')}${ask('/stream')}`
    }
    for (const beginning of Object.values({ ...BEGINNINGS, ...streams })) {
      for (let n = 0; n < 5; n++) (await open(t, port)).end(beginning)
    }
    t.ok(await untilNone(server), 'nothing is held')
  }
)

test(
  'what was asked before the peer closed its half is answered, and then the connection ends',
  waiting,
  async (t) => {
    const server = await openServer(t, { addRoutes })
    const port = await listenOn(server)
    for (const count of [1, 3, 200]) {
      const socket = await open(t, port)
      const parts: Buffer[] = []
      socket.on('data', (part) => parts.push(part)).resume()
      socket.end(ask('/a').repeat(count))
      await once(socket, 'end')
      const answers = answersIn(Buffer.concat(parts).toString('latin1'))
      t.same(
        answers.map(({ statusCode, body }) => [statusCode, body]),
        Array(count).fill([200, '{"a":1}'])
      )
    }
    t.ok(await untilNone(server), 'nothing is held')
  }
)

test('over TLS too, before the handshake and after it', waiting, async (t) => {
  const { key, cert } = createCertificate('127.0.0.1')
  const tls = { key: Buffer.from(key), cert: Buffer.from(cert) }
  const server = await openServer(t, { addRoutes, tls })
  const port = await listenOn(server)
  for (const beginning of Object.values(BEGINNINGS)) {
    ;(await open(t, port)).write(beginning)
    const socket = connectTls({ socket: await open(t, port), ca: cert, host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.pause().write(beginning)
  }
  // Sockets whose peers have left before the handshake.
  for (let n = 0; n < 5; n++) (await open(t, port)).destroy()
  t.ok(await untilNone(server), 'nothing is held')
})

test('what came before a fault is answered first, and each answer is its own', async (t) => {
  const server = await openServer(t, { addRoutes })
  const port = await listenOn(server)
  const { text, ended } = await exchange(port, `${ask('/a')}${ask('/a')}no such thing\r\n\r\n`, {
    patienceMs: 20_000
  })
  t.ok(ended)
  t.same(
    answersIn(text).map(({ statusCode }) => statusCode),
    [200, 200, 400]
  )
})

test('an address that has proven no key has so many connections, and others have theirs', async (t) => {
  const connections = createConnections({ max: 100, perAddress: 5, proxies: [] })
  const server = await openServer(t, { addRoutes, connections })
  const port = await listenOn(server)
  for (let n = 0; n < 20; n++) await open(t, port, '127.0.0.2')
  await open(t, port, '127.0.0.3')
  t.equal(await countOf(server), 6)
  const last = lines('GET /a HTTP/1.1', 'Host: a', 'Connection: close')
  const { text } = await exchange(port, last, { patienceMs: 20_000 })
  t.match(text, /^HTTP\/1.1 200/)
})

test('an end waits for no connection on which nothing is under way', async (t) => {
  const connections = createConnections({ max: 100, perAddress: 50, proxies: [] })
  const left: number[] = []
  const close = (): void => {
    connections.close()
    left.push([...connections.all()].length)
  }
  const server = await openServer(t, { addRoutes, connections: { ...connections, close } })
  const port = await listenOn(server)
  for (const beginning of ['', 'GET /a', ask('/a')]) {
    for (let n = 0; n < 5; n++) {
      const socket = await open(t, port)
      socket.write(beginning)
      if (beginning === ask('/a')) await once(socket.resume(), 'data')
    }
  }
  const isIdle = (): boolean => {
    const all = [...connections.all()]
    return connections.admitted() === 15 && all.every(({ unanswered }) => unanswered === 0)
  }
  await eventually(isIdle)
  const closed = server.close()
  await eventually(() => left.length > 0)
  t.equal(left[0], 0)
  await closed
})

test('a thousand requests in one write are all answered, in order and one at a time', async (t) => {
  let underWay = 0
  let most = 0
  const server = await openServer(t, {
    addRoutes: (routes) => {
      routes.get<{ Params: { n: string } }>('/n/:n', { config }, async ({ params }) => {
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setImmediate(resolve))
        underWay--
        return { n: params.n, long: 'x'.repeat(2_000) }
      })
      routes.post('/b', { config }, async ({ body }) => body)
    }
  })
  const port = await listenOn(server)
  const body = JSON.stringify({ text: 'y'.repeat(3_000) })
  const post = `${lines('POST /b HTTP/1.1', 'Host: a', 'Content-Type: application/json', `Content-Length: ${body.length}`)}${body}`
  const all = Array.from(
    { length: 1_000 },
    (_, n) => `${ask(`/n/${n}`)}${n % 100 === 99 ? post : ''}`
  )
  const last = lines('GET /n/last HTTP/1.1', 'Host: a', 'Connection: close')
  const { text } = await exchange(port, `${all.join('')}${last}`, { patienceMs: 25_000 })
  const answers = answersIn(text)
  t.equal(answers.length, 1_011)
  const bodies = answers.map((answer) => JSON.parse(answer.body))
  t.same(
    bodies.filter(({ n }) => n !== undefined).map(({ n }) => n),
    [...Array(1_000).keys(), 'last'].map(String)
  )
  t.equal(bodies.filter(({ text }) => text?.length === 3_000).length, 10)
  t.equal(most, 1)
})
