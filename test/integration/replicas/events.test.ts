/** A cloud's word that a secret changed: every replica reads it anew, and whoever listens at any of them hears of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { median } from '../../../scripts/bench/figures.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Replica, startReplicas, until } from '../../support/replicas.ts'
import { slowness } from '../../support/stopwatch.ts'

/** What the stream has said so far. */
const listen = async (t: Test, { url }: Replica, apiKey: string, path: string) => {
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const answer = await fetch(`${url}/v1/events?ref=aws:${path}`, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: controller.signal
  })
  t.equal(answer.status, 200)
  const heard = { text: '' }
  const read = async (): Promise<void> => {
    for await (const chunk of answer.body ?? []) heard.text += Buffer.from(chunk).toString()
  }
  read().catch(() => {})
  return heard
}

/** As an API destination of EventBridge delivers it. */
const changeOf = (path: string) => ({
  version: '0',
  id: '6f2b1a6e-0000-4000-8000-000000000001',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.secretsmanager',
  account: '123456789012',
  region: 'eu-west-1',
  detail: {
    eventSource: 'secretsmanager.amazonaws.com',
    eventName: 'PutSecretValue',
    requestParameters: { secretId: path }
  }
})

testWithRedis(
  "an event at a store's webhook makes the next read at every replica a fresh one, and is heard at every open stream, mostly within 500 ms",
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all, apiKey, internalSecret } = await startReplicas(t, {
      count: 3,
      store,
      redisUrl: redis.url
    })
    for (const replica of all) await replica.read('db')
    const streams = await Promise.all(all.map((replica) => listen(t, replica, apiKey, 'db')))
    const other = await listen(t, all[0]!, apiKey, 'other')
    const took: number[] = []
    for (let n = 2; n <= 21; n++) {
      const said = streams.map(({ text }) => text.length)
      store.raise('db')
      const answer = await fetch(`${all[n % 3]!.url}/internal/events/aws`, {
        method: 'POST',
        headers: { 'x-internal-secret': internalSecret, 'content-type': 'application/json' },
        body: JSON.stringify(changeOf('db'))
      })
      t.strictSame([answer.status, await answer.json()], [200, { invalidated: 1, ignored: 0 }])
      const isHeard = async () =>
        streams.every(({ text }, i) => text.slice(said[i]).includes('"ref":"aws:db"'))
      const ms = await until(isHeard, { withinMs: 10_000, everyMs: 1 })
      t.not(ms, undefined, 'every stream has heard')
      took.push(ms ?? Number.POSITIVE_INFINITY)
      for (const replica of all) t.equal((await replica.read('db')).body['value'], `db v${n}`)
    }
    t.equal(store.calls('db'), 21, 'one call for each version')
    await sleep(20)
    t.notMatch(other.text, /event/, 'who listens to something else hears nothing')
    // A single one may come while the machine does something else.
    const common = median(took)
    t.ok(common <= 500 * slowness(), `heard everywhere after ${common.toFixed(0)} ms`)
  }
)

test('an event without the internal secret changes nothing', async (t) => {
  const store = await startCountingStore(t)
  const { all } = await startReplicas(t, { count: 1, store })
  await all[0]!.read('db')
  const answer = await fetch(`${all[0]!.url}/internal/events/aws`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(changeOf('db'))
  })
  t.equal(answer.status, 401)
  await all[0]!.read('db')
  t.equal(store.calls('db'), 1)
})
