// The console of two workers: one of them runs the checks for both, and each finds a record in whichever worker's file it is.
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { randomSecret } from '../../support/keys.ts'
import { issueKey } from '../../support/purser-process.ts'
import { skipWithoutRedis } from '../../support/redis.ts'
import { askAnew, startTeam } from '../../support/worker-team.ts'

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

test('whichever worker is asked has the one run of the checks, and finds a record in its chain', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { url, folder } = await startTeam(t, {
    variables: { CONSOLE_ENABLED: 'true', JWT_SECRET: randomSecret(), AUTH_COOKIE_SECURE: 'false' }
  })
  const key = await issueKey(folder, { client: 'admin', scopes: ['aura-admin'], mode: 'rw' })
  const signIn = { ...SAME_ORIGIN, origin: url, 'x-api-key': key }
  const opened = await askAnew(`${url}/console/api/v1/sessions`, signIn, 'POST')
  const [cookie = ''] = opened.headers['set-cookie'] ?? []
  const ask = (path: string) =>
    askAnew(`${url}/console/api${path}`, { ...SAME_ORIGIN, cookie: cookie.split(';')[0] ?? '' })
  const reports = await Promise.all([ask('/doctor'), ask('/doctor')])
  for (const { status, body } of reports) {
    t.equal(status, 200)
    t.match(body, { environment: 'dev', checks: [{ id: /./ }], examinedAt: /Z$/ })
  }
  const [one, other] = reports.map(({ body }) => body['examinedAt'])
  t.equal(one, other, 'they were run once for both')
  const records = await recordsIn(folder)
  const instances = new Map(records.map((record) => [record['instance'], record]))
  t.equal(instances.size, 2, 'both have been asked')
  for (const { instance = '', seq, time = '' } of instances.values()) {
    const place = `/audit/place?instance=${instance}&seq=${seq}&day=${time.slice(0, 10)}`
    for (const { body } of [await ask(place), await ask(place)]) {
      t.match(body, { verdict: 'holds', instance })
    }
  }
})
