/** What an invalidation finds in the first tier, and at what cost. */
import { test } from 'tap'
import { createFirstTier, keyOf } from '../../../src/cache/first-tier.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

const open = (maxEntries: number, familyOf?: (store: string, path: string) => string) => {
  const tier = createFirstTier<string>({
    ttlMs: 60_000,
    staleMs: 0,
    maxEntries,
    familyOf,
    now: () => 1_000
  })
  const keep = (path: string, version = '', store = 'kv') => {
    const entry = { record: 'x', fetchedAt: 1_000, expiresAt: 61_000 }
    tier.keep(keyOf(store, { path, version }), { entry })
  }
  return { tier, keep }
}

test('an invalidation of one secret costs as little among ten thousand as among a few', async (t) => {
  const { tier, keep } = open(10_000, (store, path) => `${store} ${path}`)
  for (let i = 0; i < 10_000; i++) keep(`secret ${i}`)
  const used = startCpuWatch()
  for (let i = 0; i < 10_000; i++) {
    tier.drop({ store: 'kv', families: [`kv missing ${i}`] })
    tier.drop({ store: 'kv', path: `missing ${i}` })
  }
  t.ok(used() < 2_000, `${used()} ms`)
  t.equal(tier.size(), 10_000)
})

test('an invalidation by path and one by family find every version and spelling, and nothing else', async (t) => {
  for (const what of [
    { store: 'kv', path: 'db' },
    { store: 'kv', path: 'db-AbCdEf' },
    { store: 'kv', families: ['foreign', 'F kv db'] }
  ]) {
    const { tier, keep } = open(100, (store, path) => `F ${store} ${path.slice(0, 2)}`)
    for (const version of ['', '1', '2']) keep('db', version)
    keep('db-AbCdEf')
    keep('other')
    keep('db', '', 'kv2')
    t.equal(tier.drop(what), 4)
    t.equal(tier.drop(what), 0)
    t.equal(tier.size(), 2)
  }
})

test('what made room for others, was swept, deleted or kept anew is found no more or once', async (t) => {
  const { tier, keep } = open(2)
  for (const path of ['a', 'b', 'c']) keep(path)
  keep('c')
  t.equal(tier.drop({ store: 'kv', path: 'a' }), 0, 'it made room')
  t.equal(tier.drop({ store: 'kv', path: 'c' }), 1)
  tier.delete(keyOf('kv', { path: 'b' }))
  t.equal(tier.drop({ store: 'kv', path: 'b' }), 0)
  keep('b')
  t.equal(tier.drop({ store: 'kv', path: 'b' }), 1, 'and is found when it is there again')
})
