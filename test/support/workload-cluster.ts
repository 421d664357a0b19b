/** A cluster with accounts of two teams, whose API server signs tokens for them, and the account of Purser in it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createDirectory } from './embedded.ts'
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts'
import { eventually } from './redis.ts'

export const ISSUER = 'https://kubernetes.default.svc'
export const accountsOf = (namespace: string): string =>
  `/api/v1/namespaces/${namespace}/serviceaccounts`

interface Wanted {
  readonly audience?: string
  readonly namespace?: string
  readonly name?: string
  /** Its life; an API server gives none under ten minutes. */
  readonly seconds?: number
}

export const tokenOf = async (
  { admin }: KubeApiserver,
  { audience = 'purser', namespace = 'shop', name = 'cart', seconds = 600 }: Wanted = {}
): Promise<string> => {
  const { text } = await admin('POST', `${accountsOf(namespace)}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [audience], expirationSeconds: seconds }
  })
  return JSON.parse(text).status.token
}

export const createAccount = async (
  { admin }: KubeApiserver,
  namespace: string,
  name: string
): Promise<string> => {
  const { text } = await admin('POST', accountsOf(namespace), { metadata: { name } })
  return JSON.parse(text).metadata.uid
}

/** A cluster with accounts of two teams, and the account of Purser, which may ask about tokens. */
export const startCluster = async (t: Test) => {
  const cluster = await startKubeApiserver(t)
  const { admin } = cluster
  for (const name of ['shop', 'eve', 'purser']) {
    await admin('POST', '/api/v1/namespaces', { metadata: { name } })
  }
  const uid = await createAccount(cluster, 'shop', 'cart')
  await createAccount(cluster, 'shop', 'other')
  await createAccount(cluster, 'eve', 'cart')
  await createAccount(cluster, 'purser', 'purser')
  const { text } = await admin('POST', `${accountsOf('purser')}/purser/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 }
  })
  const own = JSON.parse(text).status.token
  const file = join(createDirectory(t), 'token')
  writeFileSync(file, `${own}\n`, { mode: 0o600 })
  // By a controller, in a cluster that has one.
  await admin('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'purser-auth-delegator' },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:auth-delegator'
    },
    subjects: [{ kind: 'ServiceAccount', name: 'purser', namespace: 'purser' }]
  })
  await eventually(async () => (await cluster.as(own)('GET', '/openid/v1/jwks')).status === 200)
  return { cluster, uid, tokenFile: file }
}

export interface ClusterTrust {
  readonly name?: string
  /** The members of `bind` and of `grant`. */
  readonly bind: string
  readonly grant: string
  /** Lines of the member besides. */
  readonly more?: string
}

/** A member of `trusts:` whose keys the API server publishes to Purser's own account. */
export const trustOf = (
  { url, caFile }: Pick<KubeApiserver, 'url' | 'caFile'>,
  tokenFile: string,
  { name = 'prod-cluster', bind, grant, more = '' }: ClusterTrust
): string => `  - name: ${name}
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { url: "${url}/openid/v1/jwks" }
    caFile: ${caFile}
    tokenFile: ${tokenFile}
    bind: { ${bind} }
    grant: { ${grant} }
${more}`
