import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { type FaultReason, ProviderFault } from '../../../src/core/fault.ts'
import type { GuardState } from '../../../src/secrets/guard.ts'
import { createReadiness, type SharedTrouble } from '../../../src/secrets/readiness.ts'
import { createStoreChecks } from '../../../src/secrets/store-checks.ts'
import { troubleOf } from '../../../src/secrets/store-trouble.ts'
import type { Store, Stores } from '../../../src/secrets/stores.ts'

const closed = { state: 'closed' } as const
const CLOSED: GuardState = { read: closed, list: closed, write: closed }

test('a store is looked at every ten seconds, and every two while it fails', async (t) => {
  let checks = 0
  let isDown = false
  let time = 0
  const store = {
    spec: { name: 'kv' },
    guard: { state: () => CLOSED },
    check: async () => {
      checks++
      if (isDown) throw new Error('down')
    }
  } as unknown as Store
  const readiness = createReadiness({
    stores: () => ({ all: () => [store] }) as unknown as Stores,
    sharedTroubles: () => [],
    sinkTroubles: () => [],
    canServe: () => true,
    log: () => {},
    now: () => time
  })
  const at = async (ms: number) => {
    time = ms
    await readiness()
    await sleep(5)
    return [(await readiness()).status, checks]
  }
  t.strictSame(await at(0), ['ok', 1])
  isDown = true
  t.strictSame(await at(9_999), ['ok', 1])
  t.strictSame(await at(10_000), ['degraded', 2])
  t.strictSame(await at(11_999), ['degraded', 2])
  t.strictSame(await at(12_000), ['degraded', 3])
  isDown = false
  t.strictSame(await at(14_000), ['ok', 4])
  t.strictSame(await at(23_999), ['ok', 4])
})

test('a store that fails is told with its reason and code, once, and once that it is back', async (t) => {
  const lines: unknown[] = []
  const clock = { now: 1_000 }
  const checks = createStoreChecks({
    log: (...line) => void lines.push(line),
    now: () => clock.now
  })
  const denied = new ProviderFault('denied', { code: 'AccessDenied', status: 403 })
  const timeout = new ProviderFault('timeout')
  t.equal(checks.get('kv'), undefined)
  checks.checked('kv', denied)
  checks.checked('kv', denied)
  checks.read('kv', undefined)
  t.same(checks.get('kv'), { ok: false, at: 1_000, reason: 'denied' }, 'a read takes no check back')
  checks.checked('kv')
  t.same(lines, [
    [
      'warn',
      'the store does not answer as it should',
      { store: 'kv', reason: 'denied', code: 'AccessDenied', status: 403 }
    ],
    ['info', 'the store answers again', { store: 'kv' }]
  ])
  lines.length = 0
  for (const reason of [
    'not_found',
    'denied',
    'misconfigured',
    'invalid_answer',
    'throttled'
  ] as const) {
    checks.read('kv', new ProviderFault(reason))
    t.equal(checks.get('kv')?.ok, true, reason)
  }
  clock.now = 2_000
  checks.read('kv', timeout)
  t.same(checks.get('kv'), { ok: false, at: 2_000, reason: 'timeout' })
  checks.read('kv', undefined)
  t.same(checks.get('kv'), { ok: true, at: 2_000 })
  checks.checked('other', new Error('with a text'))
  t.match(lines, [
    ['warn', /not answer/, { store: 'kv', reason: 'timeout' }],
    ['info', /again/, { store: 'kv' }],
    ['warn', /not answer/, { store: 'other', reason: 'unavailable' }]
  ])
  t.notMatch(JSON.stringify(lines), /with a text/)
})

test('readiness hears of an outage with the first failed read, and looks at the store at once', async (t) => {
  const clock = { now: 0 }
  let asked = 0
  const store = {
    spec: { name: 'kv' },
    guard: { state: () => CLOSED },
    check: async () => void asked++
  } as unknown as Store
  const checks = createStoreChecks({ log: () => {}, now: () => clock.now })
  const readiness = createReadiness({
    stores: () => ({ all: () => [store] }) as unknown as Stores,
    sharedTroubles: () => [],
    sinkTroubles: () => [],
    canServe: () => true,
    checks,
    log: () => {},
    now: () => clock.now
  })
  t.equal((await readiness()).status, 'ok')
  await sleep(0)
  clock.now = 3_000
  checks.read('kv', new ProviderFault('unavailable'))
  t.equal((await readiness()).status, 'degraded')
  await sleep(0)
  t.equal(asked, 2, 'seven seconds before the next check was due')
  t.equal((await readiness()).status, 'ok')
})

test('a store that fails in another way is told again, but not one that is silent in another way', async (t) => {
  const lines: unknown[] = []
  const checks = createStoreChecks({ log: (...line) => void lines.push(line), now: () => 0 })
  for (const reason of ['timeout', 'unavailable', 'timeout', 'denied', 'denied'] as const) {
    checks.checked('kv', new ProviderFault(reason))
  }
  t.match(lines, [
    ['warn', /not answer/, { reason: 'timeout' }],
    ['warn', /not answer/, { reason: 'denied' }]
  ])
  t.equal(lines.length, 2)
})

const open = { state: 'open', reason: 'unavailable', until: 1_000 } as const

test('a store is in trouble by its last check, or by a breaker that is open', async (t) => {
  const failed = (reason: FaultReason) => ({ ok: false, at: 0, reason })
  const passed = { ok: true, at: 0 }
  t.equal(troubleOf(undefined, CLOSED), undefined)
  t.equal(troubleOf(passed, CLOSED), undefined)
  t.equal(troubleOf(failed('timeout'), CLOSED), 'unreachable')
  t.equal(troubleOf(failed('denied'), { ...CLOSED, read: open }), 'denied')
  t.equal(troubleOf(failed('throttled'), CLOSED), 'throttled')
  t.equal(troubleOf(failed('misconfigured'), CLOSED), 'misconfigured')
  t.equal(troubleOf(passed, { ...CLOSED, list: open }), 'breaker_open')
  t.equal(troubleOf(passed, { ...CLOSED, read: { ...open, reason: 'throttled' } }), 'throttled')
  // Its time is over: the next call finds out, and there may be none.
  const halfOpen = { state: 'half-open', reason: 'unavailable' } as const
  t.equal(troubleOf(passed, { ...CLOSED, read: halfOpen }), undefined)
})

test('readiness says each reason once, names no store, and logs when the reasons become others', async (t) => {
  const lines: unknown[] = []
  const checks = createStoreChecks({ log: () => {}, now: () => 0 })
  const shared: SharedTrouble[] = []
  const storeOf = (name: string) => ({
    spec: { name },
    guard: { state: () => CLOSED },
    check: () => new Promise(() => {})
  })
  const all = [storeOf('kv'), storeOf('vault'), storeOf('aws')]
  const readiness = createReadiness({
    stores: () => ({ all: () => all }) as unknown as Stores,
    sharedTroubles: () => shared,
    sinkTroubles: () => [],
    canServe: () => true,
    checks,
    log: (...line) => void lines.push(line),
    now: () => 0
  })
  t.same(await readiness(), { status: 'ok', reasons: [] })
  checks.checked('kv', new ProviderFault('denied'))
  checks.checked('vault', new ProviderFault('denied'))
  checks.checked('gone', new ProviderFault('timeout'))
  const denied = { status: 'degraded', reasons: ['store_denied'] }
  t.same(await readiness(), denied)
  t.same(await readiness(), denied)
  shared.push('redis_full')
  t.same(await readiness(), { status: 'degraded', reasons: ['redis_full', 'store_denied'] })
  shared.length = 0
  checks.checked('kv')
  checks.checked('vault')
  t.same(await readiness(), { status: 'ok', reasons: [] })
  t.same(lines, [
    ['warn', 'the service is degraded', { reasons: 'store_denied' }],
    ['warn', 'the service is degraded', { reasons: 'redis_full store_denied' }],
    ['info', 'the service is well again']
  ])
})
