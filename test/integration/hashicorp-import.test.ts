/** Apono's list of Vaults in a running service: entries with a token, and definitions that stand in each of the four clouds. */
import { type Test, test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import type { ConfigError } from '../../src/config/fault.ts'
import { warningsOf } from '../../src/config/warnings.ts'
import { azureDialect, clientSecret } from '../kinds/azure/fake.ts'
import { gcpDialect, PROJECT } from '../kinds/gcp/fake.ts'
import { caFileOf, kubernetesDialect } from '../kinds/kubernetes/fake.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'
import { openRealStores, REGION } from '../support/real-stores.ts'
import { until } from '../support/replicas.ts'
import { openWire, type Wire, type WireBehaviour } from '../support/wire.ts'

const { dialect: vaultDialect } = vaultSubject.wire!

const NONE = 'stores: []\n'
const ONE = `${NONE}policies: [{ client: app, read: ['vault-1:secret/*'] }]\n`

interface Given {
  readonly list: unknown
  readonly yaml?: string
  readonly env?: Environ
  readonly environ?: Environ
}

const listed = (list: unknown): Environ => ({ HASHICORP_VAULT_CONFIG: JSON.stringify(list) })

const build = (t: Test, { list, yaml = ONE, env, environ = {} }: Given): Promise<TestApp> =>
  buildTestApp(t, { yaml, env: { CACHE_TTL_SECONDS: '0', ...listed(list), ...env }, environ })

/** A Vault whose only secret is `{"value":"x"}`. */
const openVault = (t: Test, read: 'found' | 'known CA' | 'unknown CA' = 'found'): Promise<Wire> =>
  openWire(t, vaultDialect, read === 'unknown CA' ? { read } : { read, text: '{"value":"x"}' })

const tokensSent = ({ reads }: Wire) => [
  ...new Set(reads.map(({ headers }) => headers['x-vault-token']))
]

const openGcp = async (t: Test, behaviour: WireBehaviour) => {
  const { host } = new URL((await openWire(t, gcpDialect, behaviour)).url)
  const place = { project: PROJECT, secret_id: 'main', endpoint: host, insecure: true }
  return { from_secret_store: 'GCP', ...place }
}

test('Vaults of the list are read, and a rotated definition is taken up at the next login', async (t) => {
  const real = await openRealStores(t)
  if (real === undefined) return
  const { aws, vault } = real
  const newToken = async () =>
    (await vault.admin('POST', 'auth/token/create', {})).auth.client_token
  const [first, second, third] = await Promise.all([newToken(), newToken(), newToken()])
  await vault.admin('POST', 'secret/data/db', { data: { password: 'from Vault' } })
  const definition = (token: string) => JSON.stringify({ address: vault.url, token })
  const arn = await aws.create('vaults/main', definition(second))
  const fromAws = { from_secret_store: 'AWS', region: REGION, endpoint: aws.url }
  const app = await build(t, {
    list: [
      { address: vault.url, token: first },
      { ...fromAws, secret_id: 'vaults/main' },
      { ...fromAws, secret_id: arn, store: 'by-arn' }
    ],
    yaml: `${NONE}policies: [{ client: app, read: ['vault-1:**', 'vault-2:**', 'by-arn:**'] }]\n`
  })
  const { read } = await app.as('app')
  const found = { statusCode: 200, body: /"value":"from Vault"/ }
  for (const store of ['vault-1', 'vault-2', 'by-arn']) {
    t.match(await read(`${store}:secret/db#password`), found, store)
  }
  t.match(await read(`${vault.url}/v1/secret/data/db#password`), found, 'by the address')
  t.match(await read('vault-2-source:vaults/main#token'), { statusCode: 403 })

  await aws.put('vaults/main', definition(third))
  await vault.admin('POST', 'auth/token/revoke', { token: second })
  for (const store of ['vault-2', 'by-arn']) {
    t.match(await read(`${store}:secret/db#password`), found, `${store}, without a reload`)
  }

  const fourth = await newToken()
  await vault.admin('POST', 'auth/token/revoke', { token: first })
  t.match(await read('vault-1:secret/db#password'), {
    statusCode: 502,
    body: /"code":"store_denied"/
  })
  await app.reload({ env: listed([{ address: vault.url, token: fourth }]), yaml: ONE })
  // The refusal of before is told for a moment yet, to whoever asks for the same secret.
  const isTaken = async () => (await read('vault-1:secret/db#password')).statusCode === 200
  await until(isTaken, { withinMs: 10_000, everyMs: 100 })
  t.match(await read('vault-1:secret/db#password'), found, 'with a token of a new list')

  const told = app.logs.join('')
  for (const token of [first, second, third, fourth]) t.notOk(told.includes(token))
})

/** An entry whose definition stands in a fake of that cloud, and what its login finds in the environment. */
const SOURCES: Readonly<Record<string, (t: Test, text: string) => Promise<object>>> = {
  GCP: (t, text) => openGcp(t, { read: 'found', text }),
  AZURE: async (t, text) => {
    const wire = await openWire(t, azureDialect, { read: 'found', text })
    return {
      from_secret_store: 'AZURE',
      AZURE_KEY_VAULT_URL: wire.url,
      name: 'Main',
      allowAnyHost: true,
      auth: clientSecret(wire),
      ...caFileOf(t, wire)
    }
  },
  KUBERNETES: async (t, text) => {
    const wire = await openWire(t, kubernetesDialect, { read: 'found', text })
    const token = { env: 'KUBERNETES_TOKEN' }
    return {
      from_secret_store: 'KUBERNETES',
      NAMESPACE: 'apps',
      name: 'main',
      auth: { method: 'token', server: wire.url, token, ...caFileOf(t, wire) }
    }
  }
}
const environ = { AZURE_SECRET: 'an-app-secret', KUBERNETES_TOKEN: 'token-1' }

for (const [cloud, open] of Object.entries(SOURCES)) {
  test(`a definition that stands in ${cloud} makes a store`, async (t) => {
    const vault = await openVault(t)
    const definition = { address: vault.url, token: 'of-the-definition', skip_verify: 'false' }
    const entry = await open(t, JSON.stringify(definition))
    const app = await build(t, { list: [entry], environ })
    const { read } = await app.as('app')
    t.match(await read('vault-1:secret/a'), { statusCode: 200, body: /"value":"x"/ })
    t.strictSame(tokensSent(vault), ['of-the-definition'])
    t.strictSame(
      app.app.config().stores.map(({ name }) => name),
      ['vault-1', 'vault-1-source']
    )
  })
}

const failureOf = async (t: Test, given: Given): Promise<string[]> => {
  const error: unknown = await build(t, given).then(
    () => ({ faults: [] }),
    (thrown) => thrown
  )
  return (error as ConfigError).faults.map(({ place, message }) => `${place}: ${message}`)
}

test('a definition that cannot be read stops the start: its place and the sort of failure are told', async (t) => {
  const { token: message, findIn } = createCanary()
  const behaviours: readonly (readonly [WireBehaviour, RegExp])[] = [
    [{ read: 'not found', message }, /not_found \(NOT_FOUND\)$/],
    [{ read: 'denied', message }, /denied \(IAM_PERMISSION_DENIED\)$/],
    [{ read: 'throttled', message }, /throttled \(RESOURCE_EXHAUSTED\)$/],
    [{ read: 'refused' }, /unavailable/],
    [{ read: 'silent' }, /timeout/],
    [
      { read: 'status', status: 200, type: 'text/html', body: message },
      /invalid_answer|unavailable/
    ]
  ]
  const list = await Promise.all(behaviours.map(([behaviour]) => openGcp(t, behaviour)))
  const faults = await failureOf(t, {
    list,
    yaml: NONE,
    env: { UPSTREAM_TIMEOUT_MS: '1000' }
  })
  t.equal(faults.length, behaviours.length)
  behaviours.forEach(([{ read }, expected], index) => {
    const start = `HASHICORP_VAULT_CONFIG[${index}]: its definition could not be read: `
    const fault = faults.find((one) => one.startsWith(start))
    t.match(fault, expected, read)
  })
  t.strictSame(findIn(faults.join('\n')), [])
})

test('a file that a source needs and that is not there is a fault of its entry', async (t) => {
  const entry = { from_secret_store: 'AWS', region: REGION, secret_id: 'x', caCertFile: '/none/ca' }
  t.strictSame(await failureOf(t, { list: [entry], yaml: NONE }), [
    'HASHICORP_VAULT_CONFIG[0]: its definition could not be read: misconfigured'
  ])
})

test('a definition that makes no Vault stops the start, and nothing of it is told', async (t) => {
  const { token, findIn } = createCanary()
  const address = 'https://127.0.0.1:1'
  for (const [text, expected] of [
    [token, 'its definition: must be object'],
    [JSON.stringify([{ address, token }]), 'its definition: must be object'],
    [JSON.stringify({ address: token }), 'its definition: lacks token'],
    [JSON.stringify({ address, token: { token } }), 'its definition: token must be string'],
    [
      JSON.stringify({ address: token, token }),
      'its definition: address is not of the right form: scheme, host and port'
    ],
    [JSON.stringify({ address, token, [token]: 1 }), 'its definition has a member that is not'],
    [JSON.stringify({ address, token, skip_verify: token }), 'its definition: skip_verify must be'],
    [JSON.stringify({ address, token, ca_cert_base64: token }), 'its definition: ca_cert_base64'],
    [
      JSON.stringify({ address, token, ca_cert_base64: 'AAAA' }),
      'its definition: caCertBase64 holds'
    ],
    [JSON.stringify({ address, token, namespace: '..' }), 'its definition: "." and ".."']
  ] as const) {
    const list = [await openGcp(t, { read: 'found', text })]
    const faults = await failureOf(t, { list, yaml: NONE })
    t.equal(faults.length, 1, String(faults))
    t.ok(faults[0]?.startsWith(`HASHICORP_VAULT_CONFIG[0]: ${expected}`), String(faults))
    t.strictSame(findIn(faults.join('\n')), [])
  }
})

test('a reload reads definitions anew; one that fails changes nothing', async (t) => {
  const [before, after] = [await openVault(t), await openVault(t)]
  let text = JSON.stringify({ address: before.url, token: 'a' })
  const wire = await openWire(
    t,
    { ...gcpDialect, found: (_, request) => gcpDialect.found(text, request) },
    { read: 'found', text: '' }
  )
  const { host } = new URL(wire.url)
  const place = { project: PROJECT, secret_id: 'main', endpoint: host, insecure: true }
  const app = await build(t, { list: [{ from_secret_store: 'GCP', ...place }] })
  const { read } = await app.as('app')
  const found = { statusCode: 200, body: /"value":"x"/ }
  t.match(await read('vault-1:secret/a'), found)

  text = 'no definition any more'
  await t.rejects(app.reload({}), { name: 'ConfigError' })
  t.match(await read('vault-1:secret/a'), found)
  t.equal(after.reads.length, 0)

  text = JSON.stringify({ address: after.url, token: 'b' })
  await app.reload({})
  const seen = before.reads.length
  t.match(await read('vault-1:secret/a'), found)
  t.equal(before.reads.length, seen)
  t.strictSame(tokensSent(after), ['b'])
})

test('certificates are verified unless the entry says otherwise, which is warned of', async (t) => {
  const vault = await openVault(t, 'known CA')
  const ca_cert_base64 = Buffer.from(vault.ca ?? '').toString('base64')
  const warned = 'whoever answers is taken for the store, unverified: vault-1'
  for (const [more, expected, warnings] of [
    [{}, { statusCode: 502, body: /"code":"store_misconfigured"/ }, []],
    [{ skip_verify: 'false' }, { statusCode: 502, body: /"code":"store_misconfigured"/ }, []],
    [{ ca_cert_base64 }, { statusCode: 200, body: /"value":"x"/ }, []],
    [{ skip_verify: 'true' }, { statusCode: 200, body: /"value":"x"/ }, [warned]]
  ] as const) {
    const entry = { address: vault.url, token: 'a', ...more }
    const app = await build(t, { list: [entry] })
    t.match(await (await app.as('app')).read('vault-1:secret/a'), expected, JSON.stringify(more))
    t.strictSame(warningsOf(app.app.config()), warnings)
  }
})

test('a definition that asks for no verification is warned of, and refused in pro', async (t) => {
  const definition = { address: 'https://127.0.0.1:1', token: 'a', skip_verify: true }
  const list = [await openGcp(t, { read: 'found', text: JSON.stringify(definition) })]
  const app = await build(t, { list, yaml: NONE })
  t.match(warningsOf(app.app.config()), [/unverified: vault-1$/])
  t.strictSame(await failureOf(t, { list, yaml: NONE, env: { ENVIRONMENT: 'pro' } }), [
    'HASHICORP_VAULT_CONFIG[0]: its definition: skip_verify is refused in pre and pro'
  ])
})
