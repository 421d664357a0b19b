/** A replica that starts while everything around it is down serves what the others left, or says why not. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startCountingStore } from '../../support/counting-store.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, startReplicas, until } from '../../support/replicas.ts'

for (const saying of ['failing', 'silent'] as const) {
  testWithRedis(
    `a replica that starts while the store is ${saying} answers from Redis, within the bound and no longer`,
    async (t, redis) => {
      const store = await startCountingStore(t)
      const variables = {
        CACHE_TTL_SECONDS: '3',
        STALE_IF_ERROR_SECONDS: '9',
        UPSTREAM_TIMEOUT_MS: '1000'
      }
      const options = { count: 1, store, redisUrl: redis.url, variables }
      const { all, start, issue } = await startReplicas(t, options)
      const { body } = await all[0]!.read('kept')
      const fetchedAt = Date.parse(`${body['fetchedAt']}`)
      store.say({ is: saying })
      // Nothing is left of the one that read it.
      all[0]!.child.kill('SIGKILL')
      await sleep(Math.max(0, fetchedAt + 3_100 - Date.now()))
      const fresh = await start()
      // Redis may be reached a moment after the first request: the replica is ready when it says so.
      await until(async () => (await fresh.read('kept')).status === 200, { withinMs: 3_000 })
      const { apiKey } = await issue()
      const answer = await fresh.read('kept', { apiKey })
      t.comment(
        `${gist(answer)}, age ${answer.headers['age']}, ${Date.now() - fetchedAt} ms after the fetch`
      )
      t.ok(
        Date.now() < fetchedAt + 12_000,
        'the machine was fast enough for this test to mean something'
      )
      t.equal(gist(answer), '200 STALE')
      t.equal(answer.body['value'], 'kept v1')
      t.equal(answer.body['fetchedAt'], body['fetchedAt'])
      t.ok(Number(answer.headers['age']) >= 3)
      // The first probe begins the check of the store and does not wait for it.
      const isDegraded = async () => (await fresh.readiness()) === 'degraded'
      t.not(await until(isDegraded, { withinMs: 3_000 }), undefined, 'it says that it is degraded')
      await sleep(Math.max(0, fetchedAt + 12_100 - Date.now()))
      const late = await fresh.read('kept')
      t.ok(late.status === 503 || late.status === 504, gist(late))
    }
  )
}

testWithRedis(
  'a replica that starts while Redis is down serves from the store, is degraded, and joins the others when Redis returns',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const options = { count: 1, store, redisUrl: redis.url }
    const { all, start } = await startReplicas(t, options)
    await all[0]!.read('one')
    await redis.kill()
    const before = performance.now()
    const fresh = await start()
    t.comment(`started within ${(performance.now() - before).toFixed(0)} ms`)
    t.equal(gist(await fresh.read('one')), '200 MISS')
    t.equal(await fresh.readiness(), 'degraded')
    await redis.start()
    const isReady = async () => {
      const both = await Promise.all([all[0]!, fresh].map(({ readiness }) => readiness()))
      return both.every((status) => status === 'ok')
    }
    t.not(await until(isReady, { withinMs: 5_000, everyMs: 50 }), undefined)
    await fresh.read('two')
    store.forget()
    t.equal((await all[0]!.read('two')).body['value'], 'two v1')
    t.equal(store.calls(), 0, 'what it reads is there for the others')
  }
)
