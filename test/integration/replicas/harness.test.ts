/** The tools of the tests beside this one measure what they say: proven with one process, or with none. */
import { test } from 'tap'
import { canaryOf, createCanary } from '../../support/canary.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { LASTING, startRedis } from '../../support/redis.ts'
import { dumpOf, leaksIn, listenToAll, textsOf } from '../../support/redis-dump.ts'
import { gist, startReplicas, until } from '../../support/replicas.ts'

test('the store says what it is told to say, counts what is asked, and has newer versions', async (t) => {
  const store = await startCountingStore(t)
  const variables = {
    CACHE_TTL_SECONDS: '0',
    CACHE_NEGATIVE_TTL_SECONDS: '0',
    UPSTREAM_TIMEOUT_MS: '3000'
  }
  const { all } = await startReplicas(t, { count: 1, store, variables })
  const [replica] = all
  const read = async (path: string) => {
    const answer = await replica!.read(path)
    return [gist(answer), answer.body['value']]
  }
  t.strictSame(await read('one'), ['200 MISS', 'one v1'])
  store.raise('one')
  t.strictSame(await read('one'), ['200 MISS', 'one v2'])
  t.equal(store.calls('one'), 2)
  store.say({ is: 'not found' }, 'one')
  t.strictSame(await read('one'), ['404 secret_not_found', undefined])
  t.strictSame(await read('two'), ['200 MISS', 'two v1'])
  store.say({ is: 'denied' })
  t.strictSame(await read('three'), ['502 store_denied', undefined])
  store.say({ is: 'throttled', retryAfter: 1 }, 'four')
  t.strictSame(await read('four'), ['503 store_throttled', undefined])
  store.forget()
  t.equal(store.calls(), 0)
  // From here on there may be a breaker between a caller and the store: each saying gets a store of its own.
  for (const [saying, code] of [
    [{ is: 'failing' }, '503 store_unavailable'],
    [{ is: 'silent' }, '504 store_timeout']
  ] as const) {
    const other = await startCountingStore(t)
    other.say(saying)
    const { all } = await startReplicas(t, { count: 1, store: other, variables })
    t.equal(gist(await all[0]!.read('five')), code)
  }
})

test('a load keeps its pace whatever the answers take, and its latencies count from when a request was due', async (t) => {
  const store = await startCountingStore(t)
  store.say({ is: 'found', afterMs: 400 }, 'slow')
  const { all, readsOf } = await startReplicas(t, { count: 1, store })
  await all[0]!.read('fast')
  const plan = { ...readsOf(['fast', 'fast', 'fast', 'slow']), perSecond: 500, seconds: 2 }
  const summary = summaryOf(await startLoad(t, plan).samples)
  t.comment(format(summary))
  t.equal(summary.requests, 1_000)
  t.equal(
    Object.keys(summary.answers).every((name) => name.startsWith('200 ')),
    true
  )
  t.ok(summary.max >= 350, 'those who waited for the store are among them')
  t.ok((summary.answers['200 MISS'] ?? 0) > 2, 'nobody waited for those before to leave')
  t.equal(store.calls(), 2)
})

test('a load reports requests without an answer', async (t) => {
  const urls = ['http://127.0.0.1:1/']
  const samples = await startLoad(t, { urls, perSecond: 50, seconds: 0.2 }).samples
  t.strictSame(
    samples.map(({ status }) => status),
    Array.from({ length: 10 }, () => 0)
  )
})

test('a revocation, an invalidation and a readiness can be asked of a replica', async (t) => {
  const store = await startCountingStore(t)
  const { all, issue, revoke } = await startReplicas(t, { count: 1, store })
  const replica = all[0]!
  t.equal(await replica.readiness(), 'ok')
  const { apiKey, keyId } = await issue()
  t.equal(gist(await replica.read('one', { apiKey })), '200 MISS')
  store.raise('one')
  t.equal((await replica.read('one')).body['value'], 'one v1')
  t.match((await replica.invalidate({ ref: 'aws:one' })).status, 200)
  t.equal((await replica.read('one')).body['value'], 'one v2')
  t.comment(`revoked by ${await revoke(replica, keyId)}`)
  const isRefused = async () => (await replica.read('one', { apiKey })).status === 401
  t.not(await until(isRefused, { withinMs: 1_000 }), undefined)
  t.equal((await replica.read('one')).status, 200)
})

test('a Redis that was killed comes back with what it had, on its port', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const redis = await startRedis(t, { args: LASTING })
  await redis.client().set('kept', 'x', 'PX', 60_000)
  await redis.kill()
  await t.rejects(redis.client().ping())
  await redis.start()
  t.equal(await redis.client().get('kept'), 'x')
})

test('a dump finds a canary wherever it stands in Redis, and a key that stays', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const redis = await startRedis(t)
  const heard = await listenToAll(t, redis.client())
  const secret = createCanary()
  const name = canaryOf('team/name-5d2f8a01c3')
  const token = Buffer.from(secret.token)
  const client = redis.client()
  await client.set('string', Buffer.concat([Buffer.from([0xff, 0]), token]), 'PX', 60_000)
  await client.hset('hash', 'field', token.toString('base64'))
  await client.hset('fields', token.toString('hex'), 'x')
  await client.rpush('list', `x${token.toString('base64url')}`)
  await client.sadd('set', secret.token)
  await client.zadd('zset', 1, secret.token)
  await client.xadd('stream', '*', 'field', secret.token)
  await client.set(`prefix:${name.token}`, 'x')
  await client.set('clean', 'x')
  await client.publish('topic', name.token)
  const dump = await dumpOf(client)
  t.strictSame(
    dump.filter(({ ttlMs }) => ttlMs !== undefined).map(({ key }) => key),
    ['string']
  )
  const found = (key: string) =>
    leaksIn(textsOf(dump.filter((one) => one.key.startsWith(key))), { secret, name }).length > 0
  for (const key of ['string', 'hash', 'fields', 'list', 'set', 'zset', 'stream', 'prefix:']) {
    t.ok(found(key), key)
  }
  t.notOk(found('clean'))
  t.not(await until(async () => heard.length > 0, { withinMs: 1_000 }), undefined)
  t.match(leaksIn(heard, { name }), ['name stands raw in a message of topic', String])
})
