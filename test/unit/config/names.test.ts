import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { distance } from '../../../src/config/names.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

const KEYS = {
  ENVIRONMENT: 'dev',
  ENCRYPTION_KEYS: newEncryptionKey(),
  INTERNAL_SECRET: randomSecret()
}
const VAULT = (auth: string) => `stores:
  - name: vault
    kind: vault
    address: https://vault.example:8200
    mounts: [{ path: kv, version: 2 }]
    auth: ${auth}
`

const folderOf = (t: Test, env: string, yaml = 'stores: []\n'): string => {
  const folder = t.testdir({ 'purser.yaml': yaml })
  writeFileSync(join(folder, '.env'), env)
  chmodSync(join(folder, '.env'), 0o600)
  return folder
}

const faultsOf = (folder: string, environ: Record<string, string> = KEYS): string[] => {
  try {
    readConfig(environ, folder)
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place}: ${message}`)
  }
}

test('a name within two letters of a setting is a fault with its line, and says what may be meant', async (t) => {
  for (const [name, meant] of [
    ['RATE_LIMT_MAX', 'RATE_LIMIT_MAX'],
    ['RATE_LIMIT_MAXX', 'RATE_LIMIT_MAX'],
    ['RATE_LMIIT_MAX', 'RATE_LIMIT_MAX'],
    ['rate_limit_max', 'RATE_LIMIT_MAX'],
    ['ENCRYPTION_KEY', 'ENCRYPTION_KEYS'],
    ['ENCRYPTION_KEYS_FIEL', 'ENCRYPTION_KEYS_FILE'],
    ['REDISURL', 'REDIS_URL'],
    ['PROT', 'PORT'],
    ['AURA_ENCRYPTON_KEY', 'AURA_ENCRYPTION_KEY']
  ] as const) {
    t.strictSame(faultsOf(folderOf(t, `# x\n\n${name}=1\n`)), [
      `.env:3: ${name} is no setting: is ${meant} meant?`
    ])
  }
})

test('names of others are not judged: those of stores, SDKs and telemetry, and whatever is far from ours', async (t) => {
  const names = [
    'AWS_REGION',
    'AZURE_CLIENT_ID',
    'GOOGLE_CLIENT_IDS',
    'KUBERNETES_PORT',
    'VAULT_NAMESPACES',
    'OTEL_SERVICE_NAME',
    'KUBECONFIG',
    'HOME',
    'MY_OWN_THING',
    'REDIS_URLS'
  ]
  const yaml = VAULT('{ method: token, token: { env: REDIS_URLS } }')
  t.strictSame(faultsOf(folderOf(t, names.map((name) => `${name}=1\n`).join(''), yaml)), [])
  const faulty = yaml.replace('kind: vault', 'kind: volt')
  t.match(faultsOf(folderOf(t, 'REDIS_URLS=1\n', faulty)), [/^purser\.yaml:3:11: stores\.0\.kind/])
})

test('a word of its own is not taken for a short setting, nor what OpenSSL reads for one of TLS', async (t) => {
  const names = ['PGHOST', 'PGPORT', 'DBPORT', 'TEST', 'ROOT', 'IMPORT', 'EXPORT', 'REPORT']
  const ofOpenSsl = ['SSL_CERT_FILE', 'SSL_KEY_FILE', 'SSL_CERT_DIR']
  const lines = [...names, ...ofOpenSsl].map((name) => `${name}=1\n`).join('')
  t.strictSame(faultsOf(folderOf(t, lines)), [])
})

test('the environment of the process is full of names that are not ours', async (t) => {
  t.strictSame(faultsOf(folderOf(t, ''), { ...KEYS, RATE_LIMT_MAX: '1' }), [])
})

test('distance counts letters put in, taken out, replaced and exchanged', async (t) => {
  for (const [a, b, expected] of [
    ['', '', 0],
    ['A', '', 1],
    ['PORT', 'PORT', 0],
    ['PORT', 'PROT', 1],
    ['PORT', 'POT', 1],
    ['PORT', 'POORT', 1],
    ['PORT', 'PIRT', 1],
    ['CA', 'ABC', 2],
    ['kitten', 'sitting', 3]
  ] as const) {
    t.equal(distance(a, b), expected, `${a} ${b}`)
    t.equal(distance(b, a), expected, `${b} ${a}`)
  }
})

test('names that operators bring are answered with ours, where they stand', async (t) => {
  const { ENVIRONMENT, ENCRYPTION_KEYS, INTERNAL_SECRET } = KEYS
  const folder = folderOf(
    t,
    [
      `AURA_ENCRYPTION_KEY=${ENCRYPTION_KEYS}`,
      'MAX_UPLOAD_SIZE_MB=5',
      'ALLOW_ADMIN_ENV_WRITE=false',
      'ENABLE_INGEST_URL=false',
      'QUERIES_LOG_RETENTION_DAYS=7',
      'QUERIES_LOG_ENABLED='
    ].join('\n')
  )
  const environ = { ENVIRONMENT, GATEWAY_INTERNAL_SECRET: INTERNAL_SECRET }
  const config = readConfig(environ, folder)
  t.strictSame(config.settings.ENCRYPTION_KEYS, [ENCRYPTION_KEYS])
  t.match(warningsOf(config), [
    '.env:1: AURA_ENCRYPTION_KEY is taken as ENCRYPTION_KEYS',
    'GATEWAY_INTERNAL_SECRET: is taken as INTERNAL_SECRET',
    /^\.env:2: MAX_UPLOAD_SIZE_MB steers nothing here: BODY_LIMIT_KB/,
    /^\.env:3: ALLOW_ADMIN_ENV_WRITE steers nothing here: ALLOW_ADMIN_WRITE/,
    /^\.env:4: ENABLE_INGEST_URL steers nothing here: there is no such route/,
    /^\.env:5: QUERIES_LOG_RETENTION_DAYS steers nothing here: .*AUDIT_RETENTION_DAYS/
  ])
})

test('VAULT_NAMESPACE is that of each Vault store that names none of its own', async (t) => {
  const yaml = VAULT('{ method: token, token: { env: T } }')
  const other = yaml.replace('stores:\n', '').replace('name: vault', 'name: other')
  const folder = folderOf(t, 'VAULT_NAMESPACE=admin/team\n', `${yaml}${other}    namespace: own\n`)
  const { stores } = readConfig(
    { ...KEYS, HASHICORP_VAULT_CONFIG: '[{"address":"https://v.example","token":"t"}]' },
    folder
  )
  t.match(
    stores.map(({ address, settings }) => [address, settings['namespace']]),
    [
      [{ namespace: 'admin/team' }, 'admin/team'],
      [{ namespace: 'own' }, 'own'],
      [{ namespace: 'admin/team' }, 'admin/team']
    ]
  )
  t.match(faultsOf(folderOf(t, 'VAULT_NAMESPACE=/x\n', yaml)), [
    /^purser\.yaml:2:\d+: stores\.0\.namespace/
  ])
})
