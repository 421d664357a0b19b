/** What some settings do to the whole service that no test of their own subject sets. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import type { State } from '../../src/state/state.ts'
import { buildTestApp } from '../support/build-app.ts'
import { createDirectory } from '../support/embedded.ts'
import { eventually } from '../support/redis.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'] }]
`

test('BODY_LIMIT_KB is the largest body', async (t) => {
  const { as } = await buildTestApp(t, { yaml: YAML, env: { BODY_LIMIT_KB: '2' } })
  const { ask } = await as('app', 'rw')
  const put = async (length: number) =>
    (await ask('PUT', '/v1/secrets?ref=local:a', { value: 'x'.repeat(length) })).statusCode
  t.equal(await put(1_900), 200)
  t.equal(await put(2_100), 413)
})

test('ADMIN_SCOPE is the scope of administration, and the usual one is none then', async (t) => {
  const { as } = await buildTestApp(t, { yaml: YAML, env: { ADMIN_SCOPE: 'operators' } })
  const statusOf = async (scope: string) => {
    const { ask } = await as('app', 'r', { scopes: [scope] })
    return (await ask('GET', '/v1/admin/stores')).statusCode
  }
  t.equal(await statusOf('operators'), 200)
  t.equal(await statusOf('aura-admin'), 403)
})

/** A service with a day of the trail that is over. */
const startWithOldDay = async (t: Test, env: Environ) => {
  const dataDir = createDirectory(t)
  const audit = join(dataDir, 'audit')
  await mkdir(audit)
  const today = Date.now()
  const dayOf = (before: number) => new Date(today - before * 86_400_000).toISOString().slice(0, 10)
  const old = `${dayOf(3)}.jsonl`
  await writeFile(join(audit, old), '')
  await writeFile(join(audit, `${dayOf(1)}.jsonl`), '')
  const { app } = await buildTestApp(t, {
    yaml: YAML,
    env: { DATA_DIR: dataDir, AUDIT_RETENTION_DAYS: '1', ...env }
  })
  return { app, isThere: async () => (await readdir(audit)).includes(old) }
}

test('RETENTION_PURGE_ENABLED decides whether anything is purged', async (t) => {
  const purging = await startWithOldDay(t, {})
  await eventually(async () => !(await purging.isThere()))
  const keeping = await startWithOldDay(t, { RETENTION_PURGE_ENABLED: 'false' })
  await keeping.app.close()
  t.ok(await keeping.isThere())
})

test('what has ended and says nothing of anybody goes in any case', async (t) => {
  const dataDir = createDirectory(t)
  const key = 'used/000000000001/state'
  const withState = async <T>(work: (state: State) => Promise<T>): Promise<T> => {
    const state = createEmbeddedState(dataDir)
    return await work(state).finally(() => state.close())
  }
  t.ok(await withState((state) => state.compareAndSet(key, undefined, Buffer.from([1]))))
  const env = { DATA_DIR: dataDir, RETENTION_PURGE_ENABLED: 'false' }
  const { app } = await buildTestApp(t, { yaml: YAML, env })
  await eventually(async () => (await app.state.get(key)) === undefined)
})

test('RETENTION_PURGE_INTERVAL_MINUTES is how often that is looked after', async (t) => {
  const delays: unknown[] = []
  const set = globalThis.setInterval
  t.teardown(() => {
    globalThis.setInterval = set
  })
  globalThis.setInterval = ((work: () => void, ms?: number) => {
    delays.push(ms)
    return set(work, ms)
  }) as typeof set
  await buildTestApp(t, { yaml: YAML, env: { RETENTION_PURGE_INTERVAL_MINUTES: '73' } })
  t.ok(delays.includes(73 * 60_000))
})
