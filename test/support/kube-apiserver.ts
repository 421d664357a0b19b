/**
 * A real Kubernetes API server and its etcd on free ports of 127.0.0.1, ended with the test. Rule: its administrator is
 * asked by plain requests, so that nothing of a cluster is made by what is tested; there is no controller, no node and no
 * kubelet, so what only those do never comes about.
 */
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createTransport } from '../../src/kinds/shared/http-transport.ts'
import { createCertificate } from './certificate.ts'
import { createDirectory } from './embedded.ts'
import { isInstalled, type RunningPeer, startPeer } from './peers.ts'
import { eventually } from './redis.ts'
import { closedPort } from './wire.ts'

const ADMIN_TOKEN = 'the-administrator'

export interface Answered {
  readonly status: number
  readonly text: string
}

/** A call of the one whose token it is; `body` is sent as JSON, a patch as the type that is said. */
export type AskCluster = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  type?: string
) => Promise<Answered>

export interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface KubeApiserver {
  readonly url: string
  /** PEM of its authority, and where it stands. */
  readonly ca: string
  readonly caFile: string
  readonly adminToken: string
  readonly as: (token: string) => AskCluster
  /** Of the administrator. Throws unless the answer is a 2xx. */
  readonly admin: AskCluster
  /** Makes a service account with these rules in its namespace. Resolves with a token of it, once the rules are in force. */
  readonly accountOf: (namespace: string, name: string, rules: readonly Rule[]) => Promise<string>
  readonly etcd: RunningPeer
  /** PEM of what it signs the tokens of accounts with. */
  readonly accountKey: string
  readonly pid: number
  /** Ends it before the test does. */
  readonly stop: () => Promise<void>
}

export const isClusterInstalled = (): Promise<true | string> =>
  isInstalled('kube-apiserver', 'etcd')

const startEtcd = async (t: Test): Promise<RunningPeer> => {
  const folder = createDirectory(t)
  const peer = `http://127.0.0.1:${await closedPort()}`
  return startPeer(t, 'etcd', (port) => {
    const client = `http://127.0.0.1:${port}`
    return [
      `--data-dir=${join(folder, 'data')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync'
    ]
  })
}

const rsaPair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  })

const argumentsIn = (folder: string, files: Readonly<Record<string, string>>) => {
  const written = Object.entries(files).map(([flag, text]) => {
    const file = join(folder, flag)
    writeFileSync(file, text)
    return `--${flag}=${file}`
  })
  return [
    ...written,
    `--cert-dir=${folder}`,
    '--bind-address=127.0.0.1',
    // Or it would want an address that pods can reach.
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    '--anonymous-auth=false',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.0.0.0/24',
    // It would wait for a controller to make each namespace's default account.
    '--disable-admission-plugins=ServiceAccount'
  ]
}

/** `clientCa`: PEM of the authority of client certificates, whose common name is the user's. */
export const startKubeApiserver = async (
  t: Test,
  { extraArguments = [], clientCa }: { extraArguments?: readonly string[]; clientCa?: string } = {}
): Promise<KubeApiserver> => {
  const etcd = await startEtcd(t)
  const folder = createDirectory(t)
  const { key, cert: ca } = createCertificate('127.0.0.1')
  const accounts = rsaPair()
  const files = {
    'tls-cert-file': ca,
    'tls-private-key-file': key,
    'token-auth-file': `${ADMIN_TOKEN},administrator,1,system:masters\n`,
    'service-account-signing-key-file': accounts.privateKey,
    'service-account-key-file': accounts.publicKey,
    ...(clientCa !== undefined && { 'client-ca-file': clientCa })
  }
  const { port, pid, stop } = await startPeer(t, 'kube-apiserver', (port) => [
    ...argumentsIn(folder, files),
    `--etcd-servers=${etcd.url}`,
    `--secure-port=${port}`,
    ...extraArguments
  ])
  const url = `https://127.0.0.1:${port}`
  const { send, close } = createTransport(url, { ca: [ca], largestAnswerBytes: 16 * 1024 * 1024 })
  t.teardown(close)

  const as =
    (token: string): AskCluster =>
    (method, path, body, type = 'application/json') =>
      send({
        method,
        url: url + path,
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000)
      })
  const admin: AskCluster = async (method, path, body, type) => {
    const answer = await as(ADMIN_TOKEN)(method, path, body, type)
    if (answer.status >= 200 && answer.status < 300) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  }
  await eventually(() =>
    as(ADMIN_TOKEN)('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false
    )
  )

  const accountOf: KubeApiserver['accountOf'] = async (namespace, name, rules) => {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
    const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
    await admin('POST', accounts, { metadata: { name } })
    await admin('POST', `${rbac}/roles`, {
      metadata: { name },
      rules: rules.map((rule) => ({ apiGroups: [''], ...rule }))
    })
    await admin('POST', `${rbac}/rolebindings`, {
      metadata: { name },
      roleRef: role,
      subjects: [{ kind: 'ServiceAccount', name, namespace }]
    })
    const { text } = await admin('POST', `${accounts}/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3_600 }
    })
    const { token } = JSON.parse(text).status
    const [rule] = rules
    const [resource, verb] = [rule?.resources[0], rule?.verbs[0]]
    const resourceAttributes = { namespace, resource, verb, name: rule?.resourceNames?.[0] }
    // The authorizer learns of new rules by a watch.
    await eventually(async () => {
      const review = await as(token)(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes }
        }
      )
      return review.status === 201 && JSON.parse(review.text).status.allowed === true
    })
    return token
  }

  const caFile = join(folder, 'tls-cert-file')
  const accountKey = accounts.privateKey
  return {
    url,
    ca,
    caFile,
    adminToken: ADMIN_TOKEN,
    as,
    admin,
    accountOf,
    etcd,
    accountKey,
    pid,
    stop
  }
}
