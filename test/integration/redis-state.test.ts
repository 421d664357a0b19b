/** The state in Redis keeps the contract of every state: on one server, on a cluster and under Sentinel. */
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import type { RedisAddress } from '../../src/state/redis-url.ts'
import { stateSuite } from '../contract/state-suite.ts'
import {
  type RedisGroup,
  skipWithoutRedis,
  startCluster,
  startRedis,
  startSentinels
} from '../support/redis.ts'

let count = 0

const kinds: Readonly<Record<string, (t: Test) => Promise<Pick<RedisGroup, 'address'>>>> = {
  'the state in Redis': startRedis,
  'the state in a Redis Cluster': startCluster,
  'the state in Redis under Sentinel': startSentinels
}

test('every kind of Redis', async (t) => {
  if (await skipWithoutRedis(t)) return
  for (const [name, start] of Object.entries(kinds)) {
    await t.test(name, async (kind) => {
      const { address } = await start(kind)
      const open = (address: RedisAddress, prefix: string) =>
        createRedisState({ address, prefix, keyring: () => keyring })
      const keyring = createKeyring([newEncryptionKey(), newEncryptionKey()])
      await stateSuite(
        name,
        async (t) => {
          const prefix = `purser:${count++}:`
          const [first, second] = [open(address, prefix), open(address, prefix)]
          t.teardown(() => Promise.all([first.close(), second.close()]))
          return { first, second }
        },
        kind
      )
    })
  }
})
