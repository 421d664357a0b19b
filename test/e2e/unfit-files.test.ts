/** Where a setting names something that is no file to be read to its end, it is told at once, and nobody waits. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  type Configured,
  createConfigured,
  runPurser,
  serve,
  writeYaml
} from '../support/purser-process.ts'

const skip = process.platform === 'win32' && 'no pipes with a name here'

/** Nobody will ever write into it. */
const pipeAt = (t: Test, path: string): void => {
  t.equal(spawnSync('mkfifo', [path]).status, 0)
}

const YAML = `stores:
  - name: local
    kind: local
  - name: vault
    kind: vault
    address: https://127.0.0.1:8200
    mounts: [{ path: kv, version: 2 }]
    caCertFile: pipe
    auth: { method: token, token: { file: /dev/zero } }
`

/** A configuration in which everything that can be a file is none. */
const unfit = (t: Test): Configured => {
  const configured = createConfigured(t, {
    yaml: YAML,
    variables: {
      TLS_CERT_FILE: 'pipe',
      TLS_KEY_FILE: '/dev/zero',
      TLS_CLIENT_CA_FILE: 'data',
      REDIS_URL: 'rediss://127.0.0.1:1',
      REDIS_CA_FILE: 'pipe',
      JWT_SECRET_FILE: '/dev/zero',
      HASHICORP_VAULT_CONFIG_FILE_PATH: 'pipe'
    }
  })
  pipeAt(t, join(configured.folder, 'pipe'))
  pipeAt(t, join(configured.folder, 'data'))
  return configured
}

test('A check and a start name every setting that leads to a pipe or a device', {
  skip
}, async (t) => {
  const { folder } = unfit(t)
  for (const command of [['config', 'check'], ['serve']]) {
    const { code, stderr } = await runPurser(t, folder, command)
    t.equal(code, 1)
    for (const place of [
      'TLS_CERT_FILE: the file is',
      'TLS_CLIENT_CA_FILE: the file is',
      'TLS_KEY_FILE: the file is',
      'REDIS_CA_FILE: the file is',
      'JWT_SECRET: the file that JWT_SECRET_FILE names is',
      'HASHICORP_VAULT_CONFIG_FILE_PATH: the file is',
      'caCertFile: the file is',
      'auth.token: the file is'
    ]) {
      t.ok(stderr.includes(`${place} no regular file`), `${place}: ${stderr}`)
    }
  }
})

test('So does a command where the file of settings or purser.yaml is none', { skip }, async (t) => {
  const { folder, variables } = createConfigured(t)
  for (const name of ['purser.yaml', '.env']) {
    rmSync(join(folder, name))
    pipeAt(t, join(folder, name))
    const { code, stderr } = await runPurser(t, folder, ['config', 'check'], { env: variables })
    t.equal(code, 1)
    t.ok(stderr.includes(`  ${name}: is no regular file`), stderr)
  }
  const env = { ...variables, ENV_FILE: '/dev/zero' }
  const { code, stderr } = await runPurser(t, folder, ['key', 'issue'], { env })
  t.equal(code, 1)
  t.match(stderr, '/dev/zero: is no regular file')
})

test('A reload that finds a pipe changes nothing, and the service goes on', { skip }, async (t) => {
  const { folder } = createConfigured(t)
  const { child, url, says } = await serve(t, folder)
  rmSync(join(folder, 'purser.yaml'))
  pipeAt(t, join(folder, 'purser.yaml'))
  child.kill('SIGHUP')
  await says(/is no regular file/)
  t.equal((await fetch(`${url}/livez`)).status, 200)
  rmSync(join(folder, 'purser.yaml'))
  writeYaml(folder, 'stores: [{ name: local, kind: local }]\n')
  child.kill('SIGHUP')
  await says(/"the configuration was reloaded"/)
})
