/** What is given out from the cache, for how long, and what an invalidation leaves of it. */
import { test } from 'tap'
import { createSecretCache, type SecretCache } from '../../../src/cache/secret-cache.ts'
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

const open = (options: { ttlMs?: number; maxEntries?: number } = {}) => {
  const clock = createClock()
  return {
    clock,
    cache: createSecretCache({ ttlMs: TTL, maxEntries: 100, ...options, now: clock.now })
  }
}

const record = (text: string, version = '1'): SecretRecord => ({
  text: new Sensitive(text),
  version
})

const keep = (cache: SecretCache, locator: Locator, text = 'x', store = 'kv') =>
  cache.load(store, locator, async () => record(text))

const textIn = (cache: SecretCache, locator: Locator, store = 'kv'): string | undefined => {
  const found = cache.lookup(store, locator)
  return found.state === 'fresh' ? found.entry.record.text.reveal() : undefined
}

test('what was loaded is fresh until its time is over, and not a millisecond longer', async (t) => {
  const { cache, clock } = open()
  t.strictSame(cache.lookup('kv', { path: 'a' }), { state: 'miss' })
  const entry = await keep(cache, { path: 'a' })
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
  const loading = cache.load('kv', { path: 'a' }, () => gate.promise)
  await Promise.resolve()
  clock.set(START + 3_000)
  gate.resolve(record('x'))
  t.match(await loading, { fetchedAt: START, expiresAt: START + TTL })
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
  const load = () => cache.load('kv', { path: 'a' }, async () => record(`text ${++fetches}`))
  const entries = await Promise.all([load(), load(), load()])
  t.equal(fetches, 1)
  t.equal(new Set(entries).size, 1)
  t.equal((await load()).record.text.reveal(), 'text 2', 'load never answers from what is kept')
  t.equal(textIn(cache, { path: 'a' }), 'text 2')
})

test('a failed fetch fails for all, keeps nothing, and spoils nothing', async (t) => {
  const { cache } = open()
  const down = () =>
    cache.load('kv', { path: 'a' }, async () => {
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
    const load = () => cache.load('kv', { path: 'a' }, async () => record(`${++fetches}`))
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
  t.equal(cache.invalidate({ store: 'kv', matches: (path) => path === 'a' }), 2)
  t.equal(textIn(cache, { path: 'a', version: '1' }), undefined)
  t.equal(textIn(cache, { path: 'b' }), 'x')
  t.equal(cache.invalidate({ store: 'kv' }), 1)
  t.equal(textIn(cache, { path: 'a' }, 'kv2'), 'x', 'a store of which it is the beginning')
  t.equal(cache.invalidate('all'), 1)
  t.equal(cache.invalidate('all'), 0)
})

test('a fetch that an invalidation overtakes is given to those who asked before, and to nobody else', async (t) => {
  for (const what of ['all', { store: 'kv' }, { store: 'kv', matches: () => true }] as const) {
    const { cache } = open()
    const gate = withResolvers<SecretRecord>()
    const before = cache.load('kv', { path: 'a' }, () => gate.promise)
    t.equal(cache.invalidate(what), 0)
    const after = keep(cache, { path: 'a' }, 'new')
    t.equal((await after).record.text.reveal(), 'new')
    gate.resolve(record('old'))
    t.equal((await before).record.text.reveal(), 'old')
    t.equal(textIn(cache, { path: 'a' }), 'new')
  }
})

test('an invalidation of something else does not touch a fetch', async (t) => {
  const { cache } = open()
  const gate = withResolvers<SecretRecord>()
  const loading = cache.load('kv', { path: 'a' }, () => gate.promise)
  cache.invalidate({ store: 'kv', matches: (path) => path === 'b' })
  cache.invalidate({ store: 'k' })
  gate.resolve(record('x'))
  await loading
  t.equal(textIn(cache, { path: 'a' }), 'x')
})
