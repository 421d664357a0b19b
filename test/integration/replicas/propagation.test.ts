/** A revocation and an invalidation made at one replica are in force at all of them before anyone could be told to wait. */
import type { Test } from 'tap'
import { startCountingStore } from '../../support/counting-store.ts'
import { percentile } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Replica, startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'

const TIMES = 200
const WITHIN_MS = 500

/** From the request for it to the moment in which the last of the replicas acts on it. */
const measure = async (
  all: readonly Replica[],
  change: () => Promise<unknown>,
  isInForce: (replica: Replica) => Promise<boolean>
): Promise<number> => {
  const since = performance.now()
  const changed = change()
  const times = await Promise.all(
    all.map(async (replica) => {
      const took = await until(() => isInForce(replica), { withinMs: 5_000, everyMs: 5 })
      return took === undefined ? Number.POSITIVE_INFINITY : performance.now() - since
    })
  )
  await changed
  return Math.max(...times)
}

const judge = (t: Test, what: string, times: readonly number[]): void => {
  const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)]
  t.comment(
    `${times.length} of ${what}: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, max ${Math.max(...times).toFixed(0)} ms`
  )
  t.ok(p95 <= WITHIN_MS * slowness(), `p95 ${p95} ms`)
  t.ok(times.every(Number.isFinite), 'each of them comes into force')
}

testWithRedis('an invalidation is in force at all 4 replicas within 500 ms', async (t, redis) => {
  const store = await startCountingStore(t)
  const { all } = await startReplicas(t, { count: 4, store, redisUrl: redis.url })
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) {
    const path = `changed/${i}`
    for (const replica of all) await replica.read(path)
    store.raise(path)
    const change = async () => {
      t.equal((await all[i % all.length]!.invalidate({ ref: `aws:${path}` })).status, 200)
    }
    const isNew = async (replica: Replica) =>
      (await replica.read(path)).body['value'] === store.textOf(path)
    times.push(await measure(all, change, isNew))
    if (times.at(-1) === Number.POSITIVE_INFINITY) break
  }
  judge(t, 'an invalidation', times)
})

testWithRedis(
  'an invalidation of a store, or of all, reaches what every replica has in memory',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 3, store, redisUrl: redis.url })
    const paths = ['one', 'two', 'three']
    for (const what of [{ store: 'aws' }, { all: true }]) {
      for (const replica of all) for (const path of paths) await replica.read(path)
      for (const path of paths) store.raise(path)
      for (const replica of all)
        for (const path of paths) t.equal((await replica.read(path)).headers['x-cache'], 'HIT')
      store.forget()
      const change = async () => t.equal((await all[1]!.invalidate(what)).status, 200)
      const areNew = async (replica: Replica) => {
        const answers = await Promise.all(paths.map((path) => replica.read(path)))
        return answers.every(({ body }, i) => body['value'] === store.textOf(paths[i] ?? ''))
      }
      t.ok((await measure(all, change, areNew)) <= WITHIN_MS * slowness(), JSON.stringify(what))
      t.ok(store.calls() >= paths.length)
    }
  }
)

testWithRedis('a revocation is in force at all 4 replicas within 500 ms', async (t, redis) => {
  const store = await startCountingStore(t)
  const { all, apiKey, issue, revoke } = await startReplicas(t, {
    count: 4,
    store,
    redisUrl: redis.url
  })
  const times: number[] = []
  // Where there is no route for it a whole command is started each time: not 200 of them, and its start does not count.
  let most = TIMES
  for (let i = 0; i < most; i++) {
    const key = await issue()
    const isRefused = async (replica: Replica) =>
      (await replica.read('kept', { apiKey: key.apiKey })).status === 401
    for (const replica of all) t.notOk(await isRefused(replica))
    const at = all[i % all.length]!
    if (most < TIMES) {
      await revoke(at, key.keyId)
      times.push(await measure(all, async () => {}, isRefused))
      continue
    }
    const took = await measure(
      all,
      async () => {
        if ((await revoke(at, key.keyId)) === 'command') most = 10
      },
      isRefused
    )
    // The first command was started within the time that was measured.
    if (most < TIMES) continue
    times.push(took)
    if (took === Number.POSITIVE_INFINITY) break
  }
  judge(t, most === TIMES ? 'a revocation' : 'a revocation by the command', times)
  t.equal((await all[0]!.read('kept', { apiKey })).status, 200, 'other keys go on')
})
