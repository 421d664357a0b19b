import { test } from 'tap'
import type { SecretCache } from '../../../src/cache/secret-cache.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { ReadFrom } from '../../../src/secrets/batch.ts'
import { createFetch } from '../../../src/secrets/fetch.ts'
import type { Store } from '../../../src/secrets/stores.ts'

test('what is read ahead of its time counts on the share of the client that asked', async (t) => {
  const record = { text: new Sensitive('kept'), version: '1' }
  const entry = { record, fetchedAt: 0, expiresAt: 1_000 }
  const asked: unknown[] = []
  const readAlone: ReadFrom = async (_store, _locator, client) => {
    asked.push(client)
    return record
  }
  for (const state of ['fresh', 'stale']) {
    const cache = {
      lookup: () => ({ state, entry, isDue: true }),
      load: async (_origin: unknown, _locator: unknown, read: () => Promise<unknown>) => read()
    } as unknown as SecretCache
    const fetch = createFetch({ cache, readAlone, now: () => 900 })
    const spec = { name: 'aws', requireTags: new Map() }
    const store = { spec, origin: {} } as unknown as Store
    await fetch(
      { store, reference: { store: 'aws', path: 'a' }, locator: { path: 'a' } },
      readAlone,
      undefined,
      'app'
    )
  }
  t.same(asked, ['app', 'app'])
})
