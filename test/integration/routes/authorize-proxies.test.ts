// Traefik and Envoy as far as their documentation says what they send and what they make of the answer; nginx has a test of
// its own, with nginx itself.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { issueKey } from '../../support/keys.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'
const sample = (name: string) => parse(readFileSync(`examples/forward-auth/${name}`, 'utf8'))

interface Sent {
  readonly method: string
  readonly uri: string
  readonly headers?: Readonly<Record<string, string>>
}

/** ForwardAuth: a GET to the address as it is, all headers of the caller, and X-Forwarded-* of Traefik's own. */
const asTraefik = (
  { app, internalSecret }: TestApp,
  middleware: string,
  { method, uri, headers }: Sent
) => {
  const { http } = sample('traefik.yaml')
  const address = new URL(http.middlewares[middleware].forwardAuth.address)
  const { customRequestHeaders: before } = http.middlewares['strip-identity'].headers
  const sent = { ...headers, ...lowerCased(before), 'x-internal-secret': internalSecret }
  return app.server.inject({
    method: 'GET',
    url: address.pathname + address.search,
    headers: {
      ...Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')),
      'x-forwarded-method': method,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api',
      'x-forwarded-uri': uri,
      'x-forwarded-for': '1.2.3.4'
    }
  })
}

const lowerCased = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** ext_authz: the caller's method, the prefix and then the caller's path, no body, only the headers that are listed. */
const asEnvoy = ({ app, internalSecret }: TestApp, { method, uri, headers = {} }: Sent) => {
  const authz = sample('envoy.yaml').http_filters[1].typed_config
  const allowed: string[] = authz.allowed_headers.patterns.map(
    (one: { exact: string }) => one.exact
  )
  const mutated = { ...headers, 'x-original-method': method, 'x-original-uri': uri }
  return app.server.inject({
    method: method as 'GET',
    url: authz.http_service.path_prefix + uri,
    headers: {
      host: 'api',
      'content-length': '0',
      ...Object.fromEntries(Object.entries(mutated).filter(([name]) => allowed.includes(name))),
      'x-internal-secret': internalSecret
    }
  })
}

test('Traefik: a caller gets through with scope and mode, and forged headers change nothing', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const scopes = ['aura-services:users']
  const key = await issueKey(built.keyring, 'kernel', 'r', { scopes })
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'text/plain',
    'x-original-method': 'POST',
    'x-original-uri': '/elsewhere',
    'x-purser-client': 'admin'
  }
  const ask = async (middleware: string, method: string, uri: string) =>
    (await asTraefik(built, middleware, { method, uri, headers })).statusCode
  t.equal(await ask('users', 'GET', '/users/1?x=y'), 200)
  t.equal(await ask('users', 'POST', '/users/1'), 403)
  t.equal(await ask('whatsapp', 'GET', '/whatsapp/1'), 403)
  t.equal(await ask('users', 'GET', '/users/..%2fwhatsapp'), 403)
  const answer = await asTraefik(built, 'users', { method: 'GET', uri: '/users/1', headers })
  t.match(answer.headers, { 'x-purser-client': 'kernel', 'x-purser-scopes': scopes[0] })
  const { authResponseHeaders } = sample('traefik.yaml').http.middlewares.users.forwardAuth
  const told = Object.keys(answer.headers).filter((name) => name.startsWith('x-purser-'))
  t.same(told.sort(), authResponseHeaders.map((name: string) => name.toLowerCase()).sort())
  t.equal((await asTraefik(built, 'users', { method: 'GET', uri: '/users/1' })).statusCode, 401)
})

test('Envoy: the original path stands behind ours and cannot bring a scope of its own', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'kernel', 'rw', { scopes: ['aura-services:users'] })
  const other = await issueKey(built.keyring, 'kernel', 'rw', { scopes: ['aura-services:token'] })
  const ask = async (sent: Sent, apiKey = key) => {
    const headers = { 'x-api-key': apiKey, ...sent.headers }
    return (await asEnvoy(built, { ...sent, headers })).statusCode
  }
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    t.equal(await ask({ method, uri: '/users/1?a=b&c' }), 200, method)
  }
  const smuggled = '/users/1?scope=aura-services:token&uri=/x'
  t.equal(await ask({ method: 'GET', uri: smuggled }), 200)
  t.equal(await ask({ method: 'GET', uri: smuggled }, other), 403)
  t.equal(await ask({ method: 'GET', uri: '/users/%2e%2e/x' }), 403)
  t.equal(await ask({ method: 'GET', uri: '//users' }), 403)
  t.equal(await ask({ method: 'PROPFIND', uri: '/users/1' }), 403)
  const headers = { 'x-http-method-override': 'DELETE' }
  t.equal(await ask({ method: 'GET', uri: '/users/1', headers }), 403)
  t.equal((await asEnvoy(built, { method: 'POST', uri: '/users/1' })).statusCode, 401)
})
