// The example of a pod that holds no secret: a real API server takes it, and what its init container runs logs in.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { createCertificate } from '../../support/certificate.ts'
import { parseConfigFile } from '../../support/config-file.ts'
import { createDirectory } from '../../support/embedded.ts'
import { isClusterInstalled } from '../../support/kube-apiserver.ts'
import { createKubectl } from '../../support/kubectl.ts'
import { createConfigured, putLocal, runPurser, serve } from '../../support/purser-process.ts'
import { ISSUER, startCluster, tokenOf } from '../../support/workload-cluster.ts'

const FOLDER = 'examples/kubernetes-login'
const isInstalled = await isClusterInstalled()
const options = { skip: isInstalled === true ? false : isInstalled, timeout: 240_000 }

interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
}

const podText = readFileSync(join(FOLDER, 'pod.yaml'), 'utf8')
const [account, pod] = parseAllDocuments(podText).map((one) => one.toJSON())
const yaml = readFileSync(join(FOLDER, 'purser.yaml'), 'utf8')

test('nothing in the manifest is a secret or refers to one, and its token is for the trust beside it', async (t) => {
  t.notMatch(podText, /secretKeyRef|secretName|secretRef|kind: Secret|password:|apiKey/)
  const [trust] = parseConfigFile(yaml, 'purser.yaml').trusts
  const [token] = pod.spec.volumes
  t.equal(token.projected.sources[0].serviceAccountToken.audience, trust?.audience)
  t.equal(pod.spec.serviceAccountName, account.metadata.name)
  t.same(
    trust?.bind.map(({ values }) => values),
    [[account.metadata.namespace], [account.metadata.name]]
  )
  t.equal(pod.spec.automountServiceAccountToken, false)
})

test(
  'a real API server takes it where pods are restricted, and its login gives a key that reads',
  options,
  async (t) => {
    const { cluster, tokenFile } = await startCluster(t)
    const kubectl = createKubectl(t, cluster)
    const enforce = 'pod-security.kubernetes.io/enforce=restricted'
    t.match(await kubectl('label', 'namespace', 'shop', enforce), { code: 0 })
    t.match(
      await kubectl('create', 'configmap', 'purser-ca', '-n', 'shop', '--from-literal=ca.crt=x'),
      {
        code: 0
      }
    )
    t.match(await kubectl('apply', '-f', join(FOLDER, 'pod.yaml')), {
      code: 0,
      stderr: /^(?!.*violate)/
    })

    const files = createDirectory(t)
    const { key, cert } = createCertificate('127.0.0.1')
    writeFileSync(join(files, 'tls.key'), key, { mode: 0o600 })
    writeFileSync(join(files, 'ca.crt'), cert)
    writeFileSync(join(files, 'token'), await tokenOf(cluster))
    const { folder } = createConfigured(t, {
      yaml: yaml
        .replace('https://kubernetes.default.svc.cluster.local', ISSUER)
        .replace('https://kubernetes.default.svc/openid', `${cluster.url}/openid`)
        .replace(/caFile: .*/, `caFile: ${cluster.caFile}`)
        .replace(/tokenFile: .*/, `tokenFile: ${tokenFile}`),
      variables: { TLS_CERT_FILE: join(files, 'ca.crt'), TLS_KEY_FILE: join(files, 'tls.key') }
    })
    await putLocal(folder, 'shop/db', 'of the shop')
    const { url } = await serve(t, folder)

    /** The paths of the pod, in the folder of the test. */
    const here = (text: string): string =>
      text
        .replace('/var/run/secrets/purser', files)
        .replace('/run/purser', files)
        .replace('/etc/purser-ca', files)
        .replace('https://purser.purser.svc:8700', url)
    const [init] = pod.spec.initContainers as readonly Container[]
    const env = Object.fromEntries((init?.env ?? []).map(({ name, value }) => [name, here(value)]))
    const ran = await runPurser(t, createDirectory(t), (init?.args ?? []).map(here), { env })
    t.match(ran, { code: 0, stdout: '' })
    const program = (pod.spec.containers[0] as Container).args[0] ?? ''
    t.match(program, /\$\(cat \/run\/purser\/key\)/)
    const [, path = ''] = /8700(\S+)/.exec(program) ?? []
    const read = await readWith(join(files, 'key'), url + path, join(files, 'ca.crt'))
    t.match(read, { value: 'of the shop' })
  }
)

/** As curl in the pod asks. */
const readWith = async (file: string, url: string, caFile: string): Promise<unknown> => {
  const { createTransport } = await import('../../../src/kinds/shared/http-transport.ts')
  const transport = createTransport(new URL(url).origin, { ca: [readFileSync(caFile, 'utf8')] })
  const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`
  const signal = AbortSignal.timeout(20_000)
  const { text } = await transport.send({ method: 'GET', url, headers: { authorization }, signal })
  transport.close()
  return JSON.parse(text)
}
