// What administrators see and change, and limits that are reached: each is on record, and without a record there is no answer.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { ConfigError } from '../../src/config/fault.ts'
import { recordReload } from '../../src/config/reloads.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'
import { ProblemError } from '../../src/core/problem.ts'
import { recordsIn } from '../support/audit-records.ts'
import { buildTestApp } from '../support/build-app.ts'
import { asAdmin } from '../support/keys.ts'
import { assertProblem } from '../support/problem.ts'
import { frozen } from '../support/stopwatch.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:app/**'] }]
`
const READS = [
  ['GET', '/v1/admin/keys'],
  ['GET', '/v1/admin/encryption-keys'],
  ['GET', '/v1/admin/stores'],
  ['GET', '/v1/admin/cache'],
  ['GET', '/v1/admin/config'],
  ['GET', '/v1/admin/audit'],
  ['GET', '/v1/admin/explain?client=app&ref=local:app/x'],
  ['POST', '/v1/admin/explain'],
  ['GET', '/v1/admin/bots'],
  ['GET', '/v1/admin/providers'],
  ['GET', '/v1/admin/channels'],
  ['HEAD', '/v1/admin/keys']
] as const

test('whatever an administrator reads is on record before the answer, and without the record there is none', async (t) => {
  const clock = { ahead: 0 }
  const app = await buildTestApp(t, { yaml: YAML, now: () => Date.now() + clock.ahead })
  const admin = await app.as('admin', 'rw', asAdmin)
  const ask = ([method, url]: (typeof READS)[number]) =>
    admin.ask(method, url, method === 'POST' ? { key: 'x', ref: 'local:app/x' } : undefined)
  for (const read of READS) t.equal((await ask(read)).statusCode, 200, read.join(' '))
  t.same(
    (await recordsIn(app.folder)).map(({ action, outcome, client, route }) => [
      action,
      outcome,
      client,
      route
    ]),
    READS.map(([method, url]) => [
      'admin.read',
      'allowed',
      'admin',
      `${method} ${url.split('?')[0]}`
    ])
  )
  const audit = join(app.folder, 'data', 'audit')
  await rm(audit, { recursive: true })
  await writeFile(audit, 'in the way')
  clock.ahead += 1_000
  for (const read of READS) {
    const bodiless = read[0] === 'HEAD'
    assertProblem(t, await ask(read), { code: 'audit_unavailable', what: read.join(' '), bodiless })
  }
})

test('a reload is on record with the digests of before and after, one that changed nothing too', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const reloads = async () =>
    (await recordsIn(app.folder))
      .filter(({ action }) => action === 'config.reload')
      .map(({ outcome, reason, route }) => [outcome, reason, route].join(' '))
  const digests = async () => ((await reloads()).at(-1) ?? '').match(/sha256:\S+/g) ?? []
  await app.reload({})
  const [a, same] = await digests()
  t.equal(a, same)
  t.same(await reloads(), [
    `allowed intent: before ${a} SIGHUP`,
    `allowed before ${a} after ${a} SIGHUP`
  ])
  await app.reload({ yaml: YAML.replace('app/**', 'app/*') })
  const [before, b] = await digests()
  t.equal(before, a)
  t.not(b, a, 'a policy')
  await app.reload({ yaml: YAML })
  t.same(await digests(), [b, a], 'the same again')
  const DELEGATIONS = "delegations: [{ client: app, clients: ['bot-*'], scopes: [aura-services] }]"
  await app.reload({ yaml: `${YAML}${DELEGATIONS}\n` })
  t.not((await digests())[1], a, 'a delegation')
  await app.reload({ yaml: YAML, env: { RATE_LIMIT_MAX: '7' } })
  t.equal((await digests())[1], a, 'a setting that needs a restart is not in force')
  await t.rejects(
    app.app.reload(() => {
      throw new ConfigError([{ place: 'purser.yaml', message: 'is faulty' }])
    })
  )
  t.same((await reloads()).slice(-2), [
    `allowed intent: before ${a} SIGHUP`,
    `failed 1 faults: still ${a} SIGHUP`
  ])
})

test('what cannot be recorded of the end of a reload does not make it another one', async (t) => {
  const recorded: string[] = []
  const logged: string[] = []
  const options = {
    environment: 'dev',
    record: async ({ reason = '' }: AuditEvent) => {
      if (!reason.startsWith('intent')) throw new ProblemError('audit_unavailable')
      recorded.push(reason)
    },
    log: (_level: string, message: string) => logged.push(message),
    digest: () => 'sha256:x'
  } as const
  await recordReload(options, undefined, async () => {})
  const fault = new ConfigError([{ place: 'purser.yaml', message: 'is faulty' }])
  await t.rejects(
    recordReload(options, undefined, async () => {
      throw fault
    }),
    fault
  )
  t.equal(recorded.length, 2)
  t.same(logged, Array(2).fill('how a reload ended could not be recorded'))
})

test('without a record nothing is reloaded', async (t) => {
  const clock = { ahead: 0 }
  const app = await buildTestApp(t, { yaml: YAML, now: () => Date.now() + clock.ahead })
  const admin = await app.as('admin', 'rw', asAdmin)
  const audit = join(app.folder, 'data', 'audit')
  await rm(audit, { recursive: true, force: true })
  await writeFile(audit, 'in the way')
  await t.rejects(app.reload({ yaml: YAML.replace('app/**', '**') }), { code: 'audit_unavailable' })
  await rm(audit)
  clock.ahead += 1_000
  const { policies } = (await admin.ask('GET', '/v1/admin/config')).json()
  t.match(policies, [{ read: ['local:app/**'] }])
})

test('failed logins beyond the limit, and a key beyond its own, are one line and a count', async (t) => {
  const app = await buildTestApp(t, {
    yaml: YAML,
    env: {
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_AUTH_FAILURES_MAX: '5',
      RATE_LIMIT_MAX: '3',
      RATE_LIMIT_WINDOW_SECONDS: '3600'
    },
    now: frozen
  })
  const headers = { 'x-api-key': 'nonsense' }
  for (let i = 0; i < 19; i++) await app.app.server.inject({ url: '/v1/whoami', headers })
  const client = await app.as('app', 'r')
  for (let i = 0; i < 10; i++) await client.ask('GET', '/v1/whoami')
  await app.app.close()
  const lines = (await recordsIn(app.folder)).map(({ action, outcome, code, reason, client }) =>
    [action, outcome, code, reason, client].filter(Boolean).join(' ')
  )
  t.same(lines.slice(5), [
    'limit.reach denied rate_limited failed-logins',
    'limit.reach denied rate_limited key app',
    'limit.reach denied rate_limited failed-logins: 14 refused',
    'limit.reach denied rate_limited key: 7 refused app'
  ])
})
