/** Several caches on one shared tier: what costs a fetch, and what an invalidation leaves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { recordCodec } from '../../../src/cache/envelope.ts'
import { createInvalidation } from '../../../src/cache/invalidation.ts'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import { createSharedTier } from '../../../src/cache/shared-tier.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import {
  isSameSecret,
  type Locator,
  type SecretRecord,
  Sensitive
} from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createMemoryShared } from '../../support/shared.ts'
import { pass } from '../../support/stopwatch.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

const START = 1_000_000
const TTL = 600_000
const STALE = 60_000
const NEGATIVE = 10_000
const AT = { store: 'kv', place: 'p' }
const ENCRYPTION_KEY = newEncryptionKey()

const setUp = (
  shared = createMemoryShared(),
  { fetchMs = 3_000, negativeTtlMs = NEGATIVE } = {}
) => {
  let time = START
  const now = () => time
  const open = (t: Test, encryptionKeys = [ENCRYPTION_KEY]) => {
    const keyring = createKeyring(encryptionKeys)
    const sealer = createSealer(keyring)
    const connection = shared.connect()
    const tier = createSharedTier({
      shared: connection,
      cacheName: 'secret',
      codec: recordCodec,
      environment: 'dev',
      keyring: () => keyring,
      sealer: () => sealer,
      fetchMs,
      now
    })
    const cache = createSecretCache<SecretRecord>({
      ttlMs: TTL,
      maxEntries: 100,
      staleMs: STALE,
      negativeTtlMs,
      tier,
      onChanged: (what) => bus.changed(what),
      isSame: isSameSecret,
      now
    })
    const bus = createInvalidation({
      drop: cache.invalidate,
      shared: connection,
      keyring: () => keyring,
      stores: () => ['kv', 'other'],
      lifetimeMs: TTL + STALE
    })
    t.teardown(bus.close)
    const read = async (fetch: () => Promise<SecretRecord>, locator: Locator = { path: 'a' }) => {
      const { entry, from } = await cache.load(AT, locator, fetch)
      return `${entry.record.text.reveal()} ${from}`
    }
    return { cache, tier, bus, read }
  }
  const set = (next: number): void => {
    time = next
  }
  return { shared, open, set }
}

const record = (text: string): SecretRecord => ({ text: new Sensitive(text), version: '1' })
const gives = (text: string) => async () => record(text)
const fails = (reason: 'unavailable' | 'denied' | 'not_found') => () =>
  Promise.reject(new ProviderFault(reason))
/** Until what runs in the background is done. */
const settled = () => pass(20)

const counting = (text: string, ms = 0) => {
  const count = { calls: 0 }
  const fetch = async () => {
    count.calls++
    if (ms > 0) await sleep(ms)
    return record(text)
  }
  return { count, fetch }
}

test('whatever the number of replicas, a secret that all ask for at once is fetched once', async (t) => {
  const { open } = setUp()
  const { count, fetch } = counting('x', 30)
  const replicas = [open(t), open(t), open(t), open(t)]
  const answers = await Promise.all(
    replicas.flatMap(({ read }) => Array.from({ length: 50 }, () => read(fetch)))
  )
  t.equal(count.calls, 1)
  t.equal(answers.filter((answer) => answer === 'x MISS').length, 50, 'those of one replica')
  t.equal(answers.filter((answer) => answer === 'x HIT').length, 150)
})

test('a replica that starts later has what others fetched, with its times', async (t) => {
  const { open, set } = setUp()
  await open(t).read(gives('x'))
  await settled()
  set(START + 1_000)
  const late = open(t)
  t.equal(await late.read(() => t.fail('it is fetched') as never), 'x HIT')
  t.match(late.cache.lookup('kv', { path: 'a' }), {
    entry: { fetchedAt: START, expiresAt: START + TTL }
  })
})

test('a store of the same name that leads elsewhere has nothing of before', async (t) => {
  const { open } = setUp()
  const { cache, read } = open(t)
  const locator = { path: 'a' }
  await read(gives('old place'), locator)
  await settled()
  const { entry } = await cache.load({ store: 'kv', place: 'q' }, locator, gives('new place'))
  t.equal(entry.record.text.reveal(), 'new place')
})

test('a refusal is remembered by all, and so is that a store needs rest', async (t) => {
  for (const reason of ['denied', 'not_found', 'unavailable'] as const) {
    const { open } = setUp()
    await t.rejects(open(t).read(fails(reason)), new ProviderFault(reason))
    await settled()
    await t.rejects(
      open(t).read(() => t.fail('it is asked again') as never),
      new ProviderFault(reason)
    )
  }
})

test('who starts while the store is down answers from what others had, within the bound', async (t) => {
  const { open, set } = setUp()
  await open(t).read(gives('x'))
  await settled()
  set(START + TTL + STALE - 1)
  t.equal(await open(t).read(fails('unavailable')), 'x STALE')
  await settled()
  set(START + TTL + STALE)
  await t.rejects(open(t).read(fails('unavailable')), new ProviderFault('unavailable'))
})

test('nothing is stale in another replica after a refusal', async (t) => {
  const { open, set } = setUp()
  await open(t).read(gives('x'))
  await settled()
  set(START + TTL)
  await t.rejects(open(t).read(fails('denied')), new ProviderFault('denied'))
  await settled()
  set(START + TTL + NEGATIVE)
  await t.rejects(open(t).read(fails('unavailable')), new ProviderFault('unavailable'))
})

test('a value that one replica saw refused is stale in none, however long ago', async (t) => {
  for (const [first, then] of [
    ['denied', 'unavailable'],
    ['not_found', 'unavailable']
  ] as const) {
    const { open, set } = setUp()
    const replicas = [open(t), open(t), open(t)] as const
    for (const { read } of replicas) {
      await read(gives('x'))
      await settled()
    }
    set(START + TTL)
    await t.rejects(replicas[0].read(fails(first)), new ProviderFault(first))
    await settled()
    for (const [i, { read }] of replicas.entries()) {
      set(START + TTL + (i + 2) * NEGATIVE)
      await t.rejects(read(fails(then)), new ProviderFault(then))
      await settled()
    }
    set(START + TTL + 6 * NEGATIVE)
    t.equal(await replicas[1].read(gives('y')), 'y MISS')
  }
})

test('an invalidation reaches every replica and what they share', async (t) => {
  for (const what of ['all', { store: 'kv' }, { store: 'kv', path: 'a' }] as const) {
    const { open } = setUp()
    const [first, second] = [open(t), open(t)]
    await first.read(gives('old'))
    await settled()
    t.equal(await second.read(gives('new')), 'old HIT')
    t.strictSame(await second.bus.invalidate(what), { dropped: 1 })
    await settled()
    t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'miss')
    t.equal(await first.read(gives('new')), 'new MISS')
    await settled()
    t.equal(await second.read(() => t.fail('it is fetched twice') as never), 'new HIT')
  }
})

test('an invalidation of one secret leaves the others where they are', async (t) => {
  const { open } = setUp()
  const [first, second] = [open(t), open(t)]
  await first.read(gives('b'), { path: 'b' })
  await settled()
  await second.bus.invalidate({ store: 'kv', path: 'a' })
  await second.bus.invalidate({ store: 'other' })
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'b' }).state, 'fresh')
  t.equal(await second.read(() => t.fail('it is fetched') as never, { path: 'b' }), 'b HIT')
})

test('a fetch that began before an invalidation is of no use to any replica', async (t) => {
  const { open } = setUp()
  const [first, second] = [open(t), open(t)]
  const gate = withResolvers<SecretRecord>()
  const before = first.read(() => gate.promise)
  await settled()
  await second.bus.invalidate({ store: 'kv', path: 'a' })
  await settled()
  gate.resolve(record('old'))
  t.equal(await before, 'old MISS', 'it is given to who asked before')
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'miss')
  t.equal(await second.read(gives('new')), 'new MISS')
})

test('an invalidation made while replicas cannot be reached holds as soon as they can', async (t) => {
  const { open, shared } = setUp()
  const [first, second] = [open(t), open(t)]
  await first.read(gives('old'))
  await settled()
  await second.read(gives('never'))
  shared.away()
  t.strictSame(await second.bus.invalidate({ store: 'kv', path: 'a' }), {
    dropped: 1,
    pending: true
  })
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'fresh', 'nobody could tell it')
  shared.back()
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'miss')
  t.equal(await first.read(gives('new')), 'new MISS')
})

test('a replica that missed a message notices by the count', async (t) => {
  const { open, shared } = setUp()
  const [first, second] = [open(t), open(t)]
  await first.read(gives('old'))
  await second.bus.invalidate({ store: 'kv', path: 'b' })
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'fresh')
  shared.back()
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'fresh', 'it missed nothing')
  // Counted, and never told: who did it died in between.
  for (const [key, { until }] of shared.values) {
    if (key.startsWith('generation:')) shared.values.set(key, { value: Buffer.from('7'), until })
  }
  shared.back()
  await settled()
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'miss')
})

test('without an answer from what is shared each replica fetches by itself', async (t) => {
  const { open, shared } = setUp()
  const [first, second] = [open(t), open(t)]
  shared.away()
  t.equal(await first.read(gives('x')), 'x MISS')
  t.equal(await second.read(gives('y')), 'y MISS')
  t.equal(shared.calls(), 0, 'it is not even tried')
})

test('a holder that stands still or died is taken over, and what it brings late is not shared', async (t) => {
  const { open, shared } = setUp()
  const [first, second] = [open(t), open(t)]
  const gate = withResolvers<SecretRecord>()
  const late = first.read(() => gate.promise)
  await settled()
  // As if it had not renewed in time.
  for (const key of [...shared.values.keys()])
    if (key.startsWith('lease:')) shared.values.delete(key)
  t.equal(await second.read(gives('new')), 'new MISS')
  await sleep(200)
  gate.resolve(record('old'))
  await late
  await settled()
  t.equal(await open(t).read(() => t.fail('it is fetched') as never), 'new HIT')
})

test('a fetch that takes longer than a lease keeps it', async (t) => {
  const { open } = setUp()
  const [first, second] = [open(t), open(t)]
  const { count, fetch } = counting('x', 900)
  t.strictSame(await Promise.all([first.read(fetch), second.read(fetch)]), ['x MISS', 'x HIT'])
  t.equal(count.calls, 1)
})

test('two envelopes that change places are two misses, and counted', async (t) => {
  const { open, shared } = setUp()
  const first = open(t)
  await first.read(gives('a'), { path: 'a' })
  await first.read(gives('b'), { path: 'b' })
  await settled()
  const [one, two] = [...shared.values].filter(([key]) => key.startsWith('cache:'))
  if (one === undefined || two === undefined) throw new Error('there are two envelopes')
  shared.values.set(one[0], two[1]).set(two[0], one[1])
  const second = open(t)
  t.equal(await second.read(gives('a again'), { path: 'a' }), 'a again MISS')
  t.equal(await second.read(gives('b again'), { path: 'b' }), 'b again MISS')
  t.equal(second.tier.refused(), 2)
  t.equal(second.tier.unfamiliar(), 0)
})

test('an envelope of a later version is a miss, and counted as such once', async (t) => {
  const { open, shared } = setUp()
  const first = open(t)
  await first.read(gives('a'), { path: 'a' })
  await settled()
  const [found] = [...shared.values].filter(([key]) => key.startsWith('cache:'))
  if (found === undefined) throw new Error('there is an envelope')
  const [key, held] = found
  const value = Buffer.concat([Buffer.of(2), held.value.subarray(1)])
  shared.values.set(key, { ...held, value })
  const second = open(t)
  t.equal(await second.read(gives('a again'), { path: 'a' }), 'a again MISS')
  t.strictSame([second.tier.refused(), second.tier.unfamiliar()], [0, 1])
})

test('a refusal that another replica heard ends a stale value before its store is asked again', async (t) => {
  const { open, set } = setUp(createMemoryShared(), { negativeTtlMs: 1_000 })
  const [first, second] = [open(t), open(t)]
  await first.read(gives('x'))
  await settled()
  await second.read(gives('x'))
  set(START + TTL)
  t.equal(await second.read(fails('unavailable')), 'x STALE')
  await settled()
  set(START + TTL + 2_000)
  await t.rejects(first.read(fails('denied')))
  await settled()
  set(START + TTL + 3_000)
  const gate = withResolvers<SecretRecord>()
  t.match(second.cache.lookup('kv', { path: 'a' }), { state: 'stale' })
  const asked = second.read(() => gate.promise)
  await settled()
  t.equal(second.cache.lookup('kv', { path: 'a' }).state, 'miss')
  gate.reject(new ProviderFault('timeout'))
  await t.rejects(asked, new ProviderFault('timeout'))
})

test('who waits for a fetch that ends at its deadline has its outcome, and does not wait for one of its own', async (t) => {
  const { open } = setUp(createMemoryShared(), { fetchMs: 200 })
  const [first, second] = [open(t), open(t)]
  const timeout = new ProviderFault('timeout')
  const atDeadline = () => sleep(330).then(() => Promise.reject(timeout))
  const { count, fetch } = counting('x')
  const asked = first.read(atDeadline)
  await sleep(2)
  await Promise.all([t.rejects(asked, timeout), t.rejects(second.read(fetch), timeout)])
  t.equal(count.calls, 0)
})

test('what the guard of one replica refuses is no answer for the others', async (t) => {
  const { open } = setUp()
  const [first, second] = [open(t), open(t)]
  const details = { retryAfterSeconds: 40, isRefusal: true } as const
  await t.rejects(first.read(() => Promise.reject(new ProviderFault('unavailable', details))))
  await settled()
  t.equal(await second.read(gives('x')), 'x MISS')
  t.equal(first.cache.lookup('kv', { path: 'a' }).state, 'negative', 'here it is remembered')
})

test('a lease that nobody lets go of is waited for once', async (t) => {
  const { open, shared, set } = setUp(createMemoryShared(), { fetchMs: 100 })
  await open(t).read(gives('x'))
  await settled()
  const [envelope = ''] = [...shared.values.keys()].filter((key) => key.startsWith('cache:'))
  const forged = { value: Buffer.from('somebody'), until: Number.POSITIVE_INFINITY }
  shared.values.set(envelope.replace('cache:', 'lease:'), forged)
  set(START + TTL)
  // By the clock that the tier looks at: what a busy machine kept this process from running counts there too.
  const asked = performance.now()
  t.equal(await open(t).read(gives('y')), 'y MISS')
  t.ok(performance.now() - asked >= 100)
  const last = open(t)
  await settled()
  set(START + 2 * TTL)
  const calls = shared.calls()
  t.equal(await last.read(gives('y')), 'y MISS')
  await settled()
  t.equal(shared.calls() - calls, 5, 'looked, acquired with the second look, put, released')
})

test('a value that is another one stands in the shared tier before anyone is told of it', async (t) => {
  const shared = createMemoryShared()
  const sent: string[] = []
  const connect = () => {
    const connection = shared.connect()
    const { put, publish } = connection
    return {
      ...connection,
      put: (...given: Parameters<typeof put>) => {
        sent.push('put')
        return put(...given)
      },
      publish: (...given: Parameters<typeof publish>) => {
        sent.push('publish')
        return publish(...given)
      }
    }
  }
  const { open, set } = setUp({ ...shared, connect })
  const { cache, read } = open(t)
  await read(gives('old'))
  set(START + 1)
  await cache.load(AT, { path: 'a' }, gives('new'), { notBefore: START + 1 })
  t.same(sent, ['put', 'put', 'publish'])
})

test('of a fetch that failed after an invalidation nothing older is given out', async (t) => {
  const { open, set } = setUp()
  const { cache, read } = open(t)
  await read(gives('old'))
  set(START + TTL)
  let isInvalidated = false
  const fetch = (): Promise<SecretRecord> => {
    const failed = Promise.reject(new ProviderFault('unavailable'))
    // Between the failure and whoever waits for it.
    void failed
      .catch(() => {})
      .then(() => {
        isInvalidated = true
        cache.invalidate('all')
      })
    return failed
  }
  await t.rejects(cache.load(AT, { path: 'a' }, fetch), new ProviderFault('unavailable'))
  t.ok(isInvalidated)
})

test('an envelope that is put back after its time is none', async (t) => {
  const { open, shared, set } = setUp()
  await open(t).read(gives('old'))
  await settled()
  const kept = new Map(shared.values)
  set(START + TTL)
  await open(t).read(gives('new'))
  await settled()
  for (const [key, held] of kept) shared.values.set(key, held)
  const last = open(t)
  t.equal(await last.read(gives('newest')), 'newest MISS')
  t.equal(last.tier.refused(), 0, 'its value may still be needed while the store fails')

  set(START + TTL + STALE)
  for (const [key, held] of kept) shared.values.set(key, held)
  const later = open(t)
  t.equal(await later.read(gives('latest')), 'latest MISS')
  t.equal(later.tier.refused(), 1)
})

test('an envelope from before an invalidation is a miss that nobody needs to hear of', async (t) => {
  const { open } = setUp()
  const first = open(t)
  await first.read(gives('old'))
  await first.bus.invalidate('all')
  const second = open(t)
  t.equal(await second.read(gives('new')), 'new MISS')
  t.equal(second.tier.refused(), 0)
})

test('an envelope that is put back together with the marks of its time lasts no longer than it did', async (t) => {
  const { open, shared, set } = setUp()
  const first = open(t)
  await first.read(gives('old'))
  await settled()
  const kept = new Map(shared.values)
  await first.bus.invalidate('all')
  for (const [key, held] of kept) shared.values.set(key, held)
  t.equal(await open(t).read(gives('new')), 'new MISS', 'without them it is none')
  await settled()
  const putAllBack = (): void => {
    shared.values.clear()
    for (const [key, held] of kept) shared.values.set(key, held)
  }
  putAllBack()
  t.equal(await open(t).read(gives('new')), 'old HIT', 'as SECURITY.md says of who writes to Redis')
  set(START + TTL + STALE)
  putAllBack()
  t.equal(await open(t).read(gives('new')), 'new MISS')
})

test('replicas in the middle of a rotation hear of each other', async (t) => {
  const { open } = setUp()
  const next = newEncryptionKey()
  const before = open(t, [next, ENCRYPTION_KEY])
  const after = open(t, [ENCRYPTION_KEY, next])
  await before.read(gives('old'))
  await after.read(gives('old'))
  await settled()
  await after.bus.invalidate({ store: 'kv', path: 'a' })
  await settled()
  t.equal(before.cache.lookup('kv', { path: 'a' }).state, 'miss')
  t.equal(await before.read(gives('new')), 'new MISS')
})

test('what is read while an invalidation is under way is not kept past it', async (t) => {
  const shared = createMemoryShared()
  const connect = () => {
    const connection = shared.connect()
    const add: typeof connection.add = async (counters) => {
      await sleep(50)
      return connection.add(counters)
    }
    return { ...connection, add }
  }
  const { read, bus, cache } = setUp({ ...shared, connect }).open(t)
  await read(gives('old'))
  await settled()
  const invalidated = bus.invalidate({ store: 'kv', path: 'a' })
  t.equal(await read(gives('new')), 'old HIT', 'the envelope is still good by its marks')
  await invalidated
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
  t.equal(await read(gives('new')), 'new MISS')
})

test('another value than was known is taken by every replica at once, and counts as no invalidation', async (t) => {
  const { open, set, shared } = setUp()
  const [first, second] = [open(t), open(t)]
  await first.read(gives('old'))
  await settled()
  await second.read(gives('never'))
  set(START + 1)
  const { entry } = await first.cache.load(AT, { path: 'a' }, gives('new'), {
    notBefore: START + 1
  })
  t.equal(entry.record.text.reveal(), 'new')
  await settled()
  t.equal(await second.read(() => t.fail('it is fetched') as never), 'new HIT')
  await second.read(gives('b'), { path: 'b' })
  shared.back()
  await settled()
  t.equal(second.cache.lookup('kv', { path: 'b' }).state, 'fresh')
})
