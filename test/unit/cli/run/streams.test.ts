// Answers that go on, from a server that does not get as far as one.
import { createServer } from 'node:net'
import { test } from 'tap'
import { createStreams } from '../../../../src/cli/run/streams.ts'
import { listen } from '../../../support/wire.ts'

test('the head of an answer has a deadline, however it trickles in', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ')
    const trickle = setInterval(() => socket.write('x'), 20)
    socket.once('close', () => clearInterval(trickle))
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const open = await createStreams({ url, deadlineMs: 200 })
  const { signal } = new AbortController()
  await t.rejects(open({ path: '/v1/events', headers: {}, signal }), {
    message: /cannot be reached/
  })
})

test('an answer whose head was there in time goes on for as long as it likes', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    setTimeout(() => socket.end('late'), 400)
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const open = await createStreams({ url, deadlineMs: 200 })
  const { signal } = new AbortController()
  const answer = await open({ path: '/v1/events', headers: {}, signal })
  t.equal((await answer.setEncoding('utf8').toArray()).join(''), 'late')
})
