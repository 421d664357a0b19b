// Replicas that share one Redis share one allowance; how far they overshoot it is measured here.
import { createSecretKey } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { test } from 'tap'
import { createAllowances } from '../../src/http/allowances.ts'
import { type Shared, SharedUnavailable } from '../../src/state/shared.ts'
import { isInstalled, skipWithout, startPeer } from '../support/peers.ts'
import { createMemoryShared } from '../support/shared.ts'
import { frozen } from '../support/stopwatch.ts'

const REPLICAS = 4
const MAX = 400
const INTERVAL_MS = 50
const PACE_MS = 5

/** Counters in a real Redis; nothing else is asked here. */
const sharedOver = (redis: Redis): Shared => ({
  ...createMemoryShared().connect(),
  add: async (counters) => {
    const pipeline = redis.pipeline()
    for (const { key, by, ttlMs } of counters) pipeline.incrby(key, by).pexpire(key, ttlMs)
    const answers = (await pipeline.exec()) ?? []
    return counters.map((_, i) => {
      const [error, sum] = answers[2 * i] ?? []
      if (error || typeof sum !== 'number') throw new SharedUnavailable()
      return sum
    })
  }
})

test('four replicas let through what one may, and what they could not know of each other', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const { port } = await startPeer(t, 'redis')
  const connections = Array.from({ length: REPLICAS }, () => new Redis(port, '127.0.0.1'))
  t.teardown(() => {
    for (const connection of connections) connection.disconnect()
  })
  const fingerprintKey = () => createSecretKey(Buffer.alloc(32, 7))
  const replicas = connections.map((redis) =>
    createAllowances({
      shared: sharedOver(redis),
      fingerprintKey,
      now: frozen,
      intervalMs: INTERVAL_MS
    })
  )
  const limit = { name: 'key', max: MAX, windowMs: 3_600_000 } as const
  const keys = replicas.map((allowances) => allowances.of(limit))
  const startedAt = Date.now()
  let passed = 0
  let refusedByAll = 0
  while (refusedByAll < 20) {
    const taken = keys.map((key) => key.take('caller'))
    passed += taken.filter(({ isExceeded }) => !isExceeded).length
    refusedByAll = taken.every(({ isExceeded }) => isExceeded) ? refusedByAll + 1 : 0
    await sleep(PACE_MS)
  }
  const perSecond = (passed / (Date.now() - startedAt)) * 1000
  const overshoot = passed - MAX
  // Each replica's own rate, times how long it does not know of the others: the interval, and the way to Redis and back.
  const bound = REPLICAS * Math.ceil((2 * INTERVAL_MS) / PACE_MS)
  t.comment(`${passed} of ${MAX} passed: ${overshoot} too many at about ${perSecond.toFixed(0)}/s`)
  t.ok(passed >= MAX, 'nobody is refused what is left')
  t.ok(overshoot <= bound, `${overshoot} <= ${bound}`)

  await sleep(3 * INTERVAL_MS)
  const [redis] = connections
  const stored = (await redis?.keys('*')) ?? []
  t.equal(stored.length, 1)
  t.equal(Number(await redis?.get(stored[0] ?? '')), passed, 'all of it is on the shared count')
  t.ok(Number(await redis?.pttl(stored[0] ?? '')) > 0, 'and ends with its window')
  t.notMatch(stored[0], /caller/)

  await Promise.all(replicas.map((allowances) => allowances.close()))
})
