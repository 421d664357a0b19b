/** What an invalidation counts, where its message cannot be sent. */
import { test } from 'tap'
import { createInvalidation } from '../../../src/cache/invalidation.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { SharedUnavailable } from '../../../src/state/shared.ts'
import { createMemoryShared } from '../../support/shared.ts'

test('an invalidation whose message is lost is counted once, and learnt of by the count', async (t) => {
  const memory = createMemoryShared()
  const keyring = createKeyring(['0123456789abcdefghijklmnopqrstuv'])
  const replica = (more = {}) => {
    const dropped: unknown[] = []
    const bus = createInvalidation({
      drop: (what) => dropped.push(what),
      shared: { ...memory.connect(), ...more },
      keyring: () => keyring,
      stores: () => ['kv'],
      lifetimeMs: 60_000
    })
    t.teardown(bus.close)
    return { bus, dropped }
  }
  const reconciled = async () => {
    memory.back()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const publish = async () => {
    throw new SharedUnavailable()
  }
  const { bus } = replica({ publish })
  const other = replica()
  await reconciled()
  t.match(await bus.invalidate({ store: 'kv', path: 'a' }), { pending: true })
  const counted = memory.counters()
  for (let round = 0; round < 3; round++) await reconciled()
  t.strictSame(memory.counters(), counted)
  t.strictSame(other.dropped, [{ store: 'kv' }])
})
