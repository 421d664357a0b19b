// Policy from both ends: what a client may do, and who may read a reference; rules that have ended say nothing.
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
secrets: { short: 'local:team/db' }
policies:
  - { client: app, read: ["local:team/*", "local:other/**"], write: ["local:team/*"], bots: ["helper-*"] }
  - { client: [app, worker], read: ["local:team/db"], until: "2026-12-01" }
  - { client: "*", read: ["local:team/db#user"], channels: ["web"] }
`
const API = '/console/api'
const START = Date.parse('2026-11-21T12:00:00Z')

const setUp = async (t: Test) => {
  const clock = { now: START }
  const built = await buildTestApp(t, {
    yaml: YAML,
    now: () => clock.now,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
  const browser = openBrowser(built)
  await browser.signIn(key)
  const ask = (path: string) => browser.ask('GET', `${API}${path}`)
  const signInLater = async (): Promise<void> => {
    clock.now = Date.parse('2026-12-02T00:00:00Z')
    await browser.signIn((await built.as('admin', 'rw', { scopes: ['aura-admin'] })).key)
  }
  return { built, ask, signInLater }
}

const OWN = { rule: 0, pattern: 'local:team/*' }
const UNTIL = { rule: 1, pattern: 'local:team/db', until: '2026-12-01' }
const OF_ALL = { rule: 2, pattern: 'local:team/db#user' }

test('what a client may do stands under the rules that say it, as long as they hold', async (t) => {
  const { built, ask, signInLater } = await setUp(t)
  const other = { rule: 0, pattern: 'local:other/**' }
  const told = { client: 'app', write: [OWN], bots: ['helper-*'], channels: ['web'] }
  t.same((await ask('/reach?client=app')).json(), { ...told, read: [OWN, other, UNTIL, OF_ALL] })
  t.same((await ask('/reach?client=nobody')).json(), {
    client: 'nobody',
    read: [OF_ALL],
    write: [],
    bots: [],
    channels: ['web']
  })
  t.match((await recordsIn(built.folder)).at(-1), { action: 'admin.read', client: 'admin' })
  await signInLater()
  t.same((await ask('/reach?client=app')).json(), { ...told, read: [OWN, other, OF_ALL] })
})

test('who may read a reference, by which rules, and when a key of it was last used', async (t) => {
  const { built, ask, signInLater } = await setUp(t)
  await (await built.as('app')).read('local:team/db')
  const { reference, readers } = (await ask('/readers?ref=local:team/db')).json()
  t.equal(reference, 'local:team/db')
  t.same(readers, [
    { client: 'app', grants: [OWN, UNTIL], lastUsed: '2026-11-21T12:00:00.000Z' },
    { client: 'worker', grants: [UNTIL] }
  ])
  const byName = (await ask('/readers?ref=short')).json()
  t.same(byName, { reference, readers })
  const ofField = (await ask(`/readers?ref=${encodeURIComponent('local:team/db#user')}`)).json()
  t.match(ofField, {
    reference: 'local:team/db#user',
    readers: [{ client: 'app' }, { client: 'worker' }, { client: '*', grants: [OF_ALL] }]
  })
  t.same((await ask('/readers?ref=local:none/of/it')).json().readers, [])
  await signInLater()
  t.match((await ask('/readers?ref=local:team/db')).json().readers, [
    { client: 'app', grants: [OWN] }
  ])
})

test('what is no reference of ours is refused', async (t) => {
  const { ask } = await setUp(t)
  assertProblem(t, await ask('/readers?ref=elsewhere:team/db'), { code: 'access_denied' })
  assertProblem(t, await ask('/readers?ref=a%00b'), { code: 'invalid_reference' })
  assertProblem(t, await ask('/reach'), { code: 'invalid_request' })
  assertProblem(t, await ask('/reach?client=*'), { code: 'invalid_request' })
})
