import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { listen } from '../../support/wire.ts'

const openEcho = async (t: Test): Promise<TcpProxy> => {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  return startTcpProxy(t, await listen(t, echo))
}

const connectTo = (t: Test, { port }: TcpProxy): Socket => {
  const socket = connect({ port, host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  return socket
}

const nextOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(chunk.toString()))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })

const within = (ms: number, answer: Promise<string>): Promise<string> =>
  Promise.race([answer, sleep(ms, 'nothing')])

test('an open network passes bytes both ways, late if it is told to', async (t) => {
  const proxy = await openEcho(t)
  const socket = connectTo(t, proxy)
  socket.write('a')
  t.equal(await nextOf(socket), 'a')
  await proxy.set({ is: 'open', latencyMs: 60 })
  const since = performance.now()
  socket.write('b')
  t.equal(await nextOf(socket), 'b')
  t.ok(performance.now() - since >= 118)
  t.equal(proxy.accepted(), 1)
})

test('a black hole keeps every byte until the network is open again', async (t) => {
  const proxy = await openEcho(t)
  const socket = connectTo(t, proxy)
  socket.write('a')
  t.equal(await nextOf(socket), 'a')
  await proxy.set({ is: 'black hole' })
  socket.write('b')
  const answer = nextOf(socket)
  const fresh = connectTo(t, proxy)
  fresh.write('c')
  const freshAnswer = nextOf(fresh)
  t.equal(await within(100, Promise.race([answer, freshAnswer])), 'nothing')
  await proxy.set({ is: 'open' })
  t.equal(await answer, 'b')
  t.equal(await freshAnswer, 'c')
})

test('a reset ends open connections and new ones, a refusal lets none in', async (t) => {
  const proxy = await openEcho(t)
  const socket = connectTo(t, proxy)
  socket.write('a')
  t.equal(await nextOf(socket), 'a')
  const ended = nextOf(socket)
  await proxy.set({ is: 'reset' })
  t.equal(await ended, 'ECONNRESET')
  t.equal(await nextOf(connectTo(t, proxy)), 'ECONNRESET')
  await proxy.set({ is: 'refused' })
  t.equal(await nextOf(connectTo(t, proxy)), 'ECONNREFUSED')
  await proxy.set({ is: 'open' })
  const again = connectTo(t, proxy)
  again.write('d')
  t.equal(await nextOf(again), 'd')
})
