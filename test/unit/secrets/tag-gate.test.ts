import { test } from 'tap'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import { type FaultReason, ProviderFault } from '../../../src/core/fault.ts'
import type { Tags } from '../../../src/core/secret.ts'
import type { Store } from '../../../src/secrets/stores.ts'
import { createTagGate } from '../../../src/secrets/tag-gate.ts'

const WANTED = { 'purser-read': 'true', team: 'a' }

const setUp = (readTags?: () => Promise<Tags>, wanted: Record<string, string> = WANTED) => {
  const clock = { now: 0 }
  const cache = createSecretCache<Tags>({
    ttlMs: 1000,
    maxEntries: 10,
    staleMs: 0,
    negativeTtlMs: 0,
    now: () => clock.now
  })
  const gate = createTagGate({ cache, negativeTtlMs: 100, now: () => clock.now })
  const store = {
    origin: { store: 'aws', place: 'p' },
    spec: { name: 'aws', requireTags: new Map(Object.entries(wanted)) },
    readTags
  } as unknown as Store
  return { gate, store, clock }
}

const tagsOf = (tags: Record<string, string>): Tags => new Map(Object.entries(tags))
const refusal = (reason: string) => ({ code: 'access_denied', reason })

test('only a secret with all the tags and their values passes', async (t) => {
  for (const [tags, isTagged] of [
    [{ ...WANTED, other: 'x' }, true],
    [{ 'purser-read': 'true' }, false],
    [{ ...WANTED, team: 'b' }, false],
    [{ ...WANTED, 'purser-read': 'True' }, false],
    [{}, false]
  ] as const) {
    const apart = setUp(async () => tagsOf(tags))
    const before = apart.gate.before(apart.store, { path: 'a' })
    const together = setUp()
    const after = () => together.gate.after(together.store, tagsOf(tags))
    if (isTagged) {
      await t.resolves(before)
      t.doesNotThrow(after)
    } else {
      await t.rejects(before, refusal('not_tagged'))
      t.throws(after, refusal('not_tagged'))
    }
  }
})

test('a gate that cannot be checked passes nothing, and a fault of the store stays one', async (t) => {
  for (const reason of ['denied', 'misconfigured', 'unavailable', 'not_found'] as FaultReason[]) {
    const { gate, store } = setUp(() => Promise.reject(new ProviderFault(reason)))
    await t.rejects(gate.before(store, { path: 'a' }), new ProviderFault(reason))
  }
  const { gate, store } = setUp()
  t.throws(() => gate.after(store, undefined), refusal('tags_unreadable'))
})

test('tags are asked for once in their time, whatever version is read', async (t) => {
  let calls = 0
  const { gate, store, clock } = setUp(async () => {
    calls++
    return tagsOf(WANTED)
  })
  await gate.before(store, { path: 'a' })
  await gate.before(store, { path: 'a', version: '1' })
  t.equal(calls, 1)
  clock.now += 1000
  await gate.before(store, { path: 'a' })
  t.equal(calls, 2)
})

test('a store that asks for no tags is not asked for any', async (t) => {
  const { gate, store } = setUp(() => Promise.reject(new Error('asked')), {})
  await t.resolves(gate.before(store, { path: 'a' }))
  t.doesNotThrow(() => gate.after(store, undefined))
})

test('a secret that is tagged at last is found so after the short time of a refusal', async (t) => {
  let tags = tagsOf({})
  let calls = 0
  const { gate, store, clock } = setUp(async () => {
    calls++
    return tags
  })
  await t.rejects(gate.before(store, { path: 'a' }), refusal('not_tagged'))
  tags = tagsOf(WANTED)
  clock.now += 99
  await t.rejects(gate.before(store, { path: 'a' }), refusal('not_tagged'))
  t.equal(calls, 1)
  clock.now += 1
  await t.resolves(gate.before(store, { path: 'a' }))
})
