import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createReadiness } from '../../../src/broker/readiness.ts'
import type { Store, Stores } from '../../../src/broker/stores.ts'

test('a store is looked at every ten seconds, and every two while it fails', async (t) => {
  let checks = 0
  let isDown = false
  let time = 0
  const store = {
    spec: { name: 'kv' },
    provider: {
      check: async () => {
        checks++
        if (isDown) throw new Error('down')
      }
    },
    call: (work: (options: object) => unknown) => work({})
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
