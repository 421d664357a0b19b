import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { createBatchReader } from '../../../src/secrets/batch.ts'
import { createGuard, type Operations } from '../../../src/secrets/guard.ts'
import type { Store } from '../../../src/secrets/stores.ts'

const recordOf = ({ path }: Locator): SecretRecord => ({
  text: new Sensitive(`text of ${path}`),
  version: '1'
})

const storeWith = (operations: Partial<Operations>): Store =>
  ({ ...operations, timeoutMs: 10_000 }) as unknown as Store

const textOf = async (read: Promise<SecretRecord>): Promise<string> => (await read).text.reveal()

test('what is asked of a store in one turn is read in one call, and each has its own answer', async (t) => {
  const calls: (readonly Locator[])[] = []
  const store = storeWith({
    readMany: async (locators) => {
      calls.push(locators)
      return locators.map((locator) =>
        locator.path === 'none' ? new ProviderFault('not_found') : recordOf(locator)
      )
    }
  })
  const read = createBatchReader()
  const [a, none, b] = [
    read(store, { path: 'a' }),
    read(store, { path: 'none' }),
    read(store, { path: 'b' })
  ]
  await t.rejects(none, new ProviderFault('not_found'))
  t.equal(await textOf(a), 'text of a')
  t.equal(await textOf(b), 'text of b')
  t.same(calls, [[{ path: 'a' }, { path: 'none' }, { path: 'b' }]])
})

test('a version, an ARN and a single secret are read by themselves', async (t) => {
  const alone: Locator[] = []
  const together: (readonly Locator[])[] = []
  const store = storeWith({
    read: async (locator) => {
      alone.push(locator)
      return recordOf(locator)
    },
    readMany: async (locators) => {
      together.push(locators)
      return locators.map(recordOf)
    }
  })
  const read = createBatchReader()
  const locators = [
    { path: 'a' },
    { path: 'a', version: '2' },
    { path: 'b', nativeId: 'arn:x' },
    { path: 'c' }
  ]
  await Promise.all(locators.map((locator) => read(store, locator)))
  t.same(together, [[{ path: 'a' }, { path: 'c' }]])
  t.same(alone, [locators[1], locators[2]])
  await read(store, { path: 'd' })
  t.same(alone.at(-1), { path: 'd' })
})

test('a store that cannot read many is asked by sixteen at a time, and one failure stays alone', async (t) => {
  let running = 0
  let most = 0
  const store = storeWith({
    read: async (locator) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      if (locator.path === '7') throw new ProviderFault('denied')
      return recordOf(locator)
    }
  })
  const read = createBatchReader()
  const reads = Array.from({ length: 100 }, (_, i) => read(store, { path: String(i) }))
  const results = await Promise.allSettled(reads)
  t.equal(most, 16)
  t.same(
    results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
    [7]
  )
})

test('reads that share a deadline give Node nothing to warn of', async (t) => {
  const warnings: Error[] = []
  const hear = (warning: Error) => warnings.push(warning)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  const store = storeWith({
    read: async (locator, { signal } = {}) => {
      signal?.addEventListener('abort', () => {})
      return recordOf(locator)
    }
  })
  const read = createBatchReader()
  await Promise.all(Array.from({ length: 100 }, (_, i) => read(store, { path: String(i) })))
  await sleep(10)
  t.same(warnings, [])
})

test('where the deadline comes first, those that have an answer keep it', async (t) => {
  const timeoutMs = 20
  const guard = createGuard({
    store: 'kv',
    bucket: undefined,
    log: () => {},
    timeoutMs,
    now: Date.now
  })
  const operations = guard.protect({
    read: async (locator) => {
      if (locator.path === 'slow') await sleep(500)
      return recordOf(locator)
    },
    check: async () => {},
    close: async () => {}
  })
  const late = { ...storeWith(operations), timeoutMs }
  const read = createBatchReader()
  const [quick, slow] = [read(late, { path: 'quick' }), read(late, { path: 'slow' })]
  await Promise.allSettled([quick, slow])
  t.equal(await textOf(quick), 'text of quick')
  await t.rejects(slow, new ProviderFault('timeout'))
})
