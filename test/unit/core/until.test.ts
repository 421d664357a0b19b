// When a rule ends: how it is written, and what it allows before and after.
import { test } from 'tap'
import { parseUntil } from '../../../src/core/until.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createDecideRead } from '../../../src/secrets/decision.ts'
import type { Store } from '../../../src/secrets/stores.ts'
import type { Rules } from '../../../src/secrets/terms.ts'

const END = Date.parse('2027-02-01T00:00:00Z')

test('a rule ends at the end of its day in UTC, or at its moment', async (t) => {
  for (const [text, expected] of [
    ['2027-01-31', '2027-02-01T00:00:00.000Z'],
    ['2028-02-29', '2028-03-01T00:00:00.000Z'],
    ['2027-01-31T18:00:00Z', '2027-01-31T18:00:00.000Z'],
    ['2027-01-31T18:00+02:00', '2027-01-31T16:00:00.000Z'],
    ['2027-02-29', undefined],
    ['2027-02-30T00:00:00Z', undefined],
    ['2027-13-01', undefined],
    ['2027-01-31T18:00:00', undefined],
    ['2027-01-31T25:00:00Z', undefined],
    ['31.01.2027', undefined],
    ['tomorrow', undefined],
    ['', undefined]
  ] as const) {
    const at = parseUntil(text)
    t.equal(at === undefined ? undefined : new Date(at).toISOString(), expected, text)
  }
})

test('a rule allows until its end and nothing from then on, whatever it allows', async (t) => {
  const clock = { now: END - 1 }
  const rules = [
    {
      client: 'app',
      read: ['kv:**'],
      write: ['kv:w'],
      bots: ['b'],
      channels: ['c'],
      until: '2027-01-31'
    },
    { client: '*', read: ['kv:open'] }
  ]
  const policy = compilePolicy(rules, () => clock.now)
  const answers = () => ({
    read: policy.isAllowed('app', 'read', { store: 'kv', path: 'a' }),
    write: policy.isAllowed('app', 'write', { store: 'kv', path: 'w' }),
    below: policy.mayReadBelow('app', { store: 'kv', path: 'a/' }),
    bot: policy.mayUse('app', 'bots', 'b'),
    channel: policy.mayUse('app', 'channels', 'c'),
    grants: policy.grantsOf('app').read,
    ended: policy.decideEnded('app', 'read', { store: 'kv', path: 'a' }).rule?.index,
    byAnother: policy.decide('app', 'read', { store: 'kv', path: 'open' }).rule?.index
  })
  t.same(answers(), {
    read: true,
    write: true,
    below: true,
    bot: true,
    channel: true,
    grants: ['kv:**', 'kv:open'],
    ended: undefined,
    byAnother: 0
  })
  const decision = policy.decide('app', 'read', { store: 'kv', path: 'a' })
  t.equal(policy.remainingMs(decision), 1)
  clock.now = END
  t.equal(policy.remainingMs(decision), 0)
  t.same(answers(), {
    read: false,
    write: false,
    below: false,
    bot: false,
    channel: false,
    grants: ['kv:open'],
    ended: 0,
    byAnother: 1
  })
})

test('a decision that is remembered ends with its rule, and the next rule that allows it takes its place', async (t) => {
  const clock = { now: END - 1 }
  const address = { kind: 'local' } as const
  const store = { spec: { name: 'kv' } } as unknown as Store
  const rules: Rules = {
    policy: compilePolicy(
      [
        { client: 'app', read: ['kv:**'], until: '2027-01-31' },
        { client: 'app', read: ['kv:b'] }
      ],
      () => clock.now
    ),
    book: createReferenceBook([{ name: 'kv', address }], new Map()),
    stores: { get: () => store, all: () => [store], close: async () => {} }
  }
  const decideRead = createDecideRead()
  const read = (text: string) => {
    const caller = { client: 'app', mode: 'r', route: '', requestId: '', address: '' } as const
    const decided = decideRead(rules, caller, { text })
    return 'refusal' in decided ? decided.refusal.reason : decided.by?.rule?.index
  }
  for (const _ of ['first', 'remembered']) {
    t.equal(read('kv:a'), 0)
    t.equal(read('kv:b'), 0)
  }
  clock.now = END
  for (const _ of ['first', 'remembered']) {
    t.equal(read('kv:a'), 'rule_ended', 'for the record alone')
    t.equal(read('kv:b'), 1)
    t.equal(read('other:a'), 'unknown_store')
  }
})
