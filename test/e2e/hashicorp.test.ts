/** Apono's list of Vaults as the command line meets it: checked, resolved, served, reloaded. */
import { type Test, test } from 'tap'
import { gcpDialect, PROJECT } from '../kinds/gcp/fake.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import {
  createConfigured,
  get,
  issueKey,
  runPurser,
  serve,
  writeEnv
} from '../support/purser-process.ts'
import { openWire } from '../support/wire.ts'

const { dialect } = vaultSubject.wire!
const YAML = `stores: []
policies: [{ client: app, read: ['vault-1:secret/*'] }]
`

/** A folder whose one Vault is defined in GCP; `definition` says what stands there at the time of asking. */
const configure = async (t: Test, definition: () => object) => {
  const found: typeof gcpDialect.found = (_, request) =>
    gcpDialect.found(JSON.stringify(definition()), request)
  const gcp = await openWire(t, { ...gcpDialect, found }, { read: 'found', text: '' })
  const { host } = new URL(gcp.url)
  const place = { project: PROJECT, secret_id: 'main', endpoint: host, insecure: true }
  const list = JSON.stringify([{ from_secret_store: 'GCP', ...place }])
  return {
    gcp,
    ...createConfigured(t, { yaml: YAML, variables: { HASHICORP_VAULT_CONFIG: list } })
  }
}

const openVault = (t: Test) => openWire(t, dialect, { read: 'found', text: '{"value":"x"}' })

test('config check looks at the form alone, and says so; resolve reads the definition', async (t) => {
  const vault = await openVault(t)
  const { folder, gcp } = await configure(t, () => ({ address: vault.url, token: 'a' }))
  const checked = await runPurser(t, folder, ['config', 'check'])
  t.match(checked, {
    code: 0,
    stdout: 'The configuration is valid: 1 store, 1 policy, 0 names.\n'
  })
  t.match(checked.stderr, /^Not checked: the definitions in other stores.*: vault-1\n$/)
  t.equal(gcp.reads.length, 0)
  t.match(await runPurser(t, folder, ['resolve', 'vault-1:secret/a']), { code: 0, stdout: 'x\n' })
  const byUrl = await runPurser(t, folder, ['resolve', `${vault.url}/v1/secret/data/a#value`])
  t.match(byUrl, { code: 0, stdout: 'x\n' })
})

test('the service does not start on a definition that makes no Vault', async (t) => {
  const { folder } = await configure(t, () => ({ address: 'https://127.0.0.1:1' }))
  for (const command of [['serve'], ['resolve', 'vault-1:secret/a']]) {
    t.strictSame(await runPurser(t, folder, command), {
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'The configuration is not valid:\n  HASHICORP_VAULT_CONFIG[0]: its definition: lacks token\n'
    })
  }
})

test('the start and each reload warn of a Vault that is not verified; a new list needs no restart', async (t) => {
  const vault = await openVault(t)
  const { folder, variables } = await configure(t, () => ({
    address: vault.url,
    token: 'a',
    skip_verify: 'true'
  }))
  const key = await issueKey(folder)
  const { child, says, url, output } = await serve(t, folder)
  const read = () => get(`${url}/v1/secrets?ref=vault-1:secret/a`, key)
  await says(/unverified: vault-1"/)
  t.equal((await read()).status, 200)

  child.kill('SIGHUP')
  await says(/was reloaded.*\n.*unverified: vault-1"/)

  const list = JSON.stringify([{ address: vault.url, token: 'of-the-list' }])
  writeEnv(folder, { ...variables, HASHICORP_VAULT_CONFIG: list })
  child.kill('SIGHUP')
  await says(/was reloaded[\s\S]*was reloaded/)
  t.equal((await read()).status, 200)
  t.equal(vault.reads.at(-1)?.headers['x-vault-token'], 'of-the-list', 'in force at once')
  t.notMatch(output.stdout, /need a restart|of-the-list/)
})
