/** The master dies under load and Sentinel makes another one: nobody is refused, and the replicas share again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { startRedis } from '../../support/redis.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'

const MASTER = 'mymaster'
const PER_SECOND = 300
const SECONDS = 20
const AFTER_S = 4

testWithRedis(
  'a failover by Sentinel under load: no request fails, readiness tells, and what is decided afterwards reaches all',
  async (t, master) => {
    const standby = await startRedis(t, {
      args: ['--replicaof', '127.0.0.1', String(master.port)]
    })
    const isLinked = async () =>
      (await standby.client().info('replication')).includes('master_link_status:up')
    t.not(await until(isLinked, { withinMs: 15_000, everyMs: 100 }), undefined)
    const config = `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds ${MASTER} 500
sentinel failover-timeout ${MASTER} 3000
`
    const sentinel = await startRedis(t, { config, args: ['--sentinel'] })
    const ask = (...words: [string, ...string[]]) => sentinel.client().call('SENTINEL', ...words)
    const knowsStandby = async () => ((await ask('replicas', MASTER)) as unknown[]).length === 1
    t.not(await until(knowsStandby, { withinMs: 15_000, everyMs: 100 }), undefined)

    const store = await startCountingStore(t)
    const redisUrl = `redis+sentinel://127.0.0.1:${sentinel.port}/${MASTER}`
    const { all, readsOf } = await startReplicas(t, { count: 2, store, redisUrl })
    const hot = Array.from({ length: 50 }, (_, i) => `hot/${i}`)
    const { headers = {} } = readsOf([])
    const urls = Array.from({ length: PER_SECOND * SECONDS }, (_, i) => {
      const path = i % 10 === 0 ? `first/${i}` : hot[(i >> 1) % hot.length]
      return `${all[i % 2]?.url}/v1/secrets?ref=aws:${path}`
    })
    const load = startLoad(t, { urls, headers, perSecond: PER_SECOND, seconds: SECONDS })
    await sleep(AFTER_S * 1_000)

    const since = Date.now()
    await master.kill()
    const isPromoted = async () =>
      ((await ask('get-master-addr-by-name', MASTER)) as string[])[1] === String(standby.port)
    const promoted = await until(isPromoted, { withinMs: 12_000, everyMs: 50 })
    const areReady = async () =>
      (await Promise.all(all.map(({ readiness }) => readiness()))).every((word) => word === 'ok')
    const ready = await until(areReady, { withinMs: 10_000, everyMs: 50 })
    t.comment(`promoted after ${promoted?.toFixed(0)} ms, ready ${ready?.toFixed(0)} ms later`)
    t.not(promoted, undefined)
    t.not(ready, undefined)

    const isShared = async (): Promise<boolean> => {
      const path = `shared/${Date.now()}`
      await all[0]!.read(path)
      await all[1]!.read(path)
      return store.calls(path) === 1
    }
    t.not(
      await until(isShared, { withinMs: 5_000, everyMs: 50 }),
      undefined,
      'what one reads is there for the other'
    )
    for (const replica of all) await replica.read('changed')
    store.raise('changed')
    await all[0]!.invalidate({ ref: 'aws:changed' })
    const isNew = async () => (await all[1]!.read('changed')).body['value'] === 'changed v2'
    const took = await until(isNew, { withinMs: 5_000 })
    t.ok(
      took !== undefined && took <= 1_000 * slowness(),
      `an invalidation arrives within ${took} ms`
    )

    const samples = await load.samples
    const during = samples.filter(({ at }) => at >= since && at <= since + 8_000)
    t.comment(`from the kill on: ${format(summaryOf(during))}`)
    t.strictSame(samples.filter(({ status }) => status !== 200).slice(0, 5), [], 'no request fails')
  }
)
