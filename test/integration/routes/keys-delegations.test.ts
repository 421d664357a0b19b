// Administrators without the widest key: what a client's keys may issue by `delegations:`, and where that is shown.
import { type Test, test } from 'tap'
import type { ConfigError } from '../../../src/config/fault.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { parseConfigFile } from '../../support/config-file.ts'
import { assertProblem } from '../../support/problem.ts'
import { createConfigured, runPurser } from '../../support/purser-process.ts'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: bot-1, read: ["local:**"] }]
delegations:
  - { client: deployer, clients: ["bot-*"], scopes: ["aura-services:secrets"], modes: [r], maxDays: 30 }
`

const setUp = async (t: Test) => {
  const built = await buildTestApp(t, { yaml: YAML })
  await built.seed('local', 'a', 'x')
  const deployer = (lifetimeSeconds?: number) =>
    built.as('deployer', 'rw', { scopes: ['aura-admin'], lifetimeSeconds })
  const wanted = { client: 'bot-1', scopes: ['aura-services:secrets'], mode: 'r' }
  return { built, withKey: built.withKey, deployer, wanted }
}

test("a deployer's key of aura-admin alone issues a bot's key, which reads", async (t) => {
  const { built, deployer, wanted, withKey } = await setUp(t)
  const { ask, read } = await deployer()
  const { apiKey, ...claims } = (await ask('POST', '/v1/admin/keys', wanted)).json()
  t.match(claims, wanted)
  t.equal(Date.parse(claims.expiresAt) - Date.parse(claims.issuedAt), 30 * 86_400_000)
  t.equal((await withKey(apiKey).read('local:a')).json().value, 'x')
  assertProblem(t, await read('local:a'), {
    code: 'insufficient_scope'
  })
  for (const more of [
    { client: 'app' },
    { mode: 'rw' },
    { scopes: ['aura-services'] },
    { scopes: ['aura-services:token'] }
  ]) {
    const refused = await ask('POST', '/v1/admin/keys', { ...wanted, ...more })
    assertProblem(t, refused, { code: 'insufficient_scope', what: JSON.stringify(more) })
  }
  const short = (await (await deployer(86_400)).ask('POST', '/v1/admin/keys', wanted)).json()
  t.ok(Date.parse(short.expiresAt) <= Date.now() + 86_400_000, 'it ends with its issuer')
  t.equal(short.endsWithIssuer, true)
  await built.reload({ yaml: YAML.replace('bot-*', 'app-*') })
  assertProblem(t, await ask('POST', '/v1/admin/keys', wanted), {
    code: 'insufficient_scope'
  })
})

test('a key that was issued uses no delegation, whether it says by whom or not', async (t) => {
  const { built, deployer, wanted, withKey } = await setUp(t)
  const admin = { client: 'deployer', scopes: ['aura-admin'], mode: 'rw' }
  const child = (await (await deployer()).ask('POST', '/v1/admin/keys', admin)).json()
  assertProblem(t, await withKey(child.apiKey).ask('POST', '/v1/admin/keys', wanted), {
    code: 'insufficient_scope'
  })
  t.equal((await withKey(child.apiKey).ask('GET', '/v1/whoami')).json().delegations, undefined)
  const silent = await built.as('deployer', 'rw', {
    scopes: ['aura-admin'],
    keyId: '6b0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  })
  t.equal((await silent.ask('POST', '/v1/admin/keys', wanted)).statusCode, 201)
})

test('a delegation needs the scope of an administrator, and the mode of a change', async (t) => {
  const { built, wanted } = await setUp(t)
  for (const [scopes, mode, code] of [
    [['aura-services'], 'rw', 'insufficient_scope'],
    [['aura-admin'], 'r', 'insufficient_mode']
  ] as const) {
    const { ask } = await built.as('deployer', mode, { scopes })
    assertProblem(t, await ask('POST', '/v1/admin/keys', wanted), { code })
  }
})

test('whoami, explain and the configuration in force show delegations', async (t) => {
  const { deployer } = await setUp(t)
  const { ask } = await deployer()
  const shown = {
    clients: ['bot-*'],
    scopes: ['aura-services:secrets'],
    modes: ['r'],
    maxDays: 30
  }
  t.same((await ask('GET', '/v1/whoami')).json().delegations, [shown])
  const explained = await ask('GET', '/v1/admin/explain?client=deployer&ref=local:a')
  t.same(explained.json().delegations, [shown])
  const other = await ask('GET', '/v1/admin/explain?client=bot-1&ref=local:a')
  t.equal(other.json().delegations, undefined)
  t.same((await ask('GET', '/v1/admin/config')).json().delegations, [
    { client: ['deployer'], ...shown }
  ])
  const { folder } = createConfigured(t, { yaml: YAML })
  const args = ['explain', '--client', 'deployer', 'local:a']
  t.match(
    (await runPurser(t, folder, args)).stdout,
    /its keys may issue keys of aura-services:secrets \(r\) to bot-\*, for up to 30d/
  )
})

test('each fault of a delegation is told at its place', async (t) => {
  const faultsOf = (entry: string, adminScope = 'aura-admin'): string[] => {
    try {
      parseConfigFile(`stores: []\ndelegations:\n  - ${entry}\n`, 'purser.yaml', { adminScope })
      return []
    } catch (error) {
      return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
    }
  }
  const entry = (more: string, base = 'client: d, clients: [b]') =>
    `{ ${base}, scopes: ["a:b"]${more} }`
  t.same(faultsOf(entry('')), [])
  t.same(faultsOf(entry(', modes: [r, w, rw], maxDays: 1', 'client: [d, e], clients: ["*"]')), [])
  for (const [text, says] of [
    [entry('', 'client: "*", clients: [b]'), /^purser.yaml:3:\d+ .*must be the name of a client/],
    [entry('', 'client: d, clients: ["a b"]'), /^purser.yaml:3:\d+ .*pattern over names/],
    [entry('', 'client: d, clients: []'), /^purser.yaml:3:\d+ /],
    [entry('', 'clients: [b]'), /client/],
    [entry(', modes: [x]'), /^purser.yaml:3:\d+ /],
    [entry(', maxDays: 0'), /^purser.yaml:3:\d+ /],
    [entry(', days: 3'), /days/],
    ['{ client: d, clients: [b], scopes: ["a b"] }', /must be a scope/],
    ['{ client: d, clients: [b], scopes: ["x", "aura-admin"] }', /right to administer/],
    ['{ client: d, clients: [b], scopes: ["aura-admin:keys"] }', /right to administer/]
  ] as const) {
    const faults = faultsOf(text)
    t.equal(faults.length, 1, text)
    t.match(faults[0], says, text)
  }
  t.match(faultsOf('{ client: d, clients: [b], scopes: [acme] }', 'acme:admin'), [/administer/])
})
