// What arrives as bytes: requests that no library would send. None is understood in two ways, and none hangs.
import { test } from 'tap'
import type { ProblemCode } from '../../../src/core/problem.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { answersIn, exchange, lines, listenOn } from '../../support/raw-http.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'] }]
`
const canary = createCanary()
const WORD = encodeURIComponent(canary.token)

const chunk = '5\r\nhello\r\n0\r\n\r\n'

/** Each is refused, and the connection ended, so that nothing of it can be taken for a request of somebody else's. */
const MALFORMED: Record<string, { request: string; code?: ProblemCode }> = {
  'no HTTP at all': { request: lines(WORD) },
  'a TLS hello on a plain port': {
    request: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'
  },
  'an HTTP/2 preface': { request: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  'another version': { request: lines(`GET /${WORD} HTTP/3.7`, 'Host: a') },
  'a method of nobody': { request: lines(`${WORD.slice(0, 9)} / HTTP/1.1`, 'Host: a') },
  'a target without a slash': { request: lines(`GET ${WORD} HTTP/1.1`, 'Host: a') },
  'a space in the target': { request: lines(`GET /livez ${WORD} HTTP/1.1`, 'Host: a') },
  'a line feed alone': { request: `GET /livez HTTP/1.1\nHost: a\nX-Canary: ${WORD}\n\n` },
  'a carriage return alone': {
    request: `GET /livez HTTP/1.1\r\nHost: a\rX-Canary: ${WORD}\r\n\r\n`
  },
  'a NUL in a header': { request: lines('GET /livez HTTP/1.1', 'Host: a', `X-A: ${WORD}\0`) },
  'a NUL in the target': { request: lines(`GET /livez\0${WORD} HTTP/1.1`, 'Host: a') },
  'a space before the colon': { request: lines('GET /livez HTTP/1.1', 'Host: a', `X-A : ${WORD}`) },
  'a folded header': { request: lines('GET /livez HTTP/1.1', 'Host: a', 'X-A: b', ` ${WORD}`) },
  'a header without a name': { request: lines('GET /livez HTTP/1.1', 'Host: a', `: ${WORD}`) },
  'a header without a colon': { request: lines('GET /livez HTTP/1.1', 'Host: a', WORD) },
  'Content-Length and Transfer-Encoding': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Transfer-Encoding: chunked')}${chunk}`
  },
  'Transfer-Encoding and Content-Length': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Content-Length: 3')}${chunk}`
  },
  'two Content-Lengths': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Content-Length: 6')}hello!`
  },
  'a list of Content-Lengths': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: 5, 5')}hello`
  },
  'a Content-Length with a sign': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: +5')}hello`
  },
  'a Content-Length below zero': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: -5')}hello`
  },
  'a Content-Length in hex': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: 0x5')}hello`
  },
  'a Transfer-Encoding of nobody': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', `Transfer-Encoding: x${WORD.slice(0, 9)}`)}${chunk}`
  },
  'a Transfer-Encoding that does not end in chunked': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked, identity')}${chunk}`
  },
  'chunked twice': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}${chunk}`
  },
  'chunked behind a vertical tab': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Transfer-Encoding: \x0bchunked')}${chunk}`
  },
  'a chunk whose size is no number': {
    request: `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n`
  },
  'headers above the limit': {
    request: lines('GET /livez HTTP/1.1', 'Host: a', `X-Canary: ${WORD.repeat(900)}`),
    code: 'header_too_large'
  },
  'a target far above the limit': {
    request: lines(`GET /livez?${WORD.repeat(900)} HTTP/1.1`, 'Host: a'),
    code: 'header_too_large'
  }
}

const NEXT = lines('GET /livez HTTP/1.1', 'Host: a')

test('a malformed request is refused once, and what follows it is not a request', async (t) => {
  const { app, logs } = await buildTestApp(t, { yaml: YAML })
  const port = await listenOn(app.server)
  const one = async ([what, { request, code = 'invalid_request' }]: (typeof all)[number]) => {
    const { text, ended } = await exchange(port, [request, NEXT])
    const answers = answersIn(text)
    t.equal(answers.length, 1, `${what}: one answer`)
    t.ok(ended, `${what}: the connection ends`)
    if (answers[0] !== undefined) assertProblem(t, answers[0], { code, canary, what })
  }
  const all = Object.entries(MALFORMED)
  await Promise.all(all.map(one))
  t.same(canary.findIn(logs.join('')), [])
})

/** Well formed, and refused once it is understood; the connection may live on. */
const IMPROPER: Record<string, { request: string; code: ProblemCode }> = {
  'no Host': {
    request: lines('GET /livez HTTP/1.1', 'Connection: close'),
    code: 'invalid_request'
  },
  'two Hosts': {
    request: lines('GET /livez HTTP/1.1', 'Host: a', `HOST: ${WORD}`, 'Connection: close'),
    code: 'invalid_request'
  },
  'a URL above the limit': {
    request: lines(`GET /livez?${WORD.repeat(400)} HTTP/1.1`, 'Host: a', 'Connection: close'),
    code: 'uri_too_long'
  },
  'the asterisk': {
    request: lines('OPTIONS * HTTP/1.1', 'Host: a', 'Connection: close'),
    code: 'route_not_found'
  },
  'two slashes': {
    request: lines('GET //livez HTTP/1.1', 'Host: a', 'Connection: close'),
    code: 'route_not_found'
  },
  'a body that is shorter than a JSON document': {
    request: `${lines('PUT /v1/secrets?ref=local:a HTTP/1.1', 'Host: a', 'Connection: close', 'Authorization: Bearer KEY', 'Content-Type: application/json', 'Content-Length: 9')}{"value":`,
    code: 'invalid_request'
  },
  'a chunked body above the limit': {
    request: `${lines('PUT /v1/secrets?ref=local:a HTTP/1.1', 'Host: a', 'Connection: close', 'Authorization: Bearer KEY', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}11000\r\n${'x'.repeat(0x11000)}\r\n0\r\n\r\n`,
    code: 'payload_too_large'
  }
}

test('a well-formed request that is not a proper one is refused as a problem', async (t) => {
  const { app, keyring } = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(keyring, 'app', 'rw')
  const port = await listenOn(app.server)
  for (const [what, { request, code }] of Object.entries(IMPROPER)) {
    const { text, ended } = await exchange(port, request.replace('KEY', key))
    const [answer, ...others] = answersIn(text)
    t.ok(ended, what)
    t.same(others, [], what)
    if (answer === undefined) t.fail(what)
    else assertProblem(t, answer, { code, canary, what })
  }
})

test('what Node would answer on its own is answered by us', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML })
  const port = await listenOn(app.server)
  const ask = async (...head: string[]) => answersIn((await exchange(port, lines(...head))).text)
  const close = 'Connection: close'
  const [expecting] = await ask('GET /livez HTTP/1.1', 'Host: a', `Expect: ${WORD}`, close)
  t.equal(expecting?.statusCode, 200, 'an unknown expectation is ignored')
  const [old] = await ask('GET /livez HTTP/1.0')
  t.equal(old?.statusCode, 200, 'HTTP/1.0 needs no Host')
  const [upgrading] = await ask(
    'GET /livez HTTP/1.1',
    'Host: a',
    'Upgrade: h2c',
    'Connection: close, upgrade'
  )
  t.equal(upgrading?.statusCode, 200, 'an upgrade is ignored')
  const { text, ended } = await exchange(port, lines('CONNECT a:1 HTTP/1.1', 'Host: a'))
  t.same([text, ended], ['', true], 'a tunnel is not opened')
})

test('a second request on a connection is answered as the first, each to its own key', async (t) => {
  const { app, keyring, seed } = await buildTestApp(t, { yaml: YAML })
  await seed('local', 'a', 'x')
  const port = await listenOn(app.server)
  const ask = (key: string, ...more: string[]): string =>
    lines(
      'GET /v1/secrets?ref=local:a HTTP/1.1',
      'Host: a',
      `Authorization: Bearer ${key}`,
      ...more
    )
  const good = await issueKey(keyring, 'app')
  const other = await issueKey(keyring, 'other')
  const { text } = await exchange(port, ask(good) + ask('wrong') + ask(other, 'Connection: close'))
  t.same(
    answersIn(text).map(({ statusCode }) => statusCode),
    [200, 401, 403]
  )
})

test('a client that hangs up in the middle of its body is no error of ours', async (t) => {
  const { app, keyring, logs } = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(keyring, 'app', 'rw')
  const port = await listenOn(app.server)
  const head = lines(
    'PUT /v1/secrets?ref=local:a HTTP/1.1',
    'Host: a',
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    'Content-Length: 100'
  )
  await exchange(port, `${head}{"value":"`, { patienceMs: 200 })
  const [answer] = answersIn(
    (await exchange(port, lines('GET /livez HTTP/1.1', 'Host: a', 'Connection: close'))).text
  )
  t.equal(answer?.statusCode, 200)
  t.notMatch(logs.join(''), /unexpected|"level":"error"/)
})
