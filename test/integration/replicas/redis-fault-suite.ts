/**
 * What is asked of Purser while something is wrong with Redis, whatever that is: no read fails for it, none pays more than
 * its deadline, readiness tells, and all is shared again afterwards.
 */
import type { Test } from 'tap'
import { startCountingStore } from '../../support/counting-store.ts'
import { percentile } from '../../support/load.ts'
import type { RedisServer } from '../../support/redis.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Replica, startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

const READS = 30
/** What Redis may cost a read, and what else may come between: this machine has other work too. */
const MORE_MS = 50
const SLACK_MS = 50

export interface Fault {
  readonly name: string
  readonly begin: (redis: RedisServer, proxy: TcpProxy) => Promise<unknown>
  readonly end: (redis: RedisServer, proxy: TcpProxy) => Promise<unknown>
  /** Whether Redis is as good as away, so that readiness has to say so. */
  readonly isDown: boolean
}

export const networked = (
  name: string,
  network: Parameters<TcpProxy['set']>[0],
  isDown: boolean
): Fault => ({
  name,
  begin: (_, proxy) => proxy.set(network),
  end: (_, proxy) => proxy.set({ is: 'open' }),
  isDown
})

let path = 0

/** First reads, each a question to Redis and one to the store, one after the other; how long each took. */
const timesOf = async (t: Test, replica: Replica): Promise<number[]> => {
  const times: number[] = []
  const failed: number[] = []
  for (let i = 0; i < READS; i++) {
    const { status, ms } = await replica.read(`first/${path++}`)
    if (status !== 200) failed.push(status)
    times.push(ms)
  }
  t.strictSame(failed, [], 'no read fails')
  return times
}

export const testFault = (fault: Fault): void => {
  testWithRedis(
    `Redis ${fault.name}: no read fails, each costs 50 ms more at the most, and all is well afterwards`,
    async (t, redis) => {
      const store = await startCountingStore(t)
      const proxy = await startTcpProxy(t, redis.port)
      const redisUrl = `redis://127.0.0.1:${proxy.port}`
      const { all } = await startReplicas(t, { count: 2, store, redisUrl })
      const [replica, other] = [all[0]!, all[1]!]
      await timesOf(t, replica)
      const before = await timesOf(t, replica)
      await replica.read('hot')

      await fault.begin(redis, proxy)
      const during = await timesOf(t, replica)
      const usual = percentile(before, 0.95)
      const figures = [0.5, 0.95, 1].map((share) => percentile(during, share).toFixed(1))
      t.comment(`p95 before ${usual.toFixed(1)} ms; p50, p95, max during ${figures} ms`)
      t.ok(
        Math.max(...during) <= usual + (MORE_MS + SLACK_MS) * slowness(),
        `the slowest read took ${Math.max(...during)} ms`
      )
      const hot = await replica.read('hot')
      t.strictSame([hot.status, hot.headers['x-cache']], [200, 'HIT'])
      const says = (word: string) => async () => (await replica.readiness()) === word
      if (fault.isDown) {
        t.not(
          await until(says('degraded'), { withinMs: 3_000, everyMs: 50 }),
          undefined,
          'degraded'
        )
        // By now Redis is left alone.
        const later = await timesOf(t, replica)
        t.comment(`p50 once it is left alone ${percentile(later, 0.5).toFixed(1)} ms`)
        t.ok(percentile(later, 0.5) <= percentile(before, 0.5) + (SLACK_MS / 2) * slowness())
      }

      await fault.end(redis, proxy)
      t.not(await until(says('ok'), { withinMs: 6_000, everyMs: 50 }), undefined, 'ok again')
      const isShared = async (): Promise<boolean> => {
        const next = `shared/${path++}`
        await replica.read(next)
        const { headers } = await other.read(next)
        return headers['x-cache'] === 'HIT' && store.calls(next) === 1
      }
      const took = await until(isShared, { withinMs: 6_000, everyMs: 50 })
      t.not(took, undefined, 'what one reads is there for the other again')
    }
  )
}
