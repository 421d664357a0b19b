// Names behind the page: what stands in a store where policy lets the administrator see it, and what a client may read.
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ["local:team/**", "local:other/*"] }
  - { client: admin, read: ["local:team/**"], write: ["local:team/db"] }
`
const API = '/console/api'
const START = Date.parse('2026-11-21T12:00:00Z')

const setUp = async (t: Test) => {
  const built = await buildTestApp(t, {
    yaml: YAML,
    now: () => START,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const canary = createCanary()
  for (const path of ['team/db', 'team/deep/mail', 'other/db', 'secret/db']) {
    await built.seed('local', path, canary.token)
  }
  const browser = openBrowser(built)
  await browser.signIn((await built.as('admin', 'rw', { scopes: ['aura-admin'] })).key)
  const ask = (path: string) => browser.ask('GET', `${API}${path}`)
  return { built, canary, browser, ask }
}

test('names stand with what is cached of them, and no value', async (t) => {
  const { built, canary, ask } = await setUp(t)
  const app = await built.as('app')
  t.equal((await app.read('local:team/db')).statusCode, 200)
  const answer = await ask('/names?store=local')
  const { version, ...rest } = answer.json().names[0]
  t.match(version, /./)
  t.same(rest, {
    path: 'team/db',
    reference: 'local:team/db',
    cached: true,
    fetchedAt: '2026-11-21T12:00:00.000Z',
    writable: true
  })
  t.same(answer.json().names.slice(1), [
    { path: 'team/deep/mail', reference: 'local:team/deep/mail', cached: false, writable: false }
  ])
  t.same(canary.findIn(answer.body), [])
  const below = await ask('/names?store=local&path=team/deep')
  t.same(
    below.json().names.map(({ path }: { path: string }) => path),
    ['team/deep/mail']
  )
  const records = await recordsIn(built.folder)
  t.match(
    records.filter(({ action }) => action === 'secret.list'),
    [
      { client: 'admin', reference: 'local:', sessionId: /./, route: 'GET /console/api/names' },
      { reference: 'local:team/deep/' }
    ]
  )
})

test('what policy does not let the administrator know is refused or left out', async (t) => {
  const { built, ask } = await setUp(t)
  t.same((await ask('/names?store=local&path=secret')).json().names, [])
  assertProblem(t, await ask('/names?store=nowhere'), { code: 'access_denied' })
  assertProblem(t, await ask('/names?store=no:where'), { code: 'invalid_request' })
  assertProblem(t, await ask('/names?store=local&path=../x'), { code: 'invalid_reference' })
  assertProblem(t, await ask('/names?store=local&cursor=x'), { code: 'invalid_request' })
  const other = openBrowser(built)
  await other.signIn((await built.as('nobody', 'rw', { scopes: ['aura-admin'] })).key)
  assertProblem(t, await other.ask('GET', `${API}/names?store=local`), { code: 'access_denied' })
})

test('what a client may read is told by names, on demand and on record', async (t) => {
  const { built, canary, ask } = await setUp(t)
  t.notOk('names' in (await ask('/reach?client=app')).json())
  const answer = await ask('/reach?client=app&names=true')
  t.match(answer.json(), {
    client: 'app',
    read: [{ pattern: 'local:team/**' }, { pattern: 'local:other/*' }],
    names: ['local:team/db', 'local:team/deep/mail'],
    isPartial: false
  })
  t.same(canary.findIn(answer.body), [])
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'secret.list',
    client: 'admin',
    object: 'client app',
    route: 'GET /console/api/reach'
  })
})
