import { type Test, test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { local } from '../../../src/kinds/local/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { Quota } from '../../../src/kinds/quota.ts'
import { createBucket } from '../../../src/secrets/bucket.ts'
import { createGuard } from '../../../src/secrets/guard.ts'
import {
  connectStores,
  replacedIn,
  type StoreSpec,
  type StoresDeps
} from '../../../src/secrets/stores.ts'

const RECORD: SecretRecord = { text: new Sensitive('x'), version: '1' }
const ONE = { path: 'one' }

/** A provider that counts its calls by name, and fails as it is told to. */
const counting = () => {
  const calls: string[] = []
  const told: { fault?: ProviderFault | undefined } = {}
  const act = async <T>(name: string, result: T): Promise<T> => {
    calls.push(name)
    if (told.fault !== undefined) throw told.fault
    return result
  }
  const provider = {
    read: () => act('read', RECORD),
    readMany: (locators) =>
      act(
        'readMany',
        locators.map(() => RECORD)
      ),
    readTags: () => act('readTags', new Map()),
    list: () => act('list', { paths: [] }),
    write: () => act('write', { version: '1' }),
    check: () => act('check', undefined),
    close: () => act('close', undefined),
    comparesVersions: true,
    isCurrent: () => true
  } satisfies SecretProvider
  return { provider, calls, told }
}

const open = (quota?: Quota) => {
  const clock = { now: 1_000_000, replicas: 1 }
  const lines: string[] = []
  const guard = createGuard({
    store: 'aws',
    bucket: quota && createBucket({ quota, replicas: () => clock.replicas, now: () => clock.now }),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    timeoutMs: 10_000,
    now: () => clock.now,
    random: () => 1
  })
  const inner = counting()
  return { clock, lines, guard, ...inner, guarded: guard.protect(inner.provider) }
}

const within = () => ({ signal: new AbortController().signal })
const refusedBy = (t: Test, call: Promise<unknown> | undefined, wanted: object) =>
  t.rejects(call ?? Promise.resolve(), wanted as Error)

test('every operation is charged, and an empty bucket refuses without a call', async (t) => {
  const { guarded, calls, clock, lines, guard } = open({ perSecond: 0.5, burst: 4 })
  await guarded.read(ONE, within())
  await guarded.readTags?.(ONE, within())
  await guarded.list?.('', { limit: 1 }, within())
  await guarded.write?.(ONE, new Sensitive('x'), within())
  t.equal(guard.state().tokens, 0)
  const quota = { reason: 'throttled', code: 'quota', retryAfterSeconds: 2 }
  await refusedBy(t, guarded.read(ONE, within()), quota)
  await refusedBy(t, guarded.readMany?.([ONE], within()), quota)
  await refusedBy(t, guarded.readTags?.(ONE, within()), quota)
  await refusedBy(t, guarded.list?.('', { limit: 1 }, within()), quota)
  await refusedBy(t, guarded.write?.(ONE, new Sensitive('x'), within()), quota)
  t.same(calls, ['read', 'readTags', 'list', 'write'])
  t.same(lines, ['warn the quota of the store is used up {"store":"aws"}'], 'told once')
  t.equal(guard.state().read.state, 'closed', 'a quota of our own is no fault of the peer')
  await guarded.check(within())
  await guarded.close()
  clock.now += 2_000
  await guarded.read(ONE, within())
  await refusedBy(t, guarded.read(ONE, within()), quota)
  clock.now += 3_600_000
  t.equal(guard.state().tokens, 4, 'no more is saved up than may be spent at once')
})

test('many read in one call are charged as many, on credit where need be', async (t) => {
  const { guarded, clock } = open({ perSecond: 10, burst: 20 })
  await guarded.readMany?.(Array(70).fill(ONE), within())
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota', retryAfterSeconds: 6 })
  clock.now += 5_000
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota', retryAfterSeconds: 1 })
  clock.now += 100
  await guarded.read(ONE, within())
})

test('replicas have equal shares of a quota, of one call at least, from the moment they are known', async (t) => {
  const { guarded, clock, guard } = open({ perSecond: 4, burst: 8 })
  clock.replicas = 4
  t.equal(guard.state().tokens, 2)
  await guarded.readMany?.([ONE, ONE], within())
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota', retryAfterSeconds: 1 })
  clock.now += 1_000
  await guarded.read(ONE, within())
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota' })
  clock.replicas = 100
  clock.now += 60_000
  await guarded.read(ONE, within())
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota', retryAfterSeconds: 25 })
  clock.replicas = 1
  clock.now += 2_000
  t.equal(guard.state().tokens, 8, 'whoever is alone has it all')
})

test('a store that fails is left alone, with one line when that begins and one when it ends', async (t) => {
  const { guarded, calls, told, clock, lines, guard } = open()
  told.fault = new ProviderFault('unavailable', { status: 503 })
  for (let i = 0; i < 100; i++) await refusedBy(t, guarded.read(ONE, within()), {})
  t.equal(calls.length, 5)
  t.match(guard.state(), { read: { state: /^open$/, reason: 'unavailable' } })
  clock.now += 1_000
  for (let i = 0; i < 100; i++) await refusedBy(t, guarded.read(ONE, within()), {})
  t.equal(calls.length, 6)
  told.fault = undefined
  clock.now += 2_000
  await guarded.read(ONE, within())
  t.equal(guard.state().read.state, 'closed')
  const asked = lines.filter((line) => line.startsWith('warn a store failed'))
  t.equal(asked.length, 6, 'and one for each time that it was asked')
  t.same(
    lines.filter((line) => !asked.includes(line)),
    [
      'warn the store is left alone {"store":"aws","operation":"read","reason":"unavailable","seconds":1}',
      'info the store is asked again {"store":"aws","operation":"read"}'
    ]
  )
})

test('of many who come after the wait one alone asks the store', async (t) => {
  const { guarded, calls, told, clock } = open()
  told.fault = new ProviderFault('throttled', { retryAfterSeconds: 30 })
  await refusedBy(t, guarded.read(ONE, within()), { retryAfterSeconds: 30 })
  told.fault = undefined
  clock.now += 29_001
  await refusedBy(t, guarded.read(ONE, within()), { reason: 'throttled', retryAfterSeconds: 1 })
  clock.now += 999
  const all = await Promise.allSettled(
    Array.from({ length: 50 }, () => guarded.read(ONE, within()))
  )
  t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(calls.length, 2)
})

test('a probe for which the quota has nothing left is none, and the next one may be it', async (t) => {
  const { guarded, calls, told, clock } = open({ perSecond: 0.1, burst: 1 })
  told.fault = new ProviderFault('throttled')
  await refusedBy(t, guarded.read(ONE, within()), { reason: 'throttled' })
  told.fault = undefined
  clock.now += 1_000
  await refusedBy(t, guarded.read(ONE, within()), { code: 'quota', retryAfterSeconds: 9 })
  clock.now += 9_000
  await guarded.read(ONE, within())
  t.equal(calls.length, 2)
})

test('listings and writes that fail do not stop reads, nor is a check ever refused', async (t) => {
  const { guarded, told, calls, guard } = open()
  told.fault = new ProviderFault('throttled', { retryAfterSeconds: 60 })
  await refusedBy(t, guarded.list?.('', { limit: 1 }, within()), {})
  await refusedBy(t, guarded.write?.(ONE, new Sensitive('x'), within()), {})
  told.fault = undefined
  await guarded.read(ONE, within())
  t.match(guard.state(), {
    read: { state: 'closed' },
    list: { state: /^open$/ },
    write: { state: /^open$/ }
  })
  told.fault = new ProviderFault('unavailable')
  for (let i = 0; i < 5; i++) await refusedBy(t, guarded.read(ONE, within()), {})
  calls.length = 0
  for (let i = 0; i < 10; i++) await refusedBy(t, guarded.check(within()), {})
  t.equal(calls.length, 10)
  told.fault = undefined
  await refusedBy(t, guarded.read(ONE, within()), { code: 'left_alone' })
  await guarded.check(within())
  await guarded.read(ONE, within())
  t.match(guard.state(), { read: { state: 'closed' }, list: { state: /^open$/ } })
})

test('a call that does not heed its deadline ends there, and counts as a timeout', async (t) => {
  const { guard, provider } = open()
  const deaf = guard.protect({ ...provider, read: () => new Promise(() => {}) })
  for (let i = 0; i < 5; i++) {
    const deadline = new AbortController()
    const read = deaf.read(ONE, deadline)
    deadline.abort()
    await refusedBy(t, read, { reason: 'timeout' })
  }
  await refusedBy(t, deaf.read(ONE, within()), { reason: 'timeout', code: 'left_alone' })
})

test('what is asked after its deadline is not asked, not charged and not counted', async (t) => {
  const { guarded, calls, guard } = open({ perSecond: 1, burst: 5 })
  const late = { signal: AbortSignal.abort() }
  for (let i = 0; i < 10; i++) await refusedBy(t, guarded.read(ONE, late), { reason: 'timeout' })
  t.same(calls, [])
  t.match(guard.state(), { tokens: 5, read: { state: 'closed' } })
})

test('many answers that all fail are a failure, and one that does not shows that the store works', async (t) => {
  const { guard, provider } = open()
  const fault = new ProviderFault('throttled', { retryAfterSeconds: 9 })
  const mixed = guard.protect({ ...provider, readMany: async () => [fault, RECORD] })
  await mixed.readMany?.([ONE, ONE], within())
  t.equal(guard.state().read.state, 'closed')
  const failing = guard.protect({ ...provider, readMany: async () => [fault, fault] })
  t.same(await failing.readMany?.([ONE, ONE], within()), [fault, fault])
  t.match(guard.state().read, { state: /^open$/, reason: 'throttled' })
})

test('a provider keeps the powers that it has, and gets none that it has not', async (t) => {
  const { guard, provider, guarded } = open()
  t.same(Object.keys(guarded).sort(), Object.keys(provider).sort())
  t.equal(guarded.isCurrent?.(ONE, '1'), true)
  const { read, check, close } = provider
  t.same(Object.keys(guard.protect({ read, check, close })).sort(), ['check', 'close', 'read'])
})

test('a store that is kept over a reload keeps its guard, and a new quota makes a new one', async (t) => {
  const { provider, told, calls } = counting()
  let connects = 0
  const plugin = {
    ...local,
    connect: async () => {
      connects++
      return provider
    }
  }
  const deps = {
    log: () => {},
    now: Date.now,
    replicas: () => 1,
    timeoutMs: 1_000
  } as unknown as StoresDeps
  const spec = (quota?: Quota): StoreSpec => ({
    name: 'one',
    plugin,
    settings: {},
    address: { kind: 'local' },
    requireTags: new Map(),
    quota
  })
  const first = await connectStores([spec()], deps)
  const store = first.stores.get('one')
  told.fault = new ProviderFault('throttled', { retryAfterSeconds: 60 })
  await refusedBy(t, store?.read(ONE, within()), {})

  const second = await connectStores([spec()], deps, first.stores)
  const kept = second.stores.get('one')
  t.match(kept?.guard.state(), { read: { state: /^open$/ } })
  t.same(second.retired, [])

  const third = await connectStores([spec({ perSecond: 1, burst: 1 })], deps, second.stores)
  const changed = third.stores.get('one')
  t.match(changed?.guard.state(), { read: { state: 'closed' }, tokens: 1 })
  t.same(third.retired, [], 'its connection goes on')
  t.same(replacedIn(second.stores, third.stores), [])
  t.equal(connects, 1)
  t.notOk(calls.includes('close'))
})

test('a reload that fails at another store leaves what is known of a refused login', async (t) => {
  const { provider } = counting()
  let forgotten = (): number => Number.NaN
  const plugin = {
    ...local,
    connect: async (settings: object, { logins }: ProviderDeps) => {
      if ('fails' in settings) throw new Error('fails')
      forgotten = logins.forgotten
      return provider
    }
  }
  const deps = { log: () => {}, now: Date.now, replicas: () => 1 } as unknown as StoresDeps
  const specOf = (name: string, settings: Readonly<Record<string, unknown>>): StoreSpec => ({
    name,
    plugin,
    settings,
    address: { kind: 'local' },
    requireTags: new Map()
  })
  const { stores: previous } = await connectStores([specOf('one', {})], deps)
  const [same, faulty] = [specOf('one', {}), specOf('two', { fails: true })]
  await t.rejects(connectStores([same, faulty], deps, previous), { message: 'fails' })
  t.equal(forgotten(), 0)
  await connectStores([same], deps, previous)
  t.equal(forgotten(), 1)
})

test('a client that has had its share is refused while another asks, and the other is not', async (t) => {
  const { guarded, clock } = open({ perSecond: 10, burst: 40 })
  const as = (client: string) => guarded.read(ONE, { ...within(), client })
  for (let i = 0; i < 40; i++) await as('alice')
  await refusedBy(t, as('alice'), { reason: 'throttled', code: 'quota' })
  await as('bob')
  clock.now += 100
  await as('bob')
  await refusedBy(t, as('alice'), { reason: 'throttled', code: 'quota' })
})
