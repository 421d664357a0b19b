/** A cluster that loses a node: what it costs, and how it comes back. */
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createRedisState } from '../../../src/state/redis-state.ts'
import { openShared, timed } from '../../support/open-shared.ts'
import { eventually, skipWithoutRedis, startCluster } from '../../support/redis.ts'

test('a cluster without one of its nodes costs no call more than its deadline, and comes back', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { address, servers } = await startCluster(t)
  const { shared, whole } = openShared(t, address)
  const keyring = createKeyring([newEncryptionKey()])
  const state = createRedisState({ address, prefix: 'purser:', keyring: () => keyring })
  t.teardown(() => state.close())
  await whole()
  const value = Buffer.from('value')
  // Some for each node.
  const keys = Array.from({ length: 30 }, (_, i) => `key/${i}`)
  for (const space of ['store', 'revoked', 'usage', 'runtime']) {
    t.equal(await state.compareAndSet(`${space}/x`, undefined, value), true)
  }
  await servers[1]?.kill()
  let slowest = 0
  const until = performance.now() + 4_000
  while (performance.now() < until) {
    for (const { outcome, ms } of await Promise.all(
      keys.map((key) => timed(shared.put(key, value, 60_000)))
    )) {
      if (outcome !== 'done' && outcome !== 'unavailable') t.fail(outcome)
      slowest = Math.max(slowest, ms)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.ok(slowest < 200, `the slowest call took ${slowest} ms`)
  await servers[1]?.start()
  await eventually(async () => {
    const outcomes = await Promise.all(keys.map((key) => timed(shared.put(key, value, 60_000))))
    return outcomes.every(({ outcome }) => outcome === 'done')
  })
  await eventually(() =>
    state.compareAndSet('store/y', undefined, value).then(
      () => true,
      () => false
    )
  )
})
