// What one key may issue another for, as a matrix: client × pattern × scope × mode × days.
import { test } from 'tap'
import type { Mode, Principal } from '../../../src/core/principal.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import {
  clientPatternFault,
  type Delegation,
  delegate,
  delegationsOf,
  described,
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

test('a delegation is shown with the defaults of what it leaves out, to the clients that have it', async (t) => {
  const [first, second] = DELEGATIONS
  t.strictSame(first && described(first), {
    clients: ['bot-*', 'app'],
    scopes: ['aura-services:secrets'],
    modes: ['r'],
    maxDays: 30
  })
  const bare = { client: 'deployer', clients: ['a'], scopes: ['b'] }
  t.strictSame(described(bare), { clients: ['a'], scopes: ['b'], modes: ['r'] })
  t.strictSame(described({ ...bare, maxDays: 0 }).maxDays, 0)
  t.strictSame(delegationsOf(DELEGATIONS, 'other'), second && [described(second)])
  t.equal(delegationsOf(DELEGATIONS, 'deployer').length, 2)
  t.strictSame(delegationsOf(DELEGATIONS, 'bot-1'), [])
})

/** What is issued, or as what it is refused: code, reason, places of faults. */
const issuedFor = (
  asked: Partial<IssueRequest>,
  issuer: Partial<Principal> = {},
  rules: { maxDays?: number; delegations?: readonly Delegation[] } = {}
) => {
  const own = { client: 'b', scopes: ['aura-services'], mode: 'r' as Mode, ...asked }
  const whole = { ...ISSUER, scopes: ['aura-services'], ...issuer }
  try {
    return delegate(whole, own, {
      ...{ platformVersion: '8.3.0', maxDays: 0, adminScope: 'aura-admin' },
      ...rules
    })
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    const places = error.details.errors?.map(({ pointer, rule }) => `${pointer} ${rule}`) ?? []
    return [error.code, error.reason, ...places].filter((one) => one !== undefined).join(' ')
  }
}

test('a key has what was asked for, each scope once, and ends with its issuer', async (t) => {
  const identifier = '9d0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const scopes = ['aura-services', 'aura-services:a', 'aura-services']
  const expected = {
    keyId: identifier,
    client: 'b',
    scopes: ['aura-services', 'aura-services:a'],
    mode: 'r',
    environment: 'dev',
    minimumVersion: '8.3.0',
    lifetimeSeconds: 2 * 86_400,
    endsBy: 7,
    networks: undefined
  }
  t.strictSame(issuedFor({ identifier, scopes, expires: '2d' }, { expiresAt: 7 }), expected)
  t.match(issuedFor({}), { lifetimeSeconds: undefined, endsBy: undefined })
  t.match(issuedFor({}, {}, { maxDays: 3 }), { lifetimeSeconds: 3 * 86_400 })
  t.equal(issuedFor({ mode: 'w' }, { mode: 'r' }), 'insufficient_mode')
  t.equal(issuedFor({ environment: 'pro' }), 'access_denied other_environment')
})

test('a life is said once, is one that a key may have, and faults stand where it was said', async (t) => {
  const both = issuedFor({ expires: '2d', expiresInDays: 2 })
  t.equal(both, 'invalid_request /body/expiresInDays not')
  t.equal(issuedFor({ expires: '40000d' }), 'invalid_request /body/expires maximum')
  const rules = { maxDays: 3 }
  t.match(issuedFor({ expiresInDays: 3 }, {}, rules), { lifetimeSeconds: 3 * 86_400 })
  const tooMany = issuedFor({ expiresInDays: 4 }, {}, rules)
  t.equal(tooMany, 'invalid_request /body/expiresInDays maximum')
  t.equal(issuedFor({ expires: '4d' }, {}, rules), 'invalid_request /body/expires maximum')
  const under = (days: (number | undefined)[]) => ({
    delegations: days.map((maxDays) => ({
      ...{ client: 'deployer', clients: ['b'], scopes: ['other'] },
      ...(maxDays !== undefined && { maxDays })
    }))
  })
  const other = { scopes: ['other'] }
  t.match(issuedFor(other, {}, under([3, 9])), { lifetimeSeconds: 9 * 86_400 })
  t.match(issuedFor(other, {}, under([3, undefined])), { lifetimeSeconds: undefined })
  t.match(issuedFor({ ...other, expires: '9d' }, {}, under([3, 9])), {
    lifetimeSeconds: 9 * 86_400
  })
  const late = issuedFor({ ...other, expires: '10d' }, {}, under([3, 9]))
  t.equal(late, 'invalid_request /body/expires maximum')
})

test('a key asks for no older platform than its issuer, and a text that is no version is left to the key', async (t) => {
  const issuer = { minimumVersion: '8.2.0' }
  t.match(issuedFor({ minimumVersion: '8.2.0' }, issuer), { minimumVersion: '8.2.0' })
  t.match(issuedFor({ minimumVersion: '9.0.0' }, issuer), { minimumVersion: '9.0.0' })
  t.match(issuedFor({ minimumVersion: 'x' }, issuer), { minimumVersion: 'x' })
  const lower = issuedFor({ minimumVersion: '8.1.9' }, issuer)
  t.equal(lower, 'invalid_request /body/minimumVersion minimum')
})

test('a key is for networks within those of its issuer, which it has where it asks for none', async (t) => {
  const bound = { networks: ['10.0.0.0/8', '192.168.1.0/24'] }
  t.match(issuedFor({}, bound), bound)
  t.match(issuedFor({ networks: ['10.1.0.0/16'] }, bound), { networks: ['10.1.0.0/16'] })
  t.match(issuedFor({ networks: ['0.0.0.0/0'] }), { networks: ['0.0.0.0/0'] })
  for (const networks of [['10.0.0.0/7'], ['10.1.0.0/16', '11.0.0.0/8'], ['0.0.0.0/0']]) {
    t.equal(issuedFor({ networks }, bound), 'access_denied wider_networks')
  }
  const wrong = issuedFor({ networks: ['10.1.0.0/16', 'x'] })
  t.equal(wrong, 'invalid_request /body/networks/1 format')
  t.equal(issuedFor({ networks: ['x', 'y'] }, bound), 'invalid_request /body/networks/0 format')
})
