// What stands below a path, over HTTP: only what policy gives, page by page, and no word of the rest.
import { test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ['local:team/{a,c}/*', 'local:team/b/one#first'] }
  - { client: admin, read: ['local:**'] }
  - { client: writer, write: ['local:**'] }
`

const setUp = async (t: Parameters<typeof buildTestApp>[0]) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const hidden = createCanary()
  for (const path of ['team/a/one', 'team/a/two', 'team/c/one', 'team/cc', 'other/one']) {
    await built.seed('local', path, `text of ${path}`)
  }
  await built.seed('local', `team/b/${hidden.token.replaceAll(/[^A-Za-z0-9-]/g, '')}`, hidden.token)
  await built.seed('local', 'team/b/one', JSON.stringify({ first: hidden.token, second: 'x' }))
  const list = async (client: string, query: string, mode: Mode = 'r') =>
    (await built.as(client, mode)).ask('GET', `/v1/secrets?${query}`)
  return { built, hidden, list }
}

test('all that is allowed below a path comes at once, and nothing of the rest', async (t) => {
  const { built, hidden, list } = await setUp(t)
  const answer = await list('app', 'prefix=local:team/')
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match(answer.json(), {
    results: [
      { ref: 'local:team/a/one', status: 200, value: 'text of team/a/one', version: '1' },
      { ref: 'local:team/a/two', status: 200, value: 'text of team/a/two' },
      { ref: 'local:team/c/one', status: 200, value: 'text of team/c/one' }
    ]
  })
  t.equal(answer.json().results.length, 3)
  t.same(hidden.findIn(answer.body), [])
  const records = await recordsIn(built.folder)
  t.match(records[0], { action: 'secret.list', outcome: 'allowed', reference: 'local:team/' })
  t.same(
    records
      .slice(1)
      .map(({ action, reference }) => [action, reference])
      .sort(),
    ['team/a/one', 'team/a/two', 'team/c/one'].map((path) => ['secret.read', `local:${path}`])
  )
  t.equal((await list('admin', 'prefix=local:')).json().results.length, 7)
  t.same((await list('app', 'prefix=local:nothing/')).json(), { results: [] })
})

test('pages join up, and their cursors tell nothing and serve nobody else', async (t) => {
  const { hidden, list } = await setUp(t)
  const seen: string[] = []
  let cursor = ''
  for (let pages = 0; pages < 20; pages++) {
    const page = await list('app', `prefix=local:team/&limit=1${cursor && `&cursor=${cursor}`}`)
    t.equal(page.statusCode, 200)
    t.same(hidden.findIn(page.body), [])
    seen.push(...page.json().results.map(({ ref }: { ref: string }) => ref))
    if (page.json().cursor === undefined) break
    cursor = page.json().cursor
    // With their slashes: three letters alone are found now and then in so many random bytes.
    t.notMatch(Buffer.from(cursor, 'base64url').toString('latin1'), /team|\/one|\/two/)
  }
  t.same(seen, ['local:team/a/one', 'local:team/a/two', 'local:team/c/one'])
  for (const [client, query] of [
    ['admin', `prefix=local:team/&cursor=${cursor}`],
    ['app', `prefix=local:team/a/&cursor=${cursor}`],
    ['app', `prefix=local:team/&cursor=AAAA${cursor}`],
    ['app', 'prefix=local:team/&cursor=AAAA']
  ] as const) {
    const refused = await list(client, query)
    t.equal(refused.statusCode, 400, query)
    t.match(refused.json(), { code: 'invalid_request' })
  }
})

test('who may read nothing in a store is refused as if it were not there', async (t) => {
  const { list } = await setUp(t)
  const refusal = { code: 'access_denied', status: 403 }
  t.match((await list('stranger', 'prefix=local:team/')).json(), refusal)
  t.match((await list('writer', 'prefix=local:team/')).json(), refusal)
  t.match((await list('app', 'prefix=nowhere:team/')).json(), refusal)
  t.match((await list('admin', 'prefix=local:team/', 'w')).json(), { code: 'insufficient_mode' })
})

test('a prefix that is none, a wrong limit, or a prefix beside a reference is refused', async (t) => {
  const { list } = await setUp(t)
  for (const prefix of [
    'local:team',
    'local',
    'local:../',
    'local:team//',
    'local:team/?x',
    '/',
    ':',
    'a/b:'
  ]) {
    const answer = await list('admin', `prefix=${encodeURIComponent(prefix)}`)
    t.match(answer.json(), { code: 'invalid_reference', status: 400 }, prefix)
  }
  for (const query of [
    'prefix=local:team/&limit=0',
    'prefix=local:team/&limit=101',
    'prefix=local:team/&ref=local:team/a/one',
    'prefix=local:team/&field=x',
    'limit=1',
    ''
  ]) {
    t.match((await list('admin', query)).json(), { code: 'invalid_request', status: 400 }, query)
  }
})

test('a write that names the version it replaces is refused once another is the newest', async (t) => {
  const { built } = await setUp(t)
  await built.reload({
    yaml: YAML.replace(
      "admin, read: ['local:**']",
      "admin, read: ['local:**'], write: ['local:**']"
    )
  })
  const { ask } = await built.as('admin', 'rw')
  const put = (ifMatch: string, value: string) =>
    ask('PUT', '/v1/secrets?ref=local:team/a/one', { value }, { 'if-match': ifMatch })
  t.match((await put('"1"', 'second')).json(), { version: '2' })
  t.match((await put('1', 'lost')).json(), { code: 'conflict', status: 409 })
  t.match((await put('2', 'third')).json(), { version: '3' })
  for (const odd of ['*', '"1", "2"', 'W/"1"']) {
    t.match((await put(odd, 'x')).json(), { code: 'invalid_request', status: 400 }, odd)
  }
})
