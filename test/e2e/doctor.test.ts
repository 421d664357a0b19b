/** `purser doctor` as a process: its exit codes, its JSON, beside a service, and with secrets in every place that it looks at. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'tap'
import { Value } from 'typebox/value'
import { Report } from '../../src/core/doctor-report.ts'
import { CHECKS } from '../../src/doctor/checks.ts'
import { type Canary, canaryOf } from '../support/canary.ts'
import { randomSecret } from '../support/keys.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  runPurser,
  serve
} from '../support/purser-process.ts'
import { closedPort } from '../support/wire.ts'

test('a line for each check, and exit code 0 where none fails', async (t) => {
  const { folder } = createConfigured(t)
  const { code, stdout, stderr } = await runPurser(t, folder, ['doctor'])
  const lines = stdout.trimEnd().split('\n')
  t.equal(code, 0, stdout)
  t.match(stderr, /^dev: \d+ checks ok, \d+ with warnings, 0 failed\n$/)
  for (const line of lines) t.match(line, /^(ok {2}|warn) {2}[a-z-]+ +\S/)
  t.strictSame(
    [...new Set(lines.map((line) => line.slice(6).split(' ')[0]))],
    CHECKS.map(({ id }) => id)
  )
})

test('exit code 1 where one fails, 2 where it cannot be run', async (t) => {
  const { folder } = createConfigured(t, { variables: { INTERNAL_SECRET: 'changeme' } })
  const { code, stdout } = await runPurser(t, folder, ['doctor'])
  t.equal(code, 1)
  t.match(stdout, /^fail {2}secrets-strong +INTERNAL_SECRET: must have at least 32 characters/m)
  t.equal((await runPurser(t, folder, ['doctor', '--nonsense'])).code, 2)
  t.equal((await runPurser(t, folder, ['doctor', 'surplus'])).code, 2)
})

test('the JSON has the shape that is documented', async (t) => {
  const { folder } = createConfigured(t, { variables: { CORS_ALLOW_ORIGINS: '*' } })
  const { code, stdout, stderr } = await runPurser(t, folder, ['doctor', '--json'])
  const report = JSON.parse(stdout) as Report
  t.strictSame([...Value.Errors(Report, report)], [])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.strictSame(report.checks.find(({ id }) => id === 'cors')?.findings, [
    {
      status: 'warn',
      message: 'would fail in pro: CORS_ALLOW_ORIGINS: * is refused in pre and pro',
      told: true
    }
  ])
})

test('beside a running service it reads what that keeps, and disturbs nothing', async (t) => {
  const { folder } = createConfigured(t)
  await putLocal(folder, 'team/db', 'x')
  const { url, child, ended } = await serve(t, folder)
  const { port } = new URL(url)
  const key = await issueKey(folder)
  const read = async () => (await get(`${url}/v1/secrets?ref=local:team/db`, key)).status
  t.equal(await read(), 200)
  for (let n = 0; n < 3; n++) {
    const { code, stdout } = await runPurser(t, folder, ['doctor'], { env: { PORT: port } })
    t.equal(code, 0, stdout)
    t.match(stdout, /^ok {4}state-readable/m)
    t.match(stdout, /^ok {4}service-ready/m)
    t.equal(await read(), 200)
  }
  child.kill('SIGTERM')
  t.equal((await ended).code, 0)
})

test('without a service it creates nothing', async (t) => {
  const { folder } = createConfigured(t)
  const empty = join(folder, 'elsewhere')
  const { stdout } = await runPurser(t, folder, ['doctor'], { env: { DATA_DIR: empty } })
  t.match(stdout, /^ok {4}state-readable/m)
  t.throws(() => chmodSync(empty, 0o700), { code: 'ENOENT' })
})

test('a store that accepts and says nothing keeps the process neither from telling nor from ending', async (t) => {
  const sockets = createServer(() => {})
  await new Promise<void>((done) => sockets.listen(0, '127.0.0.1', done))
  t.teardown(() => sockets.close())
  const { port } = sockets.address() as { port: number }
  const { folder } = createConfigured(t, {
    yaml: `stores:
  - name: vault
    kind: vault
    address: http://127.0.0.1:${port}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
`,
    variables: { VAULT_TOKEN: randomSecret(), UPSTREAM_TIMEOUT_MS: '300' }
  })
  const { code, stdout } = await runPurser(t, folder, ['doctor'])
  t.equal(code, 1)
  t.match(stdout, /^fail {2}stores-reachable +the store vault does not answer in time/m)
})

test('no secret of any setting, file or store is in what it says, whatever is wrong', async (t) => {
  const canaries = new Map<string, Canary>()
  const plant = (name: string): string => {
    const text = `${name.slice(0, 3)}Q${randomSecret()}`.slice(0, 32)
    canaries.set(name, canaryOf(text))
    return text
  }
  const redis = plant('redis')
  const { folder } = createConfigured(t, {
    yaml: `stores:
  - name: vault
    kind: vault
    address: http://127.0.0.1:${await closedPort()}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: { env: VAULT_ROLE }, secretId: { file: secret-id } }
  - { name: local, kind: local }
policies:
  - { client: "*", read: ["vault:secret/*"] }
bots: [{ name: b, provider: p, credentials: { botSecret: "${plant('bot')}" } }]
providers: [{ name: p, type: google, credentials: { privateKey: "${plant('provider')}" } }]
`,
    variables: {
      ENVIRONMENT: 'pro',
      HOST: '0.0.0.0',
      ENCRYPTION_KEYS: `${plant('first key')},${plant('second key')}`,
      INTERNAL_SECRET: redis,
      JWT_SECRET: plant('jwt'),
      GOOGLE_CLIENT_SECRET: plant('google'),
      VAULT_ROLE: plant('role'),
      REDIS_URL: `redis://:${redis}@127.0.0.1:${await closedPort()}`,
      FOREIGN: plant('foreign')
    }
  })
  writeFileSync(join(folder, 'secret-id'), plant('secret id'))
  mkdirSync(join(folder, '.git'))
  chmodSync(join(folder, '.env'), 0o644)
  for (const args of [['doctor'], ['doctor', '--json']]) {
    const { code, stdout, stderr } = await runPurser(t, folder, args)
    t.equal(code, 1)
    t.match(stdout, /secrets-different/)
    for (const [name, canary] of canaries) t.strictSame(canary.findIn(stdout + stderr), [], name)
  }
  t.ok(canaries.size >= 9)
})
