// Every way to write a reference leads to the same secret of its store, and a place that is not configured is not asked.
import { test } from 'tap'
import { awsDialect } from '../../kinds/aws/fake.ts'
import { vaultSubject } from '../../kinds/vault/fake.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { openWire } from '../../support/wire.ts'

const ACCOUNT = '123456789012'

test('all forms read the same secret, and those of other places make no request at all', async (t) => {
  const found = { read: 'found', text: JSON.stringify({ user: 'app', password: 'p' }) } as const
  const aws = await openWire(t, awsDialect, found)
  const vault = await openWire(t, vaultSubject.wire?.dialect ?? awsDialect, found)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${aws.loginUrl}/credentials`
  t.teardown(() => void delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
  const app = await buildTestApp(t, {
    yaml: `
stores:
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, accounts: ['${ACCOUNT}'], endpoint: '${aws.url}' }
  - name: vault
    kind: vault
    address: ${vault.url}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
policies: [{ client: app, read: ['aws:**', 'vault:**'] }]
secrets: { named-aws: 'aws:acme/db#password', named-vault: '${vault.url}/v1/kv/data/db#password' }
`,
    env: { CACHE_TTL_SECONDS: '0' },
    environ: { TOKEN: 't' }
  })
  const { ask, read } = await app.as('app')

  const arn = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:acme/db-AbCdEf`
  const same = [
    'aws:acme/db#password',
    `${arn}#password`,
    'ref+awssecrets://acme/db#/password',
    'ref+awssecrets://acme/db?region=eu-west-1#/password',
    'secretref+awssecrets://acme/db#/password',
    'named-aws',
    'vault:kv/db#password',
    'vault:kv/db?version=3#password',
    `${vault.url}/v1/kv/data/db#password`,
    `${vault.url}/v1/kv/data/db?version=3#password`,
    'ref+vault://kv/db#/password',
    'ref+vault://kv/db/password',
    `ref+vault://kv/db?address=${vault.url}#/password`,
    'named-vault'
  ]
  for (const ref of same) t.match((await read(ref)).json(), { value: 'p' }, ref)
  t.match((await ask('GET', '/v1/secrets?ref=aws:acme/db&field=password')).json(), { value: 'p' })

  const asked = () => [aws.reads.length, aws.logins.length, vault.reads.length, vault.logins.length]
  const before = asked()
  const elsewhere = [
    arn.replace(ACCOUNT, '999999999999'),
    arn.replace('eu-west-1', 'us-east-1'),
    arn.replace('arn:aws:', 'arn:aws-cn:'),
    'ref+awssecrets://acme/db?region=us-east-1#/password',
    'https://vault.example:8200/v1/kv/data/db#password',
    `${vault.url.replace('127.0.0.1', 'localhost')}/v1/kv/data/db#password`,
    `${vault.url}/v1/other/data/db#password`,
    'ref+vault://other/db#/password',
    'ref+vault://kv/db?address=https://vault.example:8200#/password',
    'https://some.vault.azure.net/secrets/db',
    '@Microsoft.KeyVault(VaultName=some;SecretName=db)',
    'projects/my-project/secrets/db/versions/latest',
    'k8s://team/db#password',
    'ref+k8s://v1/Secret/team/db/password',
    'other:kv/db',
    'no-such-name'
  ]
  for (const ref of elsewhere) {
    const answer = await read(ref)
    t.match(answer.json(), { code: 'access_denied', status: 403 }, ref)
  }
  t.same(asked(), before, 'nobody was asked')
})
