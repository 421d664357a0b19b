import { test } from 'tap'
import { reportEncryptionKeys } from '../../../src/keys/encryption-key-report.ts'
import type { KeyUse } from '../../../src/keys/usage.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const HOUR = 3_600_000
const ago = (hours: number) => new Date(NOW - hours * HOUR).toISOString()

let ids = 0
const use = (kid: string, client: string, hours: number, more: Partial<KeyUse> = {}): KeyUse => ({
  keyId: `id-${ids++}`,
  client,
  scopes: ['aura-services'],
  mode: 'r',
  environment: 'dev',
  kid,
  firstSeen: ago(hours + 100),
  lastUsed: ago(hours),
  ...more
})

const report = (uses: KeyUse[], revoked: string[] = []) =>
  reportEncryptionKeys({
    keyring: { active: { kid: 'new' } as never, kids: ['old', 'new'] },
    uses: (async function* () {
      yield* uses
    })(),
    isRevoked: (keyId) => revoked.includes(keyId),
    now: NOW,
    quietMs: 24 * HOUR
  })

test('each encryption key is told with its clients, and the old one may go once none of them is heard of', async (t) => {
  const uses = [use('old', 'a', 1), use('old', 'a', 30), use('old', 'b', 48), use('new', 'b', 2)]
  t.same(await report(uses), [
    {
      kid: 'old',
      active: false,
      keys: 3,
      inUse: 1,
      firstSeen: ago(148),
      lastUsed: ago(1),
      mayGo: false,
      clients: [
        { client: 'a', keys: 2, lastUsed: ago(1), quiet: false },
        { client: 'b', keys: 1, lastUsed: ago(48), quiet: true }
      ]
    },
    {
      kid: 'new',
      active: true,
      keys: 1,
      inUse: 1,
      firstSeen: ago(102),
      lastUsed: ago(2),
      mayGo: false,
      clients: [{ client: 'b', keys: 1, lastUsed: ago(2), quiet: false }]
    }
  ])
  const [old] = await report(uses.slice(1))
  t.match(old, { keys: 2, inUse: 0, mayGo: true })
})

test('keys that are revoked, expired or under no present encryption key hold nothing back', async (t) => {
  const revoked = use('old', 'a', 1)
  const uses = [revoked, use('old', 'b', 1, { expiresAt: ago(0) }), use('gone', 'c', 1)]
  const [old, active] = await report(uses, [revoked.keyId])
  t.same(old, { kid: 'old', active: false, keys: 0, inUse: 0, mayGo: true, clients: [] })
  t.match(active, { active: true, keys: 0, mayGo: false })
})

test('first and last time are of all keys of a client, in whatever order they come, and clients by their names', async (t) => {
  const uses = [use('old', 'b', 30), use('old', 'a', 48), use('old', 'a', 25), use('old', 'a', 40)]
  for (const some of [uses, uses.toReversed()]) {
    const [old] = await report(some)
    t.match(old, { keys: 4, firstSeen: ago(148), lastUsed: ago(25), mayGo: true })
    const [a, b] = old?.clients ?? []
    t.match(a, { client: 'a', keys: 3, lastUsed: ago(25), quiet: true })
    t.match(b, { client: 'b', keys: 1, lastUsed: ago(30) })
  }
})

test('a key is quiet from its last hour on, and counts until its end', async (t) => {
  const [old] = await report([use('old', 'a', 24), use('old', 'b', 23, { expiresAt: ago(-1) })])
  t.match(old, { keys: 2, inUse: 1 })
  t.strictSame(
    old?.clients.map(({ quiet }) => quiet),
    [true, false]
  )
})
