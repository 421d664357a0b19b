// Requests of a method that Node's parser does not know, on the wire: they go the way of every other request, and nothing gets past it.
import { type Test, test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { bridgedMethod } from '../../../src/http/bridge.ts'
import { apiKeyIn } from '../../../src/http/credentials.ts'
import type { Door } from '../../../src/http/door.ts'
import { nativeDoor } from '../../../src/http/native.ts'
import { openServer, PRINCIPAL } from '../../support/open-server.ts'
import { answersIn, exchange, lines, listenOn } from '../../support/raw-http.ts'

const open = async (t: Test) => {
  const seen: { method: string; url: string; key: unknown }[] = []
  const door: Door = {
    ...nativeDoor({
      addRoutes: (app) => {
        app.get(
          '/v1/:name',
          { config: { auth: { kind: 'key' } }, schema: { querystring: {} } },
          async (request) => {
            const method = bridgedMethod(request.raw) ?? request.method
            seen.push({ method, url: request.url, key: apiKeyIn(request.raw.rawHeaders) })
            const { headers } = request
            return { method, url: request.url, address: request.address, told: headers['x-told'] }
          }
        )
      }
    }),
    otherMethods: ['LIST']
  }
  const server = await openServer(t, {
    addRoutes: () => {},
    first: door,
    authenticate: (key) => (key === 'good' ? PRINCIPAL : new ProblemError('invalid_api_key'))
  })
  return { port: await listenOn(server), seen, server }
}

const HEAD = ['Host: a', 'X-Api-Key: good']
const LIST = lines('LIST /v1/a?x=1 HTTP/1.1', ...HEAD, 'X-Told: one', 'X-TOLD:two')

const ask = async (port: number, parts: string | string[], options = {}) => {
  const { text, ended } = await exchange(port, parts, options)
  return { answers: answersIn(text), ended }
}

test('such a request is answered like another, and the connection ends', async (t) => {
  const { port } = await open(t)
  const { answers, ended } = await ask(port, LIST)
  t.match(answers, [{ statusCode: 200, headers: { connection: 'close' } }])
  t.same(JSON.parse(answers[0]?.body ?? ''), {
    method: 'LIST',
    url: '/v1/a?x=1',
    address: '127.0.0.1',
    told: 'one, two'
  })
  t.equal(ended, true)
})

test('its head may come in pieces, wherever it is cut', async (t) => {
  const { port } = await open(t)
  const get = lines('GET /v1/b HTTP/1.1', ...HEAD)
  for (let at = 1; at < LIST.length; at += at < 6 ? 1 : 3) {
    const { answers } = await ask(port, [LIST.slice(0, at), LIST.slice(at)])
    t.match(answers, [{ statusCode: 200 }], `cut at ${at}`)
  }
  for (const at of [1, 2, 3]) {
    const { answers } = await ask(port, [get + LIST.slice(0, at), LIST.slice(at)])
    t.match(answers, [{ statusCode: 200 }, { statusCode: 200 }], `cut at ${at}, behind another`)
  }
  const byBytes = await ask(port, [...LIST], { pauseMs: 1 })
  t.match(byBytes.answers, [{ statusCode: 200 }])
})

test('what only ends as such a method does is none, wherever it is cut', async (t) => {
  const { port, seen } = await open(t)
  const rest = LIST.slice('LIST'.length)
  for (const word of ['UNLIST', 'GEST', 'POLIST', 'BIST']) {
    for (let at = 1; at < word.length; at++) {
      const { answers } = await ask(port, [word.slice(0, at), word.slice(at) + rest])
      t.match(answers, [{ statusCode: 400 }], `${word} at ${at}`)
    }
  }
  t.strictSame(seen, [])
})

test('what came before it on the connection is answered first, and what comes after it is not', async (t) => {
  const { port, seen } = await open(t)
  const get = lines('GET /v1/b HTTP/1.1', ...HEAD)
  const { answers } = await ask(port, get + get + LIST + get + LIST)
  t.match(answers, [{ statusCode: 200 }, { statusCode: 200 }, { statusCode: 200 }])
  t.strictSame(
    seen.map(({ method }) => method),
    ['GET', 'GET', 'LIST']
  )
  const twice = await ask(port, LIST + LIST)
  t.match(twice.answers, [{ statusCode: 200, headers: { connection: 'close' } }])
  t.equal(twice.answers.length, 1)
})

test('nothing gets past what is checked of every request', async (t) => {
  const { port, seen } = await open(t)
  const head = (...more: string[]) => lines('LIST /v1/a HTTP/1.1', ...more)
  for (const [what, text, statusCode] of [
    ['no key', head('Host: a'), 401],
    ['a wrong key', head('Host: a', 'X-Api-Key: bad'), 401],
    ['two keys', head(...HEAD, 'X-Api-Key: good'), 400],
    ['two keys, spelt apart', head(...HEAD, 'x-API-key: bad'), 400],
    ['keys in two headers', head(...HEAD, 'Authorization: Bearer good'), 400],
    ['no host', head('X-Api-Key: good'), 400],
    ['two hosts', head(...HEAD, 'Host: b'), 400],
    ['a folded header', head(...HEAD, 'X-A: b', ' c'), 400],
    ['a header without a name', head(...HEAD, ': b'), 400],
    ['a space before the colon', head('Host: a', 'X-Api-Key : good'), 400],
    ['a line feed alone', head(...HEAD, 'X-A: b\nX-Api-Key: bad'), 400],
    ['a carriage return in a value', head(...HEAD, 'X-A: b\rc'), 400],
    ['a NUL in a value', head(...HEAD, 'X-A: \0'), 400],
    ['a body', `${head(...HEAD, 'Content-Length: 2')}{}`, 400],
    ['a body of two lengths', `${head(...HEAD, 'Content-Length: 0', 'Content-Length: 2')}{}`, 400],
    ['a chunked body', `${head(...HEAD, 'Transfer-Encoding: chunked')}0\r\n\r\n`, 400],
    ['an expectation', head(...HEAD, 'Expect: 100-continue'), 400],
    ['an upgrade', head(...HEAD, 'Upgrade: h2c', 'Connection: Upgrade'), 400],
    ['HTTP/1.0', lines('LIST /v1/a HTTP/1.0', ...HEAD), 400],
    ['HTTP/2.0', lines('LIST /v1/a HTTP/2.0', ...HEAD), 400],
    ['no version', lines('LIST /v1/a', ...HEAD), 400],
    ['an absolute target', lines('LIST http://b/v1/a HTTP/1.1', ...HEAD), 400],
    ['two spaces', lines('LIST  /v1/a HTTP/1.1', ...HEAD), 400],
    ['a tab', lines('LIST\t/v1/a HTTP/1.1', ...HEAD), 400],
    ['lower case', lines('list /v1/a HTTP/1.1', ...HEAD), 400],
    ['a longer word', lines('LISTS /v1/a HTTP/1.1', ...HEAD), 400],
    ['another method', lines('SCAN /v1/a HTTP/1.1', ...HEAD), 400],
    ['an unknown route', lines('LIST /v2/a HTTP/1.1', ...HEAD), 404],
    ['a disguised route', lines('LIST /%761/a HTTP/1.1', ...HEAD), 404],
    ['a long target', lines(`LIST /v1/a?${'x'.repeat(17_000)} HTTP/1.1`, ...HEAD), 414],
    ['headers of 40 KB', head(...HEAD, `X-A: ${'x'.repeat(40_000)}`), 431]
  ] as const) {
    const { answers, ended } = await ask(port, text)
    t.match(answers, [{ statusCode }], what)
    t.equal(answers.length, 1, what)
    t.equal(ended, true, what)
  }
  t.strictSame(seen, [], 'no route saw any of them')
  const large = await ask(port, head(...HEAD, `X-A: ${'x'.repeat(20_000)}`))
  t.match(large.answers, [{ statusCode: 200 }], 'headers of 20 KB')
})

test('a head that does not come to its end is refused in time', async (t) => {
  const { port } = await open(t)
  const { answers, ended } = await ask(port, LIST.slice(0, -4), { patienceMs: 12_000 })
  t.match(answers, [{ statusCode: 408 }])
  t.equal(ended, true)
})

test('a door that knows no such method has them refused', async (t) => {
  const server = await openServer(t, { addRoutes: () => {} })
  const { answers } = await ask(await listenOn(server), LIST)
  t.match(answers, [{ statusCode: 400 }])
})
