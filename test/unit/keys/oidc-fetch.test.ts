// What the provider of sign-ins answers has a bound and a deadline, and a redirect is no answer.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createBoundedFetch } from '../../../src/keys/oidc-fetch.ts'
import { endless } from '../../support/endless.ts'

const GET = { method: 'GET', headers: {} }

const serve = async (t: Test, listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const reasonOf = (answer: Promise<Response>): Promise<unknown> =>
  answer.then(
    ({ status }) => status,
    (error) => (error instanceof ProviderFault ? error.reason : error)
  )

test('a whole answer is handed on as it is, also one that is no success, and a redirect is not followed', async (t) => {
  const url = await serve(t, ({ url: path = '' }, response) => {
    const status = Number(path.slice(1))
    response.writeHead(status, { location: '/200', 'content-type': 'text/plain' })
    response.end(status === 204 ? '' : `says ${status}`)
  })
  const ask = createBoundedFetch(fetch)
  for (const status of [200, 302, 404, 500]) {
    const answer = await ask(`${url}${status}`, GET)
    t.equal(answer.status, status)
    t.equal(await answer.text(), `says ${status}`)
  }
  t.equal((await ask(`${url}204`, GET)).status, 204)
})

test('JSON that says a member twice is no answer', async (t) => {
  const url = await serve(t, ({ url: path = '' }, response) =>
    response.end(decodeURIComponent(path.slice(1)))
  )
  const ask = createBoundedFetch(fetch)
  for (const text of ['{"keys":[],"keys":[]}', '{"keys":[{"kid":"a","kid":"b"}]}']) {
    t.equal(await reasonOf(ask(url + encodeURIComponent(text), GET)), 'invalid_answer', text)
  }
  for (const text of ['{"keys":[{"kid":"a"},{"kid":"b"}]}', '{"n":12345678901234567890}', 'x']) {
    t.equal(await reasonOf(ask(url + encodeURIComponent(text), GET)), 200, text)
  }
})

test('an answer that does not come in time, or never ends, is a fault', async (t) => {
  const silent = await serve(t, () => {})
  t.equal(await reasonOf(createBoundedFetch(fetch, 50)(silent, GET)), 'timeout')
  const halting = await serve(t, (_request, response) => void response.write('{'))
  t.equal(await reasonOf(createBoundedFetch(fetch, 50)(halting, GET)), 'timeout')
  const peer = endless()
  const url = await serve(t, (request, response) => peer.server.emit('request', request, response))
  t.equal(await reasonOf(createBoundedFetch(fetch, 60_000)(url, GET)), 'invalid_answer')
  await peer.isCutOff
})

test('a connection that breaks is a fault', async (t) => {
  const url = await serve(t, ({ socket }) => socket.destroy())
  t.equal(await reasonOf(createBoundedFetch(fetch)(url, GET)), 'unavailable')
})
