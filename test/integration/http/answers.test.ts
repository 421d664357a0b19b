// The short way in which most answers go out is told from Fastify's own by its speed alone.
import { type Test, test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { createConnections } from '../../../src/http/connections.ts'
import { createUntaken, type Untaken } from '../../../src/http/untaken.ts'
import { openServer } from '../../support/open-server.ts'
import { exchange, lines, listenOn } from '../../support/raw-http.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT = JSON.stringify({ value: 'é😀"\\' })
/** A value that is short, in a text that is not: each of its characters takes six. */
const LONG = JSON.stringify({ value: '\u0001'.repeat(16_000) })

const setUp = async (t: Test, onSend?: Untaken['onSend']) => {
  const connections = createConnections({ max: 1_000, perAddress: 256, proxies: [] })
  const untaken = createUntaken(connections)
  t.teardown(untaken.close)
  const own = { 'x-cache': 'HIT', age: 3, etag: '"a"', 'x-frame-options': 'SAMEORIGIN' }
  const server = await openServer(t, {
    connections,
    untaken: { ...untaken, ...(onSend && { onSend }) },
    corsOrigins: ['https://page.example'],
    addRoutes: (routes) => {
      const config = { auth: { kind: 'open' } } as const
      const text = { schema: { response: { 200: { type: 'string' } } } }
      routes.get('/short', { config }, async (_request, reply) => reply.sendShort(TEXT))
      routes.get('/own', { config }, async (_request, reply) => reply.type(JSON_TYPE).send(TEXT))
      routes.get('/short/long', { config }, async (_request, reply) => reply.sendShort(LONG))
      routes.get('/own/long', { config }, async (_request, reply) =>
        reply.type(JSON_TYPE).send(LONG)
      )
      routes.get('/short/type', { config, ...text }, async (_request, reply) =>
        reply.type('text/html').sendShort(TEXT)
      )
      routes.get('/own/type', { config }, async (_request, reply) =>
        reply.type('text/html').send(TEXT)
      )
      routes.get('/short/headers', { config }, async (_request, reply) =>
        reply.code(201).headers(own).sendShort(TEXT)
      )
      routes.get('/own/headers', { config }, async (_request, reply) =>
        reply.code(201).headers(own).type(JSON_TYPE).send(TEXT)
      )
    }
  })
  return { server, port: await listenOn(server) }
}

/** The whole answer, its headers sorted. */
const answerOf = async (port: number, head: string[]): Promise<string[]> => {
  const { text } = await exchange(port, lines(...head, 'Host: a', 'X-Request-Id: r-1'))
  const [top = '', body = ''] = text.split('\r\n\r\n')
  const [status = '', ...headers] = top.split('\r\n')
  const sorted = headers.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).sort()
  return [status, ...sorted.filter((line) => !line.startsWith('date:')), body]
}

test('the short way sends the very answer that Fastify would send', async (t) => {
  const { port, server } = await setUp(t)
  for (const path of ['', '/headers', '/type', '/long']) {
    for (const method of ['GET', 'HEAD']) {
      for (const lines of [
        ['Connection: close'],
        ['Origin: https://page.example', 'Connection: close'],
        ['Origin: https://other.example', 'Connection: close']
      ]) {
        const ask = (way: string) => answerOf(port, [`${method} ${way}${path} HTTP/1.1`, ...lines])
        const own = await ask('/own')
        t.match(own, [path === '/headers' ? /^HTTP\/1\.1 201 / : /^HTTP\/1\.1 200 /])
        t.ok(own.some((line) => line.startsWith('strict-transport-security:')))
        t.same(await ask('/short'), own, `${method} ${path} ${lines[0]}`)
      }
    }
  }
  const own = await answerOf(port, ['GET /own HTTP/1.0'])
  t.same(await answerOf(port, ['GET /short HTTP/1.0']), own, 'HTTP/1.0')
  t.same((await server.inject('/short')).json(), JSON.parse(TEXT))
})

test('an answer for which there is no room is refused in the short way too', async (t) => {
  const { port } = await setUp(t, (_request, reply, payload, done) =>
    reply.statusCode === 200 ? done(new ProblemError('overloaded')) : done(null, payload)
  )
  const [own, short] = await Promise.all(
    ['/own', '/short'].map((way) => answerOf(port, [`GET ${way} HTTP/1.1`, 'Connection: close']))
  )
  t.match(own, [/^HTTP\/1\.1 503 /])
  t.same(short, own)
})
