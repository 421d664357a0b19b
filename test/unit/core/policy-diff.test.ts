/** What two lists of rules differ in for each client, by pattern. */
import { test } from 'tap'
import type { PolicyRule } from '../../../src/core/policy.ts'
import { diffRules } from '../../../src/core/policy-diff.ts'

const NOW = Date.parse('2026-11-30T12:00:00Z')

const diff = (before: readonly PolicyRule[], after: readonly PolicyRule[]) =>
  diffRules(before, after, NOW)

test('rules that say the same in another order or shape change nothing', async (t) => {
  const before = [{ client: ['a', 'b'], read: ['local:x/*', 'local:y'] }]
  const after = [
    { client: 'b', read: ['local:y', 'local:x/*'] },
    { client: 'a', read: ['local:y'] },
    { client: 'a', read: ['local:x/*', 'local:y'], write: [] }
  ]
  t.strictSame(diff(before, after), [])
})

test('each client is told what it gains and loses, in every list', async (t) => {
  const before = [{ client: 'a', read: ['local:x'], bots: ['one'] }]
  const after = [
    { client: 'a', read: ['local:y'], write: ['local:x'] },
    { client: 'b', channels: ['web'] }
  ]
  t.strictSame(diff(before, after), [
    {
      client: 'a',
      lost: [
        { list: 'bots', pattern: 'one' },
        { list: 'read', pattern: 'local:x' }
      ],
      gained: [
        { list: 'read', pattern: 'local:y' },
        { list: 'write', pattern: 'local:x' }
      ]
    },
    { client: 'b', lost: [], gained: [{ list: 'channels', pattern: 'web' }] }
  ])
})

test('a client that is named has what every client has, and loses nothing when its own rule goes', async (t) => {
  const before = [{ client: 'a', read: ['local:x'] }]
  const after = [{ client: '*', read: ['local:x'] }]
  const gained = [{ list: 'read', pattern: 'local:x' }]
  t.strictSame(diff(before, after), [{ client: '*', lost: [], gained }])
  t.strictSame(diff(after, before), [{ client: '*', lost: gained, gained: [] }])
})

test('an end that moves is a gain or a loss, and a rule that has ended gives nothing', async (t) => {
  const until = (day: string) => [{ client: 'a', read: ['local:x'], until: day }]
  const forGood = [{ client: 'a', read: ['local:x'] }]
  const right = { list: 'read', pattern: 'local:x' }
  const end = '2026-12-25T00:00:00.000Z'
  t.strictSame(diff(forGood, until('2026-12-24')), [
    { client: 'a', lost: [{ ...right, from: end }], gained: [] }
  ])
  t.strictSame(diff(until('2026-12-01'), until('2026-12-24')), [
    { client: 'a', lost: [], gained: [{ ...right, until: end }] }
  ])
  t.strictSame(diff(until('2026-12-24'), forGood), [{ client: 'a', lost: [], gained: [right] }])
  t.strictSame(diff(until('2026-11-01'), []), [])
})
