/**
 * The container of a rendered Deployment as a process of this machine: with the variables of the manifest and with its volumes,
 * below a folder in place of the root. Rule: only what would leave loopback, or meet another service there, is changed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createCertificate } from './certificate.ts'
import { createDirectory } from './embedded.ts'
import { randomSecret } from './keys.ts'
import { environmentOf, type Manifest, ofKind, podTemplateOf, type Volume } from './manifests.ts'

/** The members of the Secret `purser`, as docs/kubernetes.md makes them. */
export interface Secrets {
  readonly encryption_keys: string
  readonly internal_secret: string
  readonly metrics_token: string
  readonly redis_url?: string
}

export const createSecrets = (more: Partial<Secrets> = {}): Secrets => ({
  encryption_keys: newEncryptionKey(),
  internal_secret: randomSecret(),
  metrics_token: randomSecret(),
  ...more
})

export interface Pod {
  /** In place of the root: what the manifest mounts at /data is in its `data`. */
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  /** Of the certificate that it serves with. */
  readonly ca: string
}

const configMapOf = (manifests: readonly Manifest[], name: string): Record<string, string> => {
  const maps = ofKind<Manifest & { data: Record<string, string> }>(manifests, 'ConfigMap')
  return maps.find(({ metadata }) => metadata.name === name)?.data ?? {}
}

/** `change`: the purser.yaml of the manifests and the pod's root in, another out. */
export const createPod = (
  t: Test,
  manifests: readonly Manifest[],
  {
    secrets,
    change = (yaml) => yaml
  }: { secrets: Secrets; change?: (yaml: string, root: string) => string }
): Pod => {
  const root = createDirectory(t)
  const template = podTemplateOf(manifests)
  const [{ volumeMounts }] = template.spec.containers
  const { cert, key } = createCertificate('127.0.0.1')
  const mounted: Record<string, object> = {
    purser: secrets,
    'purser-tls': { 'tls.crt': cert, 'tls.key': key }
  }
  const filesOf = ({ configMap, secret }: Volume): object => {
    if (secret !== undefined) return mounted[secret.secretName] ?? {}
    if (configMap === undefined) return {}
    const { 'purser.yaml': yaml = '', ...others } = configMapOf(manifests, configMap.name)
    return { ...others, 'purser.yaml': change(yaml, root) }
  }
  for (const { name, mountPath } of volumeMounts) {
    const folder = join(root, mountPath)
    mkdirSync(folder, { recursive: true })
    const volume = template.spec.volumes.find((one) => one.name === name)
    if (volume === undefined) throw new Error(`no volume is called ${name}`)
    for (const [file, text] of Object.entries(filesOf(volume))) {
      writeFileSync(join(folder, file), text, { mode: 0o440 })
    }
  }
  const isMounted = (path: string): boolean =>
    volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))
  const placed = Object.entries(environmentOf(template)).map(([name, value]) => [
    name,
    isMounted(value) ? join(root, value) : value
  ])
  const env: Record<string, string> = Object.fromEntries(placed)
  for (const name of ['HOST', 'INTERNAL_HOST']) if (name in env) env[name] = '127.0.0.1'
  for (const name of ['PORT', 'INTERNAL_PORT']) if (name in env) env[name] = '0'
  return { root, env, ca: cert }
}

export interface Asked {
  readonly status: number | undefined
  readonly body: unknown
}

/** Over TLS, as a caller that trusts the pod's authority. */
export const ask = (
  { ca }: Pod,
  url: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<Asked> =>
  new Promise((resolve, reject) => {
    request(url, { ca, headers, agent: false, timeout: 15_000 }, (response) => {
      const isJson = /json/.test(response.headers['content-type'] ?? '')
      text(response).then((read) => {
        resolve({ status: response.statusCode, body: isJson ? JSON.parse(read) : read })
      }, reject)
    })
      .once('timeout', function (this: { destroy: (error: Error) => void }) {
        this.destroy(new Error('no answer in time'))
      })
      .once('error', reject)
      .end()
  })
