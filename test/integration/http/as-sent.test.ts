// Requests as others send them: clients that name a media type without a body, forms with empty members, encoded paths.

import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { openBrowser } from '../../support/administrator.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { answersIn, exchange, listenOn } from '../../support/raw-http.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:app/**'], write: ['local:app/**'], bots: [sample] }]
secrets: { short: 'local:app/one' }
bots: [{ name: sample, credentials: { token: x } }]
`

const setUp = async (t: Parameters<typeof buildTestApp>[0]) => {
  const env = { ALLOW_ADMIN_WRITE: 'true', JWT_SECRET: randomSecret() }
  const built = await buildTestApp(t, { yaml: YAML, env })
  await built.seed('local', 'app/one', '{"a":"1","b":"2"}')
  const scopes = ['aura-services', 'aura-admin']
  return { ...built, ...(await built.as('app', 'rw', { scopes })) }
}

const WITHOUT_BODY = [
  ['DELETE', '/v1/admin/cache?all=true'],
  ['DELETE', '/v1/admin/keys/5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'],
  ['DELETE', '/v1/admin/bots/none'],
  ['POST', '/v1/admin/config/reload']
] as const

test('a media type without a body is no body, on every route that needs none', async (t) => {
  const { app, key } = await setUp(t)
  const port = await listenOn(app.server)
  for (const [method, url] of WITHOUT_BODY) {
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      for (const length of ['', 'Content-Length: 0\r\n']) {
        const request = `${method} ${url} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${key}\r\nContent-Type: ${type}\r\n${length}Connection: close\r\n\r\n`
        const [answer] = answersIn((await exchange(port, request)).text)
        t.equal(answer?.statusCode, 200, `${method} ${url} ${type} ${length}`)
      }
    }
    const chunked = `${method} ${url} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`
    t.equal(answersIn((await exchange(port, chunked)).text)[0]?.statusCode, 200, `${method} ${url}`)
  }
})

test('a media type without a body is a missing body where one is needed, and says so', async (t) => {
  const { ask } = await setUp(t)
  for (const [method, url] of [
    ['POST', '/v1/secrets/batch'],
    ['PUT', '/v1/secrets?ref=local:app/one'],
    ['POST', '/v1/admin/keys'],
    ['POST', '/v1/state']
  ] as const) {
    const headers = { 'content-type': 'application/json', 'content-length': '0' }
    const { errors } = assertProblem(t, await ask(method, url, undefined, headers), {
      code: 'invalid_request',
      what: url
    })
    t.notMatch(errors, [{ rule: 'json' }], 'it is not that the JSON is wrong')
  }
})

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
}

test('an optional member of a query that is empty is left out, on every route', async (t) => {
  const { ask } = await setUp(t)
  const whole = (await ask('GET', '/v1/secrets?ref=local:app/one')).json()
  t.same(whole.data, { a: '1', b: '2' })
  for (const query of ['&field=', '&version=', '&field=&version=', '&field', '&version']) {
    const answer = await ask('GET', `/v1/secrets?ref=local:app/one${query}`)
    t.same(answer.json().data, whole.data, query)
    const byName = await ask('GET', `/v1/secrets/short?${query.slice(1)}`)
    t.same(byName.json().data, whole.data, query)
  }
  for (const url of [
    '/v1/secrets?prefix=local:app/&limit=&cursor=',
    '/v1/bots/sample/credentials?partial=',
    '/v1/admin/keys?limit=&cursor=',
    '/v1/admin/encryption-keys?quietHours=',
    '/v1/admin/explain?client=app&ref=local:app/one&version=&field='
  ]) {
    t.equal((await ask('GET', url)).statusCode, 200, url)
  }
})

test('a member of a query that is needed is not left out by being empty', async (t) => {
  const { ask } = await setUp(t)
  for (const [method, url] of [
    ['GET', '/v1/secrets?ref='],
    ['GET', '/v1/secrets?prefix='],
    ['GET', '/v1/secrets?ref=&prefix=local:'],
    ['GET', '/v1/secrets/batch?ref='],
    ['DELETE', '/v1/admin/cache?ref='],
    ['DELETE', '/v1/admin/cache?ref=&all=true'],
    ['DELETE', '/v1/admin/cache?store='],
    ['GET', '/v1/admin/explain?client=&ref=local:app/one'],
    ['GET', '/v1/secrets?ref=local:app/one&field=&field='],
    ['GET', '/v1/secrets?ref=local:app/one&unknown=']
  ] as const) {
    assertProblem(t, await ask(method, url), { code: 'invalid_request', what: url })
  }
})

test('a member that a route does not know is refused, also where it knows none', async (t) => {
  const built = await setUp(t)
  const { ask, key, internalSecret } = built
  const browser = openBrowser(built)
  await browser.signIn(key)
  const document = parse(readFileSync('openapi.yaml', 'utf8'))
  for (const [path, item] of Object.entries<
    Record<string, { security?: object[]; parameters?: Parameter[] }>
  >(document.paths)) {
    for (const [method, { security = [] }] of Object.entries(item)) {
      if (security.length === 0 || path === '/internal/authorize') continue
      const verb = method.toUpperCase() as 'GET'
      const url = `${path.replace('{id}', '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10').replace(/\{\w+\}/, 'name')}?surely-unknown=1`
      const answer = security.some((scheme) => 'session' in scheme)
        ? await browser.ask(verb, url)
        : await ask(verb, url, undefined, {
            'x-internal-secret': internalSecret,
            'webhook-request-origin': 'a'
          })
      const takesAny = path.startsWith('/internal/events/')
      if (takesAny) t.not(answer.statusCode, 500, path)
      else assertProblem(t, answer, { code: 'invalid_request', what: `${method} ${path}` })
    }
  }
  for (const url of ['/livez?now=1', '/readyz?now=1', '/health?now=1']) {
    t.equal((await ask('GET', url)).statusCode, 200, `${url}: probes add what they like`)
  }
})

test('our own paths have one spelling: an encoded letter is no route of ours, on either listener', async (t) => {
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { DOCS_ENABLED: 'true', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' }
  })
  const { key } = await built.as('app', 'rw', { scopes: ['aura-services', 'aura-admin'] })
  const document = parse(readFileSync('openapi.yaml', 'utf8'))
  const paths = Object.entries<Record<string, unknown>>(document.paths)
  for (const [path, item] of paths) {
    const isInternal = path.startsWith('/internal/')
    const server = isInternal ? built.app.listeners[1]?.server : built.app.server
    const credential = isInternal
      ? { 'x-internal-secret': built.internalSecret, 'x-api-key': key }
      : { 'x-api-key': key }
    const own = path.replace(/\{\w+\}/, '~')
    const letters = [...own.matchAll(/[a-z0-9.-]/g)].map(({ index }) => index)
    for (const i of new Set([letters.at(0) ?? 0, letters.at(1) ?? 0, letters.at(-1) ?? 0])) {
      const hex = own.charCodeAt(i).toString(16)
      const url = `${own.slice(0, i)}%${hex}${own.slice(i + 1)}`
      for (const method of [...Object.keys(item), 'trace']) {
        const answer = await server?.inject({
          method: method.toUpperCase() as 'GET',
          url,
          headers: credential
        })
        t.equal(answer?.statusCode, 404, `${method} ${url}`)
        if (method === 'head') continue
        t.equal(answer?.json().code, 'route_not_found', `${method} ${url}`)
      }
    }
  }
})

test('a parameter may be encoded', async (t) => {
  const { ask } = await setUp(t)
  t.equal((await ask('GET', '/v1/secrets/%73hort?field=%61')).json().value, '1')
})

test('a body is framed in one way: chunked alone, and not in HTTP/1.0', async (t) => {
  const { app, key } = await setUp(t)
  const port = await listenOn(app.server)
  const send = async (version: string, coding: string): Promise<number | undefined> => {
    const head = `POST /v1/state HTTP/${version}\r\nHost: a\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\n${coding}\r\nConnection: close\r\n\r\n`
    const body = 'a\r\n{"data":1}\r\n0\r\n\r\n'
    return answersIn((await exchange(port, head + body)).text)[0]?.statusCode
  }
  t.equal(await send('1.1', 'Transfer-Encoding: chunked'), 200)
  t.equal(await send('1.1', 'Transfer-Encoding: Chunked'), 200)
  for (const coding of [
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: identity',
    'Transfer-Encoding:'
  ]) {
    t.equal(await send('1.1', coding), 400, coding)
  }
  t.equal(await send('1.0', 'Transfer-Encoding: chunked'), 400)
})
