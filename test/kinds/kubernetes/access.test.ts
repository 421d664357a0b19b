/** The ways into a cluster: a pod, a kubeconfig, a token. What of them is taken, when it is taken anew, and what is refused. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { dirname, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { kubernetes } from '../../../src/kinds/kubernetes/index.ts'
import type { ProviderDeps } from '../../../src/kinds/provider.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { createCertificate } from '../../support/certificate.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { listen, openWire } from '../../support/wire.ts'
import { caFileOf, dialectOf, encoded, openKubernetes, secret, simple, status } from './fake.ts'

type Settings = Static<typeof kubernetes.settings>
type Auth = NonNullable<Settings['auth']>

const path = 'apps/db'

const connect = async (t: Test, auth: Auth | undefined, overrides: Partial<ProviderDeps> = {}) => {
  const settings: Settings = { namespaces: ['apps'], ...(auth !== undefined && { auth }) }
  t.ok(Value.Check(kubernetes.settings, settings), 'the settings are what the schema wants')
  const provider = await kubernetes.connect(settings, createDeps({}, overrides))
  t.teardown(() => provider.close())
  return provider
}

const write = (file: string, text: string): string => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

/** Sets the variables for this test, or takes them away. */
const useEnvironment = (t: Test, wanted: Readonly<Record<string, string | undefined>>): void => {
  const set = (variables: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, process.env[name]]))
  set(wanted)
  t.teardown(() => set(before))
}

test('reads share a connection, and know no proxy of the environment', async (t) => {
  const trap: string[] = []
  const port = await listen(
    t,
    createTlsServer(createCertificate('127.0.0.1')).on('connection', () => trap.push('asked'))
  )
  const proxy = `http://127.0.0.1:${port}`
  useEnvironment(t, { HTTPS_PROXY: proxy, https_proxy: proxy, ALL_PROXY: proxy, NO_PROXY: '' })
  const { provider, wire } = await openKubernetes(t)
  for (let i = 0; i < 3; i++) await provider.read({ path }, within())
  t.equal(wire.reads.length, 3)
  t.equal(await wire.connections(), 1)
  t.strictSame(trap, [])
})

test('reads that are refused together find the new token together', async (t) => {
  const { provider, wire } = await openKubernetes(t, (request) =>
    request.headers.authorization === 'Bearer token-1'
      ? status(401, 'Unauthorized', 'Unauthorized')
      : simple(request)
  )
  await Promise.all(Array.from({ length: 30 }, () => provider.read({ path }, within())))
  t.equal(wire.logins.length, 2)
})

test('after close it asks nobody, and says that it is closed', async (t) => {
  const { provider, wire } = await openKubernetes(t)
  await provider.close()
  t.match(await faultOf(provider.read({ path }, within())), {
    reason: 'unavailable',
    code: 'closed'
  })
  t.equal(wire.reads.length + wire.logins.length, 0)
})

test('a pod reads with its service account, whose token and authority may rotate', async (t) => {
  const root = t.testdir()
  const account = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
  let valid = 'first'
  const wire = await openWire(
    t,
    dialectOf((request) =>
      request.headers.authorization === `Bearer ${valid}`
        ? simple(request)
        : status(401, 'Unauthorized', 'Unauthorized')
    ),
    { read: 'found', text: '' }
  )
  useEnvironment(t, {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: new URL(wire.url).port
  })
  let now = 1_000_000
  const provider = await connect(t, { method: 'in-cluster', root }, { now: () => now })
  const sent = () => wire.reads.map(({ headers }) => headers.authorization)

  t.match(await faultOf(provider.read({ path }, within())), {
    reason: 'misconfigured',
    code: 'credential'
  })
  write(join(account, 'ca.crt'), wire.ca ?? '')
  write(join(account, 'token'), 'first\n')
  // A pod without an account is looked at again within seconds, and not for each reference.
  now += 2_000
  await provider.read({ path }, within())

  // Replaced while the old one is still good: taken up within a minute.
  write(join(account, 'token'), 'second')
  await provider.read({ path }, within())
  now += 60_000
  valid = 'second'
  await provider.read({ path }, within())
  t.strictSame(sent(), ['Bearer first', 'Bearer first', 'Bearer second'])

  // Refused before the minute is over: taken up at once.
  write(join(account, 'token'), 'third')
  valid = 'third'
  await provider.read({ path }, within())
  t.strictSame(sent().slice(3), ['Bearer second', 'Bearer third'])

  // The authority that is trusted is read anew as well.
  write(join(account, 'ca.crt'), createCertificate('127.0.0.1').cert)
  now += 60_000
  t.equal((await faultOf(provider.read({ path }, within()))).reason, 'misconfigured')
})

test('outside of a pod the default is misconfigured, and no host is made up', async (t) => {
  const root = t.testdir()
  const account = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
  write(join(account, 'ca.crt'), createCertificate('127.0.0.1').cert)
  write(join(account, 'token'), 'left over')
  useEnvironment(t, { KUBERNETES_SERVICE_HOST: undefined, KUBERNETES_SERVICE_PORT: undefined })
  t.match(await faultOf((await connect(t, undefined)).read({ path }, within())), {
    reason: 'misconfigured'
  })
  for (const port of ['443', '8080']) {
    useEnvironment(t, { KUBERNETES_SERVICE_PORT: port })
    const provider = await connect(t, { method: 'in-cluster', root })
    t.match(await faultOf(provider.read({ path }, within())), {
      reason: 'misconfigured',
      code: 'not_in_cluster'
    })
  }
})

/** A kubeconfig (JSON is YAML) with two contexts, of which `current` is the current one. */
const kubeconfig = (t: Test, cluster: object, user: object): string =>
  write(
    join(t.testdir(), 'kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'current',
      clusters: [{ name: 'cluster', cluster }],
      users: [
        { name: 'user', user },
        { name: 'other', user: { token: 'of-another-context' } }
      ],
      contexts: [
        { name: 'current', context: { cluster: 'cluster', user: 'user' } },
        { name: 'other', context: { cluster: 'cluster', user: 'other' } }
      ]
    })
  )

const authorityIn = (ca = ''): object => ({ 'certificate-authority-data': encoded(ca) })

test('a kubeconfig gives server, path, authority and token, of its current context or another', async (t) => {
  const wire = await openWire(
    t,
    dialectOf(({ url, ...request }) => simple({ ...request, url: url.replace('/k8s/c-1', '') })),
    { read: 'found', text: '' }
  )
  const cluster = { server: `${wire.url}/k8s/c-1/`, ...authorityIn(wire.ca) }
  const file = kubeconfig(t, cluster, { token: 'of-the-user' })
  const current = await connect(t, { method: 'kubeconfig', file })
  const other = await connect(t, { method: 'kubeconfig', file, context: 'other' })
  await current.read({ path }, within())
  await other.read({ path }, within())
  t.strictSame(
    wire.reads.map(({ url, headers }) => [url, headers.authorization]),
    [
      ['/k8s/c-1/api/v1/namespaces/apps/secrets/db', 'Bearer of-the-user'],
      ['/k8s/c-1/api/v1/namespaces/apps/secrets/db', 'Bearer of-another-context']
    ]
  )
})

test('the token of a kubeconfig may stand in a file, which wins over the token beside it', async (t) => {
  const { wire } = await openKubernetes(t)
  const cluster = { server: wire.url, ...authorityIn(wire.ca) }
  const file = kubeconfig(t, cluster, { tokenFile: 'token', token: 'token-7' })
  write(join(dirname(file), 'token'), 'token-8\n')
  let now = 0
  const provider = await connect(t, { method: 'kubeconfig', file }, { now: () => now })
  await provider.read({ path }, within())
  write(join(dirname(file), 'token'), 'token-9\n')
  now += 61_000
  await provider.read({ path }, within())
  t.strictSame(
    wire.reads.map(({ headers }) => headers.authorization),
    ['Bearer token-8', 'Bearer token-9']
  )
})

test('a kubeconfig may log in with a client certificate', async (t) => {
  const ours = createCertificate('purser.example')
  const theirs = createCertificate('127.0.0.1')
  const seen: unknown[] = []
  const server = createTlsServer(
    { ...theirs, ca: ours.cert, requestCert: true },
    (request, response) => {
      seen.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN)
      response.end(secret({ url: request.url ?? '' }, {}).body)
    }
  )
  const cluster = {
    server: `https://127.0.0.1:${await listen(t, server)}`,
    ...authorityIn(theirs.cert)
  }
  const user = {
    'client-certificate-data': encoded(ours.cert),
    'client-key-data': encoded(ours.key)
  }
  const provider = await connect(t, { method: 'kubeconfig', file: kubeconfig(t, cluster, user) })
  await provider.read({ path }, within())
  t.strictSame(seen, ['purser.example'])
})

test('a kubeconfig that would weaken us is refused, and nothing of it is sent, run or told', async (t) => {
  const { wire } = await openKubernetes(t)
  const canary = createCanary()
  const token = { token: canary.token.replaceAll(/[^ -~]/g, '') }
  const good = { server: wire.url, ...authorityIn(wire.ca) }
  const proof = join(t.testdir(), 'proof')
  const program = { apiVersion: 'v1', command: '/bin/sh', args: ['-c', `: > ${proof}`], env: [] }
  const cases: readonly (readonly [object, object, string])[] = [
    [{ ...good, 'insecure-skip-tls-verify': true }, token, 'skip_tls_verify'],
    [{ ...good, 'proxy-url': 'http://127.0.0.1:9' }, token, 'proxy_url'],
    [{ ...good, server: wire.url.replace('https', 'http') }, token, 'not_https'],
    [good, { exec: program }, 'kubeconfig_program'],
    [good, { ...token, 'auth-provider': { name: 'gcp', config: {} } }, 'kubeconfig_program'],
    [good, {}, 'no_credential'],
    [good, { username: 'a', password: canary.token }, 'no_credential'],
    [{ server: canary.token }, token, 'credential']
  ]
  for (const [cluster, user, code] of cases) {
    const file = kubeconfig(t, cluster, user)
    const provider = await connect(t, { method: 'kubeconfig', file })
    const fault = await faultOf(provider.read({ path }, within()))
    t.match(fault, { reason: 'misconfigured', code })
    t.strictSame(canary.findIn(everythingIn(fault)), [])
  }
  t.equal(wire.reads.length, 0)
  t.notOk(existsSync(proof))

  const broken = write(join(t.testdir(), 'broken'), `users: [{ token: ${canary.token}\n : :`)
  for (const file of [broken, join(t.testdir(), 'absent')]) {
    const provider = await connect(t, { method: 'kubeconfig', file })
    const fault = await faultOf(provider.read({ path }, within()))
    t.match(fault, { reason: 'misconfigured', code: 'credential' })
    t.strictSame(canary.findIn(everythingIn(fault)), [])
  }
  // Which the client would read to an end that they do not have, and all of this process would wait.
  const endless = kubeconfig(t, { ...good, 'certificate-authority': '/dev/zero' }, token)
  const endlessKey = { 'client-certificate': '/dev/zero', 'client-key': '/dev/zero' }
  for (const file of ['/dev/zero', endless, kubeconfig(t, good, endlessKey)]) {
    const provider = await connect(t, { method: 'kubeconfig', file })
    const fault = await faultOf(provider.read({ path }, within()))
    t.match(fault, { reason: 'misconfigured', code: 'credential' })
  }
  const file = kubeconfig(t, good, token)
  const provider = await connect(t, { method: 'kubeconfig', file, context: 'absent' })
  t.match(await faultOf(provider.read({ path }, within())), { code: 'no_context' })
})

test('the settings name namespaces, and a server by https: only', async (t) => {
  const token = { env: 'TOKEN' }
  const withServer = (server: string) => ({
    namespaces: ['apps'],
    auth: { method: 'token', server, token }
  })
  const accepts = (settings: unknown) => Value.Check(kubernetes.settings, settings)
  t.ok(accepts({ namespaces: ['apps', 'a1'] }))
  t.ok(accepts(withServer('https://[::1]:6443/k8s/clusters/c-1')))
  t.notOk(accepts({}))
  t.notOk(accepts({ namespaces: [] }))
  for (const namespace of ['Apps', '*', 'a.b', '-a', 'a/b', 'a'.repeat(64)]) {
    t.notOk(accepts({ namespaces: [namespace] }), namespace)
  }
  for (const server of ['http://h', 'https://user@h', 'https://h?x', 'https://h#x', 'h:6443']) {
    t.notOk(accepts(withServer(server)), server)
  }
  t.strictSame(kubernetes.address({ namespaces: ['apps'] }), {
    kind: 'kubernetes',
    namespaces: ['apps']
  })
})

test('a token that is not there is misconfigured', async (t) => {
  const { wire } = await openKubernetes(t)
  const auth = {
    method: 'token',
    server: wire.url,
    token: { env: 'T' },
    ...caFileOf(t, wire)
  } as const
  const provider = await connect(t, auth)
  t.match(await faultOf(provider.read({ path }, within())), {
    reason: 'misconfigured',
    code: 'credential'
  })
  t.equal(wire.reads.length, 0)
})
