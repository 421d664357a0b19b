/**
 * What the tests of `deploy/kubernetes/` do on a real API server: make a cluster ready for the manifests, run what the page says,
 * and start the service as its pod would be.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { blocksIn } from './doc-blocks.ts'
import { SHIMS, writeShims } from './doc-run.ts'
import { createDirectory } from './embedded.ts'
import type { KubeApiserver } from './kube-apiserver.ts'
import { administratorOf, type Kubectl, type Ran } from './kubectl.ts'
import { render } from './manifests.ts'
import { programOf } from './peers.ts'
import { createPod, createSecrets } from './pod.ts'

export const NAMESPACE = '/api/v1/namespaces/purser'
export const FOLDER = 'deploy/kubernetes'

export const accepted = (t: Test, { code, stdout, stderr }: Ran, what: string): string => {
  t.equal(code, 0, `${what}: ${stderr}`)
  return stdout
}

/** Everything that the manifests take for granted of a cluster. */
export const prepare = async (t: Test, kubectl: Kubectl): Promise<void> => {
  accepted(t, await kubectl('apply', '-f', 'test/support/crds'), 'CRDs')
  const established = await kubectl(
    'wait',
    '--for=condition=Established',
    'crd',
    '--all',
    '--timeout=60s'
  )
  accepted(t, established, 'CRDs are established')
  for (const namespace of ['apps', 'redis']) {
    accepted(t, await kubectl('create', 'namespace', namespace), namespace)
  }
  accepted(
    t,
    await kubectl('apply', '--server-side', '-f', `${FOLDER}/base/namespace.yaml`),
    'namespace'
  )
}

/** The commands of the page's block with these words in it, in an empty folder beside this repository's `deploy/`. */
export const runBlock = (t: Test, server: KubeApiserver, words: string): Promise<Ran> => {
  const page = 'docs/kubernetes.md'
  const block = blocksIn(page, readFileSync(page, 'utf8')).find(({ text }) => text.includes(words))
  const folder = createDirectory(t)
  symlinkSync(resolve('deploy'), join(folder, 'deploy'))
  const kubectl = `#!/bin/sh\nexec '${programOf('kubectl')}' "$@"\n`
  const bin = writeShims(folder, { ...SHIMS, kubectl })
  const administrator = administratorOf(t, server)
  const env = { ...administrator, PATH: `${bin}:${administrator.PATH}` }
  return new Promise((done) => {
    const script = `set -euo pipefail\n${block?.text ?? 'false'}`
    execFile(
      'bash',
      ['-c', script],
      { cwd: folder, env, timeout: 120_000 },
      (error, stdout, stderr) => done({ code: error === null ? 0 : 1, stdout, stderr })
    )
  })
}

export const APPS = '/api/v1/namespaces/apps'

/** Two secrets in `apps`, of which secrets-reader names one. */
export const giveSecrets = async (
  t: Test,
  admin: KubeApiserver['admin'],
  kubectl: Kubectl
): Promise<void> => {
  for (const name of ['smtp', 'other']) {
    const stringData = { password: `of ${name}` }
    await admin('POST', `${APPS}/secrets`, { metadata: { name }, stringData })
  }
  accepted(
    t,
    await kubectl('apply', '-n', 'apps', '-k', `${FOLDER}/secrets-reader`),
    'secrets-reader'
  )
}

export const tokenOf = async (admin: KubeApiserver['admin']): Promise<string> => {
  const { text } = await admin('POST', `${NAMESPACE}/serviceaccounts/purser/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 }
  })
  return JSON.parse(text).status.token
}

/** The container of the embedded overlay, as the account whose token it is, where this machine can have that. */
export const createPodIn = (
  t: Test,
  { url, ca }: KubeApiserver,
  token: string,
  changeMore = (yaml: string): string => yaml
) => {
  const secrets = createSecrets()
  const change = (yaml: string, root: string): string => {
    const auth = `$&\n    auth: { method: in-cluster, root: ${root} }`
    return changeMore(yaml.replace('namespaces: [apps]', auth))
  }
  const pod = createPod(t, render('overlays/embedded'), { secrets, change })
  const account = join(pod.root, 'var/run/secrets/kubernetes.io/serviceaccount')
  mkdirSync(account, { recursive: true })
  const files = { token, 'ca.crt': ca, namespace: 'purser' }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(account, name), text)
  const { hostname, port } = new URL(url)
  const env = { ...pod.env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  return { pod, env, secrets }
}
