/** What is given out from the cache, for how long, and what an invalidation leaves of it. */
import { test } from 'tap'
import {
  createSecretCache,
  type SecretCache,
  type SecretCacheOptions
} from '../../../src/cache/secret-cache.ts'
import type { Claim, SharedTier } from '../../../src/cache/shared-tier.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

const START = 1_000_000
const TTL = 600_000

interface Clock {
  readonly now: () => number
  readonly set: (time: number) => void
}

const createClock = (): Clock => {
  let time = START
  const set = (next: number): void => {
    time = next
  }
  return { now: () => time, set }
}

const STALE = 60_000
const NEGATIVE = 10_000

const open = (
  options: Partial<
    Pick<SecretCacheOptions<SecretRecord>, 'ttlMs' | 'maxEntries' | 'staleMs' | 'tier'>
  > = {}
) => {
  const clock = createClock()
  return {
    clock,
    cache: createSecretCache({
      ttlMs: TTL,
      maxEntries: 100,
      staleMs: STALE,
      negativeTtlMs: NEGATIVE,
      ...options,
      now: clock.now
    })
  }
}

const record = (text: string, version = '1'): SecretRecord => ({
  text: new Sensitive(text),
  version
})

const at = (store = 'kv') => ({ store, place: 'p' })

const keep = (cache: SecretCache, locator: Locator, text = 'x', store = 'kv') =>
  cache.load(at(store), locator, async () => record(text))

const textIn = (cache: SecretCache, locator: Locator, store = 'kv'): string | undefined => {
  const found = cache.lookup(store, locator)
  return found.state === 'fresh' ? found.entry.record.text.reveal() : undefined
}

test('what was loaded is fresh until its time is over, and not a millisecond longer', async (t) => {
  const { cache, clock } = open()
  t.strictSame(cache.lookup('kv', { path: 'a' }), { state: 'miss' })
  const { entry, from } = await keep(cache, { path: 'a' })
  t.equal(from, 'MISS')
  t.match(entry, { fetchedAt: START, expiresAt: START + TTL })
  t.equal(entry.record.text.reveal(), 'x')
  clock.set(START + TTL - 1)
  const found = cache.lookup('kv', { path: 'a' })
  t.ok(found.state === 'fresh' && found.entry === entry)
  clock.set(START + TTL)
  t.strictSame(cache.lookup('kv', { path: 'a' }), { state: 'miss' })
})

test('the time of an entry counts from the beginning of its fetch', async (t) => {
  const { cache, clock } = open()
  const gate = withResolvers<SecretRecord>()
  const loading = cache.load(at(), { path: 'a' }, () => gate.promise)
  await Promise.resolve()
  clock.set(START + 3_000)
  gate.resolve(record('x'))
  t.match((await loading).entry, { fetchedAt: START, expiresAt: START + TTL })
})

test('a clock that is set back does not lengthen the life of an entry', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'a' })
  clock.set(START - 1)
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
})

test('store, path, version and native id each make an entry of their own', async (t) => {
  const { cache } = open()
  const locators: readonly (readonly [string, Locator])[] = [
    ['kv', { path: 'a' }],
    ['aws', { path: 'a' }],
    ['kv', { path: 'A' }],
    ['kv', { path: 'a/b' }],
    ['kv', { path: 'a', version: '1' }],
    ['kv', { path: 'a', version: '2' }],
    ['kv', { path: 'a', nativeId: '1' }],
    ['kv', { path: '1' }]
  ]
  for (const [i, [store, locator]] of locators.entries()) {
    await keep(cache, locator, `text ${i}`, store)
  }
  for (const [i, [store, locator]] of locators.entries()) {
    t.equal(textIn(cache, locator, store), `text ${i}`)
  }
})

test('the entry that was not used for longest makes room', async (t) => {
  const { cache } = open({ maxEntries: 2 })
  await keep(cache, { path: 'a' })
  await keep(cache, { path: 'b' })
  cache.lookup('kv', { path: 'a' })
  await keep(cache, { path: 'c' })
  t.equal(textIn(cache, { path: 'b' }), undefined)
  t.equal(textIn(cache, { path: 'a' }), 'x')
  t.equal(textIn(cache, { path: 'c' }), 'x')
})

test('concurrent loads of one secret share a fetch; a later load fetches anew', async (t) => {
  const { cache } = open()
  let fetches = 0
  const load = () => cache.load(at(), { path: 'a' }, async () => record(`text ${++fetches}`))
  const entries = await Promise.all([load(), load(), load()])
  t.equal(fetches, 1)
  t.equal(new Set(entries.map(({ entry }) => entry)).size, 1)
  t.equal(
    (await load()).entry.record.text.reveal(),
    'text 2',
    'load never answers from what is kept'
  )
  t.equal(textIn(cache, { path: 'a' }), 'text 2')
})

test('a failed fetch fails for all, keeps nothing, and spoils nothing', async (t) => {
  const { cache } = open()
  const down = () =>
    cache.load(at(), { path: 'a' }, async () => {
      throw new Error('down')
    })
  const outcomes = await Promise.allSettled([down(), down()])
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
  await keep(cache, { path: 'a' }, 'good')
  await t.rejects(down(), /down/)
  t.equal(textIn(cache, { path: 'a' }), 'good', 'what was kept before stays')
})

test('with a time of 0 nothing is kept, and a fetch is still shared', async (t) => {
  for (const options of [{ ttlMs: 0 }, { maxEntries: 0 }]) {
    const { cache } = open(options)
    let fetches = 0
    const load = () => cache.load(at(), { path: 'a' }, async () => record(`${++fetches}`))
    await Promise.all([load(), load()])
    t.equal(fetches, 1)
    t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
    t.equal(cache.invalidate('all'), 0)
  }
})

test('an invalidation drops what it names, in every version, and says how much', async (t) => {
  const { cache } = open()
  await keep(cache, { path: 'a' })
  await keep(cache, { path: 'a', version: '1' })
  await keep(cache, { path: 'b' })
  await keep(cache, { path: 'a' }, 'x', 'kv2')
  t.equal(cache.invalidate({ store: 'kv', path: 'a' }), 2)
  t.equal(textIn(cache, { path: 'a', version: '1' }), undefined)
  t.equal(textIn(cache, { path: 'b' }), 'x')
  t.equal(cache.invalidate({ store: 'kv' }), 1)
  t.equal(textIn(cache, { path: 'a' }, 'kv2'), 'x', 'a store of which it is the beginning')
  t.equal(cache.invalidate('all'), 1)
  t.equal(cache.invalidate('all'), 0)
})

test('a fetch that an invalidation overtakes is given to those who asked before, and to nobody else', async (t) => {
  for (const what of ['all', { store: 'kv' }, { store: 'kv', path: 'a' }] as const) {
    const { cache } = open()
    const gate = withResolvers<SecretRecord>()
    const before = cache.load(at(), { path: 'a' }, () => gate.promise)
    t.equal(cache.invalidate(what), 0)
    const after = keep(cache, { path: 'a' }, 'new')
    t.equal((await after).entry.record.text.reveal(), 'new')
    gate.resolve(record('old'))
    t.equal((await before).entry.record.text.reveal(), 'old')
    t.equal(textIn(cache, { path: 'a' }), 'new')
  }
})

test('a fetch that begins after an invalidation, since replicas were asked first, is kept, and nothing of before stands in for it', async (t) => {
  for (const fails of [false, true]) {
    const replicas = withResolvers<Claim<SecretRecord> | undefined>()
    const tier = { claim: () => replicas.promise, familyOf: () => 'f' } as Partial<
      SharedTier<SecretRecord>
    > as SharedTier<SecretRecord>
    const { cache, clock } = open({ tier })
    let calls = 0
    const loading = cache.load(at(), { path: 'a' }, async () => {
      calls++
      if (fails) throw new ProviderFault('unavailable')
      return record('new')
    })
    await Promise.resolve()
    cache.invalidate({ store: 'kv', path: 'a' })
    clock.set(START + TTL)
    const old = { record: record('old'), fetchedAt: START, expiresAt: START + TTL }
    replicas.resolve({ family: 'f', slot: { entry: old }, mayFetch: true, settle: () => {} })
    if (fails) {
      await t.rejects(loading, new ProviderFault('unavailable'))
      t.equal(cache.lookup('kv', { path: 'a' }).state, 'negative')
    } else {
      t.equal((await loading).entry.record.text.reveal(), 'new')
      t.equal(textIn(cache, { path: 'a' }), 'new')
    }
    t.equal(calls, 1)
  }
})

test('an invalidation of something else does not touch a fetch', async (t) => {
  const { cache } = open()
  const gate = withResolvers<SecretRecord>()
  const loading = cache.load(at(), { path: 'a' }, () => gate.promise)
  cache.invalidate({ store: 'kv', path: 'b' })
  cache.invalidate({ store: 'k' })
  gate.resolve(record('x'))
  await loading
  t.equal(textIn(cache, { path: 'a' }), 'x')
})

test('both spellings of an AWS secret are dropped together', async (t) => {
  const { cache } = open()
  for (const path of ['db', 'db-AbCdEf', 'db-x']) await keep(cache, { path })
  t.equal(cache.invalidate({ store: 'kv', path: 'db-AbCdEf' }), 2)
  t.equal(textIn(cache, { path: 'db-x' }), 'x')
})

const fail = (cache: SecretCache, fault: ProviderFault, locator: Locator = { path: 'a' }) =>
  cache.load(at(), locator, async () => {
    throw fault
  })

test('a refusal is remembered for its time, jittered, and its store is not asked meanwhile', async (t) => {
  for (const reason of ['not_found', 'denied', 'misconfigured', 'invalid_answer'] as const) {
    const { cache, clock } = open()
    const fault = new ProviderFault(reason)
    await t.rejects(fail(cache, fault), fault)
    clock.set(START + NEGATIVE * 0.9 - 1)
    t.match(cache.lookup('kv', { path: 'a' }), { state: 'negative', fault: { reason } })
    await t.rejects(
      cache.load(at(), { path: 'a' }, () => t.fail('its store is asked') as never),
      new ProviderFault(reason)
    )
    clock.set(START + NEGATIVE)
    t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
  }
})

test('a store that did not answer is left alone for a second, or for as long as it asked', async (t) => {
  for (const [retryAfterSeconds, ms] of [
    [undefined, 1_000],
    [7, 7_000],
    [100_000, 300_000]
  ] as const) {
    const { cache, clock } = open()
    await t.rejects(fail(cache, new ProviderFault('throttled', { retryAfterSeconds })))
    clock.set(START + ms * 0.9 - 1)
    t.equal(cache.lookup('kv', { path: 'a' }).state, 'negative')
    clock.set(START + ms)
    t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
  }
})

test('a remembered failure tells what remains of the wait', async (t) => {
  const { cache, clock } = open()
  await t.rejects(fail(cache, new ProviderFault('throttled', { retryAfterSeconds: 30 })))
  clock.set(START + 20_000)
  t.match(cache.lookup('kv', { path: 'a' }), { fault: { retryAfterSeconds: 10 } })
})

test('while its store does not answer a value is stale up to the bound, and no longer', async (t) => {
  for (const reason of ['unavailable', 'timeout', 'throttled'] as const) {
    const { cache, clock } = open()
    await keep(cache, { path: 'a' })
    for (const late of [0, 30_000, STALE - 1]) {
      clock.set(START + TTL + late)
      const { entry, from } = await fail(cache, new ProviderFault(reason))
      t.equal(from, 'STALE')
      t.equal(entry.fetchedAt, START, 'a failing refresh extends nothing')
      t.match(cache.lookup('kv', { path: 'a' }), { state: 'stale', entry: { fetchedAt: START } })
    }
    clock.set(START + TTL + STALE)
    t.not(cache.lookup('kv', { path: 'a' }).state, 'stale')
    await t.rejects(fail(cache, new ProviderFault(reason)), new ProviderFault(reason))
  }
})

test('a store that failed may be asked again after a rest, by one; meanwhile and for a while after its value is stale', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'a' })
  const failedAt = START + TTL
  clock.set(failedAt)
  await fail(cache, new ProviderFault('timeout'))
  const look = (ms: number) => {
    clock.set(failedAt + ms)
    const found = cache.lookup('kv', { path: 'a' })
    return found.state === 'stale' ? `stale ${found.isDue}` : found.state
  }
  t.strictSame([look(0), look(899)], ['stale false', 'stale false'])
  clock.set(failedAt + 1_000)
  t.equal(cache.peek('kv', { path: 'a' }).state, 'stale', 'which asks nobody')
  t.equal(cache.peek('kv', { path: 'b' }).state, 'miss')
  t.strictSame(
    [look(1_000), look(1_001), look(10_899)],
    ['stale true', 'stale false', 'stale false']
  )
  t.equal(look(11_000), 'miss', 'whether it fails still is anybody’s guess: who asks then waits')
  await fail(cache, new ProviderFault('timeout'))
  t.strictSame(
    [look(11_000), look(12_000)],
    ['stale false', 'stale true'],
    'the next failure has its own'
  )
  await keep(cache, { path: 'a' }, 'new')
  t.equal(textIn(cache, { path: 'a' }), 'new')
})

test('nothing is stale after a refusal, after an invalidation, or where the bound is 0', async (t) => {
  for (const reason of ['not_found', 'denied', 'misconfigured', 'invalid_answer'] as const) {
    const { cache, clock } = open()
    await keep(cache, { path: 'a' })
    clock.set(START + TTL)
    await t.rejects(fail(cache, new ProviderFault(reason)), new ProviderFault(reason))
    clock.set(START + TTL + NEGATIVE)
    await t.rejects(fail(cache, new ProviderFault('unavailable')), new ProviderFault('unavailable'))
  }
  const dropped = open()
  await keep(dropped.cache, { path: 'a' })
  dropped.clock.set(START + TTL)
  dropped.cache.invalidate('all')
  await t.rejects(fail(dropped.cache, new ProviderFault('unavailable')))
  const never = open({ staleMs: 0 })
  await keep(never.cache, { path: 'a' })
  never.clock.set(START + TTL)
  await t.rejects(fail(never.cache, new ProviderFault('unavailable')))
})

test('a fetch that an invalidation overtakes and that fails gives nothing stale', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'a' })
  clock.set(START + TTL)
  const gate = withResolvers<SecretRecord>()
  const loading = cache.load(at(), { path: 'a' }, () => gate.promise)
  await Promise.resolve()
  cache.invalidate({ store: 'kv' })
  gate.reject(new ProviderFault('unavailable'))
  await t.rejects(loading, new ProviderFault('unavailable'))
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
})

test('a value whose refresh fails in time is fresh still, and one that was refused is gone', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'a' })
  clock.set(START + TTL - 10)
  const { from } = await cache.load(
    at(),
    { path: 'a' },
    () => Promise.reject(new ProviderFault('unavailable')),
    { notBefore: START + 1 }
  )
  t.equal(from, 'STALE', 'it is older than was asked for')
  t.equal(textIn(cache, { path: 'a' }), 'x')
  clock.set(START + TTL)
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'stale')
  const other = open()
  await keep(other.cache, { path: 'a' })
  const demand = { notBefore: START + 1 }
  const refuse = () => Promise.reject(new ProviderFault('denied'))
  await t.rejects(
    other.cache.load(at(), { path: 'a' }, refuse, demand),
    new ProviderFault('denied')
  )
  t.equal(other.cache.lookup('kv', { path: 'a' }).state, 'negative')
})

test('who demands a newer answer gets past a refusal, but not past a store that needs rest', async (t) => {
  const { cache } = open()
  const demand = { notBefore: START }
  await t.rejects(fail(cache, new ProviderFault('not_found')))
  const { from } = await cache.load(at(), { path: 'a' }, async () => record('there now'), demand)
  t.equal(from, 'MISS')
  await t.rejects(
    fail(cache, new ProviderFault('throttled', { retryAfterSeconds: 9 }), { path: 'b' })
  )
  await t.rejects(
    cache.load(at(), { path: 'b' }, () => t.fail('it is asked') as never, demand),
    new ProviderFault('throttled', { retryAfterSeconds: 9 })
  )
})

test('who demands a newer answer than a fetch under way will give waits for the next', async (t) => {
  const { cache, clock } = open()
  const gate = withResolvers<SecretRecord>()
  const first = cache.load(at(), { path: 'a' }, () => gate.promise)
  await Promise.resolve()
  clock.set(START + 5)
  const second = cache.load(at(), { path: 'a' }, async () => record('newer'), {
    notBefore: START + 5
  })
  gate.resolve(record('older'))
  t.equal((await first).entry.record.text.reveal(), 'older')
  t.equal((await second).entry.record.text.reveal(), 'newer')
})

test('a sweep lets go of what nobody may be given any more, and of nothing else', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'value' })
  const refused = cache.load(at(), { path: 'refused' }, () =>
    Promise.reject(new ProviderFault('not_found'))
  )
  await t.rejects(refused)
  clock.set(START + TTL + STALE - 1)
  cache.sweep()
  t.equal(cache.size(), 2, 'a store that fails may still make use of the value')
  clock.set(START + TTL + STALE)
  cache.sweep()
  t.equal(cache.size(), 0)
})

test('a store that remembers nothing of its failures is asked again at once', async (t) => {
  const { cache } = open()
  const options = { remembersFailures: false }
  await t.rejects(
    cache.load(at(), { path: 'a' }, () => Promise.reject(new ProviderFault('not_found')), options)
  )
  t.equal(cache.lookup('kv', { path: 'a' }).state, 'miss')
})

test('a secret in use is due for a fetch before its time is over, one that is not is not', async (t) => {
  const { cache, clock } = open()
  await keep(cache, { path: 'hot' })
  await keep(cache, { path: 'cold' })
  const isDue = (path: string) => {
    const found = cache.lookup('kv', { path })
    return found.state === 'fresh' && found.isDue
  }
  for (let i = 0; i < 40; i++) t.notOk(isDue('hot'))
  clock.set(START + TTL * 0.93)
  t.notOk(isDue('hot'))
  clock.set(START + TTL * 0.97)
  t.ok(isDue('hot'))
  t.notOk(isDue('hot'), 'it is said once')
  t.notOk(isDue('cold'))
})
