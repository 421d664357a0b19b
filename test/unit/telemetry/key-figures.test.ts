/** API keys, counted once a minute at the most, and never while a scrape waits. */
import { test } from 'tap'
import type { KeyUse } from '../../../src/keys/usage.ts'
import { createKeyFigures, endsOf } from '../../../src/telemetry/key-figures.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-01-15T00:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()
const use = (keyId: string, facts: Partial<KeyUse> = {}): KeyUse => ({
  keyId,
  client: 'app',
  scopes: [],
  mode: 'r',
  environment: 'dev',
  kid: 'one',
  firstSeen: iso(NOW),
  lastUsed: iso(NOW),
  ...facts
})

const open = (uses: () => readonly KeyUse[]) => {
  const state = { now: NOW, reads: 0 }
  const figures = createKeyFigures({
    usage: {
      list: async function* () {
        state.reads++
        yield* uses()
      }
    },
    isRevoked: (name) => name === 'revoked',
    kids: () => ['one', 'two'],
    now: () => state.now
  })
  return { state, figures }
}

test('the time to an end is told in days', async (t) => {
  const at = (days: number) => endsOf({ expiresAt: iso(NOW + days * DAY) }, NOW)
  t.same([0.5, 1, 1.1, 7, 30, 89, 91].map(at), ['1d', '1d', '7d', '7d', '30d', '90d', 'later'])
  t.equal(endsOf({}, NOW), 'never')
})

test('only keys count that would be accepted', async (t) => {
  const { figures } = open(() => [
    use('a'),
    use('b', { kid: 'two', expiresAt: iso(NOW + DAY) }),
    use('revoked'),
    use('ended', { expiresAt: iso(NOW) }),
    use('gone', { kid: 'three' })
  ])
  t.same([...figures.keys()], [])
  t.equal(figures.countedAt(), undefined)
  await figures.count()
  t.same(
    [...figures.keys()],
    [
      [['one', 'never'], 1],
      [['two', '1d'], 1]
    ]
  )
  t.equal(figures.countedAt(), NOW)
})

test('they are counted once a minute, and what cannot be counted stays as it was', async (t) => {
  let isDown = false
  const { state, figures } = open(() => {
    if (isDown) throw new Error('the state does not answer')
    return [use('a')]
  })
  await Promise.all([figures.count(), figures.count()])
  state.now += 59_000
  await figures.count()
  t.equal(state.reads, 1)
  isDown = true
  state.now += 1_000
  await figures.count()
  t.equal(state.reads, 2)
  t.equal(figures.countedAt(), NOW)
  t.same([...figures.keys()], [[['one', 'never'], 1]])
})
