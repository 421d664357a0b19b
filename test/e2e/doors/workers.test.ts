// Doors of a service of several workers: each worker has them all, on the same ports, and what one of them is told holds in all.
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { randomSecret } from '../../support/keys.ts'
import { issueKey, runPurser } from '../../support/purser-process.ts'
import { answersIn, exchange, lines } from '../../support/raw-http.ts'
import { eventually, skipWithoutRedis } from '../../support/redis.ts'
import { parseMetrics } from '../../support/scrape.ts'
import { areGone, askAnewForText, startTeam } from '../../support/worker-team.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:team/*'] }]
doors:
  - { dialect: vault, port: 0, mounts: { secret: local } }
  - { dialect: dapr, port: 0 }
`
const METRICS_TOKEN = randomSecret()
const TIMES = 8

test('every worker serves every door, and what is revoked, counted and on record is so for all', async (t) => {
  if (await skipWithoutRedis(t)) return
  const variables = { LOG_LEVEL: 'debug', METRICS_TOKEN }
  const team = await startTeam(t, { yaml: YAML, variables })
  const { folder, lines: told, output, child } = team
  const put = ['store', 'put', 'local:team/db']
  t.match(await runPurser(t, folder, put, { input: '{"password":"p"}' }), { code: 0 })
  const portOf = async (dialect: string): Promise<number> => {
    const said = new RegExp(`Door ${dialect} at http://127\\.0\\.0\\.1:(\\d+)`)
    const [, port] = await team.says(said)
    t.equal(output.stdout.match(new RegExp(said, 'g'))?.length, 1, `${dialect} is told once`)
    return Number(port)
  }
  const [vault, dapr] = [await portOf('vault'), await portOf('dapr')]
  const key = await issueKey(folder)
  const eachTime = async <T>(ask: () => Promise<T>): Promise<T[]> => {
    const all: T[] = []
    for (let n = 0; n < TIMES; n++) all.push(await ask())
    return all
  }
  const read = () =>
    askAnewForText(`http://127.0.0.1:${vault}/v1/secret/data/team/db`, { 'x-vault-token': key })
  const readDapr = () =>
    askAnewForText(`http://127.0.0.1:${dapr}/v1.0/secrets/local/team/db`, { 'dapr-api-token': key })
  for (const { status, text } of await eachTime(read)) {
    t.equal(status, 200)
    t.same(JSON.parse(text).data.data, { password: 'p' })
  }
  for (const { status, text } of await eachTime(readDapr)) {
    t.same([status, text], [200, '{"password":"p"}'])
  }
  const head = ['LIST /v1/secret/metadata/team HTTP/1.1', 'Host: a', `X-Vault-Token: ${key}`]
  const listed = await eachTime(async () => answersIn((await exchange(vault, lines(...head))).text))
  for (const [answer] of listed) {
    t.equal(answer?.statusCode, 200)
    t.same(JSON.parse(answer?.body ?? '')['data'], { keys: ['db'] })
  }

  await eventually(() => told().filter(({ status }) => status === 200).length >= 3 * TIMES)
  for (const worker of team.pids().keys()) {
    for (const dialect of ['vault', 'dapr']) {
      const own = told().filter((line) => line.worker === worker && line['door'] === dialect)
      t.ok(own.length > 0, `worker ${worker} had its turn at ${dialect}`)
    }
  }

  const { text } = await askAnewForText(`${team.url}/internal/metrics`, {
    authorization: `Bearer ${METRICS_TOKEN}`
  })
  const metrics = parseMetrics(text)
  const countOf = (route: string) =>
    metrics.value('purser_http_requests_total', { method: 'GET', route, status: '200' })
  t.equal(countOf('vault /v1/:mount/data/*'), TIMES, 'of all workers')
  t.equal(countOf('vault /v1/:mount/metadata/*'), TIMES)
  t.equal(countOf('dapr /v1.0/secrets/:store/*'), TIMES)

  const revoked = await askAnewForText(
    `http://127.0.0.1:${vault}/v1/auth/token/revoke-self`,
    { 'x-vault-token': key },
    'PUT'
  )
  t.equal(revoked.status, 204)
  for (const [ask, refused] of [
    [read, 403],
    [readDapr, 401]
  ] as const) {
    const statuses = (await eachTime(ask)).map(({ status }) => status)
    t.same(statuses, Array(TIMES).fill(refused), 'what one worker revoked')
  }

  const pids = [...team.pids().values()].flat()
  child.kill('SIGTERM')
  t.match(await team.ended, { code: 0, signal: null })
  await areGone(pids)
  for (const port of [vault, dapr]) {
    await t.rejects(askAnewForText(`http://127.0.0.1:${port}/v1.0/healthz`), {
      code: 'ECONNREFUSED'
    })
  }
  const records = await recordsIn(folder)
  const reads = records.filter(
    ({ action, outcome }) => action === 'secret.read' && outcome === 'allowed'
  )
  t.equal(reads.length, 2 * TIMES, 'each on record')
  const verified = await runPurser(t, folder, ['audit', 'verify'])
  t.equal(verified.code, 0, verified.stderr)
})
