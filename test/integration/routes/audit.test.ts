// "Who read this, and when": administrators ask the trail, page by page or as a stream, and that is on record too.
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { asAdmin } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
secrets: { db: 'local:team/db' }
policies:
  - { client: app, read: ['local:team/**'] }
  - { client: other, read: ['local:team/**'] }
`
const URL_OF = '/v1/admin/audit'

const build = async (t: Test, clock = { ahead: 0 }) => {
  const app = await buildTestApp(t, { yaml: YAML, now: () => Date.now() + clock.ahead })
  await app.seed('local', 'team/db', '{"user":"u","password":"p"}')
  const admin = await app.as('admin', 'rw', asAdmin)
  const ask = (query: Record<string, string> = {}, headers = {}) =>
    admin.ask('GET', `${URL_OF}?${new URLSearchParams(query)}`, undefined, headers)
  return { app, admin, ask }
}

const read = async (app: TestApp, client: string, refs: readonly string[]): Promise<void> => {
  const reader = await app.as(client, 'r')
  for (const ref of refs) await reader.read(ref)
}

const said = (records: readonly Record<string, string>[]): string[] =>
  records.map(({ client, reference, outcome }) => [client, reference, outcome].join(' '))

test('who read a secret, by any of its names, and who tried to', async (t) => {
  const { app, ask } = await build(t)
  await read(app, 'app', ['local:team/db#user', 'local:team/dbx', 'db'])
  await read(app, 'other', ['local:team/db#password', 'local:else/x'])
  const all = [
    'other local:team/db#password allowed',
    'app local:team/db allowed',
    'app local:team/db#user allowed'
  ]
  for (const reference of ['local:team/db', 'db']) {
    const { records, ...end } = (await ask({ reference })).json()
    t.same(said(records), all, reference)
    t.match(end, { skipped: 0, notAsked: { files: [], replicas: 0 }, completeFrom: /Z$/ })
    t.notOk('cursor' in end)
    t.match(records[0], {
      action: 'secret.read',
      cache: 'HIT',
      route: 'GET /v1/secrets',
      seq: Number
    })
  }
  const found = async (query: Record<string, string>) => said((await ask(query)).json().records)
  t.same(await found({ reference: 'local:team/db', client: 'app' }), all.slice(1))
  t.same(await found({ reference: 'local:team/db#user' }), all.slice(2))
  t.same(await found({ pattern: 'local:team/*' }), [
    all[0],
    all[1],
    'app local:team/dbx failed',
    all[2]
  ])
  t.same(await found({ pattern: 'local:{else,none}/**', outcome: 'denied' }), [
    'other local:else/x denied'
  ])
  t.same(await found({ pattern: 'local:**', to: '2020-01-01' }), [])
  t.same(await found({ reference: 'former:team/db' }), [], 'a store that is configured no more')
})

test('the question is on record itself, and needs the scope of administrators', async (t) => {
  const { app, ask } = await build(t)
  t.match((await ask()).json().records, [
    { action: 'admin.read', client: 'admin', route: `GET ${URL_OF}` }
  ])
  const plain = await app.as('app', 'r')
  assertProblem(t, await plain.ask('GET', URL_OF), { code: 'insufficient_scope' })
  const { records } = (await ask({ action: 'admin.read' })).json()
  t.equal(records.length, 2)
})

test('pages go on where the last one ended; a cursor is good for its own question alone', async (t) => {
  const { app, ask } = await build(t)
  await read(
    app,
    'app',
    Array.from({ length: 25 }, (_, i) => `local:team/${i}`)
  )
  const query = { client: 'app', limit: '10' }
  const refs: string[] = []
  let cursor = ''
  for (let page = 0; page < 3; page++) {
    const answer = (await ask({ ...query, cursor })).json()
    refs.push(...answer.records.map(({ reference }: { reference: string }) => reference))
    cursor = answer.cursor
  }
  t.same(
    refs,
    Array.from({ length: 25 }, (_, i) => `local:team/${24 - i}`)
  )
  t.equal(cursor, undefined)
  const first = (await ask(query)).json()
  const other = await ask({ client: 'other', limit: '10', cursor: first.cursor })
  assertProblem(t, other, { code: 'invalid_request' })
  assertProblem(t, await ask({ ...query, cursor: `${first.cursor.slice(0, -6)}AAAAAA` }), {
    code: 'invalid_request'
  })
})

test('what is asked wrongly is refused, saying where', async (t) => {
  const { ask } = await build(t)
  for (const [query, pointer] of [
    [{ from: '2026-02-31T25:00:00Z' }, '/querystring/from'],
    [{ from: '2026-02-31' }, '/querystring/from'],
    [{ from: '2026-06-31T08:00:00Z' }, '/querystring/from'],
    [{ to: '2026-02-29' }, '/querystring/to'],
    [{ to: '9999-12-31T23:59:59-10:00' }, '/querystring/to'],
    [{ to: 'yesterday' }, '/querystring/to'],
    [{ pattern: 'local:***' }, '/querystring/pattern'],
    [{ pattern: 'nonsense' }, '/querystring/pattern'],
    [{ outcome: 'fine' }, '/querystring/outcome'],
    [{ limit: '0' }, '/querystring/limit'],
    [{ cursor: 'AAAA' }, '/querystring/cursor']
  ] as const) {
    const answer = await ask(query)
    assertProblem(t, answer, { code: 'invalid_request', what: JSON.stringify(query) })
    t.equal(answer.json().errors[0].pointer, pointer)
  }
  assertProblem(t, await ask({ reference: 'local:a\\b' }), { code: 'invalid_reference' })
})

const LINES = { accept: 'application/x-ndjson' }
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

test('as lines, the answer is a stream whose last line says how it ended', async (t) => {
  const { app, ask } = await build(t)
  await read(
    app,
    'app',
    Array.from({ length: 150 }, (_, i) => `local:team/${i}`)
  )
  const answer = await ask({ client: 'app' }, LINES)
  t.equal(answer.headers['content-type'], 'application/x-ndjson')
  t.match(answer.headers['vary'], /Accept/)
  const lines = linesOf(answer.body)
  t.equal(lines.length, 151, 'all of them, not a page')
  t.match(lines.at(-1), { end: { skipped: 0, notAsked: { files: [] } } })
  t.notOk('cursor' in lines.at(-1).end)
  const some = linesOf((await ask({ client: 'app', limit: '20' }, LINES)).body)
  t.equal(some.length, 21)
  t.type(some.at(-1).end.cursor, 'string')
  const rest = linesOf((await ask({ client: 'app', cursor: some.at(-1).end.cursor }, LINES)).body)
  t.same([...some.slice(0, -1), ...rest.slice(0, -1)], lines.slice(0, -1))
  assertProblem(t, await ask({ pattern: 'x' }, LINES), { code: 'invalid_request' })
  const either = await ask({}, { accept: '*/*' })
  t.match(either.headers['content-type'], /application\/json/)
})

const LINE = (i: number) =>
  `{"time":"2026-01-01T00:00:00.000Z","action":"secret.read","outcome":"allowed","client":"app","requestId":"${i}","reference":"local:${'x'.repeat(300)}"}\n`

test('a reader that stops reading makes nobody read on, and its place is free once it left', async (t) => {
  const { app, admin, ask } = await build(t)
  const folder = join(app.folder, 'data', 'audit')
  mkdirSync(folder, { recursive: true })
  const block = Array.from({ length: 1_000 }, (_, i) => LINE(i)).join('')
  for (let i = 0; i < 64; i++) appendFileSync(join(folder, '2026-01-01.9.jsonl'), block)
  await app.app.server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.app.server.server.address() as AddressInfo
  const open = () =>
    new Promise<{ status: number; leave: () => void }>((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path: URL_OF, headers: { ...LINES, 'x-api-key': admin.key } },
        (response) => {
          resolve({ status: response.statusCode ?? 0, leave: () => asked.destroy() })
          response.pause().on('error', () => {})
        }
      )
      asked.on('error', reject)
      asked.end()
    })
  const before = process.memoryUsage().rss
  const readers = []
  for (let i = 0; i < 4; i++) readers.push(await open())
  t.same(
    readers.map(({ status }) => status),
    Array(4).fill(200)
  )
  assertProblem(t, await ask(), { code: 'overloaded' })
  t.ok(process.memoryUsage().rss - before < 80 * 1024 * 1024, 'not what 100 MB of lines would take')
  for (const { leave } of readers) leave()
  let status = 503
  for (let i = 0; i < 1_000 && status === 503; i++) status = (await ask({ limit: '1' })).statusCode
  t.equal(status, 200)
})

test('files that cannot be read are named, and those that are gone are told from idle days', async (t) => {
  const { app, ask } = await build(t)
  await read(app, 'app', ['local:team/db'])
  const folder = join(app.folder, 'data', 'audit')
  mkdirSync(join(folder, '2026-01-02.jsonl'))
  writeFileSync(join(folder, '2026-01-01.3.jsonl'), 'torn')
  const answer = (await ask({ client: 'app' })).json()
  t.equal(answer.records.length, 1)
  t.same(answer.notAsked.files, ['2026-01-02.jsonl'])
  t.match(answer.completeFrom, '2026-01-01T23:59:59.999Z')
  t.match(readFileSync(join(folder, '2026-01-01.3.jsonl'), 'utf8'), 'torn')
  rmSync(folder, { recursive: true })
})
