// What retention will take, behind the page: on record as a look, no act that renews a session, and for those who may see.
import { test } from 'tap'
import { openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

test('who may see is told what would go, which is on record and renews no session', async (t) => {
  const clock = { now: Date.parse('2026-11-21T12:00:00Z') }
  const built = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]',
    now: () => clock.now,
    env: {
      CONSOLE_ENABLED: 'true',
      HOST: '0.0.0.0',
      JWT_SECRET: randomSecret(),
      RETENTION_PURGE_ENABLED: 'false'
    }
  })
  const browser = openBrowser(built)
  const signIn = async (mode: 'r' | 'w'): Promise<void> => {
    await browser.signIn((await built.as('admin', mode, { scopes: ['aura-admin'] })).key)
  }
  const look = () =>
    browser.ask('GET', '/console/api/retention', { headers: { 'x-user-act': '1' } })
  await signIn('r')
  clock.now += 120_000
  const answer = await look()
  t.same(answer.json(), {
    lookedAt: '2026-11-21T12:02:00.000Z',
    days: 90,
    before: '2026-08-23',
    files: [],
    lines: 0,
    bytes: 0,
    withoutKey: 0,
    lostKeys: [],
    entries: []
  })
  t.same(setCookies(answer), [])
  const records = await recordsIn(built.folder)
  t.match(records.at(-1), { action: 'admin.read', route: 'GET /console/api/retention' })
  await signIn('w')
  assertProblem(t, await look(), { code: 'insufficient_mode' })
})
