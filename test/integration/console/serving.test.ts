// The page as it is handed out: where it is served, with what headers, and that nothing else comes out of its folder.
import { type Test, test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'
const ON = { CONSOLE_ENABLED: 'true' }
const HOST = { host: '127.0.0.1:8700' }

const open = async (t: Test, env: Record<string, string> = ON) =>
  (await buildTestApp(t, { yaml: YAML, env })).app

const namesIn = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = '']) => name)

test('there is no console unless it is asked for', async (t) => {
  const app = await open(t, {})
  assertProblem(t, await app.server.inject('/console'), { code: 'route_not_found' })
})

test('the document is kept by nobody, and lets a browser run the page and nothing else', async (t) => {
  const app = await open(t)
  for (const url of ['/console', '/console/', '/console?utm=1']) {
    const { statusCode, headers, body } = await app.server.inject({ url, headers: HOST })
    t.equal(statusCode, 200, url)
    t.match(body, /<!doctype html>/)
    t.match(headers, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': /camera=\(\)/
    })
    t.equal(
      headers['content-security-policy'],
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; report-uri /console/api/policy-report"
    )
  }
})

test('what the document names is there, is kept for good, and comes compressed', async (t) => {
  const app = await open(t)
  const { body } = await app.server.inject({ url: '/console', headers: HOST })
  const names = namesIn(body)
  t.equal(names.length, 3)
  for (const url of names) {
    const plain = await app.server.inject({ url, headers: HOST })
    t.equal(plain.statusCode, 200, url)
    t.match(plain.headers, {
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
      'content-type': /javascript|css|svg/
    })
    t.equal(plain.headers['content-encoding'], undefined)
    const headers = { ...HOST, 'accept-encoding': 'gzip, br' }
    const packed = await app.server.inject({ url, headers })
    t.equal(packed.headers['content-encoding'], 'br')
    t.ok(packed.rawPayload.length < plain.rawPayload.length)
    const head = await app.server.inject({ method: 'HEAD', url, headers: HOST })
    t.equal(head.headers['content-length'], String(plain.rawPayload.length))
    t.equal(head.body, '')
  }
})

test('no other file comes out, by whatever path', async (t) => {
  const app = await open(t)
  const paths = [
    'index.html',
    '../index.html',
    '..%2findex.html',
    '%2e%2e/index.html',
    '..%2f..%2fpackage.json',
    'main.js',
    'constructor',
    '__proto__',
    ''
  ]
  for (const path of paths) {
    const url = `/console/assets/${path}`
    assertProblem(t, await app.server.inject({ url, headers: HOST }), {
      code: 'route_not_found',
      what: url
    })
  }
  for (const [method, url] of [
    ['POST', '/console'],
    ['POST', '/console/'],
    ['DELETE', '/console/assets/x']
  ] as const) {
    assertProblem(t, await app.server.inject({ method, url, headers: HOST }), {
      code: 'method_not_allowed'
    })
  }
})

test('a name that leads a browser to this machine is refused', async (t) => {
  const app = await open(t)
  const { body } = await app.server.inject({ url: '/console', headers: HOST })
  for (const url of ['/console', '/console/', ...namesIn(body)]) {
    const answer = await app.server.inject({ url, headers: { host: 'rebound.example:8700' } })
    assertProblem(t, answer, { code: 'access_denied', what: url })
  }
  const open0 = await open(t, { ...ON, HOST: '0.0.0.0' })
  const headers = { host: 'purser.example' }
  t.equal((await open0.server.inject({ url: '/console', headers })).statusCode, 200)
})

test('no page of another origin may read it', async (t) => {
  const origin = 'https://www.example.com'
  const app = await open(t, { ...ON, CORS_ALLOW_ORIGINS: origin })
  const answer = await app.server.inject({ url: '/console', headers: { ...HOST, origin } })
  t.equal(answer.headers['access-control-allow-origin'], undefined)
})

test('it is served on a listener of its own, else on the internal one, else on the public one', async (t) => {
  const internal = { INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' }
  const own = { CONSOLE_HOST: '127.0.0.1', CONSOLE_PORT: '0' }
  for (const [env, at, of] of [
    [ON, 0, 1],
    [{ ...ON, ...internal }, 1, 2],
    [{ ...ON, ...own }, 1, 2],
    [{ ...ON, ...internal, ...own }, 2, 3]
  ] as const) {
    const { listeners } = await open(t, env)
    t.equal(listeners.length, of)
    for (const [index, { server }] of listeners.entries()) {
      const { statusCode } = await server.inject({ url: '/console', headers: HOST })
      t.equal(statusCode, index === at ? 200 : 404, `listener ${index} of ${Object.keys(env)}`)
    }
  }
})
