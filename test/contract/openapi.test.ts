// What is written about the interface is what is served: files made from the source are as fresh as the source.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { generated } from '../../scripts/docs.ts'
import { PROBLEMS } from '../../src/core/problem.ts'
import { buildTestApp } from '../support/build-app.ts'
import { assertProblem } from '../support/problem.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: object }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<string, { description: string; content?: Record<string, object> }>
}
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: {
    readonly securitySchemes: Record<string, { readonly type: string }>
    readonly schemas: { readonly Problem: { readonly properties: { code: { enum: string[] } } } }
  }
}

const document: Document = parse(readFileSync('openapi.yaml', 'utf8'))
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
)

test('the generated files are what the source generates now (npm run docs)', async (t) => {
  for (const [path, text] of Object.entries(await generated())) {
    t.equal(readFileSync(path, 'utf8'), text, path)
  }
})

/** Answers every method as it does GET, the one that is described. */
const ANY_METHOD = '/internal/authorize'

/** Their errors are as another protocol has them; test/integration/routes/login.test.ts reads them. */
const OTHER_ERRORS: ReadonlySet<string> = new Set(['/v1/auth/token', '/v1/auth/aws-credentials'])

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []\n'

test('the described paths and methods are those that the service has, all of them', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML, env: { DOCS_ENABLED: 'true' } })
  await app.server.ready()
  const described = new Map<string, string[]>()
  for (const { path, method } of operations) {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
    const methods = [method.toUpperCase(), ...(method === 'get' ? ['HEAD'] : [])]
    described.set(url, [...(described.get(url) ?? []), ...methods])
  }
  const routes = app.server
    .printRoutes({ commonPrefix: false, method: 'TRACE' })
    .split('\n')
    .filter((line) => line.includes('('))
  t.equal(
    routes.length,
    described.size,
    `every path of the service is described:\n${routes.join('\n')}`
  )
  for (const [url, methods] of described) {
    if (url === ANY_METHOD) continue
    const answer = await app.server.inject({ method: 'TRACE' as 'GET', url: url.replace(':', 'a') })
    t.same(answer.headers['allow']?.toString().split(', '), methods.sort(), url)
    for (const method of methods) t.ok(app.server.hasRoute({ method: method as 'GET', url }), url)
  }
})

test('every path answers every method that it does not have with 405 and the list of those it has', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML, env: { DOCS_ENABLED: 'true' } })
  await app.server.ready()
  const methods = app.server.supportedMethods
  t.ok(methods.length > 20, 'every method that Node knows')
  for (const [path, item] of Object.entries(document.paths)) {
    if (path === ANY_METHOD) continue
    const known = Object.keys(item).map((method) => method.toUpperCase())
    if (known.includes('GET')) known.push('HEAD')
    for (const method of methods.filter((other) => !known.includes(other))) {
      const answer = await app.server.inject({
        method: method as 'GET',
        url: path.replace(/\{\w+\}/, 'name'),
        headers: { 'content-type': 'text/plain' },
        ...(method !== 'HEAD' && method !== 'GET' && { payload: 'nobody reads this' })
      })
      const bodiless = method === 'HEAD'
      const what = `${method} ${path}`
      if (OTHER_ERRORS.has(path)) t.equal(answer.statusCode, 405, what)
      else assertProblem(t, answer, { code: 'method_not_allowed', bodiless, what })
      t.equal(answer.headers['allow'], known.sort().join(', '))
    }
  }
})

test('the described problem has every code of the table, and no other', async (t) => {
  const { schemas } = document.components
  t.same(schemas.Problem.properties.code.enum, Object.keys(PROBLEMS))
})

/** Every schema within, wherever it stands. */
const referencesIn = (node: unknown): string[] => {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : referencesIn(value)
  )
}

test('the description is OpenAPI 3.1 in what tools rely on', async (t) => {
  const whole = document
  t.match(whole.openapi, /^3\.1\.\d$/)
  t.type(whole.info.title, 'string')
  t.equal(whole.info.version, JSON.parse(readFileSync('package.json', 'utf8')).version)
  const all = operations
  const ids = all.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, all.length, 'operation ids are there and unique')
  for (const { path, method, operation } of all) {
    const what = `${method} ${path}`
    t.match(path, /^\//, what)
    t.match(method, /^(?:get|put|post|delete|options|head|patch|trace)$/, what)
    t.ok(operation.summary, what)
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const parameters = operation.parameters ?? []
    t.same(
      parameters.filter(({ in: where }) => where === 'path').map(({ name }) => name),
      inPath,
      what
    )
    for (const parameter of parameters) {
      t.match(parameter.in, /^(?:query|path|header|cookie)$/, what)
      t.type(parameter.schema, 'object', what)
      if (parameter.in === 'path') t.equal(parameter.required, true, what)
    }
    for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
      t.ok(scheme in whole.components.securitySchemes, `${what}: ${scheme}`)
    }
    for (const [status, { description }] of Object.entries(operation.responses)) {
      t.match(status, /^(?:[1-5]\d\d|default)$/, what)
      t.type(description, 'string', what)
    }
    const type = path.startsWith('/v1/auth/') ? 'application/json' : 'application/problem+json'
    const problems = operation.responses['default']?.content?.[type]
    if (path === ANY_METHOD) t.same(Object.keys(operation.responses), ['200', '401', '403'], what)
    else t.ok(problems, what)
  }
  for (const reference of referencesIn(whole)) {
    const found = reference
      .replace(/^#\//, '')
      .split('/')
      .reduce((node: unknown, name) => (node as Record<string, unknown>)?.[name], whole)
    t.type(found, 'object', reference)
  }
})

/** Without what the route is about. */
const OPEN: Readonly<Record<string, number>> = {
  // Nobody signs in at a provider here, which is said to whoever asks.
  '/v1/sessions/oidc/start': 403,
  '/v1/sessions/oidc/callback': 403,
  '/v1/auth/token': 400,
  '/v1/auth/aws-credentials': 401
}

test('the description says of every route what it asks of its caller', async (t) => {
  const { app } = await buildTestApp(t, { yaml: YAML, env: { DOCS_ENABLED: 'true' } })
  for (const { path, method, operation } of operations) {
    const url = path.replace(/\{\w+\}/, 'name')
    const answer = await app.server.inject({ method: method as 'get', url })
    const isOpen = (operation.security ?? []).length === 0
    t.equal(answer.statusCode, isOpen ? (OPEN[path] ?? 200) : 401, `${method} ${path}`)
  }
})

test('the served description is the file, where it is asked for, and is not there otherwise', async (t) => {
  const open = await buildTestApp(t, { yaml: YAML, env: { DOCS_ENABLED: 'true' } })
  const answer = await open.app.server.inject('/openapi.yaml')
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['content-type'], 'application/yaml; charset=utf-8')
  t.equal(answer.body, readFileSync('openapi.yaml', 'utf8'))
  const closed = await buildTestApp(t, { yaml: YAML })
  const none = await closed.app.server.inject('/openapi.yaml')
  assertProblem(t, none, { code: 'route_not_found' })
})

test('the page has every operation with its examples, fetches nothing, and is not there unless it is asked for', async (t) => {
  const open = await buildTestApp(t, { yaml: YAML, env: { DOCS_ENABLED: 'true' } })
  const { statusCode, headers, body } = await open.app.server.inject('/docs')
  t.equal(statusCode, 200)
  t.equal(headers['content-type'], 'text/html; charset=utf-8')
  const policy = String(headers['content-security-policy'])
  t.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /)
  t.notMatch(policy, /unsafe|https?:|\*|'self'/)
  const [, style = ''] = /<style>(.*)<\/style>/s.exec(body) ?? []
  t.ok(policy.includes(createHash('sha256').update(style).digest('base64')), 'its style is the one')
  t.notMatch(body, /<script|<img|<link|style=|\son\w+=|src=|@import|url\(/i)
  for (const { operation } of operations) {
    const { operationId = '' } = operation
    if (/^authorize./.test(operationId)) continue
    t.ok(
      body.includes(`id="${operationId}"`) && body.includes(`href="#${operationId}"`),
      operationId
    )
  }
  t.ok(body.includes('&quot;client&quot;: &quot;aos-app&quot;'), 'bodies are shown, escaped')
  t.ok(body.includes('access_denied (403)'), 'so are the codes')
  const closed = await buildTestApp(t, { yaml: YAML })
  assertProblem(t, await closed.app.server.inject('/docs'), { code: 'route_not_found' })
})
