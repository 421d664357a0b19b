/** A store's quota is one, however many replicas call it, and also while they share nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startCountingStore } from '../../support/counting-store.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, startReplicas, until } from '../../support/replicas.ts'

const QUOTA = { perSecond: 20, burst: 40 }
const REPLICAS = 4
const SECONDS = 6
const AT_ONCE = 8

testWithRedis(
  '4 replicas that are asked for more than the quota of their store call it as often as one would, with Redis and without',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const options = { count: REPLICAS, store, redisUrl: redis.url, quota: QUOTA }
    const { all } = await startReplicas(t, options)
    const counts = () =>
      Promise.all(all.map(async ({ shown }) => (await shown('stores'))['replicas']))
    const countAll = async () => (await counts()).every((count) => count === REPLICAS)
    t.ok(await until(countAll, { withinMs: 10_000, everyMs: 100 }), 'each knows of all')
    for (const isShared of [true, false]) {
      if (!isShared) await redis.kill()
      store.forget()
      const gists = new Set<string>()
      const since = performance.now()
      let asked = 0
      // As long as it takes to ask for more than there is, on a machine that may be busy.
      while (
        performance.now() - since < SECONDS * 1_000 ||
        asked < 2.5 * (QUOTA.burst + ((performance.now() - since) / 1_000) * QUOTA.perSecond)
      ) {
        const each = Array.from({ length: AT_ONCE }, () => all).flat()
        const answers = await Promise.all(
          each.map((replica) => replica.read(`${isShared}/${asked++}`))
        )
        for (const answer of answers) gists.add(gist(answer))
        await sleep(20)
      }
      const took = (performance.now() - since) / 1_000
      const most = QUOTA.burst + took * QUOTA.perSecond
      t.comment(`${asked} asked for, ${store.calls()} calls of ${most.toFixed(0)}: ${[...gists]}`)
      t.ok(asked > 2 * most, 'more is asked for than there is')
      // A call more for each replica, for the fractions.
      t.ok(
        store.calls() <= most + REPLICAS,
        `at most ${most.toFixed(0)} calls, not ${store.calls()}`
      )
      t.ok(store.calls() >= 0.7 * took * QUOTA.perSecond, 'all of it is made use of')
      t.strictSame([...gists].sort(), ['200 MISS', '503 store_throttled'])
    }
  }
)
