// The table of ways to a value has every route that could give one away, and the architecture's page shows it as it is.
import { existsSync, readFileSync } from 'node:fs'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type RouteOptions } from 'fastify'
import { test } from 'tap'
import { undescribedServices } from '../../scripts/openapi.ts'
import { addRoutes } from '../../src/http/routes/index.ts'
import { mayTell } from '../support/telling.ts'
import { PATHS, type Path, runs, STEPS, type Step } from '../support/way-steps.ts'
import { WAYS, type Way } from '../support/ways.ts'

/** Routes that look as if they gave a secret away, each with why it gives none of a store. */
const OTHERS: Readonly<Record<string, string>> = {
  'POST /v1/channels/:name/tokens/refresh': 'renews a token that the caller shows; reads no secret',
  'POST /v1/state/open': 'gives what a caller had sealed',
  'POST /v1/admin/keys': 'gives a key that is made by it',
  'POST /v1/auth/token': 'gives a key that is made by it',
  'GET /v1/auth/aws-credentials': 'the same, and what it signs with',
  'POST /v1/sessions': 'gives the session that is opened by it, where RETURN_JWT_IN_BODY says so',
  'GET /v1/admin/providers': 'tells what credentials are called, and none of them',
  'GET /v1/admin/bots': 'the same',
  'GET /v1/admin/channels': 'the same, of secrets',
  'POST /internal/introspect': 'tells the claims of a key that the caller shows',
  'POST /internal/cache/invalidate': 'tells how much was dropped',
  'POST /internal/events/:store': 'tells how much was named',
  'OPTIONS /internal/events/:store': 'has no body'
}

const routesOfService = async (): Promise<readonly RouteOptions[]> => {
  const routes: RouteOptions[] = []
  const app = Fastify({ exposeHeadRoutes: false }).withTypeProvider<TypeBoxTypeProvider>()
  app.addHook('onRoute', (route) => void routes.push(route))
  addRoutes(app, undescribedServices, ['public', 'internal'])
  await app.ready()
  await app.close()
  return routes
}

const nameOf = ({ method, url }: RouteOptions): string => `${method} ${url}`

test('every route that may give a secret away is a way of the table, and every way is a route', async (t) => {
  const routes = await routesOfService()
  const named = new Set([...WAYS.map(({ route }) => route), ...Object.keys(OTHERS)])
  // What is hidden answers other methods of a path as it does the described one.
  const paths = new Set([...named].map((name) => name.split(' ')[1]))
  const telling = routes.filter(mayTell)
  for (const route of telling) {
    const isHidden = route.schema?.hide === true
    t.ok(isHidden ? paths.has(route.url) : named.has(nameOf(route)), nameOf(route))
  }
  const names = new Set(telling.map(nameOf))
  for (const name of named) t.ok(names.has(name), `${name} is a route that may give one away`)
})

test('the steps of each path stand in one order, and each is done where the table says', (t) => {
  const order = Object.keys(STEPS)
  for (const [path, steps] of Object.entries(PATHS)) {
    const inOrder = order.filter((step) => runs(path as Path, step as Step))
    t.strictSame(steps, inOrder, path)
  }
  for (const [where] of Object.values(STEPS)) t.ok(existsSync(`src/${where}`), where)
  t.strictSame(new Set(WAYS.map(({ path }) => path)), new Set(Object.keys(PATHS)))
  t.equal(new Set(WAYS.map(({ name }) => name)).size, WAYS.length, 'names are unique')
  t.end()
})

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n')

const LETS_IN: Readonly<Record<Path, string>> = {
  secrets: 'key',
  objects: 'key',
  events: 'key',
  internal: 'internal secret',
  'forward-auth': 'internal secret, key'
}

const cellsOf = (way: Way): readonly string[] => {
  const { route, path, scope, modes, right, leaves, records } = way
  const key = scope === undefined ? '' : ` of scope ${scope}, mode ${modes.join(' or ')}`
  return [
    `\`${route}\``,
    path,
    LETS_IN[path] + key,
    right,
    leaves,
    records.map((action) => `\`${action}\``).join(', ')
  ]
}

/** Ways that differ in nothing else share a row. */
const waysTable = (): string => {
  const rows = new Map<string, { readonly cells: readonly string[]; readonly names: string[] }>()
  for (const way of WAYS) {
    const cells = cellsOf(way)
    const found = rows.get(cells.join())
    if (found === undefined) rows.set(cells.join(), { cells, names: [way.name] })
    else found.names.push(way.name)
  }
  return tableOf(
    ['route', 'way', 'path', 'let in by', 'right by', 'what leaves', 'on record'],
    [...rows.values()].map(({ cells: [route = '', ...cells], names }) => [
      route,
      names.join('; '),
      ...cells
    ])
  )
}

const stepsTable = (): string => {
  const paths = Object.keys(PATHS) as Path[]
  return tableOf(
    ['step', ...paths, 'what it is, and where'],
    Object.entries(STEPS).map(([step, [where, what]]) => [
      step,
      ...paths.map((path) => (runs(path, step as Step) ? '•' : '')),
      `${what} (\`${where}\`)`
    ])
  )
}

test('the architecture shows the ways and their steps as the table has them', async (t) => {
  const page = readFileSync('docs/architecture.md', 'utf8')
  for (const table of [waysTable(), stepsTable()]) {
    const [head = ''] = table.split('\n', 1)
    const [shown = ''] = page.slice(Math.max(0, page.indexOf(head))).split('\n\n', 1)
    t.equal(shown, table)
  }
})
