/** AUDIT_SINKS=file!,redis in built services: any of them answers for all, also for one that was killed. */
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createConfigured, get, issueKey, runPurser, serve } from '../support/purser-process.ts'
import {
  eventually,
  LASTING,
  type RedisServer,
  skipWithoutRedis,
  startRedis
} from '../support/redis.ts'
import { parseMetrics } from '../support/scrape.ts'

const METRICS_TOKEN = 'a token for metrics of 32 characters!'.replaceAll(' ', '-')
const READ = '/v1/secrets?ref=local:team/db'

interface Answer {
  readonly records: readonly Readonly<Record<string, string>>[]
  readonly cursor?: string
  readonly completeFrom?: string
  readonly notAsked: Readonly<Record<string, unknown>>
}

/** Each with a folder of its own, as on machines of their own. */
const startReplicas = async (t: Test, redis: RedisServer, sinks: string, count = 2) => {
  const variables = {
    ENCRYPTION_KEYS: newEncryptionKey(),
    REDIS_URL: redis.url,
    AUDIT_SINKS: sinks,
    METRICS_TOKEN,
    RATE_LIMIT_ENABLED: 'false'
  }
  const replicas = []
  for (let i = 0; i < count; i++) {
    const { folder } = createConfigured(t, { variables })
    replicas.push({ folder, ...(await serve(t, folder)) })
  }
  const [first] = replicas
  if (first === undefined) throw new Error('there is a replica')
  const key = await issueKey(first.folder)
  const admin = await issueKey(first.folder, { client: 'operator', scopes: ['aura-admin'] })
  return { replicas, first, key, admin }
}

/** All pages: the one curl line of docs/audit.md, and what its cursors lead to. */
const ask = async (url: string, admin: string, query: Record<string, string>) => {
  const records: Answer['records'][number][] = []
  for (let cursor = ''; ; ) {
    const asked = new URLSearchParams({ ...query, limit: '1000', cursor })
    const answer = await get(`${url}/v1/admin/audit?${asked}`, admin)
    const page = (await answer.json()) as Answer
    records.push(...page.records)
    if (page.cursor === undefined) return { ...page, records }
    cursor = page.cursor
  }
}

test('after a replica was killed under load, another one and the command tell all that it answered', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t, { args: LASTING })
  const { replicas, first, key, admin } = await startReplicas(t, redis, 'file!,redis!')
  const other = replicas[1]
  if (other === undefined) throw new Error('there are two')
  const answered: string[] = []
  let isEnded = false
  const load = async (url: string, name: string): Promise<void> => {
    for (let i = 0; !isEnded; i++) {
      const id = `${name}-${i}`
      const headers = { authorization: `Bearer ${key}`, 'x-request-id': id }
      const response = await fetch(`${url}${READ}`, { headers }).catch(() => undefined)
      if (response === undefined) return
      if (response.status === 404) answered.push(id)
      await response.arrayBuffer().catch(() => {})
    }
  }
  const readers = [1, 2, 3, 4].flatMap((n) => [
    load(first.url, `first${n}`),
    load(other.url, `other${n}`)
  ])
  await eventually(() => answered.filter((id) => id.startsWith('other')).length > 100)
  other.child.kill('SIGKILL')
  await other.ended
  await sleep(50)
  isEnded = true
  await Promise.all(readers)
  const query = { reference: 'local:team/db', action: 'secret.read', client: 'app' }
  const { records, notAsked } = await ask(first.url, admin, query)
  const told = records.map(({ requestId }) => requestId)
  t.equal(new Set(told).size, told.length, 'each once')
  t.same(
    answered.filter((id) => !told.includes(id)),
    [],
    `all of ${answered.length} that were answered`
  )
  t.match(notAsked, { files: [], instances: [], redis: false })
  const times = records.map(({ time }) => time)
  t.same(times, times.toSorted().reverse(), 'newest first')
  const args = [
    'audit',
    'search',
    '--reference',
    'local:team/db',
    '--client',
    'app',
    '--since',
    '1d',
    '--json'
  ]
  const { code, stdout, stderr } = await runPurser(t, first.folder, args)
  t.equal(code, 0, stderr)
  const lines = stdout.trim().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).requestId),
    told
  )
  t.match(stderr, /^Nothing is missing since [\dT:.Z-]+\.\n$/)
  t.match(await runPurser(t, first.folder, ['audit', 'verify']), { code: 0 })
})

/** The first curl line of docs/audit.md, as it stands there but for the address and the day. */
const curlLine = (url: string): string => {
  const page = readFileSync('docs/audit.md', 'utf8')
  const line = /^curl -fsS -G (?:.*\\\n)*.*$/m.exec(page)?.[0] ?? ''
  const today = new Date().toISOString().slice(0, 10)
  return line.replace('http://127.0.0.1:8700', url).replace(/from=\d{4}-\d\d-\d\d/, `from=${today}`)
}

test('the curl line of the docs tells who read it over two replicas, also after one was killed, and that nothing is missing', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t, { args: LASTING })
  const { replicas, first, key, admin } = await startReplicas(t, redis, 'file!,redis!')
  const expected: string[] = []
  for (const [i, { url }] of [...replicas, ...replicas].entries()) {
    const headers = { authorization: `Bearer ${key}`, 'x-request-id': `read-${i}` }
    await (await fetch(`${url}${READ}`, { headers })).arrayBuffer()
    expected.unshift(`read-${i}`)
  }
  replicas[1]?.child.kill('SIGKILL')
  await replicas[1]?.ended
  const env = { ...process.env, ADMIN_KEY: admin }
  const ran = promisify(execFile)('sh', ['-c', curlLine(first.url)], { env, timeout: 60_000 })
  const { records, ...rest } = JSON.parse((await ran).stdout) as Answer
  t.comment(JSON.stringify({ records: records.slice(0, 1), ...rest }))
  t.same(
    records.map(({ client, action, requestId }) => [client, action, requestId]),
    expected.map((id) => ['app', 'secret.read', id])
  )
  t.match(rest, { skipped: 0, notAsked: { files: [], instances: [], redis: false } })
  t.type(rest.completeFrom, 'string')
  t.notOk('cursor' in rest)
})

test('a Redis that hangs keeps no answer where it is not required, and all answers where it is; figures and readiness say so', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const figure = async (url: string, name: string): Promise<number | undefined> => {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
    const text = await (await fetch(`${url}/internal/metrics`, { headers })).text()
    return parseMetrics(text).value(name, { sink: 'redis' })
  }
  const loose = await startReplicas(t, redis, 'file!,redis', 1)
  t.equal((await get(`${loose.first.url}${READ}`, loose.key)).status, 404)
  await eventually(async () => (await figure(loose.first.url, 'purser_audit_sink_failing')) === 0)
  redis.cli('client', 'pause', '600000', 'all')
  const began = performance.now()
  // Of the local store what is cached is asked for: what is not there is remembered.
  const denied = await get(`${loose.first.url}/v1/secrets?ref=local:nowhere/x`, loose.key)
  t.equal(denied.status, 403)
  t.ok(performance.now() - began < 5_000)
  await eventually(async () => (await figure(loose.first.url, 'purser_audit_sink_failing')) === 1)
  const readiness = await (await fetch(`${loose.first.url}/readyz`)).json()
  t.match(readiness, { status: 'degraded' })
  await redis.kill()
  await redis.start()
  await eventually(async () => (await figure(loose.first.url, 'purser_audit_sink_failing')) === 0)
  const strict = await startReplicas(t, redis, 'file!,redis!', 1)
  await eventually(
    async () =>
      (await get(`${strict.first.url}/v1/secrets?ref=local:nowhere/x`, strict.key)).status === 403
  )
  redis.cli('client', 'pause', '600000', 'all')
  const refused = await get(`${strict.first.url}/v1/secrets?ref=local:nowhere/x`, strict.key)
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'audit_unavailable' })
  t.equal((await fetch(`${strict.first.url}/readyz`)).status, 503)
})

test('where the whole trail is gone, the command says that the shared state knows of one', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t, { args: LASTING })
  const { first, key } = await startReplicas(t, redis, 'file!', 1)
  t.equal((await get(first.url + READ, key)).status, 404)
  first.child.kill('SIGTERM')
  await first.ended
  rmSync(join(first.folder, 'data', 'audit'), { recursive: true })
  t.match(await runPurser(t, first.folder, ['audit', 'verify']), {
    code: 2,
    stderr:
      /There is no trail in .*, although the state knows of \d+ instances?: of other replicas, or of what stood here\.\n$/
  })
})
