// The description shows how each operation is asked and what it answers, lets nothing through that the service refuses by
// its shape, and names the headers that a browser page may send and see.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Compile } from 'typebox/schema'
import { parse } from 'yaml'
import { ALLOWED_HEADERS, EXPOSED_HEADERS } from '../../src/http/cors.ts'
import { buildTestApp } from '../support/build-app.ts'
import { assertProblem } from '../support/problem.ts'

interface Media {
  readonly schema: object
  readonly example?: unknown
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: object
  readonly example?: unknown
}
interface Operation {
  readonly operationId: string
  readonly security?: readonly Record<string, unknown>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, Media> }
  readonly responses: Record<
    string,
    { readonly content?: Record<string, Media>; readonly headers?: Record<string, unknown> }
  >
}

const document = parse(readFileSync('openapi.yaml', 'utf8'))
const operations: { path: string; method: string; operation: Operation }[] = Object.entries<
  Record<string, Operation>
>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
)

/** The schema with its references put in. */
const whole = (node: unknown): object =>
  JSON.parse(JSON.stringify(node), (_, value) =>
    typeof value?.$ref === 'string' ? document.components.schemas.Problem : value
  )
const isValid = (schema: object, value: unknown): boolean => Compile(whole(schema)).Check(value)

test('every operation has examples of what it takes and answers, and each is valid', async (t) => {
  for (const { operation } of operations) {
    const { operationId, parameters = [], requestBody, responses } = operation
    for (const { name, in: where, required, schema, example } of parameters) {
      if (required === true || where === 'path')
        t.not(example, undefined, `${operationId}: ${name}`)
      if (example !== undefined) t.ok(isValid(schema, example), `${operationId}: ${name}`)
    }
    const bodies = Object.entries(requestBody?.content ?? {})
    const answers = Object.entries(responses)
      .filter(([status]) => status.startsWith('2'))
      .flatMap(([, { content = {} }]) => Object.entries(content))
    for (const [type, { schema, example }] of [...bodies, ...answers]) {
      t.not(example, undefined, `${operationId}: ${type}`)
      t.ok(isValid(schema, example), `${operationId}: ${JSON.stringify(example)}`)
    }
  }
})

test('an example that does not fit would be noticed', async (t) => {
  const of = (id: string) =>
    operations.find(({ operation }) => operation.operationId === id)?.operation
  const schema = of('issueKey')?.requestBody?.content['application/json']?.schema ?? {}
  t.notOk(isValid(schema, { client: 'app', scopes: ['a'], mode: 'x' }))
  t.notOk(isValid(schema, { client: 'app', scopes: ['a'], mode: 'r', unknown: 1 }))
})

test('forward-auth is described for every method that a description has', async (t) => {
  const methods = operations
    .filter(({ path }) => path === '/internal/authorize')
    .map(({ method }) => method)
  t.same(methods.sort(), ['delete', 'get', 'head', 'options', 'patch', 'post', 'put', 'trace'])
})

test('a mixture of two ways to ask is neither described nor served', async (t) => {
  const { as } = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]\n'
  })
  const scopes = ['aura-services', 'aura-admin']
  const { ask } = await as('app', 'rw', { scopes })
  for (const [method, url, id, parameter] of [
    ['GET', '/v1/secrets', 'readSecret', 'wanted'],
    ['DELETE', '/v1/admin/cache', 'dropCache', 'what']
  ] as const) {
    const { parameters = [] } = operations.find(({ operation }) => operation.operationId === id)
      ?.operation ?? { parameters: [] }
    const { schema = {} } = parameters.find(({ name }) => name === parameter) ?? {}
    const mixtures =
      method === 'GET'
        ? [
            { ref: 'a', prefix: 'local:' },
            { ref: 'a', limit: '1' },
            { prefix: 'local:', field: 'x' },
            {}
          ]
        : [
            { ref: 'a', all: 'true' },
            { ref: 'a', store: 'local' },
            { store: 'local', all: 'true' },
            { all: 'false' },
            {}
          ]
    for (const mixture of mixtures) {
      t.notOk(isValid(schema, mixture), JSON.stringify(mixture))
      const query = new URLSearchParams(mixture as Record<string, string>)
      const answer = await ask(method, `${url}?${query}`)
      assertProblem(t, answer, { code: 'invalid_request', what: `${method} ${query}` })
    }
    const one = method === 'GET' ? { ref: 'a', field: 'x' } : { store: 'local' }
    t.ok(isValid(schema, one))
  }
})

const isOfBrowsers = ({ security = [] }: Operation): boolean =>
  security.some((scheme) => 'bearer' in scheme && !('internalSecret' in scheme))

test('a page of a listed origin may send every header that an operation takes, and see every one that an answer has', async (t) => {
  const theirs = operations.filter(({ operation }) => isOfBrowsers(operation))
  const taken = theirs.flatMap(({ operation: { parameters = [] } }) =>
    parameters.filter(({ in: where }) => where === 'header').map(({ name }) => name.toLowerCase())
  )
  t.ok(
    taken.includes('if-match') && taken.includes('last-event-id') && taken.includes('cache-control')
  )
  for (const name of taken) t.ok(ALLOWED_HEADERS.includes(name), `may be sent: ${name}`)
  const given = theirs.flatMap(({ operation: { responses } }) =>
    Object.values(responses).flatMap(({ headers = {} }) => Object.keys(headers))
  )
  t.ok(
    given.includes('X-Cache') && given.includes('RateLimit') && given.includes('WWW-Authenticate')
  )
  // Vary is for caches.
  for (const name of given.filter((one) => one !== 'Vary'))
    t.ok(EXPOSED_HEADERS.includes(name.toLowerCase()), `is shown: ${name}`)
})

test('what preflights allow and answers expose is what is listed, and the headers of answers are described', async (t) => {
  const origin = 'https://app.example'
  const { app, as, seed } = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]\n',
    env: { CORS_ALLOW_ORIGINS: origin, RATE_LIMIT_ENABLED: 'true' }
  })
  await seed('local', 'one', 'x')
  const preflight = await app.server.inject({
    method: 'OPTIONS',
    url: '/v1/secrets',
    headers: {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'if-match'
    }
  })
  const listIn = (header: unknown): string[] => String(header).split(/, */)
  t.same(listIn(preflight.headers['access-control-allow-headers']), ALLOWED_HEADERS)
  const { key } = await as('app')
  const described = new Set(
    Object.keys(document.components.headers).map((name) => name.toLowerCase())
  )
  for (const [url, headers] of [
    ['/v1/secrets?ref=local:one', { 'x-api-key': key }],
    ['/v1/secrets?ref=local:none', { 'x-api-key': key }],
    ['/v1/secrets?ref=local:one', {}],
    ['/v1/none', {}]
  ] as const) {
    const answer = await app.server.inject({ url, headers: { origin, ...headers } })
    const exposed = listIn(answer.headers['access-control-expose-headers'])
    t.same(exposed, EXPOSED_HEADERS)
    const ours = Object.keys(answer.headers).filter((name) =>
      /^(?:x-request|x-cache|age|etag|retry|ratelimit|www|allow$)/.test(name)
    )
    for (const name of ours) t.ok(described.has(name) && exposed.includes(name), `${url} ${name}`)
    t.ok(ours.includes('x-request-id'))
  }
})
