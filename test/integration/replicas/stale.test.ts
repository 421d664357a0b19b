/** A store that is down is bridged for as long as was agreed, visibly, and by every replica alike; a refusal never is. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Saying, startCountingStore } from '../../support/counting-store.ts'
import type { RedisServer } from '../../support/redis.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Answer, gist, type Replica, startReplicas, until } from '../../support/replicas.ts'

const TTL_MS = 1_000
const BOUND_MS = 3_000
/** Between a moment and what a test sees of it. */
const SLACK_MS = 300

interface Seen {
  /** When it was asked, and when it was answered. */
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

const watch = async (replica: Replica, path: string, ms: number): Promise<Seen[]> => {
  const seen: Seen[] = []
  const end = Date.now() + ms
  while (Date.now() < end) {
    const from = Date.now()
    const answer = await replica.read(path)
    seen.push({ from, to: Date.now(), answer })
    await sleep(50)
  }
  return seen
}

const isStale = ({ answer }: Seen): boolean => answer.headers['x-cache'] === 'STALE'

/** What each replica did, from the first answer on, when a store went away for longer than the bound. */
const judge = (t: Test, seen: readonly Seen[], codes: readonly string[]): void => {
  const fetchedAt = Date.parse(`${seen[0]?.answer.body['fetchedAt']}`)
  const bound = fetchedAt + TTL_MS + BOUND_MS
  const good = seen.filter(({ answer }) => answer.status === 200)
  const bad = seen.filter(({ answer }) => answer.status !== 200)
  const stale = good.filter(isStale)
  const ages = stale.map(({ answer }) => Number(answer.headers['age']))
  const first = bad[0]
  t.comment(
    `${stale.length} STALE of age ${ages[0]} to ${ages.at(-1)}; ${bad.length} refused, the first ${(first?.to ?? 0) - bound} ms after the bound`
  )
  t.ok(stale.length > 0, 'it answers STALE')
  t.ok(
    ages.every((age, i) => age >= (ages[i - 1] ?? 0)),
    'the age grows'
  )
  t.equal(ages.at(-1), Math.floor((TTL_MS + BOUND_MS - 1) / 1000), 'until the bound')
  t.strictSame(
    [...new Set(good.map(({ answer }) => `${answer.body['value']} ${answer.body['fetchedAt']}`))],
    [`kept v1 ${new Date(fetchedAt).toISOString()}`],
    'always the value of the one fetch that there was: a failing refresh extends nothing'
  )
  t.ok(
    good.every(({ from }) => from <= bound),
    'never after the bound'
  )
  t.ok(
    bad.every(({ to }) => to >= bound - SLACK_MS),
    'and always before it'
  )
  t.ok(bad.length > 0, 'then it is refused')
  for (const { answer } of bad) {
    if (!codes.includes(gist(answer))) t.fail(`${gist(answer)} instead of ${codes}`)
  }
  t.ok(bad.every(({ answer }) => Number(answer.headers['retry-after'] ?? 1) >= 1))
}

const goAway = async (
  t: Test,
  redis: RedisServer,
  saying: Saying,
  codes: readonly string[]
): Promise<void> => {
  const store = await startCountingStore(t)
  const variables = {
    CACHE_TTL_SECONDS: String(TTL_MS / 1_000),
    STALE_IF_ERROR_SECONDS: String(BOUND_MS / 1_000),
    UPSTREAM_TIMEOUT_MS: '1000'
  }
  const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
  // Both hold the value of one fetch, so that they can be compared.
  for (const replica of all) t.equal((await replica.read('kept')).body['value'], 'kept v1')
  t.equal(store.calls(), 1)
  store.say(saying)
  const watched = await Promise.all(
    all.map((replica) => watch(replica, 'kept', TTL_MS + BOUND_MS + 2_000))
  )
  for (const seen of watched) judge(t, seen, codes)
  store.raise('kept')
  store.say({ is: 'found' })
  for (const replica of all) {
    const isNew = async () => (await replica.read('kept')).body['value'] === 'kept v2'
    t.not(await until(isNew, { withinMs: 20_000, everyMs: 200 }), undefined, 'and it recovers')
  }
}

testWithRedis(
  'a store that fails for longer than the bound: every replica answers STALE until the bound and store_unavailable after it',
  (t, redis) => goAway(t, redis, { is: 'failing' }, ['503 store_unavailable'])
)

testWithRedis(
  'a store that is silent for longer than the bound: every replica answers STALE until the bound, and a fault after it',
  (t, redis) => goAway(t, redis, { is: 'silent' }, ['504 store_timeout', '503 store_unavailable'])
)

testWithRedis(
  'a refusal or an invalidation ends a value everywhere: it is never answered STALE, also when the store fails later',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const variables = {
      CACHE_TTL_SECONDS: '1',
      CACHE_NEGATIVE_TTL_SECONDS: '1',
      STALE_IF_ERROR_SECONDS: '600'
    }
    const { all } = await startReplicas(t, { count: 3, store, redisUrl: redis.url, variables })
    const paths = ['denied', 'gone', 'invalidated', 'kept']
    for (const path of paths) for (const replica of all) await replica.read(path)
    store.say({ is: 'denied' }, 'denied')
    store.say({ is: 'not found' }, 'gone')
    await sleep(TTL_MS + 100)
    // One replica alone learns of it from the store.
    t.equal(gist(await all[0]!.read('denied')), '502 store_denied')
    t.equal(gist(await all[0]!.read('gone')), '404 secret_not_found')
    t.equal(gist(await all[0]!.read('kept')), '200 MISS')
    for (const path of paths) store.say({ is: 'failing' }, path)
    t.equal((await all[0]!.invalidate({ ref: 'aws:invalidated' })).status, 200)
    // The refusals are no longer remembered, and neither is anything fresh.
    await sleep(1_500)
    for (const [i, replica] of all.entries()) {
      t.equal(
        gist(await replica.read('kept')),
        '200 STALE',
        `what was not refused is bridged at ${i}`
      )
      for (const path of ['denied', 'gone', 'invalidated']) {
        const { status, headers } = await replica.read(path)
        t.not(status, 200, `${path} at ${i}`)
        t.not(headers['x-cache'], 'STALE', `${path} at ${i}`)
      }
    }
  }
)

testWithRedis('STALE_IF_ERROR_SECONDS=0 bridges nothing', async (t, redis) => {
  const store = await startCountingStore(t)
  const variables = { CACHE_TTL_SECONDS: '1', STALE_IF_ERROR_SECONDS: '0' }
  const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
  for (const replica of all) await replica.read('kept')
  store.say({ is: 'failing' })
  await sleep(TTL_MS + 100)
  for (const replica of all) t.equal(gist(await replica.read('kept')), '503 store_unavailable')
})
