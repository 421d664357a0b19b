// The External Secrets Operator by its own code (v0.16.2), with the objects of deploy/kubernetes, against the service as it
// is built: by the webhook provider and its generator at the API, by the vault provider at the Vault door.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createCertificate } from '../../support/certificate.ts'
import { createDirectory } from '../../support/embedded.ts'
import { at, type Job, operate } from '../../support/external-secrets.ts'
import { type KubeApiserver, startKubeApiserver } from '../../support/kube-apiserver.ts'
import { administratorOf } from '../../support/kubectl.ts'
import { type Manifest, render } from '../../support/manifests.ts'
import { isInstalled, type PeerName, skipWithout } from '../../support/peers.ts'
import {
  createConfigured,
  issueKey,
  putLocal,
  runPurser,
  serve
} from '../../support/purser-process.ts'
import { closedPort } from '../../support/wire.ts'
import { accountClaims, createWorkloadIssuer } from '../../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'
const OBJECT =
  '{"user":"app","password":"p/w d+ü \\"x\\"\\n","port":5432,"big":12345678901234567890}'

const kindIn = (folder: string, kind: string) =>
  render(folder).find((one) => one.kind === kind) as (Manifest & { spec: object }) | undefined

const trustOf = (issuer: string, jwks: string, namespace: string, account: string): string => `
  - name: prod-cluster
    kind: kubernetes
    issuer: ${issuer}
    audience: purser
    jwks: { file: ${jwks} }
    bind: { namespace: ${namespace}, serviceAccount: ${account} }
    grant: { client: app, scopes: ["aura-services:secrets"] }
`

/** A service over TLS with secrets and keys, and a cluster that has what the manifests name. */
const startService = async (t: Test, more = '') => {
  const files = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  writeFileSync(join(files, 'tls.crt'), cert)
  writeFileSync(join(files, 'tls.key'), key, { mode: 0o600 })
  const yaml = `stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ["local:apps/*", "local:odd/**"] }
  - { client: pusher, write: ["local:pushed/*"] }
${more}`
  const variables = { TLS_CERT_FILE: join(files, 'tls.crt'), TLS_KEY_FILE: join(files, 'tls.key') }
  const { folder } = createConfigured(t, { yaml, variables })
  await putLocal(folder, 'apps/smtp', OBJECT)
  await putLocal(folder, 'apps/word', 'a word of its own')
  await putLocal(folder, 'odd/a b+c/ü', 'odd')
  await putLocal(folder, 'secret/x', 'not for them')
  const { url } = await serve(t, folder)
  const app = await issueKey(folder, { client: 'app' })
  const pusher = await issueKey(folder, { client: 'pusher', mode: 'w' })
  const cluster = {
    namespace: 'apps',
    secrets: {
      'apps/purser-key': { key: app },
      'external-secrets/purser-key': { key: app },
      'apps/purser-push-key': { key: pusher }
    },
    configMaps: {
      'apps/purser-ca': { 'ca.crt': cert },
      'external-secrets/purser-ca': { 'ca.crt': cert }
    }
  }
  return { url, cluster, folder, cert }
}

/** What the store has, without a policy. */
const storedIn = async (t: Test, folder: string, ref: string): Promise<string> => {
  const { stdout } = await runPurser(t, folder, ['resolve', '--raw', ref])
  return stdout
}

const isMissing = async (t: Test, ...others: readonly PeerName[]): Promise<boolean> =>
  skipWithout(t, await isInstalled('external-secrets', 'kubectl', ...others))

test('the webhook stores read one field, a whole object, and each version', async (t) => {
  if (await isMissing(t)) return
  const { url, cluster } = await startService(t)
  const stores: readonly Pick<Job, 'store' | 'cluster'>[] = [
    { store: at(url, kindIn('secret-store', 'SecretStore')) },
    { cluster: at(url, kindIn('cluster-secret-store', 'ClusterSecretStore')) }
  ]
  for (const store of stores) {
    const read = (key: string, property = '', version = '') =>
      operate(cluster, { do: 'get', ...store, remoteRef: { key, property, version } })
    t.strictSame(await operate(cluster, { do: 'validate', ...store }), { value: 'Ready' })
    t.strictSame(await read('local:apps/smtp', 'password'), { value: 'p/w d+ü "x"\n' })
    t.strictSame(await read('local:apps/smtp', 'port'), { value: '5432' })
    t.strictSame(await read('local:apps/smtp', 'big', '1'), { value: '12345678901234567890' })
    t.strictSame(await read('local:apps/word'), { value: 'a word of its own' })
    t.strictSame(await read('local:apps/smtp'), { value: OBJECT }, 'as it is stored')
    t.strictSame(await read('local:odd/a b+c/ü'), { value: 'odd' })
    const extracted = await operate(cluster, {
      do: 'extract',
      ...store,
      remoteRef: { key: 'local:apps/smtp' }
    })
    t.match(extracted, { values: { user: 'app', password: 'p/w d+ü "x"\n', port: '5432' } })
  }
})

test('what is missing is no secret to the operator, and what is forbidden an error that deletes nothing', async (t) => {
  if (await isMissing(t)) return
  const { url, cluster } = await startService(t)
  const store = at(url, kindIn('secret-store', 'SecretStore'))
  const read = (
    key: string,
    property = '',
    version = '',
    secrets: typeof cluster.secrets = cluster.secrets
  ) => operate({ ...cluster, secrets }, { do: 'get', store, remoteRef: { key, property, version } })
  t.match(await read('local:apps/none'), { noSecret: true })
  t.match(await read('local:apps/smtp', 'none'), { noSecret: true })
  t.match(await read('local:apps/smtp', '', '99'), { noSecret: true })
  const forbidden = await read('local:secret/x')
  t.strictSame(forbidden, { error: 'endpoint gave error 403 Forbidden' })
  t.strictSame(await read('local:secret/none'), forbidden, 'whether it is there or not')
  t.strictSame(await read('none:x'), forbidden)
  const wrong = { ...cluster.secrets, 'apps/purser-key': { key: 'wrong' } }
  t.strictSame(await read('local:apps/word', '', '', wrong), {
    error: 'endpoint gave error 401 Unauthorized'
  })
})

test('a store by JSON paths reads the same: $.value, and $.data for whole objects', async (t) => {
  if (await isMissing(t)) return
  const { url, cluster } = await startService(t)
  const store = (jsonPath: string): object => {
    const made = JSON.parse(JSON.stringify(at(url, kindIn('secret-store', 'SecretStore'))))
    const { webhook } = made.spec.provider
    webhook.url = webhook.url.replace('format=raw&', '')
    webhook.result = { jsonPath }
    return made
  }
  const value = { do: 'get', store: store('$.value') } as const
  t.strictSame(
    await operate(cluster, {
      ...value,
      remoteRef: { key: 'local:apps/smtp', property: 'password' }
    }),
    { value: 'p/w d+ü "x"\n' }
  )
  t.match(await operate(cluster, { ...value, remoteRef: { key: 'local:apps/none' } }), {
    noSecret: true
  })
  const data = { store: store('$.data'), remoteRef: { key: 'local:apps/smtp' } }
  t.match(await operate(cluster, { do: 'extract', ...data }), {
    values: { user: 'app', port: '5432' }
  })
})

test('PushSecret writes what the cluster has, with a key that cannot read it', async (t) => {
  if (await isMissing(t)) return
  const { url, cluster, folder } = await startService(t)
  const store = at(url, kindIn('push-secret', 'SecretStore'))
  const pushed = async (remoteKey: string, text: string) =>
    operate(cluster, {
      do: 'push',
      store,
      push: { match: { secretKey: 'password', remoteRef: { remoteKey } } },
      pushedSecret: { data: { password: Buffer.from(text).toString('base64') } }
    })
  const text = 'a "quoted" \\ text\nof ü lines {{ .x }} </script>'
  t.strictSame(await pushed('local:pushed/one', text), {})
  const reader = await issueKey(folder, { client: 'pusher', mode: 'r' })
  const refused = await operate(
    { ...cluster, secrets: { ...cluster.secrets, 'apps/purser-key': { key: reader } } },
    {
      do: 'get',
      store: at(url, kindIn('secret-store', 'SecretStore')),
      remoteRef: { key: 'local:pushed/one' }
    }
  )
  t.match(refused, { error: /403/ })
  t.equal(await storedIn(t, folder, 'local:pushed/one'), text)
  t.match(await pushed('local:apps/smtp', 'x'), { error: /403 Forbidden/ })
  t.equal(await storedIn(t, folder, 'local:apps/smtp'), OBJECT)
})

test('the generator logs in, and its key reads', async (t) => {
  if (await isMissing(t)) return
  const issuer = await createWorkloadIssuer(ISSUER)
  const jwks = join(createDirectory(t), 'jwks.json')
  writeFileSync(jwks, JSON.stringify(issuer.jwks))
  const { url, cluster } = await startService(t, `trusts:${trustOf(ISSUER, jwks, 'shop', 'cart')}`)
  const generator = at(url, kindIn('key-generator', 'Webhook'))
  const generate = async (changes: object) => {
    const token = await issuer.sign(accountClaims(ISSUER, Date.now(), changes))
    const secrets = { ...cluster.secrets, 'apps/purser-token': { token } }
    return operate({ ...cluster, secrets }, { do: 'generate', generator })
  }
  const { values, error } = await generate({})
  t.match(
    values,
    { access_token: /^purser_dev_/, token_type: 'Bearer', expires_in: /^\d+$/ },
    String(error)
  )
  const secrets = { ...cluster.secrets, 'apps/purser-key': { key: values?.['access_token'] ?? '' } }
  const store = at(url, kindIn('secret-store', 'SecretStore'))
  t.strictSame(
    await operate(
      { ...cluster, secrets },
      { do: 'get', store, remoteRef: { key: 'local:apps/word' } }
    ),
    { value: 'a word of its own' }
  )
  t.match(await generate({ aud: ['other'] }), { error: /endpoint gave error 40/ })
})

/** Its keys as a file, and an account in `apps`. */
const prepareCluster = async (t: Test, { admin }: KubeApiserver) => {
  const { text } = await admin('GET', '/openid/v1/jwks')
  const jwks = join(createDirectory(t), 'jwks.json')
  writeFileSync(jwks, text)
  await admin('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } })
  for (const name of ['purser-reader', 'other']) {
    await admin('POST', '/api/v1/namespaces/apps/serviceaccounts', { metadata: { name } })
  }
  return jwks
}

test('the vault provider logs in with a token of a real cluster, and reads at the Vault door', async (t) => {
  if (await isMissing(t, 'kube-apiserver', 'etcd')) return
  const server = await startKubeApiserver(t)
  const jwks = await prepareCluster(t, server)
  const port = await closedPort()
  const issuer = 'https://kubernetes.default.svc'
  const { cluster } = await startService(
    t,
    `trusts:${trustOf(issuer, jwks, 'apps', 'purser-reader')}doors:
  - { dialect: vault, port: ${port}, mounts: { secret: local } }
`
  )
  const store = at(`https://127.0.0.1:${port}`, kindIn('vault-secret-store', 'SecretStore'))
  const environment = administratorOf(t, server)
  const env = { KUBECONFIG: environment.KUBECONFIG, HOME: environment.HOME }
  const get = (key: string, property = '', wanted: object = store) =>
    operate(cluster, { do: 'get', store: wanted, remoteRef: { key, property } }, env)
  t.strictSame(await operate(cluster, { do: 'validate', store }, env), { value: 'Ready' })
  t.strictSame(await get('apps/smtp', 'password'), { value: 'p/w d+ü "x"\n' })
  t.strictSame(await get('apps/smtp', 'port'), { value: '5432' })
  const extracted = await operate(
    cluster,
    { do: 'extract', store, remoteRef: { key: 'apps/smtp' } },
    env
  )
  t.match(extracted, { values: { user: 'app', password: 'p/w d+ü "x"\n', port: '5432' } })
  t.match(await get('apps/none', 'x'), { noSecret: true })
  t.match(await get('secret/x', 'x'), { error: /403|permission denied/ })
  const asOther = JSON.parse(JSON.stringify(store).replace('"purser-reader"', '"other"'))
  t.match(await get('apps/smtp', 'password', asOther), {
    error: /40\d|permission denied|unable to log in/
  })
  const elsewhere = JSON.parse(JSON.stringify(store).replace('["purser"]', '["other"]'))
  t.match(await get('apps/smtp', 'password', elsewhere), {
    error: /40\d|permission denied|unable to log in/
  })
})
