/** Where settings are read from and written to, and what `config check` says of them. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createDirectory } from '../support/embedded.ts'
import { createConfigured, runPurser } from '../support/purser-process.ts'

test('Every command reads the file that --env-file names, which wins over ENV_FILE and ./.env', async (t) => {
  const { folder } = createConfigured(t)
  renameSync(join(folder, '.env'), join(folder, 'my.env'))
  writeFileSync(join(folder, '.env'), 'what is this\n')
  const env = { ENV_FILE: 'none.env' }
  for (const args of [
    ['--env-file', 'my.env', 'store', 'list'],
    ['key', 'issue', '-e', 'dev', '--env-file', 'my.env']
  ]) {
    const { code, stderr } = await runPurser(t, folder, args, { env })
    t.equal(code, 0, `${args.join(' ')} ${stderr}`)
  }
  const missing = await runPurser(t, folder, ['config', 'check'], { env })
  t.equal(missing.code, 1)
  t.match(missing.stderr, /none\.env: is named by ENV_FILE or --env-file and is not there/)
})

test('A key is issued under the name that Aura has for the encryption key, with a note', async (t) => {
  const env = { AURA_ENCRYPTION_KEY: newEncryptionKey() }
  const { code, stdout, stderr } = await runPurser(t, createDirectory(t), ['key', 'issue'], { env })
  t.equal(code, 0)
  t.match(stdout, /^purser_pro_\S+\n$/)
  t.match(stderr, /^Note: AURA_ENCRYPTION_KEY: is taken as ENCRYPTION_KEYS\.$/m)
  t.notOk(stderr.includes(env.AURA_ENCRYPTION_KEY))
})

test('init without a terminal writes nothing unless it is told which environment', async (t) => {
  const folder = createDirectory(t)
  for (const args of [
    ['init', '--force'],
    ['init', '--store', 'vault']
  ]) {
    const { code, stdout, stderr } = await runPurser(t, folder, args, { input: 'dev\n\n\n\n' })
    t.equal(code, 1, args.join(' '))
    t.equal(stdout, '')
    t.match(stderr, /^Nothing was written: .*--dev.*--environment/)
  }
  t.notOk(existsSync(join(folder, '.env')))
  t.notOk(existsSync(join(folder, 'purser.yaml')))
})

test('init writes the settings to where they will be read, and a Vault with its login', async (t) => {
  const folder = createDirectory(t)
  const args = ['init', '-e', 'pre', '--store', 'vault', '--env-file', 'pre.env']
  const vault = ['--vault-address', 'https://v.example:8200', '--vault-login', 'approle']
  t.equal((await runPurser(t, folder, [...args, ...vault])).code, 0)
  t.notOk(existsSync(join(folder, '.env')))
  t.equal(statSync(join(folder, 'pre.env')).mode & 0o777, 0o600)
  t.match(readFileSync(join(folder, 'purser.yaml'), 'utf8'), /address: https:\/\/v\.example:8200\n/)
  t.match(readFileSync(join(folder, 'pre.env'), 'utf8'), /^VAULT_ROLE_ID=\nVAULT_SECRET_ID=\n/m)
  const check = await runPurser(t, folder, ['config', 'check', '--env-file', 'pre.env'])
  t.equal(check.code, 0, check.stderr)
  t.match(
    check.stderr,
    /purser\.yaml:\d+:\d+: stores\.0\.auth\.roleId names a variable that is not set/
  )
  t.match(check.stderr, /stores\.0\.auth\.secretId names a variable that is not set/)
  const again = await runPurser(t, folder, args)
  t.match(again.stderr, /there is pre\.env and purser\.yaml already/)
})

test('init says in pre and pro that a git working tree is no place for settings', async (t) => {
  const inTree = async (...args: string[]) => {
    const folder = createDirectory(t)
    mkdirSync(join(folder, '.git'))
    const { code, stderr } = await runPurser(t, folder, ['init', ...args])
    t.equal(code, 0, stderr)
    return stderr
  }
  const warned = /^\.env lies in a git working tree: keep it elsewhere/m
  t.match(await inTree('-e', 'pro'), warned)
  t.match(await inTree('-e', 'pre'), warned)
  t.notMatch(await inTree('-e', 'dev'), 'git')
  t.notMatch(await inTree('-e', 'pro', '--env-file', join(createDirectory(t), 'p.env')), 'git')
})

test('init writes to where the environment says that files are, and says so in the settings', async (t) => {
  const folder = createDirectory(t)
  const env = { CONFIG_FILE: 'etc/stores.yaml', DATA_DIR: 'kept' }
  const { code, stderr } = await runPurser(t, folder, ['init', '--dev'], { env })
  t.equal(code, 0, stderr)
  t.match(stderr, /Written: \.env .*, etc\/stores\.yaml and kept\./)
  t.notOk(existsSync(join(folder, 'purser.yaml')))
  const check = await runPurser(t, folder, ['config', 'check'])
  t.equal(check.code, 0, check.stderr)
})

test('init refuses a flag that would steer nothing', async (t) => {
  const folder = createDirectory(t)
  for (const [args, message] of [
    [['--dev', '--vault-address', 'https://v.example:8200'], /--vault-address belongs to --store/],
    [['-e', 'dev', '--store', 'vault', '--vault-name', 'bob'], /--vault-name belongs to --vault-l/]
  ] as const) {
    const { code, stderr } = await runPurser(t, folder, ['init', ...args])
    t.equal(code, 2)
    t.match(stderr, message)
    t.notOk(existsSync(join(folder, '.env')))
  }
})
