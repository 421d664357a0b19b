// What may be kept on the way: nothing, whatever is asked and however it is answered.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { buildTestApp } from '../../support/build-app.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'], bots: ['*'], channels: ['*'] }]
secrets: { short: 'local:app/one' }
`

type Paths = Readonly<Record<string, Readonly<Record<string, object>>>>
const { paths }: { paths: Paths } = parse(readFileSync('openapi.yaml', 'utf8'))
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.keys(item).map((method) => ({ path, method: method.toUpperCase() as 'GET' }))
)

test('no answer may be kept by a cache or guessed at by a browser: of any route, with a key, without one, with a wrong one, or of no route', async (t) => {
  const { app, as, seed, internalSecret } = await buildTestApp(t, { yaml: YAML })
  await seed('local', 'app/one', 'value')
  const scopes = ['aura-services', 'aura-admin']
  const { key } = await as('app', 'rw', { scopes })
  const credentials: Record<string, Record<string, string>> = {
    'with a key': { 'x-api-key': key },
    'with a wrong key': { 'x-api-key': 'x' },
    'with the internal secret': { 'x-internal-secret': internalSecret },
    'with nothing': {}
  }
  const statuses = new Set<number>()
  const ask = async (method: 'GET', path: string): Promise<void> => {
    const url = path
      .replace('/v1/secrets/{name}', '/v1/secrets/short')
      .replaceAll(/\{\w+\}/g, 'one')
    for (const [what, headers] of Object.entries(credentials)) {
      for (const query of ['', '?ref=local:app/one', '?ref=local:app/none', '?nothing=1']) {
        // Streams have no end, and a test of their own.
        if (url === '/v1/events' && what === 'with a key' && query.startsWith('?ref')) continue
        const answer = await app.server.inject({ method, url: `${url}${query}`, headers })
        const { 'cache-control': kept, 'x-content-type-options': sniffed } = answer.headers
        statuses.add(answer.statusCode)
        t.strictSame([kept, sniffed], ['no-store', 'nosniff'], `${method} ${url}${query} ${what}`)
      }
    }
  }
  t.ok(operations.length > 30)
  for (const { method, path } of operations) await ask(method, path)
  await ask('GET', '/v1/none')
  await ask('DELETE' as 'GET', '/v1/secrets')
  const expected = [200, 400, 401, 403, 404, 405]
  t.strictSame(
    expected.filter((status) => !statuses.has(status)),
    [],
    'answers of many kinds'
  )
})
