// The samples of examples/tls-proxy, run by nginx and Caddy: 443 is the only way in, and nothing internal is behind it.
import { readFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { type Test, test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { recordsIn } from '../support/audit-records.ts'
import { buildTestApp } from '../support/build-app.ts'
import { isInstalled, skipWithout } from '../support/peers.ts'
import { listenOn } from '../support/raw-http.ts'
import { PUBLIC_NAME, startTlsProxy } from '../support/sample-proxy.ts'

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

const ask = (send: typeof request | typeof plainRequest, options: RequestOptions) =>
  new Promise<Answer>((done, fail) => {
    const sent = send(
      { host: '127.0.0.1', timeout: 20_000, agent: false, ...options },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body }))
      }
    )
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.on('error', fail).end()
  })

const setUp = async (t: Test, name: 'nginx' | 'caddy') => {
  const built = await buildTestApp(t, { yaml: YAML, env: { TRUST_PROXY: '127.0.0.1' } })
  await built.seed('local', 'a', 'value')
  const { port, plainPort, ca } = await startTlsProxy(t, name, await listenOn(built.app.server))
  const get = (path: string, headers: Record<string, string> = {}, localAddress = '127.0.0.1') =>
    ask(request, {
      port,
      path,
      ca,
      localAddress,
      servername: PUBLIC_NAME,
      headers: { host: PUBLIC_NAME, ...headers }
    })
  const getPlain = (path: string) =>
    ask(plainRequest, { port: plainPort, path, headers: { host: PUBLIC_NAME } })
  return { built, get, getPlain }
}

for (const name of ['nginx', 'caddy'] as const) {
  test(`${name} lets callers read over TLS, and sends whoever comes without to it`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, get, getPlain } = await setUp(t, name)
    const { key } = await built.as('app')
    const answer = await get('/v1/secrets?ref=local:a', { 'x-api-key': key })
    t.match(answer, { status: 200, body: /"value":"value"/ })
    const refused = await get('/internal/metrics')
    for (const { headers } of [answer, refused]) {
      // Once: a browser heeds the first alone (RFC 6797, 8.1).
      t.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains')
    }
    const plain = await getPlain('/v1/secrets?ref=local:a')
    t.match(plain, { status: 308, body: /^(?!.*"value")/s })
    t.equal(plain.headers['location'], `https://${PUBLIC_NAME}/v1/secrets?ref=local:a`)
  })

  test(`${name} passes on nothing below /internal, however it is written`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, get } = await setUp(t, name)
    const secret = { 'x-internal-secret': built.internalSecret }
    for (const path of [
      '/internal/metrics',
      '/internal',
      '/internal/',
      '/%69nternal/metrics',
      '/internal%2fmetrics',
      '//internal/metrics',
      '/v1/../internal/metrics',
      '/v1/%2e%2e/internal/metrics',
      '/INTERNAL/metrics',
      '/./internal/metrics'
    ]) {
      const { status, body } = await get(path, secret)
      t.ok(status === 404 || status === 400, `${path}: ${status}`)
      t.notMatch(body, 'purser_', path)
    }
  })

  test(`${name} tells Purser the caller's own address, whatever the caller says of itself`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, get } = await setUp(t, name)
    const { key } = await built.as('app', 'r', { networks: ['127.0.0.2'] })
    const url = '/v1/secrets?ref=local:a'
    t.equal((await get(url, { 'x-api-key': key }, '127.0.0.2')).status, 200)
    const forged = {
      'x-forwarded-for': '127.0.0.2',
      forwarded: 'for=127.0.0.2',
      'x-real-ip': '127.0.0.2'
    }
    t.equal((await get(url, { 'x-api-key': key, ...forged }, '127.0.0.3')).status, 401)
    t.match(
      (await recordsIn(built.folder)).map(({ address }) => address),
      ['127.0.0.2', '127.0.0.3']
    )
  })

  test(`${name} keeps the id of a request, in and out`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, get } = await setUp(t, name)
    const { key } = await built.as('app')
    const id = '4bf92f3577b34da6a3ce929d0e0e4736'
    const given = await get('/v1/secrets?ref=local:a', { 'x-api-key': key, 'x-request-id': id })
    t.equal(given.headers['x-request-id'], id)
    t.match((await recordsIn(built.folder)).at(-1), { requestId: id })
    const made = await get('/v1/secrets?ref=local:a', { 'x-api-key': key })
    t.equal(made.headers['x-request-id'], (await recordsIn(built.folder)).at(-1)?.['requestId'])
  })
}

test('the samples for Ingress and Gateway API route the Service that there is, and nothing internal', async (t) => {
  const documents = (file: string) =>
    parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS())
  const [service] = documents('deploy/kubernetes/base/service.yaml')
  const { metadata, spec } = service
  const [port] = spec.ports
  const [ingress] = documents('examples/tls-proxy/ingress.yaml')
  t.equal(ingress.metadata.namespace, metadata.namespace)
  for (const { path, backend } of ingress.spec.rules[0].http.paths) {
    t.match(path, /^\/(v1|readyz)$/)
    t.strictSame(backend.service, { name: metadata.name, port: { name: port.name } })
  }
  const routes = documents('examples/tls-proxy/gateway.yaml').filter(
    ({ kind }) => kind === 'HTTPRoute'
  )
  const backends = routes.flatMap((route) => route.spec.rules).filter((rule) => rule.backendRefs)
  t.equal(backends.length, 1)
  for (const { matches, backendRefs } of backends) {
    t.strictSame(backendRefs, [{ name: metadata.name, port: port.port }])
    for (const { path } of matches) t.match(path.value, /^\/(v1|readyz)$/)
  }
})
