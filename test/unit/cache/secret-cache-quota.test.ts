// What a quota refuses one client: it is that client's alone, whoever else wants the same secret.
import { test } from 'tap'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import { ProviderFault, QUOTA } from '../../../src/core/fault.ts'

const ORIGIN = { store: 'aws', place: 'p' }
const SECRET = { path: 'shared' }
const refused = async (): Promise<string> => {
  throw new ProviderFault('throttled', { code: QUOTA, retryAfterSeconds: 60, isRefusal: true })
}

const setUp = () => {
  const clock = { ms: 0 }
  const cache = createSecretCache<string>({
    ttlMs: 1_000,
    maxEntries: 10,
    staleMs: 60_000,
    negativeTtlMs: 15_000,
    now: () => clock.ms
  })
  return { clock, cache }
}

test('a secret that a client may not ask for now, for want of quota, is read for another at once', async (t) => {
  const { cache } = setUp()
  await t.rejects(cache.load(ORIGIN, SECRET, refused), /throttled/)
  t.equal(cache.lookup('aws', SECRET).state, 'miss')
  const { entry } = await cache.load(ORIGIN, SECRET, async () => 'value')
  t.equal(entry.record, 'value')
})

test('whoever has no quota left is given a kept value past its time, and another one the new value', async (t) => {
  const { cache, clock } = setUp()
  await cache.load(ORIGIN, SECRET, async () => 'old')
  clock.ms = 2_000
  const first = await cache.load(ORIGIN, SECRET, refused)
  t.match(first, { from: 'STALE', entry: { record: 'old' } })
  const second = await cache.load(ORIGIN, SECRET, async () => 'new')
  t.match(second, { from: 'MISS', entry: { record: 'new' } })
})

test('who joined the fetch of a client that has no quota left reads by itself', async (t) => {
  const { cache } = setUp()
  const first = cache.load(ORIGIN, SECRET, refused)
  const others = ['one', 'two'].map((value) => cache.load(ORIGIN, SECRET, async () => value))
  const last = cache.load(ORIGIN, SECRET, refused)
  await t.rejects(first, { code: QUOTA })
  for (const other of others) t.match(await other, { from: 'MISS', entry: { record: 'one' } })
  t.match(await last, { entry: { record: 'one' } })
})
