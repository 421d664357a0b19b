// What is sealed is counted on a cluster too, on whichever of its nodes it stands, and the cache of former keys goes from all.
import { test } from 'tap'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { countSealed } from '../../src/integrations/sealed-count.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import { openShared } from '../support/open-shared.ts'
import { eventually, skipWithoutRedis, startCluster } from '../support/redis.ts'

test('secrets, names and what is cached are counted on every node of a cluster', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { address } = await startCluster(t)
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const [former, ring] = [createKeyring([before]), createKeyring([before, after])]
  const { shared, whole } = openShared(t, address)
  await whole()
  const state = createRedisState({ address, prefix: 'purser:', keyring: () => former })
  const next = createRedisState({ address, prefix: 'purser:', keyring: () => ring })
  t.teardown(() => Promise.all([state.close(), next.close()]))
  const sealer = () => createSealer(former)
  for (const path of ['a', 'b', 'c']) {
    const store = { name: 'local', state, sealer, now: Date.now }
    await putSecret(store, path, new Sensitive('x'))
  }
  for (let i = 0; i < 30; i++) {
    const envelope = createSealer(i < 20 ? former : ring).seal('cache', Buffer.from('x'), [])
    // As secrets and as refused logins.
    const key = i % 2 === 0 ? `cache:{${i}}:slot` : `login:{${i}}:refused`
    const put = () => shared.put(key, envelope, 60_000)
    // On a busy machine a call may miss its deadline of 50 ms.
    await eventually(() =>
      put().then(
        () => true,
        () => false
      )
    )
  }
  const counts = async () => (await countSealed(next)).byKey
  t.match((await counts()).get(former.active.kid), { secrets: 3, names: 3, cached: 20 })
  t.match((await counts()).get(ring.active.kid), { secrets: 0, cached: 10 })
  t.equal(await next.dropFormerCache?.(), 20)
  t.match((await counts()).get(former.active.kid), { secrets: 3, cached: 0 })
  t.match((await counts()).get(ring.active.kid), { cached: 10 })
})
