/** What a store refuses is remembered by all replicas for its short while, and forgotten when someone says so. */
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, startReplicas, until } from '../../support/replicas.ts'

const TTL_S = 1
const SECONDS = 5
/** The time that a refusal is remembered may be a tenth shorter, so that not all are asked for at once. */
const mostCalls = (seconds: number): number => Math.floor(seconds / (TTL_S * 0.9)) + 1

for (const { saying, status, code } of [
  { saying: 'not found', status: 404, code: 'secret_not_found' },
  { saying: 'denied', status: 502, code: 'store_denied' }
] as const) {
  testWithRedis(
    `a reference that is ${saying}, asked for 1,000 times a second at 2 replicas, costs one call per negative TTL`,
    async (t, redis) => {
      const store = await startCountingStore(t)
      store.say({ is: saying }, 'refused')
      const variables = { CACHE_NEGATIVE_TTL_SECONDS: String(TTL_S) }
      const replicas = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
      const { all, readsOf } = replicas
      const plan = { ...readsOf(['refused']), perSecond: 1_000, seconds: SECONDS }
      const samples = await startLoad(t, plan).samples
      t.ok(samples.every((sample) => sample.status === status))
      const times = store.times()
      // On a busy machine the last ones are asked later than planned.
      const ends = samples.map(({ at, ms }) => at + ms)
      const seconds = (Math.max(...ends) - Math.min(...samples.map(({ at }) => at))) / 1_000
      const most = mostCalls(Math.max(SECONDS, seconds))
      const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0))
      t.comment(
        `${times.length} calls in ${SECONDS} s (${most} at most), ${gaps} ms apart; ${format(summaryOf(samples))}`
      )
      t.ok(times.length >= 2, 'it is asked for again')
      t.ok(times.length <= most, `${times.length} calls`)
      t.equal(gist(await all[0]!.read('refused')), `${status} ${code}`)
    }
  )

  testWithRedis(
    `an invalidation at one replica makes all forget that a reference is ${saying}`,
    async (t, redis) => {
      const store = await startCountingStore(t)
      store.say({ is: saying }, 'refused')
      const variables = { CACHE_NEGATIVE_TTL_SECONDS: '600' }
      const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
      for (const replica of all) t.equal(gist(await replica.read('refused')), `${status} ${code}`)
      t.equal(store.calls(), 1)
      store.say({ is: 'found' }, 'refused')
      for (const replica of all) t.equal((await replica.read('refused')).status, status)
      t.equal((await all[0]!.invalidate({ ref: 'aws:refused' })).status, 200)
      for (const replica of all) {
        const isFound = async () => (await replica.read('refused')).status === 200
        t.not(await until(isFound, { withinMs: 500 }), undefined)
      }
      t.equal(store.calls(), 2)
    }
  )
}

testWithRedis(
  'a store that says when to come back is left alone until then, and its word is passed on',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all, readsOf } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    store.say({ is: 'throttled', retryAfter: 4 })
    for (const replica of all) {
      const answer = await replica.read('first')
      t.equal(gist(answer), '503 store_throttled')
      const seconds = Number(answer.headers['retry-after'])
      t.ok(seconds >= 1 && seconds <= 4, `Retry-After ${answer.headers['retry-after']}`)
    }
    const calls = store.calls()
    // The second replica may have learnt of it by a call of its own.
    t.ok(calls >= 1 && calls <= 2, `${calls} calls`)
    const others = Array.from({ length: 50 }, (_, i) => `other/${i}`)
    // A replica that got the refusal from the other has yet to meet the store: each asks for one that nobody asked for.
    for (const [i, replica] of all.entries()) await replica.read(`own/${i}`)
    const before = store.calls()
    const samples = await startLoad(t, { ...readsOf(others), perSecond: 300, seconds: 2 }).samples
    t.comment(`${store.calls() - before} calls; ${format(summaryOf(samples))}`)
    t.ok(samples.every(({ status }) => status === 503))
    t.equal(store.calls(), before)
    store.say({ is: 'found' })
    for (const replica of all) {
      const isFound = async () => (await replica.read('other/0')).status === 200
      t.not(await until(isFound, { withinMs: 15_000, everyMs: 200 }), undefined)
    }
  }
)
