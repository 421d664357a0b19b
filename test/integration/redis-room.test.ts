/** A Redis that is full: known from the first write that it refuses, whoever made it, until there is room again. */
import { test } from 'tap'
import { openState } from '../../src/state/open-state.ts'
import { randomKeyring } from '../support/keys.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'

const value = Buffer.from('x')

test('a write of the state or of what replicas share finds it, reads do not, and each time is told', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction'] })
  const { keyring } = randomKeyring()
  const logs: string[] = []
  const { state, shared, close } = await openState({
    dataDir: '/nowhere',
    redis: { address: redis.address, prefix: 'purser:' },
    keyring: () => keyring,
    log: (_level, message) => void logs.push(message)
  })
  t.teardown(close)
  if (shared === undefined) throw new Error('there is a Redis')
  shared.start()
  await eventually(shared.isUp)
  const setMax = (bytes: string) => redis.cli('config', 'set', 'maxmemory', bytes)
  const writes: (() => Promise<unknown>)[] = [
    () => shared.put('a', value, 10_000),
    () => state.compareAndSet('b', undefined, value)
  ]
  for (const [n, write] of writes.entries()) {
    setMax('1')
    await state.get('b')
    await shared.getMany(['a'])
    t.equal(shared.isFull(), false)
    await t.rejects(write().then(() => {}))
    t.equal(shared.isFull(), true)
    setMax('0')
    await eventually(() => !shared.isFull())
    await write()
    t.equal(logs.filter((line) => line === 'Redis has room again').length, n + 1)
  }
})
