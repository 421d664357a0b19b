/**
 * Purser on a real API server: what the rights of its account let it do and not do, the ways in, what the server refuses,
 * and what is told while the server is too busy or has lost what keeps its secrets.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { Sensitive } from '../../../src/core/secret.ts'
import { kubernetes } from '../../../src/kinds/kubernetes/index.ts'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import { PURSER_VERSION } from '../../../src/kinds/shared/user-agent.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createCertificate } from '../../support/certificate.ts'
import { createDirectory } from '../../support/embedded.ts'
import { isClusterInstalled, startKubeApiserver } from '../../support/kube-apiserver.ts'
import { skipWithout } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { eventually } from '../../support/redis.ts'
import { connectToCluster, encoded, operatorOf } from './fake.ts'

type Auth = NonNullable<Static<typeof kubernetes.settings>['auth']>

const fieldsIn = async (provider: SecretProvider, path: string): Promise<unknown> =>
  JSON.parse((await provider.read({ path }, within(15_000))).text.reveal())

const secretsNamed = (...resourceNames: string[]) => ({ resources: ['secrets'], resourceNames })

test('on a real API server', async (suite) => {
  if (skipWithout(suite, await isClusterInstalled())) return
  const ours = createCertificate('purser.example')
  const cluster = await startKubeApiserver(suite, { clientCa: ours.cert })
  const { admin, accountOf, caFile, ca, url } = cluster
  const { put } = operatorOf(cluster)
  for (const name of ['apps', 'others']) {
    await admin('POST', '/api/v1/namespaces', { metadata: { name } })
  }
  for (const name of ['db', 'api', 'unnamed']) {
    await put(`apps/${name}`, { data: { value: encoded(`of ${name}`) } })
  }
  const reader = await accountOf('apps', 'reader', [
    { ...secretsNamed('db', 'api', 'absent'), verbs: ['get'] }
  ])
  const writer = await accountOf('apps', 'writer', [
    { resources: ['secrets'], verbs: ['get', 'patch'] }
  ])
  const connect = async (t: Test, auth: Auth, namespaces = ['apps']): Promise<SecretProvider> => {
    const provider = await kubernetes.connect({ namespaces, auth }, createDeps({ TOKEN: reader }))
    t.teardown(() => provider.close())
    return provider
  }
  const byToken = (token: string) => async (t: Test) => {
    const provider = await connectToCluster(cluster, token)
    t.teardown(() => provider.close())
    return provider
  }
  const asReader = byToken(reader)
  const asWriter = byToken(writer)

  suite.test('it is the one that scripts/peers/go/kubernetes pins', async (t) => {
    const { gitVersion } = JSON.parse((await admin('GET', '/version')).text)
    const pins = readFileSync('scripts/peers/go/kubernetes/go.mod', 'utf8')
    t.match(pins, `k8s.io/kubernetes ${gitVersion} `)
  })

  suite.test('a role that names its secrets gives these and no other, and is well', async (t) => {
    const provider = await asReader(t)
    t.strictSame(await fieldsIn(provider, 'apps/db'), { value: 'of db' })
    t.strictSame(await fieldsIn(provider, 'apps/api'), { value: 'of api' })
    await provider.check(within())
    const cases = { 'apps/unnamed': 'denied', 'apps/never': 'denied', 'apps/absent': 'not_found' }
    for (const [path, reason] of Object.entries(cases)) {
      t.equal((await faultOf(provider.read({ path }, within()))).reason, reason, path)
    }
    const write = provider.write?.({ path: 'apps/db' }, new Sensitive('{"value":"x"}'), within())
    t.equal((await faultOf(write ?? Promise.resolve())).reason, 'denied')
    t.strictSame(await fieldsIn(provider, 'apps/db'), { value: 'of db' })
  })

  suite.test('a namespace that is another or none is denied', async (t) => {
    const token = { env: 'TOKEN' }
    const auth = { method: 'token', server: url, token, caCertFile: caFile } as const
    const provider = await connect(t, auth, ['others', 'nowhere'])
    for (const path of ['others/db', 'nowhere/db']) {
      t.equal((await faultOf(provider.read({ path }, within()))).reason, 'denied', path)
    }
  })

  suite.test('what it says of our rights is what they are', async (t) => {
    const wanted = { reads: ['apps/db', 'apps/unnamed'], writes: false }
    t.strictSame(await (await asReader(t)).review?.(wanted, within(30_000)), {
      lacking: ['get apps/unnamed'],
      excess: []
    })
    const rights = await (await asWriter(t)).review?.(wanted, within(30_000))
    t.strictSame(rights, { lacking: [], excess: ['patch secrets in apps'] })
  })

  suite.test('a token that it did not give is refused, and so is the check', async (t) => {
    const provider = await byToken(`${reader.slice(0, -4)}AAAA`)(t)
    const refused = { reason: 'denied', status: 401 }
    t.match(await faultOf(provider.read({ path: 'apps/db' }, within())), refused)
    t.match(await faultOf(provider.check(within())), refused)
  })

  suite.test('a pod, and each kind of kubeconfig, reads', async (t) => {
    const folder = createDirectory(t)
    const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount')
    mkdirSync(account, { recursive: true })
    writeFileSync(join(account, 'ca.crt'), ca)
    writeFileSync(join(account, 'token'), reader)
    const { hostname, port } = new URL(url)
    Object.assign(process.env, {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port
    })
    t.teardown(() => {
      delete process.env['KUBERNETES_SERVICE_HOST']
      delete process.env['KUBERNETES_SERVICE_PORT']
    })
    const pod = await connect(t, { method: 'in-cluster', root: folder })
    t.strictSame(await fieldsIn(pod, 'apps/db'), { value: 'of db' })

    // The user is the certificate's common name.
    await admin('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/apps/rolebindings', {
      metadata: { name: 'by-certificate' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'purser.example' }]
    })
    const users = {
      'client-certificate-data': encoded(ours.cert),
      'client-key-data': encoded(ours.key)
    }
    const cluster = { server: url, 'certificate-authority-data': encoded(ca) }
    for (const user of [{ token: reader }, { tokenFile: join(account, 'token') }, users]) {
      const file = join(folder, 'kubeconfig')
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }]
      }
      writeFileSync(file, JSON.stringify(config))
      const provider = await connect(t, { method: 'kubeconfig', file })
      t.strictSame(
        await fieldsIn(provider, 'apps/db'),
        { value: 'of db' },
        `by ${Object.keys(user)}`
      )
    }
  })

  suite.test('a write goes by our name, and leaves what is the operator’s', async (t) => {
    const provider = await asWriter(t)
    await put('apps/kept', {
      metadata: { name: 'kept', namespace: 'apps', labels: { team: 'voice' } },
      data: { a: encoded('1'), gone: encoded('2') }
    })
    await provider.write?.({ path: 'apps/kept' }, new Sensitive('{"a":"3","b":"4"}'), within())
    const { text } = await admin('GET', '/api/v1/namespaces/apps/secrets/kept')
    const { metadata, data } = JSON.parse(text)
    t.strictSame(data, { a: encoded('3'), b: encoded('4') })
    t.strictSame(metadata.labels, { team: 'voice' })
    const managers = metadata.managedFields.map(({ manager }: { manager: string }) => manager)
    t.strictSame(managers.sort(), ['operator', 'purser'], `as purser/${PURSER_VERSION}`)
  })

  suite.test('what its type forbids, or the operator, is not written', async (t) => {
    const provider = await asWriter(t)
    const write = (path: string, text: string) =>
      faultOf(provider.write?.({ path }, new Sensitive(text), within()) ?? Promise.resolve())
    const tls = { 'tls.crt': encoded('c'), 'tls.key': encoded('k') }
    await put('apps/tls', { type: 'kubernetes.io/tls', data: tls })
    t.match(await write('apps/tls', '{"tls.crt":"c"}'), { reason: 'invalid_request', status: 422 })
    t.strictSame(await fieldsIn(provider, 'apps/tls'), { 'tls.crt': 'c', 'tls.key': 'k' })
    await put('apps/fixed', { immutable: true, data: { a: encoded('1') } })
    t.match(await write('apps/fixed', '{"a":"2"}'), { reason: 'conflict', code: 'immutable' })
  })

  suite.test('a token to the cluster is not read, though the role would allow it', async (t) => {
    const annotations = { 'kubernetes.io/service-account.name': 'reader' }
    await put('apps/token', {
      metadata: { name: 'token', namespace: 'apps', annotations },
      type: 'kubernetes.io/service-account-token',
      data: { token: encoded('a token') }
    })
    const provider = await asWriter(t)
    t.match(await faultOf(provider.read({ path: 'apps/token' }, within())), {
      reason: 'denied',
      code: 'service_account_token'
    })
  })

  suite.test('writers side by side, and the operator between them, lose nothing', async (t) => {
    await put('apps/busy', { data: { ours: encoded('0') } })
    const providers = await Promise.all(Array.from({ length: 4 }, () => asWriter(t)))
    const versions = await Promise.all(
      providers.map(async ({ write }, i) => {
        const text = new Sensitive(JSON.stringify({ ours: `of ${i}` }))
        return write?.({ path: 'apps/busy' }, text, within(15_000))
      })
    )
    const [provider] = providers
    if (provider === undefined) throw new Error('there is no writer')
    const last = await provider.read({ path: 'apps/busy' }, within())
    const index = versions.findIndex((written) => written?.version === last.version)
    t.strictSame(JSON.parse(last.text.reveal()), { ours: `of ${index}` })
  })
})

test('on a real API server that has no room, and whose etcd hangs and goes', async (suite) => {
  if (skipWithout(suite, await isClusterInstalled())) return
  const cluster = await startKubeApiserver(suite, {
    extraArguments: ['--enable-priority-and-fairness=false', '--max-requests-inflight=1']
  })
  await cluster.admin('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } })
  await operatorOf(cluster).put('apps/db', { data: { value: encoded('x') } })
  const rule = { ...secretsNamed('db'), verbs: ['get'] }
  const provider = await connectToCluster(cluster, await cluster.accountOf('apps', 'r', [rule]))
  suite.teardown(() => provider.close())
  const read = (ms?: number) => provider.read({ path: 'apps/db' }, within(ms))
  /** `well`, or why not. */
  const health = async (): Promise<string> => {
    const checking = provider.check(within(10_000))
    return checking.then(
      () => 'well',
      ({ reason }) => reason
    )
  }
  // Of etcd the server asks every two seconds at most.
  const isWell = async () => (await health()) === 'well'
  const isUnwell = async () => /^(unavailable|timeout)$/.test(await health())

  suite.test('reads beyond its limit are throttled, with the seconds that it says', async (t) => {
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => read(30_000)))
    const faults = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : []
    )
    t.ok(faults.length > 0 && faults.length < outcomes.length)
    for (const fault of faults) {
      t.match(fault, { reason: 'throttled', status: 429, retryAfterSeconds: 1 })
    }
  })

  suite.test(
    'check fails while etcd hangs, is well again, and fails once it is gone',
    async (t) => {
      await eventually(isWell)
      process.kill(cluster.etcd.pid, 'SIGSTOP')
      await eventually(isUnwell)
      process.kill(cluster.etcd.pid, 'SIGCONT')
      await eventually(isWell)
      await cluster.etcd.stop()
      await eventually(isUnwell)
      t.match((await faultOf(read(2_000))).reason, /^(unavailable|timeout)$/)
    }
  )
})
