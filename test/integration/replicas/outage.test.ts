/** Redis dies in the middle of a load and comes back: nobody is refused, and what was decided meanwhile holds everywhere. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'

const PER_SECOND = 1_000
/** A machine that is busy with other things is not asked for more than it can do. */
const perSecond = Math.floor(PER_SECOND / slowness())
const BEFORE_S = 4
const OUTAGE_S = 30
const AFTER_S = 6
const SECONDS = BEFORE_S + OUTAGE_S + AFTER_S
/** Every tenth read is the first one of its secret, so that the way to the store is under load as well. */
const FIRST_READ_EVERY = 10

testWithRedis(
  'Redis killed for 30 s under 1,000 requests a second over 2 replicas: no request fails, and what was decided meanwhile holds a second after its return',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const replicas = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    const { all, issue, revoke, readsOf } = replicas
    const [here, there] = [all[0]!, all[1]!]
    const { apiKey, keyId } = await issue()
    for (const replica of all) {
      t.equal((await replica.read('changed')).body['value'], 'changed v1')
      t.equal((await replica.read('changed', { apiKey })).status, 200)
    }

    const hot = Array.from({ length: 50 }, (_, i) => `hot/${i}`)
    const { headers = {} } = readsOf([])
    const urls = Array.from({ length: perSecond * SECONDS }, (_, i) => {
      const path = i % FIRST_READ_EVERY === 0 ? `first/${i}` : hot[(i >> 1) % hot.length]
      return `${all[i % 2]?.url}/v1/secrets?ref=aws:${path}`
    })
    const load = startLoad(t, { urls, headers, perSecond, seconds: SECONDS })
    await sleep(BEFORE_S * 1_000)

    const from = Date.now()
    await redis.kill()
    const isDegraded = async (): Promise<boolean> =>
      (await Promise.all(all.map(({ readiness }) => readiness()))).every(
        (word) => word === 'degraded'
      )
    const noticed = await until(isDegraded, { withinMs: 5_000, everyMs: 50 })
    t.not(noticed, undefined, 'readiness says that Redis is down')
    await sleep((OUTAGE_S / 2) * 1_000)
    store.raise('changed')
    t.equal((await here.invalidate({ ref: 'aws:changed' })).status, 200)
    t.equal(
      (await here.read('changed')).body['value'],
      'changed v2',
      'in force at once where it was made'
    )
    const how = await revoke(here, keyId).catch(() => undefined)
    if (how === 'route') t.equal((await here.read('changed', { apiKey })).status, 401)
    await sleep(Math.max(0, from + OUTAGE_S * 1_000 - Date.now()))

    await redis.start()
    const to = Date.now()
    // The command works on Redis itself and so has to wait for it.
    if (how === undefined) t.equal(await revoke(here, keyId), 'command')
    const took = await Promise.all(
      all.map((replica) =>
        Promise.all([
          until(async () => (await replica.read('changed', { apiKey })).status === 401, {
            withinMs: 10_000
          }),
          until(async () => (await replica.read('changed')).body['value'] === 'changed v2', {
            withinMs: 10_000
          })
        ])
      )
    )
    const words = took.map(
      ([revoked, changed]) => `${revoked?.toFixed(0)} and ${changed?.toFixed(0)} ms`
    )
    t.comment(
      `revoked by ${how ?? 'command'}; after the return the revocation and the invalidation held within ${words}`
    )
    for (const [revoked = Number.NaN, changed = Number.NaN] of took) {
      t.ok(revoked <= 1_000 * slowness(), `revoked within ${revoked} ms`)
      t.ok(changed <= 1_000 * slowness(), `invalidated within ${changed} ms`)
    }
    const isReady = async (): Promise<boolean> =>
      (await Promise.all(all.map(({ readiness }) => readiness()))).every((word) => word === 'ok')
    t.not(
      await until(isReady, { withinMs: 5_000, everyMs: 50 }),
      undefined,
      'and ok after its return'
    )
    t.equal((await there.read('changed')).body['value'], 'changed v2')

    const samples = await load.samples
    const during = samples.filter(({ at }) => at >= from && at <= to)
    const summary = summaryOf(during)
    t.comment(`before: ${format(summaryOf(samples.filter(({ at }) => at < from)))}`)
    t.comment(`during: ${format(summary)}`)
    t.comment(`after: ${format(summaryOf(samples.filter(({ at }) => at > to)))}`)
    t.equal(samples.length, perSecond * SECONDS)
    t.strictSame(samples.filter(({ status }) => status !== 200).slice(0, 5), [], 'no request fails')
    t.ok(during.length >= 0.9 * OUTAGE_S * perSecond)
    t.ok(summary.p99 < 100 * slowness(), `p99 during the outage ${summary.p99.toFixed(1)} ms`)
  }
)

testWithRedis(
  'a Redis that comes back with nothing in it brings back no value that was invalidated',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    for (const replica of all) t.equal((await replica.read('changed')).body['value'], 'changed v1')
    // So that a generation counted in Redis is above what an empty one begins with.
    for (let i = 0; i < 3; i++)
      t.equal((await all[1]!.invalidate({ ref: 'aws:other' })).status, 200)
    for (const replica of all) t.equal((await replica.read('changed')).status, 200)
    await redis.kill()
    store.raise('changed')
    t.equal((await all[0]!.invalidate({ ref: 'aws:changed' })).status, 200)
    await redis.start()
    await redis.client().flushall()
    for (const replica of all) {
      const isNew = async () => (await replica.read('changed')).body['value'] === 'changed v2'
      const took = await until(isNew, { withinMs: 10_000 })
      t.ok(took !== undefined && took <= 1_000 * slowness(), `new within ${took} ms`)
    }
  }
)
