// Who is told of which change: rights, resuming, limits, and replicas on one shared state.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createInvalidation } from '../../../src/cache/invalidation.ts'
import { epochKey, familyNames } from '../../../src/cache/names.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import type { Caller } from '../../../src/core/caller.ts'
import type { NamedStore } from '../../../src/core/store-address.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createWatch } from '../../../src/events/watch.ts'
import { WATCHERS_MAX, WATCHERS_PER_KEY } from '../../../src/events/watch-limit.ts'
import { kindOf } from '../../../src/kinds/catalog.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { type Store, spellingsIn } from '../../../src/secrets/stores.ts'
import type { Rules } from '../../../src/secrets/terms.ts'
import { eventually } from '../../support/redis.ts'
import { createMemoryShared, type MemoryShared } from '../../support/shared.ts'
import { pass, startStopwatch } from '../../support/stopwatch.ts'

const CALLER: Caller = {
  client: 'app',
  mode: 'r',
  keyId: 'key-1',
  route: 'GET /v1/events',
  requestId: 'r',
  address: '127.0.0.1'
}
const KEYS = [newEncryptionKey(), newEncryptionKey()] as const
const ALL = ['kv:**', 'other:**']
const ACCOUNT = '123456789012'
const AWS = {
  kind: 'aws-secrets-manager',
  partition: 'aws',
  region: 'eu-west-1',
  accounts: [ACCOUNT, '210987654321']
} as const

const rulesFor = (
  read: readonly string[],
  names: Record<string, string> = {},
  policy = compilePolicy([{ client: 'app', read }])
): Rules => {
  const stores: NamedStore[] = [
    { name: 'kv', address: { kind: 'local' } },
    { name: 'other', address: { kind: 'local' } },
    { name: 'aws', address: AWS }
  ]
  const connected = new Map(
    stores.map(({ name, address }) => {
      const spec = { name, plugin: kindOf(address.kind) }
      return [name, { spec } as unknown as Store]
    })
  )
  return {
    policy,
    book: createReferenceBook(stores, new Map(Object.entries(names))),
    stores: {
      get: (name) => connected.get(name),
      all: () => [...connected.values()],
      close: async () => {}
    }
  }
}

const setUp = (
  t: Test,
  {
    read = ALL,
    names,
    keys = [KEYS[0]],
    shared,
    heartbeatMs = 60_000
  }: {
    read?: readonly string[]
    names?: Record<string, string>
    keys?: readonly string[]
    shared?: MemoryShared
    heartbeatMs?: number
  } = {}
) => {
  const live = { rules: rulesFor(read, names), keyring: createKeyring(keys), isAccepted: true }
  const records: AuditEvent[] = []
  const watch = createWatch({
    environment: 'dev',
    record: async (event) => void records.push(event),
    log: () => {},
    rules: () => live.rules,
    keyring: () => live.keyring,
    heartbeatMs
  })
  const bus = createInvalidation({
    drop: () => 0,
    onInvalidated: watch.invalidated,
    shared: shared?.connect(),
    keyring: () => live.keyring,
    spellings: ({ store, ...secret }) => spellingsIn(live.rules.stores, store, secret).told,
    stores: () => ['kv', 'other', 'aws'],
    lifetimeMs: 60_000
  })
  t.teardown(() => {
    bus.close()
    watch.close()
  })
  /** Opens, and keeps what was told as words. */
  const open = async (refs: readonly string[], lastId?: string, caller = CALLER) => {
    const told: string[] = []
    let id = ''
    const tell = (word: string, at: string) => {
      told.push(word)
      id = at
    }
    const leave = await watch.open(
      caller,
      { refs, lastId, isAccepted: () => live.isAccepted },
      {
        changed: (at, changed) => tell(`changed ${changed.join(' ')}`, at),
        reset: (at) => tell('reset', at),
        beat: (at) => tell('beat', at),
        end: () => told.push('end')
      }
    )
    return { told, leave, id: () => id }
  }
  return { live, watch, bus, open, records }
}

test('a watcher is told what it asked for, by the words that it asked with, and nothing else', async (t) => {
  const { bus, open, records } = setUp(t, { names: { short: 'kv:b' } })
  const { told } = await open(['kv:a', 'kv:a#field', 'short', 'other:a', 'kv:a'])
  for (const [what, expected] of [
    [{ store: 'kv', path: 'a' }, 'changed kv:a kv:a#field'],
    [{ store: 'kv', path: 'b' }, 'changed short'],
    [{ store: 'other', path: 'a' }, 'changed other:a'],
    [{ store: 'kv', path: 'c' }, undefined],
    [{ store: 'kv' }, 'changed kv:a kv:a#field short'],
    [{ store: 'none' }, undefined],
    ['all', 'changed kv:a kv:a#field short other:a']
  ] as const) {
    told.length = 0
    await bus.invalidate(what)
    t.same(told, expected === undefined ? [] : [expected], JSON.stringify(what))
  }
  t.same(
    records.map(({ action, outcome, client, reference }) => [action, outcome, client, reference]),
    ['kv:a', 'kv:a#field', 'kv:b', 'other:a'].map((reference) => [
      'events.open',
      'allowed',
      'app',
      reference
    ])
  )
})

test('one reference that is forbidden, unknown or of no store forbids all of them in one way', async (t) => {
  const { open, watch, records } = setUp(t, { read: ['kv:a'] })
  for (const ref of ['kv:b', 'other:a', 'none:a']) {
    records.length = 0
    await t.rejects(open(['kv:a', ref]), { code: 'access_denied' }, ref)
    await t.rejects(watch.check(CALLER, [ref]), { code: 'access_denied' }, ref)
    t.same(
      records.map(({ action, outcome }) => `${action} ${outcome}`),
      ['events.open denied', 'events.open denied']
    )
  }
  records.length = 0
  await t.rejects(open(['kv:b']), { code: 'access_denied' })
  t.match(records, [{ reference: 'kv:b', reason: 'no_rule' }])
  await t.rejects(open(['not a reference', 'kv:b']), { code: 'access_denied' })
  await t.rejects(open(['not a reference']), { code: 'invalid_reference' })
  await t.rejects(open(['kv:a'], undefined, { ...CALLER, mode: 'w' }), {
    code: 'insufficient_mode'
  })
  t.equal(watch.count(), 0, 'none of them takes a place')
})

test('who lost its key or its right is told no more: at the next event, or at a heartbeat', async (t) => {
  for (const lose of ['key', 'right', 'name'] as const) {
    for (const at of ['event', 'heartbeat'] as const) {
      const { live, bus, open, watch } = setUp(t, {
        names: { short: 'kv:a' },
        heartbeatMs: at === 'heartbeat' ? 5 : 60_000
      })
      const { told } = await open(['short', 'kv:b'])
      await bus.invalidate({ store: 'kv', path: 'a' })
      t.ok(told.includes('changed short'))
      if (lose === 'key') live.isAccepted = false
      if (lose === 'right') live.rules = rulesFor(['kv:b'], { short: 'kv:a' })
      if (lose === 'name') live.rules = rulesFor(ALL, { short: 'kv:c' })
      told.length = 0
      if (at === 'event') await bus.invalidate({ store: 'kv', path: 'a' })
      else await pass(30)
      t.same(told, ['end'], `${lose}, ${at}`)
      await bus.invalidate('all')
      t.same(told, ['end'])
      t.equal(watch.count(), 0)
    }
  }
})

test('a watcher is told no more from the moment on at which its rule ends, however far the next heartbeat is', async (t) => {
  const { live, open, watch, records } = setUp(t, { heartbeatMs: 600_000 })
  const end = Date.parse('2027-02-01T00:00:00Z')
  const clock = { now: end - 20 }
  const rules = [{ client: 'app', read: ALL, until: '2027-01-31' }]
  const policy = compilePolicy(rules, () => clock.now)
  live.rules = rulesFor(ALL, {}, policy)
  const { told } = await open(['kv:a'])
  await pass(60)
  t.notOk(told.includes('end'))
  clock.now = end
  await eventually(() => told.includes('end'))
  t.equal(watch.count(), 0)
  t.match(records.at(-1), { action: 'events.end', reason: 'right_lost' })
})

test('who comes back learns what it missed, once; who was away too long is told to start anew', async (t) => {
  const { bus, open } = setUp(t)
  const first = await open(['kv:a', 'kv:b'])
  t.same(first.told, ['beat'], 'it has an id from the first moment')
  await bus.invalidate({ store: 'kv', path: 'a' })
  first.leave()
  const { id } = first
  t.same((await open(['kv:a', 'kv:b'], id())).told, ['beat'], 'nothing was missed')
  for (let i = 0; i < 500; i++) await bus.invalidate({ store: 'kv', path: 'b' })
  await bus.invalidate({ store: 'other', path: 'a' })
  t.same((await open(['kv:a', 'kv:b'], id())).told, ['changed kv:b', 'beat'])
  t.same((await open(['other:a'], id())).told, ['changed other:a', 'beat'])
  t.same((await open(['kv:a'], 'of another replica')).told, ['reset'])
  for (let i = 0; i < 2_500; i++) await bus.invalidate({ store: 'other', path: 'a' })
  t.same((await open(['kv:a'], id())).told, ['reset'])
})

test('a key has ten watchers and a replica a thousand; a place is free again at once', async (t) => {
  const { open, watch } = setUp(t)
  const mine = []
  for (let i = 0; i < WATCHERS_PER_KEY; i++) mine.push(await open(['kv:a']))
  await t.rejects(open(['kv:a']), { code: 'rate_limited' })
  mine[0]?.leave()
  mine[0]?.leave()
  await open(['kv:a'])
  await t.rejects(open(['kv:a']), { code: 'rate_limited' })
  for (let i = watch.count(); i < WATCHERS_MAX; i++) {
    await open(['kv:a'], undefined, { ...CALLER, keyId: `of ${Math.floor(i / 10)}` })
  }
  await t.rejects(open(['kv:a'], undefined, { ...CALLER, keyId: 'last' }), { code: 'overloaded' })
  watch.close()
  t.equal(watch.count(), 0)
  await t.rejects(open(['kv:a']), { code: 'overloaded' }, 'nobody is let in after the end')
  t.equal(mine[1]?.told.at(-1), 'end')
})

test('an invalidation in one replica reaches the watchers of the others, and a missed one all of its store', async (t) => {
  const shared = createMemoryShared()
  const [a, b] = [setUp(t, { shared }), setUp(t, { shared })]
  await pass(20)
  const [here, there] = [await a.open(['kv:a', 'kv:b']), await b.open(['kv:a', 'kv:b', 'other:a'])]
  const passed = startStopwatch()
  await a.bus.invalidate({ store: 'kv', path: 'a' })
  while (there.told.length < 2) await sleep(1)
  const ms = passed()
  t.ok(ms < 500, `${ms} ms`)
  t.same(there.told, ['beat', 'changed kv:a'])
  t.ok(here.told.length >= 2)
  shared.away()
  await a.bus.invalidate({ store: 'kv', path: 'b' })
  t.equal(here.told.at(-1), 'changed kv:b', 'at once where it happened')
  t.same(there.told, ['beat', 'changed kv:a'])
  shared.back()
  await pass(30)
  t.ok(there.told.slice(2).some((word) => word.includes('kv:b')))
  t.notOk(there.told.slice(2).some((word) => word.includes('other:a')))
})

test('replicas in the middle of a rotation understand each other, and a rotation loses nobody', async (t) => {
  const shared = createMemoryShared()
  const old = setUp(t, { shared, keys: [KEYS[0]] })
  const next = setUp(t, { shared, keys: [KEYS[0], KEYS[1]] })
  await pass(20)
  const [o, n] = [await old.open(['kv:a']), await next.open(['kv:a'])]
  await next.bus.invalidate({ store: 'kv', path: 'a' })
  await pass(20)
  t.equal(o.told.at(-1), 'changed kv:a')
  n.told.length = 0
  await old.bus.invalidate({ store: 'kv', path: 'a' })
  await pass(20)
  t.equal(n.told.at(-1), 'changed kv:a')
  next.live.keyring = createKeyring([KEYS[1]])
  n.told.length = 0
  await next.bus.invalidate({ store: 'kv', path: 'a' })
  t.match(n.told, ['changed kv:a'])
  t.same((await next.open(['kv:a'], n.id())).told, ['beat'])
  t.same((await next.open(['kv:a'], o.id())).told, ['reset'])
})

test('a local invalidation is told once its marks are in force', async (t) => {
  const shared = createMemoryShared()
  const { bus, open, live } = setUp(t, { shared })
  await pass(20)
  const { told } = await open(['kv:a'])
  const invalidation = bus.invalidate({ store: 'kv', path: 'a' })
  t.same(told, ['beat'])
  await invalidation
  t.equal(told[1], 'changed kv:a')
  t.ok([...shared.values.keys()].some((key) => key.startsWith('mark:')))
  t.ok(live)
})

test('a watcher that cannot be told is let go of, and keeps nobody else from being told', async (t) => {
  const { watch, bus, open } = setUp(t)
  const fail = (): never => {
    throw new Error('gone')
  }
  const request = { refs: ['kv:a'], isAccepted: () => true }
  await watch.open(CALLER, request, { changed: fail, reset: fail, beat: () => {}, end: fail })
  const { told } = await open(['kv:a'])
  told.length = 0
  await bus.invalidate({ store: 'kv', path: 'a' })
  t.same(told, ['changed kv:a'])
  t.equal(watch.count(), 1)
})

test('a watcher hears of no other secret whose name looks like a spelling of its own, in no kind but where AWS may mean the same', async (t) => {
  const arn = (name: string, account = ACCOUNT) =>
    `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}`
  const place = (ref: string) => {
    const isArn = ref.startsWith('arn:')
    const path = isArn ? (ref.split(':').at(-1) ?? '') : ref.slice(ref.indexOf(':') + 1)
    const store = isArn ? 'aws' : ref.slice(0, ref.indexOf(':'))
    return { store, path, ...(isArn && { nativeId: ref }) }
  }
  const other = arn('acme/db-AbCdEf', '210987654321')
  const table = [
    ['kv:acme/db-master', ['kv:acme/db-master'], ['kv:acme/db-backup', 'kv:acme/db', 'kv:acme']],
    ['kv:acme/db', ['kv:acme/db'], ['kv:acme/db-master', 'kv:acme/db-AbCdEf']],
    [
      'aws:acme/db-master',
      ['aws:acme/db-master', arn('acme/db-master'), arn('acme/db-master-AbCdEf')],
      ['aws:acme/db-backup', 'aws:acme/db', arn('acme/db-backup'), arn('acme/db-backup-AbCdEf')]
    ],
    [
      'aws:acme/db',
      ['aws:acme/db', arn('acme/db'), arn('acme/db-AbCdEf'), arn('acme/db-master')],
      ['aws:acme/db-master', 'aws:acme/db-AbCdEf', arn('acme/db-master-AbCdEf')]
    ],
    [
      arn('acme/db-AbCdEf'),
      ['aws:acme/db', 'aws:acme/db-AbCdEf', arn('acme/db'), arn('acme/db-AbCdEf')],
      ['aws:acme/db-master', 'aws:acme', arn('acme/db-backup'), arn('acme/db-GhIjKl'), other]
    ],
    [
      arn('acme/db'),
      ['aws:acme/db', arn('acme/db'), arn('acme/db-AbCdEf'), arn('acme/db-GhIjKl')],
      ['aws:acme/db-AbCdEf', 'aws:acme/db-master', other]
    ]
  ] as const
  for (const replicas of [1, 2]) {
    const shared = replicas === 2 ? createMemoryShared() : undefined
    const both = { read: ['kv:**', 'aws:**'], ...(shared && { shared }) }
    const here = setUp(t, both)
    const there = shared === undefined ? here : setUp(t, both)
    if (shared !== undefined) await pass(20)
    for (const [ref, same, others] of table) {
      const { told, leave } = await there.open([ref])
      for (const one of same) {
        told.length = 0
        await here.bus.invalidate(place(one))
        if (shared !== undefined) await pass(5)
        t.same(told, [`changed ${ref}`], `${ref} hears of ${one}`)
      }
      told.length = 0
      for (const one of others) await here.bus.invalidate(place(one))
      here.bus.changed(place(others[0]))
      if (shared !== undefined) await pass(20)
      t.same(told, [], `${ref} hears of none of ${others.join(' ')}`)
      leave()
    }
  }
})

test('replicas of before and after hear each other while they run side by side', async (t) => {
  const shared = createMemoryShared()
  const { open, live } = setUp(t, { shared })
  const before = shared.connect()
  const heard: { families?: string[]; names?: string[]; epochs: string[] }[] = []
  before.onMessage('invalidate', (text) => void heard.push(JSON.parse(text)))
  await pass(20)
  const { told } = await open(['kv:team/db-master'])
  const families = familyNames(live.keyring, 'kv', 'team/db-master')
  const epochs = live.keyring.all.map((key) => epochKey(key, 'kv'))
  await before.publish('invalidate', JSON.stringify({ from: 'before', epochs, families }))
  await pass(20)
  t.same(told, ['beat', 'changed kv:team/db-master'], 'a message without names loses nobody')
  const after = setUp(t, { shared })
  await pass(20)
  heard.length = 0
  await after.bus.invalidate({ store: 'kv', path: 'team/db-master' })
  await pass(20)
  t.same(heard[0]?.families, families, 'it says what one of before listens for')
  t.notMatch(JSON.stringify(heard), /team|master|"kv"/)
})

test('ids tell nobody whether the secrets of others change', async (t) => {
  const { bus, open } = setUp(t)
  const ids = [(await open(['kv:a'])).id(), (await open(['kv:a'])).id()]
  await bus.invalidate({ store: 'kv', path: 'b' })
  const after = await open(['kv:a'])
  ids.push(after.id())
  t.equal(new Set(ids).size, ids.length, 'they differ where nothing changed, too')
  t.equal(new Set(ids.map((id) => id.length)).size, 1)
  const there = await open(['kv:a', 'kv:b'])
  await bus.invalidate({ store: 'kv', path: 'a' })
  t.not(
    after.id(),
    there.id(),
    'two watchers cannot tell by them that they were told of one change'
  )
  t.same((await open(['kv:a', 'kv:b'], ids[1])).told, ['changed kv:a kv:b', 'beat'])
  t.same((await open(['kv:a', 'kv:b'], ids[2])).told, ['changed kv:a', 'beat'])
  t.same((await open(['kv:a', 'kv:b'], there.id())).told, ['beat'])
  for (const strange of ['', 'AAAA', `${there.id()}A`, there.id().replace(/.$/, '!')]) {
    const { told, leave } = await open(['kv:a'], strange)
    t.same(told, ['reset'], strange)
    leave()
  }
})
