// The main job against the real thing: an API key in, the right secret out of AWS (moto), Vault (OpenBao) and the local store.
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { test } from 'tap'
import { createAdmin } from '../kinds/vault/fake.ts'
import { buildTestApp } from '../support/build-app.ts'
import { issueKey } from '../support/keys.ts'
import { isInstalled, skipWithout, startPeer } from '../support/peers.ts'

const REGION = 'eu-west-1'
const ACCOUNT = '123456789012'

test('a key of scope aura-services:secrets and mode r reads an ARN, a Vault URL and a local reference', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  if (skipWithout(t, await isInstalled('openbao'))) return
  const [moto, openbao] = await Promise.all([startPeer(t, 'moto'), startPeer(t, 'openbao')])
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' })
  t.teardown(() => {
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
  })

  const aws = new SecretsManagerClient({ region: REGION, endpoint: moto.url })
  t.teardown(() => aws.destroy())
  const SecretString = JSON.stringify({ username: 'app', password: 'from AWS' })
  const { ARN = '' } = await aws.send(new CreateSecretCommand({ Name: 'acme/db', SecretString }))
  const admin = createAdmin(openbao.url)
  await admin('POST', 'secret/data/google-prov', {
    data: { privateKey: 'first', clientEmail: 'a@b' }
  })
  await admin('POST', 'secret/data/google-prov', {
    data: { privateKey: 'second', clientEmail: 'a@b' }
  })

  const app = await buildTestApp(t, {
    yaml: `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: ${REGION}, accounts: ['${ACCOUNT}'], endpoint: '${moto.url}' }
  - name: vault
    kind: vault
    address: ${openbao.url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: VAULT_ROOT } }
policies:
  - { client: app, read: ['local:team/*', 'aws:acme/*', 'vault:secret/google-prov'] }
secrets:
  database-password: aws:acme/db#password
`,
    environ: { VAULT_ROOT: 'root' }
  })
  await app.seed('local', 'team/token', 'from LMDB')
  const { ask, read } = await app.as('app')

  t.equal(ARN.split(':').slice(0, 5).join(':'), `arn:aws:secretsmanager:${REGION}:${ACCOUNT}`)
  for (const [ref, value] of [
    [`${ARN}#password`, 'from AWS'],
    ['aws:acme/db#password', 'from AWS'],
    [`${openbao.url}/v1/secret/data/google-prov?version=1#privateKey`, 'first'],
    [`${openbao.url}/v1/secret/data/google-prov#privateKey`, 'second'],
    ['ref+vault://secret/google-prov#/privateKey', 'second'],
    ['local:team/token', 'from LMDB'],
    ['database-password', 'from AWS']
  ] as const) {
    const answer = await read(ref)
    t.equal(answer.statusCode, 200, ref)
    t.equal(answer.json().value, value, ref)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  t.match((await ask('GET', '/v1/secrets/database-password')).json(), {
    value: 'from AWS',
    store: 'aws'
  })
  t.match((await read('aws:acme/db')).json(), { data: { username: 'app', password: 'from AWS' } })
  t.match((await read('aws:acme/none')).json(), { code: 'secret_not_found' })
  t.match((await read('aws:acme/db#none')).json(), { code: 'field_not_found' })
  t.match((await read('aws:other/db')).json(), { code: 'access_denied' })
  const foreign = ARN.replace(ACCOUNT, '999999999999')
  t.match((await read(foreign)).json(), { code: 'access_denied' })

  t.equal(
    (await read(`${ARN}#username`)).headers['x-cache'],
    'HIT',
    'another field of it costs no fetch'
  )
  await openbao.stop()
  await moto.stop()
  t.equal(
    (await read(`${ARN}#password`)).headers['x-cache'],
    'HIT',
    'a cached secret outlives its store'
  )
  t.match((await read('vault:secret/google-prov?version=2')).json(), { code: 'store_unavailable' })
})

test('a key that is of another environment, expired, too new, tampered with or respelled is refused', async (t) => {
  const yaml =
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
  const app = await buildTestApp(t, { yaml })
  await app.seed('local', 'a', 'x')
  const read = async (key: string) => {
    const answer = await app.withKey(key).read('local:a')
    return `${answer.statusCode} ${answer.json().code ?? ''}`
  }
  const good = await issueKey(app.keyring, 'app')
  t.equal(await read(good), '200 ')
  const tampered = `${good.slice(0, 60)}${good[60] === 'A' ? 'B' : 'A'}${good.slice(61)}`
  for (const key of [
    await issueKey(app.keyring, 'app', 'r', { environment: 'pro' }),
    await issueKey(app.keyring, 'app', 'r', { lifetimeSeconds: -1 }),
    tampered,
    `${good}=`,
    good.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    good.replace('purser_dev_', 'purser_pro_')
  ]) {
    t.equal(await read(key), '401 invalid_api_key')
  }
  const newer = await issueKey(app.keyring, 'app', 'r', { minimumVersion: '9.0.0' })
  t.equal(await read(newer), '403 version_too_old')
})
