/** What is in pre and pro never sent where others could read along. */
import { test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

const vaultAt = (address: string, more = ''): string => `stores:
  - name: vault
    kind: vault
    address: ${address}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: T } }${more && `\n    ${more}`}
`

test('secrets in the clear', async (t) => {
  const said = (environ: Record<string, string>, yaml = 'stores: []\n') => {
    const folder = t.testdir({ 'purser.yaml': yaml })
    const keys = { ENCRYPTION_KEYS: newEncryptionKey(), INTERNAL_SECRET: randomSecret(), T: 'x' }
    try {
      return { warnings: warningsOf(readConfig({ ...keys, ...environ }, folder)), faults: [] }
    } catch (error) {
      const { faults } = error as ConfigError
      return { warnings: [], faults: faults.map(({ place, message }) => `${place} ${message}`) }
    }
  }

  await t.test(
    'a Vault at an http: address is refused in pre and pro, unless its network is said to be closed',
    async (t) => {
      const refusal = /stores\.0\.address would send tokens and secrets in the clear/
      for (const address of [
        'http://vault.internal:8200',
        'http://10.0.0.1',
        'http://127.example:1'
      ]) {
        for (const ENVIRONMENT of ['pre', 'pro']) {
          t.match(said({ ENVIRONMENT }, vaultAt(address)).faults, [refusal], address)
          const closed = said({ ENVIRONMENT }, vaultAt(address, 'insecure: true'))
          t.strictSame(closed.faults, [])
          t.match(closed.warnings, [/in the clear .*: vault$/])
          t.match(said({ ENVIRONMENT }, vaultAt(address, 'insecure: false')).faults, [refusal])
        }
        t.match(said({ ENVIRONMENT: 'stg' }, vaultAt(address)).warnings, [/in the clear/])
      }
      for (const address of ['http://127.0.0.1:8200', 'http://localhost:1', 'http://[::1]:1']) {
        t.strictSame(said({ ENVIRONMENT: 'pro' }, vaultAt(address)), { warnings: [], faults: [] })
      }
      const idle = vaultAt('https://vault.internal', 'insecure: true')
      t.match(said({ ENVIRONMENT: 'dev' }, idle).faults, [/insecure is for an http: address/])
    }
  )

  await t.test('an imported Vault has the same rule', async (t) => {
    const list = (more = {}) =>
      JSON.stringify([{ address: 'http://vault.internal:8200', token: 't', ...more }])
    const imported = (more = {}) => said({ ENVIRONMENT: 'pro', HASHICORP_VAULT_CONFIG: list(more) })
    t.match(imported().faults, [/^HASHICORP_VAULT_CONFIG\[0\]\.address would send/])
    t.match(imported({ insecure: true }).warnings, [/in the clear .*: vault-1$/])
  })

  await t.test(
    'a Redis without TLS is refused at a public address, and warned of elsewhere',
    async (t) => {
      const redis = (REDIS_URL: string, ENVIRONMENT = 'pro') => said({ REDIS_URL, ENVIRONMENT })
      const hosts = ['x.abc.euw1.cache.amazonaws.com', '8.8.8.8', '[2001:4860::1]']
      for (const host of hosts) {
        t.match(redis(`redis://:pw@${host}`).faults, [/^REDIS_URL leads to a public address/], host)
        t.strictSame(redis(`rediss://:pw@${host}`), { warnings: [], faults: [] })
        t.strictSame(redis(`redis://:pw@${host}`, 'stg').faults, [])
      }
      t.match(redis(`redis+cluster://:pw@10.0.0.1,${hosts[0]}`).faults, [/public address/])
      t.match(redis('redis://:pw@redis:6379').warnings, [/^REDIS_URL leads into the network/])
      t.strictSame(redis('redis://127.0.0.1'), { warnings: [], faults: [] })
    }
  )
})
