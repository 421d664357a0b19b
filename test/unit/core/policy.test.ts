import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { isClientName, type PolicyAction, type PolicyRule } from '../../../src/core/policy.ts'
import type { Reference } from '../../../src/core/reference.ts'
import { compilePolicy } from '../../../src/kinds/references.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'

const vectors = readVectors<{
  decisions: Vector<
    { rules: PolicyRule[]; client: string; action: PolicyAction; reference: Reference },
    { index: number; pattern: string } | false
  >[]
  /** `expect` is a word of the sentence that says what is wrong. */
  malformed: Vector<string, string>[]
}>('policies')

test('a policy decides as its vector says', async (t) => {
  for (const { name, input, expect } of vectors.decisions) {
    const policy = compilePolicy(input.rules)
    const decision = policy.decide(input.client, input.action, input.reference)
    t.strictSame(
      decision,
      expect === false ? { allowed: false } : { allowed: true, rule: expect },
      name
    )
    t.equal(
      policy.isAllowed(input.client, input.action, input.reference),
      expect !== false,
      `${name}: isAllowed`
    )
  }
})

test('a malformed pattern is refused with a sentence that names what is wrong', async (t) => {
  for (const { name, input, expect } of vectors.malformed) {
    const message = new RegExp(expect)
    t.throws(() => compilePolicy([{ client: 'app', read: [input] }]), { message }, name)
    t.throws(() => compilePolicy([{ client: 'app', write: [input] }]), { message }, name)
  }
})

test('a rule is for clients by their names', async (t) => {
  for (const client of ['', 'a b', '**', '-a', 'a'.repeat(65), 'a/b', [], ['app', '']]) {
    t.throws(() => compilePolicy([{ client }]), { message: /client/ }, JSON.stringify(client))
  }
  t.equal(isClientName('aos-app_2.0'), true)
  t.equal(isClientName('a'.repeat(64)), true)
  t.equal(isClientName('*'), false)
  t.equal(isClientName('app\n'), false)
})

test('grants are those of the rules for the client and for all, in order and once each', async (t) => {
  const policy = compilePolicy([
    { client: '*', read: ['aws:public/**'], channels: ['webchat'] },
    { client: ['app', 'app'], read: ['aws:a'], write: ['aws:w'], bots: ['one'] },
    { client: 'other', read: ['aws:o'] },
    { client: ['app', '*'], read: ['aws:a', 'aws:b'], bots: ['two', 'one'] }
  ])
  t.strictSame(policy.grantsOf('app'), {
    read: ['aws:public/**', 'aws:a', 'aws:b'],
    write: ['aws:w'],
    bots: ['one', 'two'],
    channels: ['webchat']
  })
  t.strictSame(policy.grantsOf('nobody'), {
    read: ['aws:public/**', 'aws:a', 'aws:b'],
    write: [],
    bots: ['two', 'one'],
    channels: ['webchat']
  })
  policy.grantsOf('app').read.push('aws:**')
  t.notOk(policy.grantsOf('app').read.includes('aws:**'), 'each caller has its own copy')
})

test('a bot or channel is used by its name, which a pattern may cover', async (t) => {
  const policy = compilePolicy([
    { client: 'app', channels: ['web*', 'kiosk'], bots: ['{a,b}-bot'] },
    { client: '*', channels: ['open'] }
  ])
  for (const name of ['web', 'webchat', 'kiosk', 'open']) {
    t.ok(policy.mayUse('app', 'channels', name), name)
  }
  for (const name of ['', 'we', 'xweb', 'kiosk2', 'a-bot', 'Webchat']) {
    t.notOk(policy.mayUse('app', 'channels', name), name)
  }
  t.ok(policy.mayUse('app', 'bots', 'a-bot'))
  t.notOk(policy.mayUse('app', 'bots', 'webchat'), 'a right on channels is none on bots')
  t.ok(policy.mayUse('nobody', 'channels', 'open'))
  t.notOk(policy.mayUse('nobody', 'channels', 'webchat'))
  t.notOk(compilePolicy([{ client: 'app', read: ['aws:**'] }]).mayUse('app', 'channels', 'open'))
})

const client = fc.constantFrom('app', 'other', '*')
const pattern = fc
  .tuple(
    fc.constantFrom('aws', 'kv'),
    fc
      .array(fc.constantFrom('a', 'b', '/', '*', '?', '{a,b/}'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('').replaceAll(/\*{3,}/g, '**')),
    fc.constantFrom('', '#f', '#g')
  )
  .map(([store, path, field]) => `${store}:${path}${field}`)
const rule: fc.Arbitrary<PolicyRule> = fc.record({
  client: fc.oneof(client, fc.array(client, { minLength: 1, maxLength: 2 })),
  read: fc.array(pattern, { maxLength: 3 }),
  write: fc.array(pattern, { maxLength: 3 })
})
const reference = fc.record(
  {
    store: fc.constantFrom('aws', 'kv'),
    path: fc
      .array(fc.constantFrom('a', 'b', '/'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('')),
    field: fc.constantFrom('f', 'g')
  },
  { requiredKeys: ['store', 'path'] }
)
const asked = fc.tuple(
  fc.constantFrom('app', 'other', 'third'),
  fc.constantFrom<PolicyAction>('read', 'write'),
  reference
)

test('taking a rule or a pattern away never grants', async (t) => {
  let allowed = 0
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      asked,
      (rules, at, ask) => {
        const without = rules.filter((_, index) => index !== at % rules.length)
        const emptier = rules.map(({ read = [], ...rest }) => ({ ...rest, read: read.slice(1) }))
        const before = compilePolicy(rules).isAllowed(...ask)
        if (before) allowed += 1
        for (const fewer of [without, emptier]) {
          assert.ok(before || !compilePolicy(fewer).isAllowed(...ask))
        }
      }
    ),
    { numRuns: 2000 }
  )
  t.ok(allowed > 20, 'often enough something was allowed at all')
})

test('a policy allows what one of its rules alone allows, and nothing else', async (t) => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), asked, (rules, ask) => {
      const alone = rules.some((one) => compilePolicy([one]).isAllowed(...ask))
      assert.equal(compilePolicy(rules).isAllowed(...ask), alone)
    }),
    { numRuns: 1000 }
  )
  t.pass('for all that was tried')
})

test('a client may use the bots and channels that a rule names for it or for all, by name or pattern', async (t) => {
  const policy = compilePolicy([
    { client: 'app', bots: ['sample-bot', 'team-*'], channels: ['webchat'] },
    { client: ['app', 'other'], bots: ['*_google'] },
    { client: '*', bots: ['public'] },
    { client: 'all-of-them', bots: ['*'] }
  ])
  for (const [client, name, expected] of [
    ['app', 'sample-bot', true],
    ['app', 'sample-bot2', false],
    ['app', 'Sample-bot', false],
    ['app', 'team-', true],
    ['app', 'team-a', true],
    ['app', 'a-team-a', false],
    ['app', 'my_google', true],
    ['app', 'public', true],
    ['app', 'webchat', false],
    ['other', 'sample-bot', false],
    ['other', 'my_google', true],
    ['nobody', 'public', true],
    ['nobody', 'my_google', false],
    ['all-of-them', 'anything.at_all', true],
    ['*', 'sample-bot', false]
  ] as const) {
    t.equal(policy.mayUse(client, 'bots', name), expected, `${client} ${name}`)
  }
  t.equal(policy.mayUse('app', 'channels', 'webchat'), true)
  t.equal(policy.mayUse('app', 'channels', 'sample-bot'), false)
  for (const pattern of ['', 'a b', 'a/b', 'a:b', 'a#b', '{a,b', '***', 'a'.repeat(257)]) {
    t.throws(() => compilePolicy([{ client: 'app', bots: [pattern] }]), Error, pattern)
    t.throws(() => compilePolicy([{ client: 'app', channels: [pattern] }]), Error, pattern)
  }
})

test('what a client may read below a path counts whole secrets of its own rules alone', async (t) => {
  const policy = compilePolicy([
    { client: 'app', read: ['kv:team/{a,c}/*', 'kv:team/b/one#first', 'other:x/**/y'] },
    { client: 'writer', write: ['kv:**'] },
    { client: '*', read: ['kv:shared/**'] }
  ])
  for (const [client, store, path, expected] of [
    ['app', 'kv', '', true],
    ['app', 'kv', 'team/', true],
    ['app', 'kv', 'team/a/', true],
    ['app', 'kv', 'team/a/deep/', false],
    ['app', 'kv', 'team/b/', false],
    ['app', 'kv', 'team/cc/', false],
    ['app', 'kv', 'shared/any/where/', true],
    ['app', 'other', 'x/1/2/', true],
    ['app', 'other', 'y/', false],
    ['app', 'none', '', false],
    ['writer', 'kv', 'team/', false],
    ['writer', 'kv', 'shared/', true],
    ['stranger', 'kv', '', true],
    ['stranger', 'kv', 'team/', false]
  ] as const) {
    t.equal(policy.mayReadBelow(client, { store, path }), expected, `${client} ${store}:${path}`)
  }
})

test('what a client may reach below a path counts fields, and what it may only write', async (t) => {
  const [soon, now] = [1_000, { ms: 0 }]
  const until = new Date(soon).toISOString()
  const policy = compilePolicy(
    [
      { client: 'app', read: ['kv:team/{a,c}/*', 'kv:team/b/one#first', 'other:x/**/y'] },
      { client: 'writer', write: ['kv:out/*'] },
      { client: 'guest', read: ['kv:**'], until },
      { client: '*', read: ['kv:shared/**'] }
    ],
    () => now.ms
  )
  const reaches = (client: string, store: string, path: string): boolean =>
    policy.mayReachBelow(client, { store, path })
  for (const [client, store, path, expected] of [
    ['app', 'kv', '', true],
    ['app', 'kv', 'team/', true],
    ['app', 'kv', 'team/a/', true],
    ['app', 'kv', 'team/a/deep/', false],
    ['app', 'kv', 'team/b/', true],
    ['app', 'kv', 'team/b/one/', false],
    ['app', 'kv', 'team/cc/', false],
    ['app', 'kv', 'out/', false],
    ['app', 'kv', 'shared/any/where/', true],
    ['app', 'other', 'x/1/2/', true],
    ['app', 'other', 'y/', false],
    ['app', 'none', '', false],
    ['writer', 'kv', 'out/', true],
    ['writer', 'kv', 'out/deep/', false],
    ['writer', 'kv', 'team/', false],
    ['writer', 'other', '', false],
    ['stranger', 'kv', '', true],
    ['stranger', 'kv', 'shared/', true],
    ['stranger', 'kv', 'team/', false],
    ['guest', 'kv', 'team/', true]
  ] as const) {
    t.equal(reaches(client, store, path), expected, `${client} ${store}:${path}`)
  }
  now.ms = soon
  t.equal(reaches('guest', 'kv', 'team/'), false, 'a rule that has ended reaches nothing')
})
