import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createReadiness } from '../../../src/secrets/readiness.ts'
import { createStoreChecks } from '../../../src/secrets/store-checks.ts'
import type { Store, Stores } from '../../../src/secrets/stores.ts'

test('a store is looked at every ten seconds, and every two while it fails', async (t) => {
  let checks = 0
  let isDown = false
  let time = 0
  const store = {
    spec: { name: 'kv' },
    check: async () => {
      checks++
      if (isDown) throw new Error('down')
    }
  } as unknown as Store
  const readiness = createReadiness({
    stores: () => ({ all: () => [store] }) as unknown as Stores,
    isShared: () => true,
    canServe: () => true,
    log: () => {},
    now: () => time
  })
  const at = async (ms: number) => {
    time = ms
    await readiness()
    await sleep(5)
    return [await readiness(), checks]
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
    check: async () => void asked++
  } as unknown as Store
  const checks = createStoreChecks({ log: () => {}, now: () => clock.now })
  const readiness = createReadiness({
    stores: () => ({ all: () => [store] }) as unknown as Stores,
    isShared: () => true,
    canServe: () => true,
    checks,
    log: () => {},
    now: () => clock.now
  })
  t.equal(await readiness(), 'ok')
  await sleep(0)
  clock.now = 3_000
  checks.read('kv', new ProviderFault('unavailable'))
  t.equal(await readiness(), 'degraded')
  await sleep(0)
  t.equal(asked, 2, 'seven seconds before the next check was due')
  t.equal(await readiness(), 'ok')
})
