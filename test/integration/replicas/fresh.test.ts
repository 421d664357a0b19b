/** Conditional reads cost no body, and a caller that asks for a fresher value gets it at a price. */
import { createHash, getHashes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { recordsIn } from '../../support/audit-records.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { type Answer, gist, startReplicas, until } from '../../support/replicas.ts'

const etagOf = ({ headers }: Answer): string => `${headers['etag']}`
const noCache = { 'cache-control': 'no-cache' }

testWithRedis(
  'an ETag is the same at all replicas, another one for each value, and no plain hash of anything that is answered',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 3, store, redisUrl: redis.url })
    const answers = await Promise.all(all.map((replica) => replica.read('one')))
    const etags = new Set(answers.map(etagOf))
    t.equal(etags.size, 1)
    const etag = etagOf(answers[0]!)
    t.match(etag, /^(W\/)?"[\x21\x23-\x7e]+"$/)
    const opaque = etag.replace(/^(W\/)?"|"$/g, '').toLowerCase()
    const { text, body } = answers[0]!
    const inputs = [
      'one v1',
      'one',
      'aws:one',
      text,
      `${body['version']}`,
      JSON.stringify('one v1')
    ]
    const isHash = getHashes().some((algorithm) => {
      try {
        return inputs.some((input) =>
          (['hex', 'base64', 'base64url'] as const).some((encoding) => {
            const hash = createHash(algorithm).update(input).digest(encoding).toLowerCase()
            return hash.slice(0, 16) === opaque.slice(0, 16)
          })
        )
      } catch {
        return false
      }
    })
    t.notOk(isHash)
    t.notOk(opaque.includes(`${body['version']}`.toLowerCase()))

    store.raise('one')
    await all[0]!.invalidate({ ref: 'aws:one' })
    await until(async () => (await all[1]!.read('one')).body['value'] === 'one v2', {
      withinMs: 1_000
    })
    t.not(etagOf(await all[1]!.read('one')), etag)
  }
)

testWithRedis(
  'If-None-Match is answered 304 without a body, on record like any read, and only where the value is the same',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    const etag = etagOf(await all[0]!.read('one'))
    await all[1]!.read('two')
    const before = (await recordsIn(all[1]!.folder)).length
    const same = await all[1]!.read('one', { headers: { 'if-none-match': etag } })
    t.strictSame([same.status, same.text], [304, ''])
    t.equal(etagOf(same), etag)
    t.match(same.headers, { 'cache-control': 'no-store', 'x-cache': String })
    const records = (await recordsIn(all[1]!.folder)).slice(before)
    t.match(records, [{ action: 'secret.read', outcome: 'allowed' }])
    t.match(
      (await all[1]!.read('one', { headers: { 'if-none-match': `"x", ${etag}` } })).status,
      304
    )
    t.equal((await all[1]!.read('one', { headers: { 'if-none-match': '"x"' } })).status, 200)
    t.equal((await all[1]!.read('two', { headers: { 'if-none-match': etag } })).status, 200)
    t.equal(
      (await all[1]!.read('one', { apiKey: 'x', headers: { 'if-none-match': etag } })).status,
      401,
      'who may not read it does not learn whether it changed'
    )
    store.raise('one')
    await all[1]!.invalidate({ ref: 'aws:one' })
    const other = await all[1]!.read('one', { headers: { 'if-none-match': etag } })
    t.strictSame([other.status, other.body['value']], [200, 'one v2'])
  }
)

testWithRedis(
  'no-cache costs one call each time, and what it brings is there for every replica',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    for (const replica of all) await replica.read('one')
    t.equal(store.calls(), 1)
    for (let n = 2; n <= 4; n++) {
      store.raise('one')
      const answer = await all[n % 2]!.read('one', { headers: noCache })
      t.strictSame([answer.status, answer.body['value']], [200, `one v${n}`])
      t.match(`${answer.headers['x-cache']}`, /^(MISS|REVALIDATED)$/)
      t.equal(store.calls(), n)
    }
    const isNew = async () =>
      (await Promise.all(all.map((replica) => replica.read('one')))).every(
        ({ body }) => body['value'] === 'one v4'
      )
    t.not(await until(isNew, { withinMs: 500 }), undefined)
    t.equal(store.calls(), 4, 'and nobody had to ask for it again')
  }
)

testWithRedis('max-age costs a call only where the value is older than that', async (t, redis) => {
  const store = await startCountingStore(t)
  const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
  const read = async (at: number, age: number) =>
    gist(await all[at]!.read('one', { headers: { 'cache-control': `max-age=${age}` } }))
  t.equal(await read(0, 600), '200 MISS')
  t.equal(await read(1, 600), '200 HIT')
  t.equal(store.calls(), 1)
  await sleep(2_100)
  t.equal(await read(1, 60), '200 HIT')
  t.equal(store.calls(), 1)
  t.match(await read(1, 1), /^200 (MISS|REVALIDATED)$/)
  t.equal(store.calls(), 2)
  // The other one finds a young enough one in Redis, if not already in its memory.
  t.equal(await read(0, 1), '200 HIT')
  t.equal(store.calls(), 2)
})

testWithRedis(
  'demands past the cache are limited per key; reads of the same key through the cache are not',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const variables = {
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_MAX: '100000',
      RATE_LIMIT_IP_MAX: '100000'
    }
    const { all, issue } = await startReplicas(t, {
      count: 1,
      store,
      redisUrl: redis.url,
      variables
    })
    // The window begins anew with the minute: not in the middle of this.
    const rest = 60_000 - (Date.now() % 60_000)
    if (rest < 10_000) await sleep(rest + 100)
    await all[0]!.read('one')
    const answers: Answer[] = []
    for (let i = 0; i < 80; i++) answers.push(await all[0]!.read('one', { headers: noCache }))
    const allowed = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status !== 200)
    t.comment(`${allowed.length} allowed, ${refused.length} refused, ${store.calls()} calls`)
    t.equal(allowed.length, 60)
    t.ok(refused.every((answer) => gist(answer) === '429 rate_limited'))
    t.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1))
    t.ok(store.calls() <= 61)
    t.equal(gist(await all[0]!.read('one')), '200 HIT')
    const { apiKey } = await issue()
    t.equal(
      (await all[0]!.read('one', { apiKey, headers: noCache })).status,
      200,
      "another key's are its own"
    )
  }
)
