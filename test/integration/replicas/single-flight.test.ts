/** One read upstream per secret and TTL, however many callers and replicas. */
import { type Test, test } from 'tap'
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Replica, startReplicas } from '../../support/replicas.ts'

/** A thousand within a tenth of a second, of which the store needs five for its answer. */
const STAMPEDE = { perSecond: 10_000, seconds: 0.1 } as const
/**
 * The test asks whether the store is asked once, not how fast a machine is that runs all of this; and all its callers have
 * one address.
 */
const PATIENT = { UPSTREAM_TIMEOUT_MS: '15000', CONNECTIONS_PER_ADDRESS: '2000' }

/**
 * A replica that Redis does not answer within 50 ms asks the store by itself, as it is promised; and a machine that is busy lets
 * Redis wait longer. So each such call allows one more of the store.
 */
const callsWithoutRedis = async (all: readonly Replica[]): Promise<number> => {
  const failures = await Promise.all(all.map(({ redisFailures }) => redisFailures()))
  return failures.reduce((sum, one) => sum + one, 0)
}

const stampede = async (t: Test, count: number, redisUrl?: string): Promise<void> => {
  const store = await startCountingStore(t)
  const options = { count, store, variables: PATIENT, ...(redisUrl && { redisUrl }) }
  const { all, readsOf } = await startReplicas(t, options)
  store.say({ is: 'found', afterMs: 500 })
  const samples = await startLoad(t, { ...readsOf(['hot']), ...STAMPEDE }).samples
  const summary = summaryOf(samples)
  t.comment(`${store.calls()} calls; ${format(summary)}`)
  t.equal(samples.length, 1_000)
  t.ok(samples.every(({ status }) => status === 200))
  t.ok((summary.answers['200 MISS'] ?? 0) > 1, 'they came together')
  const alone = redisUrl === undefined ? 0 : await callsWithoutRedis(all)
  // One flight in each process, whatever Redis does.
  t.ok(store.calls() >= 1 && store.calls() <= Math.min(count, 1 + alone), `${alone} without Redis`)
  for (const replica of all) t.equal((await replica.read('hot')).body['value'], 'hot v1')
}

test('1,000 concurrent first reads of one reference at one process without Redis make 1 upstream call', (t) =>
  stampede(t, 1))

testWithRedis(
  '1,000 concurrent first reads of one reference over 4 replicas make 1 upstream call',
  (t, redis) => stampede(t, 4, redis.url)
)

testWithRedis(
  '10,000 reads of 500 references over 4 replicas in three TTLs make at most 500 calls per TTL',
  async (t, redis) => {
    const ttlMs = 15_000
    const store = await startCountingStore(t)
    const variables = { ...PATIENT, CACHE_TTL_SECONDS: String(ttlMs / 1000) }
    const { all, readsOf } = await startReplicas(t, {
      count: 4,
      store,
      redisUrl: redis.url,
      variables
    })
    const paths = Array.from({ length: 500 }, (_, i) => `spread/${i}`)
    // The first calls of a process take so long that on a busy machine Redis seems not to answer: they are not what is counted.
    const others = Array.from({ length: 200 }, (_, i) => `warm/${i}`)
    await startLoad(t, { ...readsOf(others), perSecond: 400, seconds: 4 }).samples
    store.forget()
    const before = await callsWithoutRedis(all)
    const seconds = (3 * ttlMs) / 1000
    const plan = { ...readsOf(paths), perSecond: 10_000 / seconds, seconds }
    const samples = await startLoad(t, plan).samples
    const summary = summaryOf(samples)
    t.equal(summary.requests, 10_000)
    t.ok(
      samples.every(({ status }) => status === 200),
      format(summary)
    )

    const started = samples[0]?.at ?? 0
    const alone = (await callsWithoutRedis(all)) - before
    // The last reads may come late, and so in a fourth.
    const windowOf = (at: number): number => Math.floor((at - started) / ttlMs)
    const perTtl = Array.from(
      { length: windowOf(store.times().at(-1) ?? started) + 1 },
      (_, n) => store.times().filter((at) => windowOf(at) === n).length
    )
    const most = Math.max(...paths.map((path) => store.calls(path)))
    t.comment(
      `calls ${store.calls()} in all, per TTL ${perTtl}, ${most} at most for one, ${alone} calls that Redis did not answer; ${format(summary)}`
    )
    t.ok(store.calls() >= 500, 'the store was asked for each of them')
    for (const [n, calls] of perTtl.entries()) {
      t.ok(calls <= 500 + alone, `${calls} calls in TTL ${n + 1}`)
    }
  }
)

testWithRedis(
  'what one replica has read costs another one no call, whichever field is asked for',
  async (t, redis) => {
    const text = (path: string, version: number) =>
      JSON.stringify({ user: path, password: `v${version}` })
    const store = await startCountingStore(t, { text })
    const { all } = await startReplicas(t, { count: 3, store, redisUrl: redis.url })
    t.match((await all[0]!.read('db')).body, { data: { user: 'db', password: 'v1' } })
    t.equal((await all[1]!.read('db&field=user')).body['value'], 'db')
    t.equal((await all[2]!.read('db&field=password')).body['value'], 'v1')
    const alone = await callsWithoutRedis(all)
    t.ok(store.calls() >= 1 && store.calls() <= 1 + alone, `${alone} without Redis`)
  }
)
