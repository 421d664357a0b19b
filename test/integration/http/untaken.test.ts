// What nobody reads: answers have a size together, an address a share of it, and each of them a time to be taken.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { type Test, test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { createConnections } from '../../../src/http/connections.ts'
import { sendResults } from '../../../src/http/disclosure.ts'
import { createUntaken } from '../../../src/http/untaken.ts'
import { openServer } from '../../support/open-server.ts'
import { listenOn } from '../../support/raw-http.ts'

const MIB = 1024 * 1024
/** More than a socket of this machine takes on by itself. */
const LARGE = 'x'.repeat(16 * MIB)
/** Characters of two and four bytes, so that pieces end within some of them. */
const ACCENTS = `x${'é😀'.repeat(100_000)}`
const LOOKS = 21

const setUp = async (t: Test, max: number) => {
  const written: string[] = []
  const connections = createConnections({ max: 1_000, perAddress: 256, proxies: [] })
  const untaken = createUntaken(connections, max)
  t.teardown(untaken.close)
  const server = await openServer(t, {
    connections,
    untaken,
    addRoutes: (routes) => {
      const config = { auth: { kind: 'open' } } as const
      routes.get('/large', { config }, async () => LARGE)
      routes.get('/accents', { config }, async () => ACCENTS)
      routes.get('/object', { config }, async () => ({ value: LARGE }))
      routes.get('/fields', { config }, async (_request, reply) => {
        reply.serializer(() => {
          written.push('/fields')
          return '{}'
        })
        return { results: [{ data: new Sensitive(LARGE) }] }
      })
      routes.get('/several', { config }, async (_request, reply) =>
        sendResults(reply, {
          results: [
            {
              ref: 'a',
              selection: { data: new Sensitive(LARGE) },
              view: () => {
                throw new Error('it is written, although there is no room for it')
              }
            }
          ]
        })
      )
      routes.get('/small', { config }, async () => ({ a: 1 }))
      routes.get('/stream', { config }, async (_request, reply) =>
        reply.send(Readable.from(Array(32).fill('x'.repeat(MIB))))
      )
    }
  })
  const port = await listenOn(server)

  /** Asks, and reads no more than the first bytes of the answer. */
  const ask = async (path: string, localAddress: string): Promise<[Socket, string]> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const [first] = await once(socket, 'data')
    socket.pause()
    return [socket, first.toString('latin1').slice(0, 12)]
  }
  const held = (): number =>
    [...connections.all()].filter(({ unanswered }) => unanswered > 0).length
  const lookOften = (): void => {
    for (let n = 0; n < LOOKS; n++) untaken.look()
  }
  /** Bytes that the service holds for its sockets, beside the answers themselves. */
  const handedOver = (): number => {
    const sockets = [...connections.all()].map(({ raw }) => raw.writableLength)
    return sockets.reduce((sum, bytes) => sum + bytes, 0)
  }
  return { ask, port, held, handedOver, lookOften, written }
}

const OK = 'HTTP/1.1 200'
const OVERLOADED = 'HTTP/1.1 503'

test('an address has a share of what is not taken, and its small answers and those of others go on', async (t) => {
  const { ask, held } = await setUp(t, 80 * MIB)
  t.equal((await ask('/large', '127.0.0.2'))[1], OK)
  for (const path of ['/large', '/object']) {
    t.equal((await ask(path, '127.0.0.2'))[1], OVERLOADED, `${path} is above the share`)
  }
  t.equal((await ask('/small', '127.0.0.2'))[1], OK)
  t.equal((await ask('/large', '127.0.0.3'))[1], OK)
  t.equal(held(), 2, 'nobody was cut off for it')
})

test('fields of secrets for which there is no room are not written out either', async (t) => {
  const { ask, written } = await setUp(t, 80 * MIB)
  t.equal((await ask('/fields', '127.0.0.2'))[1], OK)
  t.equal((await ask('/large', '127.0.0.2'))[1], OK)
  t.equal((await ask('/fields', '127.0.0.2'))[1], OVERLOADED)
  t.equal(written.length, 1)
})

test('the refusal of an answer with fields is a problem like any other', async (t) => {
  const { ask, port } = await setUp(t, 80 * MIB)
  t.equal((await ask('/large', '127.0.0.1'))[1], OK)
  const answer = await fetch(`http://127.0.0.1:${port}/several`)
  const body = (await answer.json()) as object
  t.match(body, { status: 503, code: 'overloaded' })
  t.notOk('results' in body)
})

test('all addresses together have a sum', async (t) => {
  const { ask } = await setUp(t, 40 * MIB)
  const statuses: string[] = []
  for (const n of [2, 3, 4]) statuses.push((await ask('/large', `127.0.0.${n}`))[1])
  t.same(statuses, [OK, OK, OVERLOADED])
  t.equal((await ask('/small', '127.0.0.5'))[1], OK)
})

test('where small ones have no room either, what was not taken for longest gives way', async (t) => {
  const { ask, held } = await setUp(t, 1 * MIB)
  t.equal((await ask('/large', '127.0.0.2'))[1], OK, 'one alone can be sent')
  t.equal((await ask('/small', '127.0.0.2'))[1], OK)
  t.equal(held(), 0)
})

test('what is not taken in time is cut off, a stream too, and what it took is given back', async (t) => {
  const { ask, held, lookOften } = await setUp(t, 40 * MIB)
  for (const path of ['/large', '/stream']) {
    const [socket, status] = await ask(path, '127.0.0.2')
    t.equal(status, OK)
    t.equal(held(), 1)
    const ended = once(socket, 'close')
    lookOften()
    socket.resume()
    await ended
    t.equal(held(), 0, path)
  }
  t.equal((await ask('/large', '127.0.0.2'))[1], OK)
})

test('a long answer is handed over as it is read, and arrives whole', async (t) => {
  const { ask, port, handedOver } = await setUp(t, 40 * MIB)
  t.equal((await ask('/large', '127.0.0.2'))[1], OK)
  t.ok(handedOver() < MIB, `${handedOver()} bytes are handed over`)
  for (const [path, whole] of [
    ['/large', LARGE],
    ['/accents', ACCENTS]
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    t.equal(answer.headers.get('content-length'), `${Buffer.byteLength(whole)}`)
    t.ok((await answer.text()) === whole, path)
  }
  const head = await fetch(`http://127.0.0.1:${port}/accents`, { method: 'HEAD' })
  t.equal(head.headers.get('content-length'), `${Buffer.byteLength(ACCENTS)}`)
})

test('who reads is not cut off, however often it is looked', async (t) => {
  const { ask, lookOften } = await setUp(t, 40 * MIB)
  const [socket] = await ask('/small', '127.0.0.2')
  lookOften()
  socket.resume().write('GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const [answer] = await once(socket, 'data')
  t.match(answer.toString(), OK)
})
