/**
 * Who may reach whom, in the convention of the platform's document: `networking/allow-pod-<app>-access` on pods,
 * `networking/allow-namespace-<app>-access` on namespaces. Rule: each whole matrix is asked, so that a way nobody thought of fails.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { blocksIn } from '../../support/doc-blocks.ts'
import { type Manifest, ofKind, podTemplateOf, render } from '../../support/manifests.ts'
import { areOpen, type Peer, type Way } from '../../support/network-policy.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'

const available = await isInstalled('kubectl', 'network-policy')
const test = (name: string, run: (t: Test) => Promise<void>): void => {
  void tap.test(name, async (t) => {
    if (!skipWithout(t, available)) await run(t)
  })
}

const allowsPod = (...apps: string[]) =>
  Object.fromEntries(apps.map((app) => [`networking/allow-pod-${app}-access`, 'true']))
const allowsNamespace = (...apps: string[]) =>
  Object.fromEntries(apps.map((app) => [`networking/allow-namespace-${app}-access`, 'true']))
const ALL = ['purser', 'purser-internal', 'purser-metrics', 'redis']

interface Cluster {
  readonly peers: Readonly<Record<string, Peer>>
  readonly policies: readonly Manifest[]
}

/** An installation with the internal listener, its neighbours, and Redis, with these policies of both. */
const clusterOf = (purser: readonly Manifest[], redis: readonly Manifest[]): Cluster => {
  const template = podTemplateOf(purser)
  const [namespace] = ofKind(purser, 'Namespace')
  const home = { namespace: 'purser', namespaceLabels: namespace?.metadata.labels ?? {} }
  const [container] = template.spec.containers
  const ports = Object.fromEntries(container.ports.map((one) => [one.name, one.containerPort]))
  const pro = { namespace: 'aura-pro', namespaceLabels: allowsNamespace('purser', 'redis') }
  const system = {
    namespace: 'aura-system',
    namespaceLabels: allowsNamespace('purser-internal', 'purser-metrics', 'redis')
  }
  const elsewhere = { namespace: 'elsewhere', namespaceLabels: {} }
  const peers = {
    purser: { ...home, labels: template.metadata.labels, ports },
    'beside it': { ...home, labels: {} },
    'beside it, labelled': { ...home, labels: allowsPod(...ALL) },
    bot: { ...pro, labels: allowsPod('purser') },
    'beside the bot': { ...pro, labels: {} },
    context: { ...pro, labels: allowsPod('redis') },
    'authentication-api': { ...system, labels: allowsPod('purser-internal') },
    prometheus: { ...system, labels: allowsPod('purser-metrics', 'redis') },
    'beside prometheus': { ...system, labels: {} },
    'labelled elsewhere': { ...elsewhere, labels: allowsPod(...ALL) },
    redis: { namespace: 'redis', namespaceLabels: {}, labels: { app: 'redis' } },
    'beside redis': { namespace: 'redis', namespaceLabels: {}, labels: {} },
    'beside redis, labelled': {
      namespace: 'redis',
      namespaceLabels: {},
      labels: allowsPod('redis')
    },
    'an address': { address: '203.0.113.9' },
    'an address of the node': { address: '10.0.0.4' }
  }
  return { peers, policies: ofKind([...purser, ...redis], 'NetworkPolicy') }
}

const peerOf = ({ peers }: Cluster, name: string): Peer => {
  const peer = peers[name]
  if (peer === undefined) throw new Error(`there is no ${name}`)
  return peer
}

const PORTS: readonly (readonly [column: string, to: string, port: number])[] = [
  ['https', 'purser', 8700],
  ['internal', 'purser', 8701],
  ['another port', 'purser', 9229],
  ['6379', 'redis', 6379],
  ['26379', 'redis', 26379],
  ['9121', 'redis', 9121],
  ['another of redis', 'redis', 16379]
]

/** For each peer the columns that it reaches. */
const matrixOf = (cluster: Cluster): Readonly<Record<string, readonly string[]>> => {
  const names = Object.keys(cluster.peers)
  const ways = names.flatMap((from) =>
    PORTS.map(
      ([, to, port]): Way => ({ from: peerOf(cluster, from), to: peerOf(cluster, to), port })
    )
  )
  const open = areOpen(cluster.policies, ways)
  return Object.fromEntries(
    names.map((name, row) => [
      name,
      PORTS.filter((_, column) => open[row * PORTS.length + column]).map(([column]) => column)
    ])
  )
}

const REDIS = ['6379', '26379', '9121']

/** The first form: "from pods with labels … in namespaces with labels …". */
const LABELLED_PODS = {
  // Its own egress does not let it to the exporter, or to itself.
  purser: ['6379', '26379'],
  'beside it': [],
  'beside it, labelled': [],
  bot: ['https'],
  'beside the bot': [],
  context: REDIS,
  'authentication-api': ['internal'],
  prometheus: ['internal', ...REDIS],
  'beside prometheus': [],
  'labelled elsewhere': [],
  redis: [],
  'beside redis': [],
  'beside redis, labelled': [],
  'an address': [],
  'an address of the node': []
}

/** The second: "from all pods in namespaces with labels …" and "from pods in the same namespace with labels …". */
const WHOLE_NAMESPACES = {
  ...LABELLED_PODS,
  bot: ['https', ...REDIS],
  'beside the bot': ['https', ...REDIS],
  context: ['https', ...REDIS],
  'authentication-api': ['internal', ...REDIS],
  'beside prometheus': ['internal', ...REDIS],
  'beside redis, labelled': REDIS
}

const NAMED = /^# ([a-z-]+\.yaml)\n/

/** The overlay of one's own that docs/kubernetes.md shows, with this repository beside it; its files can be changed. */
const renderOwn = (
  t: Test,
  change: (files: Readonly<Record<string, string>>) => Readonly<Record<string, string>>
): readonly Manifest[] => {
  const folder = t.testdir({ purser: t.fixture('symlink', process.cwd()) })
  const blocks = blocksIn('docs/kubernetes.md', readFileSync('docs/kubernetes.md', 'utf8'))
  const shown = blocks.flatMap(({ text }) => {
    const [, name] = NAMED.exec(text) ?? []
    return name === undefined ? [] : [[name, text]]
  })
  const files = change({ 'purser.yaml': 'policies: []\n', ...Object.fromEntries(shown) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return render(folder)
}

/** The second form in place of the first, as that page says. */
const renderWholeNamespaces = (t: Test): readonly Manifest[] =>
  renderOwn(t, ({ 'kustomization.yaml': own = '', ...others }) => {
    const from = 'deploy/kubernetes/network/purser/namespaces'
    const names = readdirSync(from).filter((name) => name !== 'kustomization.yaml')
    const copies = names.map((name) => [name, readFileSync(join(from, name), 'utf8')])
    const kustomization = own
      .replace('overlays/redis', 'overlays/internal')
      .replace('[api-server.yaml]', `[api-server.yaml, ${names.join(', ')}]`)
    return { ...others, ...Object.fromEntries(copies), 'kustomization.yaml': kustomization }
  })

test('labelled pods of labelled namespaces reach the ports of their label, and nobody else does', async (t) => {
  const cluster = clusterOf(render('overlays/internal'), render('network/redis/pods'))
  t.strictSame(matrixOf(cluster), LABELLED_PODS)
})

test('in the second form all pods of labelled namespaces do, and labelled ones of the same namespace', async (t) => {
  const cluster = clusterOf(renderWholeNamespaces(t), render('network/redis/namespaces'))
  t.strictSame(matrixOf(cluster), WHOLE_NAMESPACES)
})

test('both forms have a policy for each port, named as the document names them', async (t) => {
  const names = (folder: string) => render(folder).map(({ metadata }) => metadata.name)
  for (const form of ['pods', 'namespaces']) {
    const all = [...names(`network/purser/${form}`), ...names(`network/redis/${form}`)]
    t.strictSame(all.sort(), ALL.map((app) => `${app}-network-policy`).sort(), form)
  }
})

test('no listener of its own for /internal/* means no port that is open for it', async (t) => {
  const cluster = clusterOf(render('overlays/redis'), render('network/redis/pods'))
  const { bot, prometheus, 'authentication-api': authentication } = matrixOf(cluster)
  t.strictSame(
    { bot, prometheus, authentication },
    { bot: ['https'], prometheus: REDIS, authentication: [] }
  )
})

const APART = { namespace: 'purser', namespaceLabels: {} }
const VAULT = { namespace: 'vault', namespaceLabels: {} }
const SYSTEM = { namespace: 'kube-system', namespaceLabels: {} }
type Destination = readonly [to: Peer, port: number, protocol: 'TCP' | 'UDP', name: string]
const DESTINATIONS: readonly Destination[] = [
  [{ ...SYSTEM, labels: { 'k8s-app': 'kube-dns' } }, 53, 'UDP', 'DNS'],
  [{ ...SYSTEM, labels: { 'k8s-app': 'kube-dns' } }, 53, 'TCP', 'DNS over TCP'],
  [{ address: '169.254.20.10' }, 53, 'UDP', 'DNS of the node'],
  [{ address: '52.94.233.80' }, 443, 'TCP', 'a store of a cloud, an issuer'],
  [{ address: '2a00:1450:4001::1' }, 443, 'TCP', 'the same over IPv6'],
  [{ address: '192.0.2.1' }, 6443, 'TCP', 'the API server'],
  [
    { ...VAULT, labels: { 'app.kubernetes.io/name': 'vault' } },
    8200,
    'TCP',
    'a Vault of the cluster'
  ],
  [{ namespace: 'redis', namespaceLabels: {}, labels: { app: 'redis' } }, 6379, 'TCP', 'Redis'],
  [
    { namespace: 'redis', namespaceLabels: {}, labels: { app: 'redis' } },
    26379,
    'TCP',
    'a sentinel'
  ],
  [{ ...SYSTEM, labels: { app: 'another' } }, 53, 'UDP', 'another pod of kube-system'],
  [{ address: '52.94.233.80' }, 80, 'TCP', 'a public address in the clear'],
  [{ address: '52.94.233.80' }, 53, 'UDP', 'a public DNS'],
  [{ address: '169.254.169.254' }, 80, 'TCP', 'the metadata service'],
  [{ address: '169.254.169.254' }, 443, 'TCP', 'the metadata service by 443'],
  [{ address: '10.96.0.1' }, 443, 'TCP', 'a private address'],
  [{ address: 'fd00::1' }, 443, 'TCP', 'a private address of IPv6'],
  [{ ...VAULT, labels: {} }, 8200, 'TCP', 'another pod beside the Vault'],
  [{ ...APART, labels: { app: 'redis' } }, 6379, 'TCP', 'a pod elsewhere that calls itself redis'],
  [
    { namespace: 'redis', namespaceLabels: {}, labels: { app: 'redis' } },
    9121,
    'TCP',
    "Redis' exporter"
  ],
  [{ ...APART, labels: { app: 'purser' } }, 8700, 'TCP', 'itself']
]

/** The names of what Purser's pod may ask. */
const askedBy = (
  manifests: readonly Manifest[],
  destinations: readonly Destination[] = DESTINATIONS
): readonly string[] => {
  const cluster = clusterOf(manifests, [])
  const from = peerOf(cluster, 'purser')
  const open = areOpen(
    cluster.policies,
    destinations.map(([to, port, protocol]): Way => ({ from, to, port, protocol }))
  )
  return destinations.filter((_, index) => open[index]).map(([, , , name]) => name)
}

test('Purser asks DNS, stores, issuers and Redis, and nothing else', async (t) => {
  const listed = DESTINATIONS.slice(0, 9).map(([, , , name]) => name)
  t.strictSame(askedBy(render('overlays/redis')), listed)
  t.strictSame(
    askedBy(render('overlays/embedded')),
    listed.filter((name) => name !== 'Redis' && name !== 'a sentinel')
  )
})

test('the overlay of docs/kubernetes.md has an image, a configuration and an API server of its own', async (t) => {
  const own = renderOwn(t, (files) => files)
  const [container] = podTemplateOf(own).spec.containers
  t.equal(container.image, 'registry.example.com/purser:0.1.0')
  const [config] = ofKind<Manifest & { data: object }>(own, 'ConfigMap')
  t.strictSame(config?.data, { 'purser.yaml': 'policies: []\n' })
  t.strictSame(
    askedBy(own, [
      [{ address: '192.0.2.1' }, 6443, 'TCP', 'the API server of nobody'],
      [{ address: '10.0.0.4' }, 6443, 'TCP', 'the API server'],
      [{ address: '10.0.0.5' }, 6443, 'TCP', 'another node']
    ]),
    ['the API server']
  )
})

test('without any one of the policies something would be another', async (t) => {
  const [purser, redis] = [render('overlays/internal'), render('network/redis/pods')]
  const all = (manifests: readonly Manifest[], others: readonly Manifest[]): string =>
    JSON.stringify([matrixOf(clusterOf(manifests, others)), askedBy(manifests)])
  const whole = all(purser, redis)
  const isOther = ({ metadata }: Manifest) => {
    const without = (manifests: readonly Manifest[]) =>
      manifests.filter((one) => one.kind !== 'NetworkPolicy' || one.metadata.name !== metadata.name)
    return all(without(purser), without(redis)) !== whole
  }
  const policies = ofKind([...purser, ...redis], 'NetworkPolicy')
  t.ok(policies.length >= 10)
  for (const policy of policies) t.ok(isOther(policy), policy.metadata.name)
})
