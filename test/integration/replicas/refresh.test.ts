/** A secret that is asked for all the time is fetched anew before its time is up: nobody waits for its store. */
import { startCountingStore } from '../../support/counting-store.ts'
import { format, startLoad, summaryOf } from '../../support/load.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { startReplicas } from '../../support/replicas.ts'

const TTL_S = 2
const SECONDS = 10
const STORE_MS = 800

testWithRedis(
  'no reader of a hot reference waits for its slow store, which is asked about once per TTL for all replicas',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const variables = { CACHE_TTL_SECONDS: String(TTL_S) }
    const replicas = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
    const { all, readsOf } = replicas
    store.say({ is: 'found', afterMs: STORE_MS })
    for (const replica of all) await replica.read('hot')
    const plan = { ...readsOf(['hot']), perSecond: 200, seconds: SECONDS }
    const whole = await startLoad(t, plan).samples
    // The first value may have ended before the load had begun.
    const samples = whole.filter(({ at }) => at > (whole[0]?.at ?? 0) + 1_000 * TTL_S)
    const summary = summaryOf(samples)
    t.comment(`${store.calls()} calls in ${SECONDS} s; ${format(summary)}`)
    t.ok(samples.every(({ status }) => status === 200))
    t.strictSame(
      Object.keys(summary.answers).filter((name) => !/^200 (HIT|REVALIDATED)$/.test(name)),
      [],
      'nobody is the one who has to fetch, and nothing is past its time'
    )
    const calls = store.times().filter((at) => at >= (samples[0]?.at ?? 0)).length
    t.ok(calls >= (SECONDS - TTL_S) / TTL_S - 1, 'it is fetched anew')
    // Ahead of the end of a TTL by what a fetch takes and a sixteenth of the TTL, and no further.
    const everyS = TTL_S - (1.1 * STORE_MS) / 1_000 - TTL_S / 16
    t.ok(calls <= Math.ceil((SECONDS - TTL_S) / everyS) + 1, `${calls} calls`)
  }
)
