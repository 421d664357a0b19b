import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

const KEY = newEncryptionKey()
const INTERNAL_SECRET = randomSecret()

const said = (folder: string, environ: Record<string, string> = {}) => {
  const given = { ENCRYPTION_KEYS: KEY, INTERNAL_SECRET, ENVIRONMENT: 'pro', ...environ }
  try {
    return { warnings: warningsOf(readConfig(given, folder)), faults: [] }
  } catch (error) {
    const { faults } = error as ConfigError
    return { warnings: [], faults: faults.map(({ place, message }) => `${place} ${message}`) }
  }
}

const folderOf = (t: Test, yaml = 'stores: []\n'): string => {
  const folder = t.testdir({ 'purser.yaml': yaml, secrets: {} })
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'secrets'), 0o755)
  return folder
}

const put = (folder: string, name: string, text: string, mode: number): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

test('a secret in a file that everybody can change is refused, one that everybody can read is warned of', async (t) => {
  const folder = folderOf(t)
  const file = put(folder, 'secrets/key', KEY, 0o600)
  const environ = { ENCRYPTION_KEYS: '', ENCRYPTION_KEYS_FILE: file }
  t.strictSame(said(folder, environ), { warnings: [], faults: [] })
  chmodSync(file, 0o644)
  t.match(said(folder, environ), {
    faults: [],
    warnings: [/^ENCRYPTION_KEYS_FILE: the file can be read by everybody/]
  })
  t.strictSame(said(folder, { ...environ, ENVIRONMENT: 'stg' }).warnings, [])
  chmodSync(file, 0o666)
  t.match(said(folder, environ).faults, [
    /^ENCRYPTION_KEYS_FILE the file can be changed by everybody/
  ])
  chmodSync(join(folder, 'secrets'), 0o700)
  t.strictSame(said(folder, environ), { warnings: [], faults: [] }, 'its folder keeps them out')
})

test('the same holds for the credentials of stores and of bots', async (t) => {
  const folder = folderOf(
    t,
    `stores:
  - name: vault
    kind: vault
    address: https://vault.example
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { file: ${join(t.testdirName, 'secrets', 'token')} } }
bots: [{ name: b, credentials: { k: v } }]
`
  )
  put(folder, 'secrets/token', 'x', 0o644)
  chmodSync(join(folder, 'purser.yaml'), 0o600)
  t.match(said(folder).warnings, [/^purser\.yaml:6:\d+: the file can be read by everybody/])
  chmodSync(join(folder, 'secrets/token'), 0o600)
  t.strictSame(said(folder).warnings, [])
  chmodSync(join(folder, 'purser.yaml'), 0o644)
  t.match(said(folder).warnings, [/^CONFIG_FILE: holds credentials of bots and can be read/])
})

test('an audit trail that is open to everybody is warned of by its days', async (t) => {
  const folder = folderOf(t)
  mkdirSync(join(folder, 'data/audit'), { recursive: true })
  chmodSync(join(folder, 'data/audit'), 0o755)
  put(folder, 'data/audit/2026-01-01.jsonl', '', 0o600)
  t.strictSame(said(folder).warnings, [])
  put(folder, 'data/audit/2026-01-02.jsonl', '', 0o666)
  t.match(said(folder).warnings, [/^DATA_DIR: the audit trail is open .*: 2026-01-02\.jsonl$/])
})

test('limits and a log that are switched off are warned of in pre and pro', async (t) => {
  const folder = folderOf(t)
  const off = { RATE_LIMIT_ENABLED: 'false', LOG_LEVEL: 'silent' }
  t.match(said(folder, off).warnings, [
    /^RATE_LIMIT_ENABLED=false in pro/,
    /^LOG_LEVEL=silent in pro/
  ])
  t.strictSame(said(folder, { ...off, ENVIRONMENT: 'dev' }).warnings, [])
})

test('a credential that is not there is a warning with its place', async (t) => {
  const folder = folderOf(
    t,
    `stores:
  - name: vault
    kind: vault
    address: https://vault.example
    mounts: [{ path: kv, version: 2 }]
    auth: { method: approle, roleId: { env: ROLE }, secretId: { file: none } }
`
  )
  t.match(said(folder).warnings, [
    /^purser\.yaml:6:\d+: stores\.0\.auth\.roleId names a variable that is not set: the store vault/,
    /^purser\.yaml:6:\d+: stores\.0\.auth\.secretId names a file that is not there: the store vault/
  ])
  put(folder, 'none', 'x', 0o600)
  t.strictSame(said(folder, { ROLE: 'x' }).warnings, [])
})
