import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { type Config, credentialsIn, readConfig } from '../../../src/config/config.ts'
import type { Environ } from '../../../src/config/env.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createCanary } from '../../support/canary.ts'
import { createDirectory } from '../../support/embedded.ts'
import { randomSecret } from '../../support/keys.ts'

const LABEL = 'HASHICORP_VAULT_CONFIG'
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

interface Given {
  readonly list?: unknown
  readonly yaml?: string
  readonly environ?: Environ
}

const read = (t: Test, { list, yaml = 'stores: []\n', environ }: Given): Config => {
  const text = typeof list === 'string' ? list : JSON.stringify(list)
  return readConfig(
    {
      ENVIRONMENT: 'dev',
      ENCRYPTION_KEYS: newEncryptionKey(),
      INTERNAL_SECRET: randomSecret(),
      ...(text !== undefined && { HASHICORP_VAULT_CONFIG: text }),
      ...environ
    },
    t.testdir({ 'purser.yaml': yaml })
  )
}

const faultsOf = (t: Test, given: Given): string[] => {
  try {
    read(t, given)
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place}: ${message}`)
  }
}

const VAULT = { address: 'http://127.0.0.1:8200', token: 'a-token' }
const FROM_AWS = { from_secret_store: 'AWS', region: 'eu-west-1', secret_id: 'vaults/main' }
const FROM_GCP = { from_secret_store: 'GCP', project: 'my-project', secret_id: 'main' }
const FROM_AZURE = {
  from_secret_store: 'AZURE',
  AZURE_KEY_VAULT_URL: 'https://my-vault.vault.azure.net',
  name: 'Main'
}
const FROM_KUBERNETES = { from_secret_store: 'KUBERNETES', NAMESPACE: 'apps', name: 'main' }

test("each of Apono's entries becomes a store, and the stores of definitions come along", async (t) => {
  const { stores } = read(t, { list: [VAULT, FROM_AWS, FROM_GCP, FROM_AZURE, FROM_KUBERNETES] })
  const mounts = [{ path: 'secret', version: 2 }]
  const origin = 'https://unknown.invalid'
  t.strictSame(
    stores.map(({ name, address, definition }) => [name, address, definition?.ref]),
    [
      ['vault-1', { kind: 'vault', origin: VAULT.address, mounts }, undefined],
      ['vault-2', { kind: 'vault', origin, mounts }, 'vault-2-source:vaults/main'],
      [
        'vault-2-source',
        { kind: 'aws-secrets-manager', partition: 'aws', region: 'eu-west-1', accounts: [] },
        undefined
      ],
      ['vault-3', { kind: 'vault', origin, mounts }, 'vault-3-source:main'],
      ['vault-3-source', { kind: 'gcp-secret-manager', project: 'my-project' }, undefined],
      ['vault-4', { kind: 'vault', origin, mounts }, 'vault-4-source:Main'],
      ['vault-4-source', { kind: 'azure-key-vault', host: 'my-vault.vault.azure.net' }, undefined],
      ['vault-5', { kind: 'vault', origin, mounts }, 'vault-5-source:apps/main'],
      ['vault-5-source', { kind: 'kubernetes', namespaces: ['apps'] }, undefined]
    ]
  )
  t.match(stores[1]?.settings, { auth: { token: { ref: 'vault-2-source:vaults/main#token' } } })
})

test('a token is in no setting of a store, and is found beside the environment', async (t) => {
  const canary = createCanary()
  const config = read(t, { list: [VAULT, { ...VAULT, token: canary.token }] })
  t.strictSame(canary.findIn(JSON.stringify(config.stores)), [])
  const credential = credentialsIn(config, { OTHER: 'x', [`${LABEL}[0].token`]: 'not this' })
  t.match(config.stores[1]?.settings, { auth: { token: { env: `${LABEL}[1].token` } } })
  t.equal(credential(`${LABEL}[1].token`), canary.token)
  t.equal(credential(`${LABEL}[0].token`), 'a-token')
  t.equal(credential('OTHER'), 'x')
  t.equal(credential(`${LABEL}[2].token`), undefined)
})

test('an entry may name its store, its engines, its namespace and its authorities', async (t) => {
  const mounts = [{ path: 'team/kv', version: 1 }]
  const base64 = Buffer.from(PEM).toString('base64')
  const lines = `${base64.slice(0, 20)}\n${base64.slice(20)}\n`
  const { stores } = read(t, {
    list: [
      { ...VAULT, store: 'main', mounts, namespace: 'admin', ca_cert_base64: lines },
      { ...FROM_KUBERNETES, store: 'other', mounts }
    ]
  })
  t.match(stores[0], {
    name: 'main',
    settings: { mounts, namespace: 'admin', caCertBase64: base64 }
  })
  t.match(stores[1], { name: 'other', settings: { mounts } })
  t.equal(stores[2]?.name, 'other-source')
})

test('what keeps a definition is told in the words of purser.yaml where Apono has none', async (t) => {
  const auth = { method: 'token', server: 'https://127.0.0.1:1', token: { file: 'token' } }
  const sources = [
    [{ ...FROM_AWS, endpoint: 'http://127.0.0.1:1' }, { endpoint: 'http://127.0.0.1:1' }],
    [{ ...FROM_GCP, endpoint: '127.0.0.1:1', insecure: true }, { insecure: true }],
    [
      {
        from_secret_store: 'AZURE',
        vault_url: 'https://127.0.0.1:1',
        name: 'x',
        allowAnyHost: true,
        caCertFile: 'ca.pem'
      },
      { vaultUrl: 'https://127.0.0.1:1', allowAnyHost: true, caCertFile: 'ca.pem' }
    ],
    [{ from_secret_store: 'KUBERNETES', namespace: 'apps', name: 'x', auth }, { auth }]
  ] as const
  const { stores } = read(t, { list: sources.map(([entry]) => entry) })
  sources.forEach(([{ from_secret_store: what }, settings], index) => {
    t.match(stores[2 * index + 1]?.settings, settings, what)
  })
})

test('an ARN leads to the definition as it stands, in its region and account', async (t) => {
  const secret_id = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:vaults/main-AbCdEf'
  const { stores } = read(t, { list: [{ ...FROM_AWS, secret_id }] })
  t.equal(stores[0]?.definition?.ref, secret_id)
  t.match(stores[1]?.settings, { accounts: ['123456789012'] })
  t.strictSame(faultsOf(t, { list: [{ ...FROM_AWS, secret_id, region: 'eu-west-3' }] }), [
    `${LABEL}[0]: names a secret that cannot be in that store`
  ])
})

test('policies and names of purser.yaml may speak of the imported stores', async (t) => {
  const yaml = `stores: []
policies: [{ client: app, read: ['vault-1:secret/*', 'vault-2:secret/db#password'] }]
secrets: { db: 'vault-2:secret/db#password', url: '${VAULT.address}/v1/secret/data/db#password' }
`
  t.strictSame(faultsOf(t, { list: [VAULT, FROM_AWS], yaml }), [])
  t.match(faultsOf(t, { yaml }).join('\n'), /policies.0.read.0 names a store that is not/)
})

test('a name that another store has is refused', async (t) => {
  const yaml = 'stores: [{ name: vault-2, kind: local }]\n'
  const message = 'has the name of another store: its member store can give it one of its own'
  t.strictSame(faultsOf(t, { list: [VAULT, VAULT], yaml }), [`${LABEL}[1]: ${message}`])
  t.strictSame(faultsOf(t, { list: [{ ...VAULT, store: 'vault-2' }, VAULT] }), [
    `${LABEL}[1]: ${message}`
  ])
  t.strictSame(faultsOf(t, { list: [FROM_AWS, { ...VAULT, store: 'vault-1-source' }] }), [
    `${LABEL}[1]: ${message}`
  ])
  t.strictSame(faultsOf(t, { list: [VAULT, { ...VAULT, store: 'other' }], yaml }), [])
})

test('skip_verify is a flag or its text, and refused in pre and pro', async (t) => {
  for (const [skip_verify, skipVerify] of [
    ['true', true],
    [true, true],
    ['false', undefined],
    [false, undefined]
  ] as const) {
    const given = { list: [{ ...VAULT, skip_verify }] }
    for (const ENVIRONMENT of ['dev', 'stg']) {
      const { stores } = read(t, { ...given, environ: { ENVIRONMENT } })
      t.equal(stores[0]?.settings['skipVerify'], skipVerify)
    }
    for (const ENVIRONMENT of ['pre', 'pro']) {
      const refused = [`${LABEL}[0].skip_verify: is refused in pre and pro`]
      const faults = faultsOf(t, { ...given, environ: { ENVIRONMENT } })
      t.strictSame(faults, skipVerify ? refused : [], ENVIRONMENT)
    }
  }
  t.match(faultsOf(t, { list: [{ ...VAULT, skip_verify: 'yes' }] }), [
    /^HASHICORP_VAULT_CONFIG\[0\]\.skip_verify: must be/
  ])
  const both = { ...VAULT, skip_verify: true, ca_cert_base64: Buffer.from(PEM).toString('base64') }
  t.match(faultsOf(t, { list: [both] }), [/\[0\]: without verification, the authorities/])
})

test('skipVerify of purser.yaml keeps the same rule', async (t) => {
  const yaml = `stores:
  - name: v
    kind: vault
    address: https://127.0.0.1
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
    skipVerify: true
`
  t.strictSame(faultsOf(t, { yaml }), [])
  t.strictSame(faultsOf(t, { yaml, environ: { ENVIRONMENT: 'pro' } }), [
    'purser.yaml:7:17: stores.0.skipVerify is refused in pre and pro'
  ])
})

test('each fault is told with its place, and all at once', async (t) => {
  for (const [entry, ...expected] of [
    ['text', '[0]: must be an object'],
    [{}, '[0]: lacks address, token'],
    [{ address: VAULT.address }, '[0]: lacks token'],
    [{ ...VAULT, colour: 1 }, '[0].colour: is not a known member'],
    [{ ...VAULT, name: 'main' }, '[0].name: is not a known member'],
    [{ ...VAULT, store: 'UPPER' }, '[0].store: must be lower-case letters'],
    [{ ...VAULT, store: 1 }, '[0].store: must be string'],
    [{ ...VAULT, address: 'vault:8200' }, '[0].address: is not of the right form'],
    [{ ...VAULT, token: 1 }, '[0].token: must be string'],
    [{ ...VAULT, token: '' }, '[0].token: must'],
    [{ ...VAULT, ca_cert_base64: 'no base64!' }, '[0].ca_cert_base64: is not of the right form'],
    [{ ...VAULT, ca_cert_base64: 'AAAA' }, '[0]: caCertBase64 holds no PEM'],
    [{ ...VAULT, mounts: [{ path: 'kv' }] }, '[0].mounts[0]: lacks version'],
    [{ ...VAULT, mounts: [] }, '[0].mounts: must not'],
    [{ from_secret_store: 'GITHUB' }, '[0]: must be given as one of { from_secret_store: AWS }'],
    [{ from_secret_store: 'AWS', region: 'eu-west-1' }, '[0]: lacks secret_id'],
    [{ ...FROM_AWS, token: 'x' }, '[0].token: is not a known member'],
    [{ ...FROM_AWS, region: 'x' }, '[0].region: is not of the right form'],
    [{ ...FROM_AWS, endpoint: 'http://10.0.0.1' }, '[0]: an http: endpoint'],
    [{ ...FROM_AWS, secret_id: 'a b' }, '[0]: names no secret: The reference was read'],
    [{ ...FROM_AWS, secret_id: 'a#b' }, '[0]: names a secret by more than its path'],
    [{ ...FROM_AWS, secret_id: 'a?version=b' }, '[0]: names a secret by more than its path'],
    [{ ...FROM_AWS, mounts: 1 }, '[0].mounts: must be array'],
    [{ ...FROM_AWS, store: 'x'.repeat(60) }, '[0].store: must be lower-case letters'],
    [{ ...FROM_GCP, insecure: 'x' }, '[0].insecure: must be boolean'],
    [{ ...FROM_AZURE, vault_url: 'x' }, '[0].vault_url: is given twice'],
    [
      { ...FROM_AZURE, AZURE_KEY_VAULT_URL: 'x' },
      '[0].AZURE_KEY_VAULT_URL: is not of the right form'
    ],
    [{ from_secret_store: 'AZURE', name: 'x' }, '[0]: lacks vault_url'],
    [{ ...FROM_KUBERNETES, NAMESPACE: 'Apps' }, '[0].NAMESPACE[0]: must match pattern'],
    [
      {
        ...FROM_KUBERNETES,
        auth: { method: 'token', server: 'https://127.0.0.1', token: { ref: 'local:x' } }
      },
      '[0].auth: cannot be in another store'
    ]
  ] as const) {
    const faults = faultsOf(t, { list: [entry] })
    t.equal(faults.length, expected.length, `${JSON.stringify(entry)} ${faults}`)
    for (const start of expected) t.ok(faults[0]?.startsWith(LABEL + start), `${faults} ${start}`)
  }
  const together = faultsOf(t, {
    list: [{ ...VAULT, colour: 1 }, VAULT, {}],
    yaml: 'stores: [{ name: x, kind: y }]\n'
  })
  t.match(together, [/\[0\]\.colour/, /\[2\]: lacks/, /^purser.yaml:1:/])
})

test("what is not JSON is refused with its place, Apono's own example among it", async (t) => {
  const example = `[{"address":"http://HASHICORP_VAULT_URL","token":"HASHICORP_VAULT_TOKEN"},
{"from_secret_store": "AWS", "region": "AWS_REGION", "secret_id": "AWS_SECRET_ID",},
{"from_secret_store": "GCP", "project": "GCP_PROJECT_ID", "secret_id": "GCP_SECRET_ID"}
]`
  t.strictSame(faultsOf(t, { list: example }), [
    `${LABEL}:2:83: is not valid JSON: take out the comma before it`
  ])
  t.strictSame(faultsOf(t, { list: '{}' }), [`${LABEL}: must be a list of Vaults`])
  t.strictSame(faultsOf(t, { list: '[]' }), [])
})

test('the list comes from a file as well, but not from two places', async (t) => {
  const folder = createDirectory(t)
  const file = join(folder, 'vaults.json')
  writeFileSync(file, JSON.stringify([VAULT, { ...VAULT, colour: 1 }]))
  const environ = { HASHICORP_VAULT_CONFIG_FILE_PATH: file }
  t.strictSame(faultsOf(t, { environ }), [
    'HASHICORP_VAULT_CONFIG_FILE_PATH[1].colour: is not a known member'
  ])
  writeFileSync(file, `\uFEFF${JSON.stringify([VAULT])}`)
  const { stores } = read(t, { environ })
  t.equal(stores[0]?.name, 'vault-1')
  t.strictSame(faultsOf(t, { list: [VAULT], environ }), [
    'HASHICORP_VAULT_CONFIG_FILE_PATH: is given beside HASHICORP_VAULT_CONFIG: take one'
  ])
  writeFileSync(file, Buffer.from(`\uFEFF${JSON.stringify([VAULT])}`, 'utf16le'))
  t.strictSame(faultsOf(t, { environ }), [
    'HASHICORP_VAULT_CONFIG_FILE_PATH: the file is UTF-16: save it as UTF-8'
  ])
  const missing = { HASHICORP_VAULT_CONFIG_FILE_PATH: join(folder, 'none.json') }
  t.strictSame(faultsOf(t, { environ: missing }), [
    'HASHICORP_VAULT_CONFIG_FILE_PATH: the file is not there'
  ])
})

test('no fault repeats what the list says', async (t) => {
  const { token, findIn } = createCanary()
  const lists = [
    ...['address', 'ca_cert_base64', 'skip_verify', 'store', 'mounts'].map((name) => [
      { ...VAULT, [name]: token }
    ]),
    [{ ...VAULT, token, address: 1 }],
    [{ ...VAULT, mounts: [{ path: token, version: token }] }],
    [{ from_secret_store: token }],
    ...['region', 'secret_id', 'endpoint', 'store'].map((name) => [{ ...FROM_AWS, [name]: token }]),
    ...['project', 'secret_id', 'insecure'].map((name) => [{ ...FROM_GCP, [name]: token }]),
    ...['AZURE_KEY_VAULT_URL', 'name', 'auth'].map((name) => [{ ...FROM_AZURE, [name]: token }]),
    ...['NAMESPACE', 'name', 'auth'].map((name) => [{ ...FROM_KUBERNETES, [name]: token }]),
    [token],
    token,
    `[{"token": ${JSON.stringify(token)},}]`,
    JSON.stringify(token)
  ]
  for (const list of lists) {
    const faults = faultsOf(t, { list })
    t.not(faults.length, 0, JSON.stringify(list))
    t.strictSame(findIn(faults.join('\n')), [], JSON.stringify(list))
  }
})
