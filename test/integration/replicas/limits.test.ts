/** One allowance for all replicas, without asking Redis at each request; each its own while Redis is away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, startReplicas } from '../../support/replicas.ts'

const WINDOW_S = 3_600
/** The counters of the replicas are brought together that often, and a late one may miss its turn. */
const RECONCILED_EVERY_S = 0.2

/** Windows are aligned to the clock: a test must not begin at the end of one. */
const awaitRoom = async (): Promise<void> => {
  const rest = WINDOW_S * 1_000 - (Date.now() % (WINDOW_S * 1_000))
  if (rest < 60_000) await sleep(rest + 100)
}

testWithRedis(
  'the allowance of a key is one for 4 replicas, but for what comes in before they have told each other',
  async (t, redis) => {
    await awaitRoom()
    const [limit, perSecond, seconds] = [400, 200, 6]
    const store = await startCountingStore(t)
    const variables = {
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_MAX: String(limit),
      RATE_LIMIT_IP_MAX: '1000000',
      RATE_LIMIT_WINDOW_SECONDS: String(WINDOW_S)
    }
    const replicas = await startReplicas(t, { count: 4, store, redisUrl: redis.url, variables })
    const { all, readsOf, issue } = replicas
    const samples = await startLoad(t, { ...readsOf(['one']), perSecond, seconds }).samples
    const allowed = samples.filter(({ status }) => status === 200).length
    // What leaves late leaves in a burst, which is over before anyone is told.
    const summary = summaryOf(samples)
    const overshoot = Math.ceil(perSecond * (2 * RECONCILED_EVERY_S + summary.late / 1_000))
    t.comment(`${allowed} of ${samples.length} allowed, ${limit} are the limit; ${format(summary)}`)
    t.ok(samples.every(({ status }) => status === 200 || status === 429))
    t.ok(allowed >= limit, 'nobody gets less than the allowance')
    t.ok(
      allowed <= limit + overshoot,
      `${allowed - limit} more than the limit, ${overshoot} at most`
    )
    for (const replica of all) {
      const answer = await replica.read('one')
      t.equal(gist(answer), '429 rate_limited')
      t.ok(Number(answer.headers['retry-after']) >= 1)
    }
    const { apiKey } = await issue()
    t.equal(
      (await all[0]!.read('one', { apiKey })).status,
      200,
      'the allowance of another key is its own'
    )
  }
)

testWithRedis(
  'while Redis is away each replica counts for itself, and what was counted counts after its return',
  async (t, redis) => {
    await awaitRoom()
    const limit = 40
    const store = await startCountingStore(t)
    const variables = {
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_MAX: String(limit),
      RATE_LIMIT_IP_MAX: '1000000',
      RATE_LIMIT_WINDOW_SECONDS: String(WINDOW_S)
    }
    const options = { count: 2, store, redisUrl: redis.url, variables }
    const { all, issue } = await startReplicas(t, options)
    const key = await issue()
    const allowedAt = async (at: number, apiKey: string, times: number) => {
      let allowed = 0
      for (let i = 0; i < times; i++) {
        const { status } = await all[at]!.read('one', { apiKey })
        if (status === 200) allowed++
      }
      return allowed
    }
    await redis.kill()
    t.equal(await allowedAt(0, key.apiKey, limit + 10), limit, 'the limit is kept at each')
    const half = await issue()
    t.equal(await allowedAt(0, half.apiKey, limit / 2), limit / 2)
    t.equal(await allowedAt(1, half.apiKey, limit / 2), limit / 2)
    await redis.start()
    await sleep(3_000)
    // The next one may pass: it is how a replica comes to look at what the others counted.
    await all[1]!.read('one', { apiKey: key.apiKey })
    await all[0]!.read('one', { apiKey: half.apiKey })
    await sleep(1_000)
    t.equal(
      (await all[1]!.read('one', { apiKey: key.apiKey })).status,
      429,
      'used up elsewhere meanwhile'
    )
    t.equal((await all[0]!.read('one', { apiKey: half.apiKey })).status, 429, 'used up together')
  }
)

testWithRedis('failed logins from an address are counted over all replicas', async (t, redis) => {
  await awaitRoom()
  const store = await startCountingStore(t)
  const variables = {
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_AUTH_FAILURES_MAX: '20',
    RATE_LIMIT_WINDOW_SECONDS: String(WINDOW_S)
  }
  const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
  for (let i = 0; i < 20; i++) t.equal((await all[0]!.read('one', { apiKey: 'x' })).status, 401)
  await sleep(1_000)
  // The first one here may pass: it is how this replica comes to look.
  await all[1]!.read('one', { apiKey: 'x' })
  await sleep(1_000)
  t.equal((await all[1]!.read('one', { apiKey: 'x' })).status, 429)
  t.equal((await all[1]!.read('one')).status, 200, 'who has a key gets in')
})
