/** What a scrape shows while the trail cannot be written, or Redis is away. */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { eventually } from '../../support/redis.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { scrape } from '../../support/scrape.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'] }]
`

const scraped = ({ app, internalSecret }: TestApp) =>
  scrape(app.server, { 'x-internal-secret': internalSecret })

test('a trail that cannot be written shows: failing, with each write that failed, and unavailable', async (t) => {
  const clock = { ahead: 0 }
  const built = await buildTestApp(t, { yaml: YAML, now: () => Date.now() + clock.ahead })
  await built.seed('local', 'a', 'v')
  const { read } = await built.as('app')
  t.equal((await read('local:a')).statusCode, 200)
  const well = await scraped(built)
  t.equal(well.value('purser_audit_failing'), 0)
  t.equal(well.value('purser_ready', { status: 'ok' }), 1)
  const lines = well.value('purser_audit_lines_total')

  const audit = join(built.folder, 'data', 'audit')
  await rename(audit, `${audit}-gone`)
  await writeFile(audit, 'a file where the folder was')
  clock.ahead += 1_000
  for (let n = 0; n < 3; n++) t.equal((await read('local:a')).statusCode, 503)
  const { value } = await scraped(built)
  t.equal(value('purser_audit_failing'), 1)
  t.ok((value('purser_audit_groups_total', { outcome: 'failed' }) ?? 0) >= 3)
  t.equal(value('purser_audit_lines_total'), lines, 'what was not written does not count')
  t.equal(value('purser_ready', { status: 'unavailable' }), 1)
  const reads = (outcome: string) => value('purser_secret_reads_total', { store: 'local', outcome })
  t.equal(reads('HIT') ?? 0, 0, 'what was not disclosed is no hit')
  t.equal(reads('MISS'), 1)
  t.equal(reads('audit_unavailable'), 3)

  await rm(audit)
  await mkdir(audit, { recursive: true })
  clock.ahead += 1_000
  t.equal((await read('local:a')).statusCode, 200)
  const after = await scraped(built)
  t.equal(after.value('purser_audit_failing'), 0)
  t.equal(after.value('purser_ready', { status: 'ok' }), 1)
})

testWithRedis(
  'while Redis is away that shows, and so does each revocation that it does not have yet',
  async (t, redis) => {
    const built = await buildTestApp(t, { yaml: YAML, env: { REDIS_URL: redis.url } })
    const admin = await built.as('operator', 'rw', { scopes: ['aura-admin'] })
    const figure = async (name: string, labels = {}) => (await scraped(built)).value(name, labels)
    await eventually(async () => (await figure('purser_redis_up')) === 1)
    t.equal(await figure('purser_revocations_pending'), 0)
    await redis.kill()
    await eventually(async () => (await figure('purser_redis_up')) === 0)
    await admin.ask('DELETE', `/v1/admin/keys/${randomUUID()}`)
    t.equal(await figure('purser_revocations_pending'), 1)
    t.equal(await figure('purser_degraded', { reason: 'redis_unreachable' }), 1)
    await redis.start()
    await eventually(async () => (await figure('purser_revocations_pending')) === 0)
    await eventually(async () => (await figure('purser_redis_up')) === 1)
    t.equal(await figure('purser_degraded', { reason: 'redis_unreachable' }), undefined)
  }
)
