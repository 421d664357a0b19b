/** How many replicas there are, as each of them knows it. */
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createReplicaCount, type ReplicaCount } from '../../../src/state/replica-count.ts'
import { eventually } from '../../support/redis.ts'
import { createMemoryShared } from '../../support/shared.ts'
import { createSimulatedNetwork } from '../../support/simulated-network.ts'
import { simulate } from '../../support/simulated-time.ts'

const WINDOW_MS = 10_000
const [OLD, NEW] = [newEncryptionKey(), newEncryptionKey()]

const setUp = (t: Test) => {
  const clock = { time: 1_000 * WINDOW_MS }
  const shared = createMemoryShared(() => clock.time)
  const start = async (environment = 'dev', keys = [OLD], everyMs = 2) => {
    const connection = shared.connect()
    const keyring = createKeyring(keys)
    const count = createReplicaCount({
      shared: connection,
      environment,
      keyring: () => keyring,
      now: () => clock.time,
      everyMs,
      windowMs: WINDOW_MS
    })
    t.teardown(count.close)
    await count.start()
    return count
  }
  const heard: string[] = []
  const listener = shared.connect()
  listener.onMessage('replica', (message) => void heard.push(message))
  /** Until everybody has said so often that it is there. */
  const pass = async (ms: number): Promise<void> => {
    clock.time += ms
    heard.length = 0
    await eventually(() => heard.length > 30)
  }
  return {
    shared,
    start,
    pass,
    heard,
    publish: (text: string) => listener.publish('replica', text)
  }
}

const numbers = (...counts: readonly { readonly current: () => number }[]): number[] =>
  counts.map(({ current }) => current())

test('replicas that start are counted before they serve, and ones that end after a window', async (t) => {
  const { start, pass } = setUp(t)
  const one = await start()
  const two = await start()
  t.same(numbers(one, two), [2, 2])
  const three = await start()
  t.same(numbers(one, two, three), [3, 3, 3])
  three.close()
  await pass(WINDOW_MS)
  t.equal(one.current(), 3, 'it may only be late in this window')
  await pass(WINDOW_MS)
  t.same(numbers(one, two), [2, 2])
})

test('the last number stands while nothing is shared', async (t) => {
  const { shared, start, pass } = setUp(t)
  const one = await start()
  await start()
  shared.away()
  const asked = shared.calls()
  for (let n = 0; n < 3; n++) {
    await eventually(() => shared.calls() > asked + 10 * (n + 1))
    t.equal(one.current(), 2)
  }
  shared.back()
  for (let n = 0; n < 3; n++) {
    await pass(WINDOW_MS)
    t.equal(one.current(), 2)
  }
})

test('other environments on the same Redis are not counted, and who shares nothing is one', async (t) => {
  const { start } = setUp(t)
  const one = await start()
  await start('stg')
  t.equal(one.current(), 1)
  const keyring = createKeyring([OLD])
  const alone = createReplicaCount({
    shared: undefined,
    environment: 'dev',
    keyring: () => keyring,
    now: Date.now
  })
  await alone.start()
  t.equal(alone.current(), 1)
  alone.close()
})

test('a replica that starts while nothing is shared serves alone, and is counted once that is over', async (t) => {
  const { shared, start } = setUp(t)
  const one = await start()
  shared.away()
  const two = await start('dev', [OLD], 600_000)
  t.same(numbers(one, two), [1, 1])
  shared.back()
  await eventually(() => one.current() === 2 && two.current() === 2)
})

test('replicas in the middle of a rotation of the encryption key count each other', async (t) => {
  const { start } = setUp(t)
  const counts = [await start('dev', [OLD]), await start('dev', [OLD, NEW])]
  t.same(numbers(...counts), [2, 2])
  const { start: startNew } = setUp(t)
  const others = [await startNew('dev', [OLD, NEW]), await startNew('dev', [NEW])]
  t.same(numbers(...others), [2, 2])
})

test('who has no encryption key makes no replica, whatever it writes or says again', async (t) => {
  const { shared, start, pass, heard, publish } = setUp(t)
  const one = await start()
  await pass(0)
  const genuine = heard[0] ?? ''
  const [, window, proof] = genuine.split(' ')
  for (const text of [
    '',
    ' ',
    genuine,
    `${randomUUID()} ${window} ${proof}`,
    `${randomUUID()} ${window}`,
    `${randomUUID()} 1e3 ${proof}`,
    genuine.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    `x ${genuine}`,
    '9'.repeat(100_000)
  ]) {
    await publish(text)
  }
  await pass(0)
  t.equal(one.current(), 1)
  t.equal(shared.values.size, 0, 'and there is nothing that could be written to')
  one.close()
  const two = await start()
  for (let n = 0; n < 2; n++) await pass(WINDOW_MS)
  await publish(genuine)
  await pass(0)
  t.equal(two.current(), 1, 'what somebody said long ago makes it no replica')
})

test('two hundred replicas know of each other, and a share is never less than a 256th', async (t) => {
  const counted = await simulate(1, async (time) => {
    const network = createSimulatedNetwork(time)
    const keyring = createKeyring([OLD])
    const start = async (count: number): Promise<ReplicaCount[]> =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const shared = network.connect()
          const options = { shared, environment: 'dev', keyring: () => keyring, now: time.now }
          const one = createReplicaCount(options)
          shared.start()
          await one.start()
          return one
        })
      )
    const all = await start(200)
    const atStart = all.map((one) => one.current())
    const before = network.calls.get('publish') ?? 0
    await time.sleep(60_000)
    const perSecond = ((network.calls.get('publish') ?? 0) - before) / 60
    const later = all.map((one) => one.current())
    all.push(...(await start(70)))
    const most = Math.max(...all.map((one) => one.current()))
    for (const one of all) one.close()
    return { atStart, later, perSecond, most }
  })
  t.same(new Set(counted.atStart), new Set([200]))
  t.same(new Set(counted.later), new Set([200]))
  t.equal(counted.most, 256)
  t.ok(counted.perSecond <= 200 / 5 + 1, 'each says so every five seconds')
})
