/** What replicas make of each other's invalidations while many go on, and of a message that is lost among them. */
import { test } from 'tap'
import { createInvalidation } from '../../../src/cache/invalidation.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSimulatedNetwork } from '../../support/simulated-network.ts'
import { type SimulatedTime, simulate } from '../../support/simulated-time.ts'

const REPLICAS = 20

interface Doubts {
  /** Whether a message reaches that replica. */
  readonly isHeard?: (replica: number) => boolean
  /** Whether it is of a version that sends no numbers. */
  readonly isOld?: (replica: number) => boolean
}

const open = (time: SimulatedTime, doubts: Doubts = {}) => {
  const { isHeard = () => true, isOld = () => false } = doubts
  const network = createSimulatedNetwork(time)
  const keyring = createKeyring([newEncryptionKey()])
  const replicas = Array.from({ length: REPLICAS }, (_, replica) => {
    /** When all of the store was dropped. */
    const drops: number[] = []
    const connection = network.connect()
    const bus = createInvalidation({
      drop: (what) => {
        if (what !== 'all' && !('path' in what) && !('families' in what)) drops.push(time.passed())
        return 0
      },
      shared: {
        ...connection,
        onMessage: (topic, listener) =>
          connection.onMessage(topic, (message) =>
            isHeard(replica) ? listener(message) : undefined
          ),
        publish: (topic, message) => {
          const { numbers, ...older } = JSON.parse(message)
          return connection.publish(topic, isOld(replica) ? JSON.stringify(older) : message)
        }
      },
      keyring: () => keyring,
      stores: () => ['kv'],
      lifetimeMs: 600_000
    })
    connection.start()
    return { bus, drops }
  })
  /** So many a second, each by another replica. */
  const invalidate = async (count: number, perSecond: number): Promise<void> => {
    const all: Promise<unknown>[] = []
    for (let i = 0; i < count; i++) {
      await time.sleep(1_000 / perSecond)
      const what = { store: 'kv', path: `secret ${i}` }
      const { bus } = replicas[i % REPLICAS] ?? {}
      if (bus !== undefined) all.push(bus.invalidate(what))
    }
    await Promise.all(all)
  }
  const close = (): void => {
    for (const { bus } of replicas) bus.close()
  }
  const forget = (): void => {
    for (const { drops } of replicas) drops.length = 0
  }
  return { network, replicas, invalidate, forget, close }
}

test('what is under way while others are invalidated is not taken for missed', async (t) => {
  const drops = await simulate(1, async (time) => {
    const { replicas, invalidate, close } = open(time)
    await time.sleep(1_000)
    await invalidate(5_000, 500)
    await time.sleep(20_000)
    close()
    return replicas.flatMap((replica) => replica.drops)
  })
  t.strictSame(drops, [])
})

test('replicas of a version that sends no numbers are heard too', async (t) => {
  const drops = await simulate(1, async (time) => {
    const { replicas, invalidate, close } = open(time, { isOld: (replica) => replica % 2 === 0 })
    await time.sleep(1_000)
    await invalidate(200, 20)
    await time.sleep(20_000)
    close()
    return replicas.flatMap((replica) => replica.drops)
  })
  t.strictSame(drops, [])
})

test('a message that is lost is noticed within five seconds, by who lost it and once, whatever else goes on', async (t) => {
  for (const [count, perSecond] of [
    [1, 1],
    [1_000, 50]
  ] as const) {
    let lostAt = Number.POSITIVE_INFINITY
    const seen = await simulate(1, async (time) => {
      let messages = 0
      const { replicas, invalidate, close } = open(time, {
        isHeard: (replica) => {
          if (replica !== 7 || ++messages !== Math.ceil(count / 2)) return true
          lostAt = time.passed()
          return false
        }
      })
      await time.sleep(1_000)
      await invalidate(count, perSecond)
      await time.sleep(20_000)
      close()
      return replicas.flatMap(({ drops }, replica) => drops.map((at) => ({ replica, at })))
    })
    t.strictSame(
      seen.map(({ replica }) => replica),
      [7]
    )
    t.ok((seen[0]?.at ?? 0) - lostAt <= 5_010, `after ${(seen[0]?.at ?? 0) - lostAt} ms`)
  }
})

test('when what was counted is lost every replica drops the store once, and nothing is lost where nothing was counted', async (t) => {
  for (const count of [0, 100]) {
    const drops = await simulate(1, async (time) => {
      const { network, replicas, invalidate, forget, close } = open(time)
      await time.sleep(1_000)
      await invalidate(count, 50)
      await time.sleep(5_000)
      forget()
      network.fail()
      await time.sleep(5_000)
      network.recover({ hasLost: true })
      await time.sleep(20_000)
      close()
      return replicas.map((replica) => replica.drops.length)
    })
    t.ok(
      drops.every((dropped) => dropped === Math.sign(count)),
      `${count}: ${drops}`
    )
  }
})
