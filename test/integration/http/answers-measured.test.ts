// Every answer is counted, however it goes out: short ones past Fastify's own reply, long ones, streams, refusals, and none.
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { type Test, test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import type { Answer } from '../../../src/http/answers.ts'
import { openServer } from '../../support/open-server.ts'
import { exchange, lines, listenOn } from '../../support/raw-http.ts'
import { eventually } from '../../support/redis.ts'

const open = { config: { auth: { kind: 'open' } } } as const

const setUp = async (t: Test) => {
  const told: Answer[] = []
  const waiting: (() => void)[] = []
  const server = await openServer(t, {
    onAnswer: (answer) => void told.push(answer),
    addRoutes: (app) => {
      app.get('/short/:name', open, (_request, reply) => reply.sendShort('{"a":1}'))
      app.get('/long', open, (_request, reply) =>
        reply.type('text/plain').send('x'.repeat(300_000))
      )
      app.get('/stream', open, (_request, reply) =>
        reply.type('text/plain').send(Readable.from(['a', 'b']))
      )
      app.get('/endless', open, (_request, reply) => {
        const body = new Readable({ read: () => {} })
        body.push('begun')
        return reply.type('text/plain').header('connection', 'close').send(body)
      })
      app.get('/slow', open, async () => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return {}
      })
      app.get('/chosen', open, (request, reply) => {
        request.ownStatus = 200
        return reply.code(503).sendShort('{}')
      })
      app.get('/refused', open, async () => {
        throw new ProblemError('access_denied')
      })
      app.get('/broken', open, async () => {
        throw new Error('nobody expected it')
      })
    }
  })
  const port = await listenOn(server)
  const ask = async (head: string): Promise<void> => {
    const before = told.length
    await exchange(port, lines(head, 'Host: x', 'Connection: close'))
    await eventually(() => told.length > before)
  }
  return { told, waiting, port, ask }
}

const shown = ({ route, status, code }: Answer) => [route, status, code ?? 'ok'].join(' · ')

test('each answer is told once, with its route, its status and its code', async (t) => {
  const { told, ask } = await setUp(t)
  const cases: Readonly<Record<string, string>> = {
    'GET /short/acme-db?x=1 HTTP/1.1': 'GET /short/:name · 200 · ok',
    'HEAD /short/acme-db HTTP/1.1': 'HEAD /short/:name · 200 · ok',
    'GET /long HTTP/1.1': 'GET /long · 200 · ok',
    'HEAD /long HTTP/1.1': 'HEAD /long · 200 · ok',
    'GET /stream HTTP/1.1': 'GET /stream · 200 · ok',
    // Chosen by the caller.
    'GET /chosen HTTP/1.1': 'GET /chosen · 200 · ok',
    'GET /refused HTTP/1.1': 'GET /refused · 403 · access_denied',
    'GET /broken HTTP/1.1': 'GET /broken · 500 · internal_error',
    'DELETE /long HTTP/1.1': 'DELETE /long · 405 · method_not_allowed',
    'PROPFIND /long HTTP/1.1': 'PROPFIND /long · 405 · method_not_allowed',
    'GET /nowhere/acme HTTP/1.1': 'GET  · 404 · route_not_found',
    // Fastify cannot read such a URL, and asks no hook.
    'GET /%zz HTTP/1.1': 'GET  · 400 · invalid_request',
    // Nor is a disguised spelling of a route that route's.
    'GET /%6cong HTTP/1.1': 'GET /long · 404 · route_not_found',
    // Node refuses these before there is a request.
    'BREW /long HTTP/1.1': '  · 400 · invalid_request'
  }
  for (const [head, answer] of Object.entries(cases)) {
    told.length = 0
    await ask(head)
    t.same(told.map(shown), [answer], head)
  }
})

test('a request takes as long as its answer, and what was no request takes no time', async (t) => {
  const { told, ask } = await setUp(t)
  await ask('GET /long HTTP/1.1')
  await ask('BREW /long HTTP/1.1')
  t.ok((told[0]?.durationMs ?? -1) > 0)
  t.equal(told[1]?.durationMs, undefined)
})

test('who leaves before the answer has aborted the request, and who leaves a stream has had its head', async (t) => {
  const { told, waiting, port } = await setUp(t)
  const leave = async (head: string, when: () => boolean | Promise<boolean>) => {
    const socket = connect({ host: '127.0.0.1', port }).on('error', () => {})
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.write(lines(head, 'Host: x'))
    await eventually(async () => (await when()) || text.includes('begun'))
    // Whoever ends his half may still read the answer.
    socket.resetAndDestroy()
  }
  await leave('GET /slow HTTP/1.1', () => waiting.length === 1)
  await eventually(() => told.length === 1)
  for (const release of waiting) release()
  await leave('GET /endless HTTP/1.1', () => false)
  await eventually(() => told.length === 2)
  t.same(told.map(shown), ['GET /slow · 499 · aborted', 'GET /endless · 200 · aborted'])
})

test('each of the requests that are sent at once is told', async (t) => {
  const { told, port } = await setUp(t)
  const one = lines('GET /short/a HTTP/1.1', 'Host: x')
  await exchange(port, one + one + lines('GET /refused HTTP/1.1', 'Host: x', 'Connection: close'))
  await eventually(() => told.length === 3)
  t.same(told.map(shown), [
    'GET /short/:name · 200 · ok',
    'GET /short/:name · 200 · ok',
    'GET /refused · 403 · access_denied'
  ])
})
