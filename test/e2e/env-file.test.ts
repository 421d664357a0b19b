/** Where settings are read from and written to, and what `config check` says of them. */
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import { createConfigured, runPurser } from '../support/purser-process.ts'

test('Every command reads the file that --env-file names, which wins over ENV_FILE and ./.env', async (t) => {
  const { folder } = createConfigured(t)
  renameSync(join(folder, '.env'), join(folder, 'my.env'))
  writeFileSync(join(folder, '.env'), 'what is this\n')
  const env = { ENV_FILE: 'none.env' }
  for (const args of [
    ['config', 'check', '--env-file', 'my.env'],
    ['--env-file', 'my.env', 'store', 'list'],
    ['key', 'issue', '-e', 'dev', '--env-file', 'my.env'],
    ['explain', '--client', 'app', 'local:team/x', '--env-file', 'my.env']
  ]) {
    const { code, stderr } = await runPurser(t, folder, args, { env })
    t.equal(code, 0, `${args.join(' ')} ${stderr}`)
  }
  const named = await runPurser(t, folder, ['config', 'check'], { env: { ENV_FILE: 'my.env' } })
  t.equal(named.code, 0)
  const missing = await runPurser(t, folder, ['config', 'check'], { env })
  t.equal(missing.code, 1)
  t.match(missing.stderr, /none\.env: is named by ENV_FILE or --env-file and is not there/)
  const faulty = await runPurser(t, folder, ['config', 'check'])
  t.match(faulty.stderr, /\.env:1: is not of the form NAME=value/)
  chmodSync(join(folder, 'my.env'), 0o644)
  const open = { ENV_FILE: 'my.env', ENVIRONMENT: 'pre' }
  const exposed = await runPurser(t, folder, ['key', 'issue'], { env: open })
  t.equal(exposed.code, 1)
  t.match(exposed.stderr, /my\.env: can be read by others/)
})

test('init without a terminal writes nothing unless it is told which environment', async (t) => {
  const folder = createDirectory(t)
  for (const args of [['init'], ['init', '--force'], ['init', '--store', 'vault']]) {
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
