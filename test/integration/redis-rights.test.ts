/** What the user of REDIS_URL may do: the line of docs/redis.md suffices, and each right that is missing is found. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parseRedisUrl } from '../../src/state/redis-url.ts'
import { SharedUnavailable } from '../../src/state/shared.ts'
import { randomSecret } from '../support/keys.ts'
import { openShared } from '../support/open-shared.ts'
import {
  createConfigured,
  get,
  issueKey,
  LOCAL_YAML,
  readinessOf,
  runOnRedis,
  serve
} from '../support/purser-process.ts'
import { eventually, type RedisServer, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { parseMetrics } from '../support/scrape.ts'

const METRICS_TOKEN = randomSecret()
const DOCS = new URL('../../../docs/redis.md', import.meta.url)

/** The words of the documented line, after ACL. */
const documented = (): string[] => {
  const [line = ''] = /^ACL SETUSER .*$/m.exec(readFileSync(DOCS, 'utf8')) ?? []
  return line.replace('>PASSWORD', '>word').split(' ').slice(1)
}
const giveRights = ({ cli }: RedisServer): string => cli('acl', ...documented())
const urlOf = ({ port }: RedisServer): string => `redis://purser:word@127.0.0.1:${port}`

test('the rights that are documented are enough for all that a service and its commands do', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  t.equal(giveRights(redis), 'OK')
  const { folder } = createConfigured(t, { variables: { REDIS_URL: urlOf(redis) } })
  const put = ['store', 'put', 'local:team/db']
  t.match(await runOnRedis(t, folder, put, { input: 'x' }), { code: 0, stderr: '' })
  const { child, ended, url } = await serve(t, folder)
  const key = await issueKey(folder)
  t.equal((await get(`${url}/v1/secrets?ref=local:team/db`, key)).status, 200)
  await eventually(async () => (await readinessOf(url)).status === 'ok')
  t.same(await readinessOf(url), { status: 'ok' })
  for (const args of [
    put,
    ['store', 'list', 'local:'],
    ['store', 'rewrap'],
    ['store', 'delete', 'local:team/db']
  ]) {
    const { code, stderr } = await runOnRedis(t, folder, args, { input: 'y' })
    t.match({ code, stderr }, { code: 0, stderr: /^[^:]*$|^$/ }, args.join(' '))
  }
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
  t.equal(redis.cli('acl', 'log'), '', 'nothing was denied')
})

test('the sink of the audit trail needs the further rights that are documented, and no others', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  giveRights(redis)
  const [, more = ''] =
    /^With the sink `redis` of AUDIT_SINKS also `([^`]+)`/m.exec(readFileSync(DOCS, 'utf8')) ?? []
  const { folder } = createConfigured(t, {
    variables: { REDIS_URL: urlOf(redis), AUDIT_SINKS: 'file!,redis' }
  })
  const { url, output } = await serve(t, folder)
  await eventually(async () => (await readinessOf(url)).reason === 'redis_denies_commands')
  await eventually(() => output.stdout.includes('"commands":"xadd xtrim xrange xrevrange"'))
  t.equal(redis.cli('acl', 'setuser', 'purser', ...more.split(' ')), 'OK')
  redis.cli('acl', 'log', 'reset')
  redis.cli('client', 'kill', 'type', 'normal')
  const key = await issueKey(folder)
  const admin = await issueKey(folder, { client: 'operator', scopes: ['aura-admin'] })
  await eventually(async () => (await readinessOf(url)).status === 'ok')
  t.equal((await get(`${url}/v1/secrets?ref=local:team/db`, key)).status, 404)
  const answer = await get(`${url}/v1/admin/audit?client=app`, admin)
  t.match(await answer.json(), { notAsked: { redis: false, instances: [], replicas: 0 } })
  t.equal(redis.cli('acl', 'log'), '', 'nothing was denied')
})

test('each right that is missing is found at the start, by its name, and logged once', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const granted = documented().filter((word) => word.startsWith('+'))
  // The library's: without INFO it goes on, and another database than 0 cannot be had without SELECT.
  const needed = granted
    .map((word) => word.slice(1))
    .filter((name) => !/^(info|select)$/.test(name))
  t.equal(needed.length, 17)
  for (const name of [...needed, 'channel', 'keys']) {
    giveRights(redis)
    const less = { channel: 'resetchannels', keys: 'resetkeys' }[name] ?? `-${name}`
    t.equal(redis.cli('acl', 'setuser', 'purser', less), 'OK')
    const { shared, logs } = openShared(t, parseRedisUrl(urlOf(redis)))
    const found = { channel: ['publish', 'subscribe'], keys: ['get', 'set', 'hget'] }[name] ?? [
      name
    ]
    await eventually(() => found.every((command) => shared.denied().includes(command)))
    if (name !== 'keys') t.same(shared.denied(), found)
    const lines = logs.filter((line) => line.includes('denies'))
    t.equal(new Set(lines).size, lines.length, 'no line twice')
    t.match(lines.at(-1), found.at(-1))
    await shared.close()
  }
})

test('a counter that cannot be added to is left as it is', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  giveRights(redis)
  const counter = [{ key: 'mark', by: 1, ttlMs: 60_000 }]
  const { shared, whole } = openShared(t, parseRedisUrl(urlOf(redis)))
  await whole()
  for (const count of [1, 2, 3]) t.same(await shared.add(counter), [count])
  redis.cli('acl', 'setuser', 'purser', '-incrby')
  await t.rejects(shared.add(counter), SharedUnavailable)
  t.equal(redis.cli('get', 'purser:mark'), '3')
})

test('a connection that is denied its heartbeat is kept, since it was answered', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  giveRights(redis)
  redis.cli('acl', 'setuser', 'purser', '-ping')
  const { reconnects, whole } = openShared(t, parseRedisUrl(urlOf(redis)))
  await whole()
  // Some of them at the start; the others are heartbeats.
  await eventually(() => Number(/^count\n(\d+)$/m.exec(redis.cli('acl', 'log'))?.[1]) >= 5)
  t.equal(reconnects(), 1)
})

test('where its database cannot be had, Redis is away, and no other database is used in its place', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  giveRights(redis)
  redis.cli('acl', 'setuser', 'purser', '-select')
  for (const REDIS_URL of [`${urlOf(redis)}/3`, `${redis.url}/99`]) {
    const { folder } = createConfigured(t, { variables: { REDIS_URL } })
    const { shared, logs, whole } = openShared(t, parseRedisUrl(REDIS_URL))
    await eventually(() => logs.length > 0)
    const put = ['store', 'put', 'local:team/db']
    const { code } = await runOnRedis(t, folder, put, { input: 'x' })
    t.not(code, 0)
    t.equal(shared.isUp(), false)
    t.match(logs, [/does not answer/], 'once')
    t.equal(redis.cli('dbsize'), '0')
    if (!REDIS_URL.endsWith('/3')) continue
    redis.cli('acl', 'setuser', 'purser', '+select')
    await whole()
  }
})

test('a service whose user lacks a right says so in readiness and in one line of the log, and serves', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  giveRights(redis)
  redis.cli('acl', 'setuser', 'purser', '-subscribe', '-info')
  const { folder } = createConfigured(t, {
    yaml: LOCAL_YAML,
    variables: { REDIS_URL: urlOf(redis) }
  })
  const { url, child, output, ended } = await serve(t, folder)
  const expected = { status: 'degraded', reason: 'redis_denies_commands' }
  await eventually(async () => (await readinessOf(url)).reason !== undefined)
  t.same(await readinessOf(url), expected)
  const key = await issueKey(folder)
  t.equal((await get(`${url}/v1/secrets?ref=local:team/db`, key)).status, 404)
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
  const lines = output.stdout.split('\n').filter((line) => line.includes('denies commands'))
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), { level: 'error', commands: 'subscribe' })
})

test('a service whose Redis is full says so in readiness and in the log, and when there is room again', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction'] })
  const { folder } = createConfigured(t, {
    yaml: LOCAL_YAML,
    variables: { REDIS_URL: redis.url, METRICS_TOKEN }
  })
  const { url, output } = await serve(t, folder)
  const key = await issueKey(folder)
  const isWell = async () => (await readinessOf(url)).status === 'ok'
  await eventually(isWell)
  redis.cli('config', 'set', 'maxmemory', '1')
  const full = { status: 'degraded', reason: 'redis_full' }
  // Redis is found to be full by who writes: here, what is counted of a key.
  const isFull = async () => {
    await get(`${url}/v1/secrets?ref=local:team/db`, key)
    return (await readinessOf(url)).status === 'degraded'
  }
  await eventually(isFull)
  t.same(await readinessOf(url), full)
  const metrics = await fetch(`${url}/internal/metrics`, {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` }
  })
  const { value } = parseMetrics(await metrics.text())
  t.equal(value('purser_degraded', { reason: 'redis_full' }), 1)
  t.equal(value('purser_redis_up'), 1)
  redis.cli('config', 'set', 'maxmemory', '0')
  await eventually(isWell)
  const count = (text: string) => output.stdout.split(text).length - 1
  // The log comes on a pipe of its own.
  await eventually(() => count('the service is well again') === 1)
  t.equal(count('"code":"OOM"'), 1)
  t.equal(count('"reasons":"redis_full"'), 1)
  t.equal(count('Redis has room again'), 1)
  redis.cli('config', 'set', 'maxmemory', '1')
  await eventually(isFull)
  await eventually(() => count('"code":"OOM"') === 2)
})

test('no line of a library reaches stderr, whatever it thinks of the settings', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  // Nobody asks for a password here.
  const REDIS_URL = `redis://:unwanted@127.0.0.1:${redis.port}`
  const { folder } = createConfigured(t, { variables: { REDIS_URL } })
  const put = await runOnRedis(t, folder, ['store', 'put', 'local:team/db'], { input: 'x' })
  t.match(put, { code: 0, stderr: '' })
  const { child, ended, says } = await serve(t, folder)
  await says(/does not require a password/)
  child.kill('SIGTERM')
  const { stdout, stderr } = await ended
  t.equal(stderr, '')
  t.notMatch(stdout, /unwanted/)
})
