// The place of a record in the chain, behind the page: of what the service itself wrote, on record and by its form alone.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const DAY = '2026-11-21'

const setUp = async (t: Test) => {
  const built = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]',
    now: () => START,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  const browser = openBrowser(built)
  await browser.signIn((await built.as('admin', 'r', { scopes: ['aura-admin'] })).key)
  const ask = (query: Record<string, string>) =>
    browser.ask('GET', `/console/api/audit/place?${new URLSearchParams(query)}`)
  const [record] = await recordsIn(built.folder)
  const { instance = '', seq = '' } = record ?? {}
  const file = join(built.folder, 'data', 'audit', `${DAY}.jsonl`)
  return { built, ask, file, of: { instance, seq: String(seq), day: DAY } }
}

test('a record of the running service holds, and the question is on record', async (t) => {
  const { built, ask, file, of } = await setUp(t)
  const answer = (await ask(of)).json()
  t.match(answer, {
    instance: of.instance,
    seq: Number(of.seq),
    verdict: 'holds',
    file: `${DAY}.jsonl`,
    line: Number(of.seq),
    segmentFrom: 1
  })
  t.match((await recordsIn(built.folder)).at(-1), {
    action: 'admin.read',
    route: 'GET /console/api/audit/place'
  })
  writeFileSync(file, readFileSync(file, 'utf8').replace('session.open', 'session.over'))
  t.match((await ask(of)).json(), { verdict: 'broken', detail: /not the line/ })
})

test('what is no place is refused, and names no file', async (t) => {
  const { ask, of } = await setUp(t)
  for (const wrong of [
    { instance: '../../../x' },
    { instance: '' },
    { seq: '0' },
    { seq: '1e3' },
    { day: '../2026-11' },
    { day: '2026-11-21/..' }
  ]) {
    assertProblem(t, await ask({ ...of, ...wrong }), { code: 'invalid_request' })
  }
  t.match((await ask({ ...of, day: '2026-11-20' })).json(), { verdict: 'unknown' })
})
