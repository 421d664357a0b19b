// The checks of `purser doctor` behind the page: as the command has them, on record, and no act that renews a session.
import { type Test, test } from 'tap'
import type { Examine } from '../../../src/console/doctor.ts'
import type { Report } from '../../../src/core/doctor-report.ts'
import { openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const DOCTOR = '/console/api/doctor'
const START = Date.parse('2026-11-21T12:00:00Z')
const REPORT: Report = {
  environment: 'dev',
  status: 'warn',
  counts: { ok: 0, warn: 1, fail: 0 },
  checks: [
    {
      id: 'cors',
      title: 'CORS names origins',
      status: 'warn',
      findings: [{ status: 'warn', message: 'it does not', told: true }]
    }
  ]
}

const setUp = async (t: Test, doctor?: Examine) => {
  const clock = { now: START }
  const built = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]',
    now: () => clock.now,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() },
    overrides: { ...(doctor && { doctor }) }
  })
  const browser = openBrowser(built)
  const signIn = async (mode: 'r' | 'w' = 'r'): Promise<void> => {
    await browser.signIn((await built.as('admin', mode, { scopes: ['aura-admin'] })).key)
  }
  await signIn()
  const look = () => browser.ask('GET', DOCTOR, { headers: { 'x-user-act': '1' } })
  return { built, browser, clock, signIn, look }
}

test('what the checks say is told and on record, and renews no session', async (t) => {
  const { built, clock, look } = await setUp(t, async () => REPORT)
  clock.now += 120_000
  const answer = await look()
  t.same(answer.json(), { ...REPORT, examinedAt: '2026-11-21T12:02:00.000Z' })
  t.same(setCookies(answer), [])
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'admin.read',
    client: 'admin',
    route: 'GET /console/api/doctor',
    sessionId: /./
  })
})

test('nobody sees it with mode w, and where there is no command there is no route', async (t) => {
  const { signIn, look } = await setUp(t, async () => REPORT)
  await signIn('w')
  assertProblem(t, await look(), { code: 'insufficient_mode' })
  const { look: lookElsewhere } = await setUp(t)
  assertProblem(t, await lookElsewhere(), { code: 'route_not_found' })
})

test('the service ends without waiting for checks that hang', async (t) => {
  let begun = (): void => {}
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const { built, look } = await setUp(t, (signal) => {
    begun()
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('ended')))
    })
  })
  // `inject` begins only once somebody waits for it.
  const asked = look().then((answer) => answer)
  await isBegun
  await built.app.close()
  assertProblem(t, await asked, { code: 'overloaded' })
})
