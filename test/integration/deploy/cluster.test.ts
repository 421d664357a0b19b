/**
 * `deploy/kubernetes/` on a real API server: accepted member by member, pods that meet Pod Security's "restricted", and an account
 * that reads the named secrets and nothing else. There is no kubelet: what pods then do is for kubernetes-pod.test.ts.
 */
import { readFileSync } from 'node:fs'
import tap from 'tap'
import type { Report } from '../../../src/core/doctor-report.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import {
  APPS,
  accepted,
  createPodIn,
  FOLDER,
  giveSecrets,
  NAMESPACE,
  prepare,
  runBlock,
  tokenOf
} from '../../support/cluster.ts'
import { issueKey } from '../../support/keys.ts'
import { startKubeApiserver } from '../../support/kube-apiserver.ts'
import { createKubectl } from '../../support/kubectl.ts'
import { type Manifest, parseManifests, podTemplateOf, render } from '../../support/manifests.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { ask, createPod, createSecrets, type Secrets } from '../../support/pod.ts'
import { runPurser, serve } from '../../support/purser-process.ts'
import { eventually } from '../../support/redis.ts'
import { type Pod, podOf, WEAKENED } from '../../support/weakened-pods.ts'

const OVERLAYS = ['embedded', 'redis', 'internal', 'by-requests', 'external-secrets'] as const

/** What Kustomize says of words that the Kustomize of Debian needs. */
const OLD_WORDS = /^# Warning: '(bases|patchesStrategicMerge)' is deprecated\./

const nameOf = ({ kind, metadata }: Manifest): string => `${kind.toLowerCase()}/${metadata.name}`

const REFUSED = [
  [`${APPS}/secrets/other`, 'another secret of the namespace'],
  [`${APPS}/secrets`, 'a list of them'],
  [`${APPS}/secrets?watch=true`, 'a watch of them'],
  [`${NAMESPACE}/secrets/purser`, 'what Purser itself is started with'],
  ['/api/v1/secrets', 'all secrets of the cluster'],
  [`${APPS}/configmaps/kube-root-ca.crt`, 'another kind'],
  ['/apis/rbac.authorization.k8s.io/v1/roles', 'who has which rights']
] as const

/** What doctor minds and no manifest can mend. */
const OF_THIS_MACHINE: ReadonlySet<string> = new Set([
  // The certificate is signed by itself, and ends tomorrow.
  'tls-chain',
  'certificates-end',
  'node-version',
  'process-user',
  'swap',
  'core-dumps',
  'descriptors',
  'disk-space',
  'open-ports',
  // Left to the operator: an auditor's key, and overlays/internal.
  'audit-auditor',
  'internal-listener'
])

tap.test('the manifests on a real API server', async (t) => {
  if (skipWithout(t, await isInstalled('kube-apiserver', 'etcd', 'kubectl'))) return
  // Or it would refuse privileged pods by itself, before Pod Security is asked.
  const server = await startKubeApiserver(t, { extraArguments: ['--allow-privileged=true'] })
  const kubectl = createKubectl(t, server)
  await prepare(t, kubectl)

  await t.test('every overlay and component is accepted, member by member', async (t) => {
    const dryRun = ['--server-side', '--dry-run=server', '--validate=strict']
    for (const overlay of OVERLAYS) {
      const ran = await kubectl('apply', ...dryRun, '-k', `${FOLDER}/overlays/${overlay}`)
      const told = accepted(t, ran, overlay).trimEnd().split('\n')
      t.equal(told.length, render(`overlays/${overlay}`).length, overlay)
      t.strictSame(
        ran.stderr.split('\n').filter((line) => line !== '' && !OLD_WORDS.test(line)),
        [],
        overlay
      )
    }
    const ofCluster = ['service-monitor', 'network/redis/pods', 'network/redis/namespaces']
    for (const component of [...ofCluster, 'vault-door', 'cluster-secret-store']) {
      accepted(t, await kubectl('apply', ...dryRun, '-k', `${FOLDER}/${component}`), component)
    }
    for (const door of ['ingress', 'gateway']) {
      const ran = await kubectl('apply', ...dryRun, '-f', `examples/tls-proxy/${door}.yaml`)
      accepted(t, ran, `the ${door} before it`)
    }
    const ofPrograms = ['secret-store', 'push-secret', 'key-generator', 'vault-secret-store']
    const example = ['-n', 'apps', '-f', 'examples/kubernetes-run/deployment.yaml']
    accepted(t, await kubectl('apply', ...dryRun, ...example), 'a pod with `purser run`')
    for (const component of ['secrets-reader', ...ofPrograms]) {
      const ran = await kubectl('apply', ...dryRun, '-n', 'apps', '-k', `${FOLDER}/${component}`)
      accepted(t, ran, component)
    }
  })

  await t.test('a member that Kubernetes does not know is refused', async (t) => {
    const folder = t.testdir({
      'service.yaml': JSON.stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'purser', namespace: 'purser' },
        spec: { ports: [{ port: 443, targetPrt: 'https' }] }
      })
    })
    const ran = await kubectl(
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-f',
      folder
    )
    t.not(ran.code, 0)
    t.match(ran.stderr, /targetPrt: field not declared in schema/)
  })

  await t.test(
    'what was applied is what is there, and applying it again changes nothing',
    async (t) => {
      const overlay = ['-k', `${FOLDER}/overlays/redis`]
      accepted(t, await kubectl('apply', ...overlay), 'apply')
      const there = accepted(t, await kubectl('get', '-o', 'name', ...overlay), 'get')
      const names = there
        .trimEnd()
        .split('\n')
        .map((name) => name.replace(/^(\w+)[^/]*/, '$1'))
      t.strictSame(names.sort(), render('overlays/redis').map(nameOf).sort())
      // Not by what kubectl says: it calls a PodDisruptionBudget `configured` whenever it is asked.
      const versions = ['-o', 'jsonpath={.items[*].metadata.resourceVersion}', ...overlay]
      const before = accepted(t, await kubectl('get', ...versions), 'before')
      accepted(t, await kubectl('apply', ...overlay), 'again')
      t.equal(accepted(t, await kubectl('get', ...versions), 'after'), before)
    }
  )

  await t.test("Debian's old kubectl applies the same", async (t) => {
    if (skipWithout(t, await isInstalled('kubectl-debian'))) return
    const old = createKubectl(t, server, 'kubectl-debian')
    for (const overlay of OVERLAYS) {
      accepted(t, await old('apply', '-k', `${FOLDER}/overlays/${overlay}`), overlay)
    }
  })

  await t.test('its pods meet "restricted", and no weaker ones would', async (t) => {
    const tell = (pod: Pod) =>
      server.as(server.adminToken)('POST', `${NAMESPACE}/pods?dryRun=All`, pod)
    for (const overlay of OVERLAYS) {
      const { status, text } = await tell(podOf(podTemplateOf(render(`overlays/${overlay}`))))
      t.equal(status, 201, `${overlay}: ${text}`)
    }
    const example = parseManifests(readFileSync('examples/kubernetes-run/deployment.yaml', 'utf8'))
    const { status, text } = await tell(podOf(podTemplateOf(example)))
    t.equal(status, 201, `the example of \`purser run\`: ${text}`)
    t.ok(Object.keys(WEAKENED).length >= 10)
    const template = podTemplateOf(render('overlays/redis'))
    for (const [what, weaken] of Object.entries(WEAKENED)) {
      const pod = podOf(template)
      weaken(pod as never, pod.spec.containers[0] as never)
      const { status, text } = await tell(pod)
      t.equal(status, 403, what)
      t.match(text, /violates PodSecurity \\"restricted/, what)
    }
  })

  await t.test(
    'the commands of docs/kubernetes.md make the Secret that Purser starts with',
    async (t) => {
      const { code, stderr } = await runBlock(t, server, 'create secret generic purser ')
      t.equal(code, 0, stderr)
      const { text } = await server.admin('GET', `${NAMESPACE}/secrets/purser`)
      const made = Object.entries(JSON.parse(text).data as Record<string, string>).map(
        ([name, base64]) => [name, Buffer.from(base64, 'base64').toString()]
      )
      const secrets = Object.fromEntries(made) as Secrets
      t.strictSame(Object.keys(secrets), Object.keys(createSecrets({ redis_url: '' })))
      const pod = createPod(t, render('overlays/embedded'), { secrets })
      const checked = await runPurser(t, pod.root, ['config', 'check'], { env: pod.env })
      t.match(checked, { code: 0, stdout: /^The configuration is valid: 1 store, 1 policy/ })
    }
  )

  await giveSecrets(t, server.admin, kubectl)
  const token = await tokenOf(server.admin)
  const asPurser = server.as(token)
  await eventually(async () => (await asPurser('GET', `${APPS}/secrets/smtp`)).status === 200)

  await t.test("Purser's account reads the named secrets, and nothing else", async (t) => {
    for (const [path, what] of REFUSED) t.equal((await asPurser('GET', path)).status, 403, what)
    const merge = 'application/merge-patch+json'
    const { status } = await asPurser('PATCH', `${APPS}/secrets/smtp`, { data: {} }, merge)
    t.equal(status, 403, 'a write')
  })

  await t.test('the service reads as that account', async (t) => {
    // Policy may name more than the account has: the API server's word counts.
    const wide = (yaml: string) => yaml.replace('"cluster:apps/smtp"', '"cluster:apps/*"')
    const { pod, env, secrets } = createPodIn(t, server, token, wide)
    const { url } = await serve(t, pod.root, env)
    const keyring = createKeyring([secrets.encryption_keys])
    const key = await issueKey(keyring, 'sample-bot', 'r', { environment: 'pro' })
    const readAs = (ref: string) =>
      ask(pod, `${url}/v1/secrets?${new URLSearchParams({ ref })}`, {
        authorization: `Bearer ${key}`
      })
    const smtp = await readAs('cluster:apps/smtp#password')
    t.match(smtp, { status: 200, body: { value: 'of smtp' } })
    const other = await readAs('cluster:apps/other#password')
    t.match(other, { status: 502, body: { code: 'store_denied' } })
  })

  await t.test(
    'doctor finds nothing to mend in the manifests, and no right too many',
    async (t) => {
      const { pod, env } = createPodIn(t, server, token)
      const { stdout } = await runPurser(t, pod.root, ['doctor', '--json'], { env })
      const { checks } = JSON.parse(stdout) as Report
      const worse = checks.filter(({ id, status }) => status !== 'ok' && !OF_THIS_MACHINE.has(id))
      t.strictSame(worse, [])
      const rights = checks.find(({ id }) => id === 'stores-rights')
      t.match(rights, { status: 'ok', idle: undefined })
    }
  )
})
