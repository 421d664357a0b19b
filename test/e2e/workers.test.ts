/** WORKERS: several processes that are one service, and the supervisor that keeps them so. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test, test } from 'tap'
import { documentedNames } from '../../scripts/metrics.ts'
import { randomSecret } from '../support/keys.ts'
import {
  createConfigured,
  get,
  issueKey,
  LOCAL_YAML,
  runPurser,
  writeEnv,
  writeYaml
} from '../support/purser-process.ts'
import { eventually, skipWithoutRedis } from '../support/redis.ts'
import { parseMetrics, type Scraped } from '../support/scrape.ts'
import { SLOW, startSlowVault } from '../support/slow-vault.ts'
import { listen } from '../support/wire.ts'
import { areGone, askAnew, askAnewForText, startTeam, type Team } from '../support/worker-team.ts'

tap.jobs = 2
const beside = { buffered: true }

const withTeam = (
  name: string,
  options: Parameters<typeof startTeam>[1],
  work: (t: Test, team: Team) => Promise<void>
): void => {
  void test(name, beside, async (t) => {
    if (!(await skipWithoutRedis(t))) await work(t, await startTeam(t, options))
  })
}

const METRICS_TOKEN = randomSecret()
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const pidsOf = (team: Team): number[] => [...team.pids().values()].flat()
/** The statuses of as many requests, half of which go to each of two workers. */
const statuses = async (url: string, headers: Record<string, string>, count = 8) => {
  const all: number[] = []
  for (let n = 0; n < count; n++) all.push((await askAnew(url, headers)).status)
  return all
}
/** The status, or why there is none. */
const outcomeOf = (asked: ReturnType<typeof askAnew>): Promise<number | string> =>
  asked.then(
    ({ status }) => status,
    ({ code, message }: NodeJS.ErrnoException) => code ?? message
  )
const issueAdmin = (folder: string): Promise<string> =>
  issueKey(folder, { client: 'operator', scopes: ['aura-admin'], mode: 'rw' })

withTeam(
  'two workers answer on one address, each line of theirs says whose it is, and each has its own file of the trail',
  { variables: { LOG_LEVEL: 'debug', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' } },
  async (t, team) => {
    const { url, folder, output, child, lines } = team
    const key = await issueKey(folder)
    const asked = await statuses(`${url}/v1/secrets?ref=local:other/x`, bearer(key))
    t.strictSame(asked, Array(8).fill(403))
    const [, internal = ''] = await team.says(/Internal routes at (http[^"]+)/)
    t.not(internal, url)
    t.strictSame(await statuses(`${internal}/livez`, {}), Array(8).fill(200))

    const pids = pidsOf(team)
    t.equal(new Set([...pids, child.pid]).size, 3)
    await eventually(() => lines().filter(({ status }) => status === 403).length === 8)
    for (const [worker, [pid]] of team.pids()) {
      const own = lines().filter((line) => line.worker === worker && line['status'] === 403)
      t.ok(own.length > 0, `worker ${worker} had its turn`)
      t.ok(own.every((line) => line.pid === pid))
    }
    t.equal(output.stdout.match(/Server listening at/g)?.length, 1)
    t.equal(output.stdout.match(/Internal routes at/g)?.length, 1)
    t.equal(output.stderr, '')

    const audit = join(folder, 'data', 'audit')
    const files = readdirSync(audit).sort()
    t.match(files, [/^\d{4}-\d\d-\d\d\.1\.jsonl$/, /^\d{4}-\d\d-\d\d\.2\.jsonl$/])
    const records = files.map((file) => readFileSync(join(audit, file), 'utf8').split('\n').length)
    t.ok(
      records.every((count) => count > 1),
      'both have recorded'
    )
  }
)

withTeam(
  'a key that one worker revokes is refused by all, and a limit is one limit',
  {
    variables: {
      ALLOW_ADMIN_WRITE: 'true',
      RATE_LIMIT_MAX: '1000',
      RATE_LIMIT_WINDOW_SECONDS: '86400'
    }
  },
  async (t, { url, folder }) => {
    const keyId = randomUUID()
    const [key, other, admin] = [
      await issueKey(folder, { keyId }),
      await issueKey(folder),
      await issueAdmin(folder)
    ]
    const whoami = `${url}/v1/whoami`
    t.strictSame(await statuses(whoami, bearer(key), 4), Array(4).fill(200))
    const { status } = await askAnew(`${url}/v1/admin/keys/${keyId}`, bearer(admin), 'DELETE')
    t.equal(status, 200)
    const isRefused = async () =>
      (await statuses(whoami, bearer(key), 4)).every((one) => one === 401)
    await eventually(isRefused)

    // Of 1,000 in a day. Whoever counted alone would still have more than half of these after all requests below.
    t.strictSame(await statuses(whoami, bearer(other), 400), Array(400).fill(200))
    await eventually(async () => {
      const left = async () => {
        const { ratelimit = '' } = (await askAnew(whoami, bearer(other))).headers
        return Number(/r=(\d+)/.exec(`${ratelimit}`)?.[1])
      }
      const isShared = Math.max(await left(), await left()) <= 600
      if (!isShared) await sleep(250)
      return isShared
    })
  }
)

withTeam(
  'what an address may have of connections is divided among the workers',
  { variables: { CONNECTIONS_PER_ADDRESS: '4' } },
  async (t, { url }) => {
    const ended = new Set<number>()
    // One after the other, so that each worker has three of them, each idle once it is answered.
    for (let n = 0; n < 6; n++) {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
      t.teardown(() => socket.destroy())
      socket.on('error', () => {}).once('close', () => ended.add(n))
      socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(socket, 'data')
    }
    await eventually(() => ended.size > 1)
    t.strictSame([...ended].sort(), [0, 1], 'those that were unused for longest')
  }
)

withTeam(
  'a scrape of one worker shows the figures of all, each with its worker',
  { variables: { METRICS_TOKEN } },
  async (t, team) => {
    const { url, folder } = team
    const key = await issueKey(folder)
    const [route, status] = ['/v1/whoami', '200']
    t.strictSame(await statuses(`${url}${route}`, bearer(key)), Array(8).fill(200))
    const scraped = async () =>
      parseMetrics((await askAnewForText(`${url}/internal/metrics`, bearer(METRICS_TOKEN))).text)
    const served = ({ value }: Scraped, worker?: string) =>
      value('purser_http_requests_total', { route, status, ...(worker && { worker }) })
    await eventually(async () => served(await scraped()) === 8)
    const found = await scraped()
    t.same([served(found, '1'), served(found, '2')], [4, 4])
    t.same(
      found
        .labels('process_resident_memory_bytes')
        .map(({ worker }) => worker)
        .sort(),
      ['1', '2']
    )
    t.equal(found.value('purser_workers', { worker: '1' }), 2)
    t.equal(found.value('purser_redis_up', { worker: '2' }), 1)
    t.ok((found.value('purser_redis_call_duration_seconds_count', { use: 'shared' }) ?? 0) > 0)
    t.ok((found.value('purser_redis_call_duration_seconds_count', { use: 'state' }) ?? 0) > 0)
    t.same(
      [...found.names].sort(),
      [...documentedNames(readFileSync('docs/metrics.md', 'utf8'))].sort()
    )

    const [second = 0] = team.pids().get(2) ?? []
    process.kill(second, 'SIGKILL')
    await eventually(() => team.pids().get(2)?.length === 2)
    await eventually(async () => (await scraped()).labels('purser_workers').length === 2)
    const later = await scraped()
    t.same([served(later, '1'), served(later, '2') ?? 0], [4, 0], 'the new one begins anew')
  }
)

withTeam('a worker that is killed is replaced, and the others go on', {}, async (t, team) => {
  const { url, lines, child } = team
  const [victim = 0] = team.pids().get(2) ?? []
  process.kill(victim, 'SIGKILL')
  await team.says(/a worker ended/)
  t.strictSame(await statuses(`${url}/livez`, {}), Array(8).fill(200))
  t.match(
    lines().find(({ msg }) => msg.startsWith('a worker ended')),
    { level: 'error', worker: 2, pid: victim, signal: 'SIGKILL', inMs: 250 }
  )
  await eventually(() => team.pids().get(2)?.length === 2)
  t.strictSame(await statuses(`${url}/livez`, {}), Array(8).fill(200))

  // All at once: the first of the new ones listens on the same address again.
  const before = pidsOf(team)
  for (const pid of before.filter((one) => one !== victim)) process.kill(pid, 'SIGKILL')
  await eventually(() => pidsOf(team).length === before.length + 2)
  const [last = ''] = team.output.stdout.match(/http:[^"]+(?=")/g)?.slice(-1) ?? []
  t.strictSame(await statuses(`${last}/livez`, {}), Array(8).fill(200))
  t.equal(child.exitCode, null)
})

withTeam(
  'a connection that was on its way to a worker which ends is ended, not forgotten',
  {},
  async (t, { url, pids }) => {
    const [stopped = 0] = pids().get(2) ?? []
    process.kill(stopped, 'SIGSTOP')
    const all = Array.from({ length: 4 }, () => outcomeOf(askAnew(`${url}/livez`)))
    // All but the one that waits for the worker which cannot take it.
    const answered = new Set<unknown>()
    for (const one of all) void one.then(() => answered.add(one))
    await eventually(() => answered.size === 3)
    process.kill(stopped, 'SIGKILL')
    t.strictSame((await Promise.all(all)).sort(), [200, 200, 200, 'ECONNRESET'])
  }
)

void test(
  'a connection that comes when the last worker has just ceased to listen is ended, too',
  beside,
  async (t) => {
    if (await skipWithoutRedis(t)) return
    const vault = await startSlowVault(t)
    const { url, folder, child, pids, says } = await startTeam(t, vault.configuration)
    const key = await issueKey(folder)
    // Both workers have something under way, and so stay after they ceased to listen.
    const slow = [1, 2].map((n) => askAnew(`${url}${SLOW}-${n}`, bearer(key)))
    await eventually(() => vault.count() === 2)
    const supervisor = child.pid ?? 0
    process.kill(supervisor, 'SIGSTOP')
    const late = outcomeOf(askAnew(`${url}/livez`))
    // It is with the kernel by the time that the workers say anything.
    await sleep(100)
    for (const pid of [...pids().values()].flat()) process.kill(pid, 'SIGTERM')
    await says(/the service ends.*the service ends/s)
    await sleep(300)
    process.kill(supervisor, 'SIGCONT')
    t.equal(await late, 'ECONNRESET')
    vault.release()
    for (const { status } of await Promise.all(slow)) t.equal(status, 200)
    await eventually(() => [...pids().values()].flat().length === 4)
  }
)

void test(
  'SIGTERM lets what is under way be answered and ends all processes, with exit code 0',
  beside,
  async (t) => {
    if (await skipWithoutRedis(t)) return
    const vault = await startSlowVault(t)
    const team = await startTeam(t, vault.configuration)
    const answer = get(`${team.url}${SLOW}`, await issueKey(team.folder))
    await vault.asked
    team.child.kill('SIGTERM')
    // Also where they hear of it twice, as from a terminal or a service manager.
    for (const pid of pidsOf(team)) process.kill(pid, 'SIGTERM')
    await team.says(/the service ends.*the service ends/s)
    await t.rejects(askAnew(`${team.url}/livez`), 'nobody listens any more')
    await sleep(400)
    vault.release()
    t.match(await (await answer).json(), { value: 'late' })
    t.match(await team.ended, { code: 0, signal: null, stderr: '' })
    await areGone(pidsOf(team))
  }
)

void test('A second signal ends all processes at once', beside, async (t) => {
  if (await skipWithoutRedis(t)) return
  const team = await startTeam(t, { variables: { DRAIN_SECONDS: '600' } })
  team.child.kill('SIGTERM')
  await team.says(/not ready any more.*not ready any more/s)
  t.equal((await askAnew(`${team.url}/readyz`)).status, 503)
  // What follows sooner is taken for the echo of the first.
  await sleep(400)
  team.child.kill('SIGINT')
  t.match(await team.ended, { code: 1, signal: null })
  await areGone(pidsOf(team))
})

void test(
  'A supervisor that is killed takes its workers along, once they have answered',
  beside,
  async (t) => {
    if (await skipWithoutRedis(t)) return
    const vault = await startSlowVault(t)
    const team = await startTeam(t, vault.configuration)
    const answer = get(`${team.url}${SLOW}`, await issueKey(team.folder))
    await vault.asked
    team.child.kill('SIGKILL')
    await team.says(/the service ends.*the service ends/s)
    vault.release()
    t.match(await (await answer).json(), { value: 'late' })
    await areGone(pidsOf(team))
  }
)

withTeam(
  'SIGHUP and a reload over HTTP reach every worker, and a faulty configuration none',
  { variables: { ALLOW_ADMIN_WRITE: 'true' } },
  async (t, team) => {
    const { url, folder, child } = team
    const [key, admin] = [await issueKey(folder), await issueAdmin(folder)]
    /** What the key may read, as both workers say it. */
    const grants = async () => {
      const all = new Set<unknown>()
      for (let n = 0; n < 6; n++) {
        const { body } = await askAnew(`${url}/v1/whoami`, bearer(key))
        all.add((body['grants'] as { read: string[] }).read.join())
      }
      return [...all]
    }
    const reload = async () =>
      (await askAnew(`${url}/v1/admin/config/reload`, bearer(admin), 'POST')).body
    t.strictSame(await grants(), ['local:team/*'])

    writeYaml(folder, LOCAL_YAML.replace('team', 'other'))
    child.kill('SIGHUP')
    await team.says(/configuration was reloaded.*configuration was reloaded/s)
    t.strictSame(await grants(), ['local:other/*'])

    writeYaml(folder, LOCAL_YAML.replace('team', 'third'))
    t.same(await reload(), { reloaded: true, faults: [] })
    t.strictSame(await grants(), ['local:third/*'])

    writeYaml(folder, `${LOCAL_YAML}colour: red\n`)
    t.match(await reload(), { reloaded: false, faults: [{ place: /^purser\.yaml:/ }] })
    t.strictSame(await grants(), ['local:third/*'])

    writeYaml(folder, LOCAL_YAML)
    t.same(
      await Promise.all([reload(), reload(), reload()]),
      Array(3).fill({ reloaded: true, faults: [] })
    )
    t.strictSame(await grants(), ['local:team/*'])

    const audit = join(folder, 'data', 'audit')
    const reloads = readdirSync(audit).map((file) =>
      readFileSync(join(audit, file), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ action }) => action === 'config.reload')
    )
    for (const own of reloads) {
      t.ok(own.some(({ route }) => route === 'SIGHUP'))
      t.ok(own.some(({ client, route }) => client === 'operator' && route.startsWith('POST ')))
    }
  }
)

withTeam(
  'a worker whose settings are no longer those of the others does not serve beside them, nor alone',
  {},
  async (t, team) => {
    const { url, folder, variables, output } = team
    writeEnv(folder, { ...variables, RATE_LIMIT_MAX: '7' })
    process.kill(team.pids().get(1)?.[0] ?? 0, 'SIGKILL')
    await team.says(/"worker":1,"pid":\d+,"code":1,"signal":null,[^\n]*a worker ended/)
    t.match(output.stderr, /^Changed since [^\n]* restart of it: RATE_LIMIT_MAX\.\n/)
    t.strictSame(await statuses(`${url}/livez`, {}), Array(8).fill(200))
    writeEnv(folder, variables)
    await eventually(() => team.pids().get(1)?.length === 2)
    t.strictSame(await statuses(`${url}/livez`, {}), Array(8).fill(200))

    // Where none is left to serve, whoever runs the service is told.
    writeEnv(folder, { ...variables, RATE_LIMIT_MAX: '7' })
    const [, first = 0] = team.pids().get(1) ?? []
    const [second = 0] = team.pids().get(2) ?? []
    for (const pid of [first, second]) process.kill(pid, 'SIGKILL')
    const { code, stdout } = await team.ended
    t.equal(code, 1)
    t.match(stdout, /a worker cannot start and none serves: the service ends/)
  }
)

void test(
  'Workers that cannot start end the whole, with the reason told once',
  beside,
  async (t) => {
    const port = await listen(t, createServer())
    const variables = { WORKERS: '2', REDIS_URL: 'redis://127.0.0.1:1', PORT: String(port) }
    const { folder } = createConfigured(t, { variables })
    const taken = await runPurser(t, folder, ['serve'])
    t.equal(taken.code, 1)
    t.equal(taken.stderr, `127.0.0.1:${port} is in use by another process.\n`)
    t.match(taken.stdout, /a worker cannot start and none serves: the service ends/)

    const alone = createConfigured(t, { variables: { WORKERS: '2' } })
    const refused = await runPurser(t, alone.folder, ['serve'])
    t.match(refused, { code: 1, stdout: '', stderr: /^ {2}WORKERS: more than 1 needs REDIS_URL/m })
  }
)
