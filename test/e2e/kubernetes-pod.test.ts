/** What `deploy/kubernetes/` would start: the service with the variables, files and probes of its manifests. */
import tap, { type Test } from 'tap'
import { createKeyring } from '../../src/crypto/keyring.ts'
import { issueKey } from '../support/keys.ts'
import {
  environmentOf,
  type Manifest,
  ofKind,
  podTemplateOf,
  render
} from '../support/manifests.ts'
import { isInstalled, skipWithout } from '../support/peers.ts'
import { ask, createPod, createSecrets, type Pod, type Secrets } from '../support/pod.ts'
import { type Running, runPurser, serve } from '../support/purser-process.ts'
import { eventually, startRedis } from '../support/redis.ts'

const { test } = tap
tap.jobs = 3

const start = async (
  t: Test,
  manifests: readonly Manifest[],
  secrets: Secrets
): Promise<{ readonly pod: Pod; readonly url: string; readonly running: Running }> => {
  const pod = createPod(t, manifests, { secrets })
  const running = await serve(t, pod.root, pod.env)
  return { pod, url: running.url, running }
}

const OVERLAYS = ['embedded', 'redis', 'internal', 'external-secrets'] as const

for (const overlay of OVERLAYS) {
  test(`the service starts as overlays/${overlay} says, and its probes are answered`, async (t) => {
    if (skipWithout(t, await isInstalled('kubectl', 'redis'))) return
    const manifests = render(`overlays/${overlay}`)
    const template = podTemplateOf(manifests)
    const onRedis = 'REDIS_URL_FILE' in environmentOf(template)
    t.equal(onRedis, overlay !== 'embedded')
    const redis = onRedis ? await startRedis(t) : undefined
    const secrets = createSecrets(redis && { redis_url: redis.url })
    const { pod, url, running } = await start(t, manifests, secrets)
    const [{ startupProbe, livenessProbe, readinessProbe }] = template.spec.containers
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      t.equal(`${httpGet.scheme.toLowerCase()}:`, new URL(url).protocol)
      t.match(await ask(pod, url + httpGet.path), { status: 200 }, httpGet.path)
    }
    const metrics = { authorization: `Bearer ${secrets.metrics_token}` }
    const isApart = overlay === 'internal'
    const there = await ask(pod, `${url}/internal/metrics`, metrics)
    t.equal(there.status, isApart ? 404 : 200)
    if (isApart) {
      const [, internal = ''] = await running.says(/Internal routes at (http[^"]+)/)
      t.match(await ask(pod, `${internal}/internal/metrics`, metrics), { status: 200 })
    }
  })
}

test('a pod that is told to end is not ready at once, and goes on answering while it drains', async (t) => {
  if (skipWithout(t, await isInstalled('kubectl'))) return
  const pod = createPod(t, render('overlays/embedded'), { secrets: createSecrets() })
  t.ok(Number(pod.env['DRAIN_SECONDS']) > 0)
  // Longer than the manifest says, so that a busy machine can look.
  const { url, child } = await serve(t, pod.root, { ...pod.env, DRAIN_SECONDS: '300' })
  t.match(await ask(pod, `${url}/readyz`), { status: 200 })
  child.kill('SIGTERM')
  await eventually(async () => (await ask(pod, `${url}/readyz`)).status === 503)
  t.match(await ask(pod, `${url}/livez`), { status: 200 })
})

interface SecretStore extends Manifest {
  readonly spec: {
    readonly provider: {
      readonly webhook: {
        readonly url: string
        readonly headers: Readonly<Record<string, string>>
        readonly result: object
      }
    }
  }
}

/** What the External Secrets Operator makes of its template: query-escaped in the URL, as it is in headers. */
const filled = (template: string, given: Readonly<Record<string, string>>): string =>
  template.replace(/{{ \.(?:remoteRef|purser)\.(\w+) }}/g, (_, name: string) => given[name] ?? '')

test('the External Secrets Operator gets a secret by the request of secret-store', async (t) => {
  if (skipWithout(t, await isInstalled('kubectl'))) return
  const secrets = createSecrets()
  const change = () =>
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:team/*"] }]\n'
  const pod = createPod(t, render('overlays/embedded'), { secrets, change })
  const input = '{"user":"app","password":"p/w d"}'
  const put = await runPurser(t, pod.root, ['store', 'put', 'local:team/database'], {
    env: pod.env,
    input
  })
  t.equal(put.code, 0, put.stderr)
  const key = await issueKey(createKeyring([secrets.encryption_keys]), 'app', 'r', {
    environment: 'pro'
  })
  const [store] = ofKind<SecretStore>(render('secret-store'), 'SecretStore')
  if (store === undefined) throw new Error('there is no SecretStore')
  const { url: template, headers, result } = store.spec.provider.webhook
  t.strictSame(result, {}, 'the whole body')
  const { url } = await serve(t, pod.root, pod.env)
  const askFor = (property: string) => {
    const escaped = { key: encodeURIComponent('local:team/database'), property }
    const { pathname, search } = new URL(filled(template, escaped))
    const authorization = filled(headers['Authorization'] ?? '', { key })
    return ask(pod, url + pathname + search, { authorization })
  }
  t.match(await askFor('password'), { status: 200, body: 'p/w d' })
  t.match(await askFor(''), { status: 200, body: input })
  t.match(await askFor('absent'), { status: 404, body: { code: 'field_not_found' } })
})
