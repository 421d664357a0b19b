/** A lease saves calls and decides nothing: who holds it may die, or sleep and come back late. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type CountingStore, startCountingStore } from '../../support/counting-store.ts'
import type { RedisServer } from '../../support/redis.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, type Replicas, startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'

const TIMEOUT_MS = 3_000

/** One replica's fetch is under way and will not be answered for long; whoever asks the store next is answered at once. */
const holdLease = async (
  t: Test,
  redis: RedisServer,
  afterMs: number
): Promise<{
  store: CountingStore
  replicas: Replicas
  held: ReturnType<Replicas['all'][0]['read']>
}> => {
  const store = await startCountingStore(t)
  const variables = { UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS) }
  const replicas = await startReplicas(t, { count: 3, store, redisUrl: redis.url, variables })
  store.say({ is: 'found', afterMs }, 'held')
  const held = replicas.all[0]!.read('held')
  held.catch(() => {})
  await until(async () => store.calls('held') > 0, { withinMs: 2_000 })
  t.equal(store.calls('held'), 1)
  store.say({ is: 'found' }, 'held')
  return { store, replicas, held }
}

testWithRedis(
  'others wait for the value of the one that fetches it, and get it when it comes',
  async (t, redis) => {
    const { store, replicas, held } = await holdLease(t, redis, 600)
    const answers = await Promise.all(replicas.all.slice(1).map((replica) => replica.read('held')))
    const { ms } = await held
    t.comment(
      `fetched in ${ms.toFixed(0)} ms, the others waited ${answers.map((one) => one.ms.toFixed(0))} ms`
    )
    for (const { status, body } of answers) t.strictSame([status, body['value']], [200, 'held v1'])
    t.equal(store.calls('held'), 1)
  }
)

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  testWithRedis(
    `a replica that is ${signal === 'SIGKILL' ? 'killed' : 'paused'} while it fetches keeps the others waiting no longer than a read may take`,
    async (t, redis) => {
      const { store, replicas } = await holdLease(t, redis, 60_000)
      const { all } = replicas
      const waiting = all.slice(1).map((replica) => replica.read('held'))
      await sleep(100)
      all[0]!.child.kill(signal)
      const answers = await Promise.all(waiting)
      t.comment(
        `the others waited ${answers.map(({ ms }) => ms.toFixed(0))} ms; ${store.calls('held')} calls`
      )
      for (const answer of answers) {
        t.strictSame([answer.status, answer.body['value']], [200, 'held v1'], gist(answer))
        t.ok(answer.ms < TIMEOUT_MS + 500 * slowness())
      }
      t.ok(store.calls('held') <= 3, 'one more by each of the others at the most')
      const next = await all[1]!.read('held')
      t.strictSame([next.headers['x-cache'], next.body['value']], ['HIT', 'held v1'])
    }
  )
}

testWithRedis(
  'what a paused replica brings back late, after an invalidation, is kept by nobody',
  async (t, redis) => {
    const { store, replicas, held } = await holdLease(t, redis, 1_000)
    const { all } = replicas
    all[0]!.child.kill('SIGSTOP')
    await sleep(1_500)
    // The answer of the old version lies in the paused process's socket by now.
    store.raise('held')
    t.equal((await all[1]!.invalidate({ ref: 'aws:held' })).status, 200)
    for (const replica of all.slice(1)) {
      t.equal((await replica.read('held')).body['value'], 'held v2')
    }
    all[0]!.child.kill('SIGCONT')
    const late = await held.catch(() => undefined)
    t.comment(`the paused one answered ${late && gist(late)} ${late?.body['value']}`)
    await sleep(600)
    for (const [i, replica] of all.entries()) {
      t.equal((await replica.read('held')).body['value'], 'held v2', `replica ${i}`)
    }
    const fresh = await replicas.start()
    t.equal((await fresh.read('held')).body['value'], 'held v2', 'and one that knows Redis alone')
  }
)
