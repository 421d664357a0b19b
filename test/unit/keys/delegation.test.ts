// What one key may issue another for, as a matrix: client × pattern × scope × mode × days.
import { test } from 'tap'
import type { Mode, Principal } from '../../../src/core/principal.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import {
  clientPatternFault,
  type Delegation,
  delegate,
  type IssueRequest
} from '../../../src/keys/delegation.ts'

const ISSUER: Principal = {
  keyId: '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10',
  client: 'deployer',
  scopes: ['aura-admin'],
  mode: 'rw',
  environment: 'dev',
  minimumVersion: '8.3.0',
  issuedAt: 0,
  kid: 'kid'
}
const DELEGATIONS: readonly Delegation[] = [
  {
    client: 'deployer',
    clients: ['bot-*', 'app'],
    scopes: ['aura-services:secrets'],
    modes: ['r'],
    maxDays: 30
  },
  {
    client: ['deployer', 'other'],
    clients: ['web-{a,b}'],
    scopes: ['aura-services:token'],
    modes: ['w']
  },
  { client: 'nobody', clients: ['*'], scopes: ['aura-services', 'aura-ai-services'], modes: ['rw'] }
]

const outcome = (
  asked: Partial<IssueRequest>,
  {
    issuer = {},
    delegations = DELEGATIONS,
    maxDays = 0
  }: { issuer?: Partial<Principal>; delegations?: readonly Delegation[]; maxDays?: number } = {}
) => {
  try {
    const wanted = {
      client: 'bot-1',
      scopes: ['aura-services:secrets'],
      mode: 'r' as Mode,
      ...asked
    }
    const request = delegate({ ...ISSUER, ...issuer }, wanted, {
      platformVersion: '8.3.0',
      maxDays,
      adminScope: 'aura-admin',
      delegations
    })
    const { lifetimeSeconds } = request
    return lifetimeSeconds === undefined ? 'no end' : `${lifetimeSeconds / 86_400}d`
  } catch (error) {
    if (error instanceof ProblemError) return error.code
    throw error
  }
}

const NO_SCOPE = 'insufficient_scope'

test('a delegation allows its clients, scopes, modes and days, and nothing beside them', async (t) => {
  for (const client of [
    'bot-1',
    'bot-',
    'app',
    'bot',
    'xbot-1',
    'BOT-1',
    'deployer',
    'web-a',
    'web-c'
  ]) {
    for (const scope of [
      'aura-services:secrets',
      'aura-services:secrets:deep',
      'aura-services:secrets-2',
      'aura-services:token',
      'aura-services'
    ]) {
      for (const mode of ['r', 'w', 'rw'] as const) {
        const first = /^bot-|^app$/.test(client) && /:secrets(:deep)?$/.test(scope) && mode === 'r'
        const second = client === 'web-a' && scope.endsWith(':token') && mode === 'w'
        const expected = first ? '30d' : second ? 'no end' : NO_SCOPE
        const what = `${client} ${scope} ${mode}`
        t.equal(outcome({ client, scopes: [scope], mode }), expected, what)
        t.equal(outcome({ client, scopes: [scope], mode }, { delegations: [] }), NO_SCOPE, what)
      }
    }
  }
  for (const [days, expected] of [
    [1, '1d'],
    [30, '30d'],
    [31, 'invalid_request']
  ] as const) {
    t.equal(outcome({ expiresInDays: days }), expected)
    t.equal(outcome({ expires: `${days}d` }), expected)
  }
  t.equal(outcome({}, { maxDays: 7 }), '7d', 'API_KEY_MAX_DAYS holds besides')
  t.equal(outcome({ expires: '8d' }, { maxDays: 7 }), 'invalid_request')
  t.equal(outcome({ environment: 'pro' }), 'access_denied')
})

test('scopes are allowed by one delegation together, or by the own ones together', async (t) => {
  const scopes = ['aura-services:secrets', 'aura-services:token']
  t.equal(outcome({ client: 'web-a', scopes, mode: 'w' }), NO_SCOPE)
  t.equal(outcome({ scopes: ['aura-admin', 'aura-services:secrets'] }), NO_SCOPE)
  t.equal(outcome({ scopes: ['aura-admin'] }), 'no end', 'its own')
  t.equal(
    outcome({ client: 'web-a', scopes: scopes.slice(1), mode: 'w' }, { issuer: { mode: 'w' } }),
    'no end'
  )
  t.equal(outcome({ mode: 'r' }, { issuer: { mode: 'w' } }), '30d', "the mode is the delegation's")
})

test('only its own client uses a delegation', async (t) => {
  for (const client of ['other', 'nobody-else', 'deployer-2', 'Deployer', 'bot-1']) {
    t.equal(outcome({}, { issuer: { client } }), NO_SCOPE, client)
  }
  const web = { client: 'web-b', scopes: ['aura-services:token'], mode: 'w' as Mode }
  t.equal(outcome(web, { issuer: { client: 'other' } }), 'no end')
})

test('no delegation leads to the right to administer, or to a client that delegates itself', async (t) => {
  const wide: Delegation = {
    client: 'deployer',
    clients: ['*'],
    scopes: ['aura-admin', 'acme', 'aura-services'],
    modes: ['rw']
  }
  const issuer = { scopes: ['aura-services:token'] }
  for (const scope of ['aura-admin', 'aura-admin:keys', 'aura-admin:keys:issue']) {
    t.equal(outcome({ scopes: [scope] }, { issuer, delegations: [wide] }), NO_SCOPE, scope)
  }
  t.equal(outcome({ scopes: ['acme'] }, { issuer, delegations: [wide] }), 'no end')
  const above = (adminScope: string) => {
    const asked = { client: 'bot-1', scopes: ['acme'], mode: 'r' as Mode }
    const rules = { platformVersion: '8.3.0', maxDays: 0, adminScope, delegations: [wide] }
    return () => delegate({ ...ISSUER, ...issuer }, asked, rules)
  }
  t.throws(above('acme:admin'), { code: NO_SCOPE }, 'nor what stands above it')
  t.equal(outcome({ client: 'deployer' }, { delegations: [wide] }), NO_SCOPE)
})

test('modes are r alone unless said, and a listed mode gives its parts', async (t) => {
  const base = { client: 'deployer', clients: ['bot-1'], scopes: ['aura-services'] }
  const allowed = (modes?: Mode[]) =>
    (['r', 'w', 'rw'] as const).filter(
      (mode) =>
        outcome({ mode }, { delegations: [{ ...base, ...(modes && { modes }) }] }) === 'no end'
    )
  t.same(allowed(), ['r'])
  t.same(allowed(['w']), ['w'])
  t.same(allowed(['r', 'w']), ['r', 'w'])
  t.same(allowed(['rw']), ['r', 'w', 'rw'])
})

test('a pattern over clients says what is wrong with it', async (t) => {
  for (const pattern of ['bot-*', '*', 'a', '{a,b}-?'])
    t.equal(clientPatternFault(pattern), undefined)
  for (const pattern of ['', 'a b', 'a/b', '{a', 'a,b', 'ä', '%2A']) {
    t.type(clientPatternFault(pattern), 'string', pattern)
  }
})
