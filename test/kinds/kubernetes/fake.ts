/**
 * The Kubernetes API server for the contract suite: how it talks, over TLS only and to whom it knows; and a real one, with
 * an account that may read and write the secrets of one namespace.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { kubernetes } from '../../../src/kinds/kubernetes/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore, Subject } from '../../contract/provider-suite.ts'
import {
  isClusterInstalled,
  type KubeApiserver,
  startKubeApiserver
} from '../../support/kube-apiserver.ts'
import { createDeps } from '../../support/provider-deps.ts'
import {
  type Dialect,
  openWire,
  type Wire,
  type WireAnswer,
  type WireRequest
} from '../../support/wire.ts'

export const json = (status: number, body: unknown): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body)
})

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export const status = (
  code: number,
  reason: string,
  message: string,
  details?: Readonly<Record<string, string>>
): WireAnswer =>
  json(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details !== undefined && { details }),
    code
  })

export const encoded = (text: string): string => Buffer.from(text).toString('base64')

/** A Secret as the API writes it, of the name that the request asks for; `data` is base64 already. */
export const secret = (
  { url }: Pick<WireRequest, 'url'>,
  data: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, unknown>> = {}
): WireAnswer => {
  const [, , , , namespace, , name] = url.split('/')
  return json(200, {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace,
      uid: '7c0f2f0e-9d5b-4a55-9a53-1f0ef2f0a7b1',
      resourceVersion: '1042',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'purser-read': 'true' }
    },
    data,
    type: 'Opaque',
    ...changes
  })
}

/** Kubernetes stores objects; the suite also has texts in mind that nobody will come to read. */
const dataOf = (text: string): Record<string, string> => {
  const fields: Record<string, string> = text.startsWith('{') ? JSON.parse(text) : { text }
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, encoded(value)]))
}

const isReview = ({ method, url, body }: WireRequest): boolean =>
  method === 'POST' &&
  url === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' &&
  JSON.parse(body).kind === 'SelfSubjectAccessReview'

const unauthorized = status(401, 'Unauthorized', 'Unauthorized')

export const kubernetesDialect: Dialect = {
  tls: true,
  found: (text, request) => {
    if (!/^Bearer token-\d+$/.test(request.headers.authorization ?? '')) return unauthorized
    // A Role that names its secrets does not allow "secrets".
    if (isReview(request)) {
      return json(201, { kind: 'SelfSubjectAccessReview', status: { allowed: false } })
    }
    return secret(request, dataOf(text))
  },
  notFound: (message) =>
    status(404, 'NotFound', `secrets "${message}" not found`, { name: message, kind: 'secrets' }),
  denied: (message) =>
    status(403, 'Forbidden', `secrets "${message}" is forbidden: User cannot get resource`, {
      name: message,
      kind: 'secrets'
    }),
  // As its limit of requests in flight answers: no Status, and always a hint, which a test may set.
  throttled: (message) => ({
    status: 429,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: `${message} Too many requests, please try again later.\n`
  }),
  expired: (message) => status(401, 'Unauthorized', `Unauthorized ${message}`),
  // What keeps the token ready is no part of the API: it is another store, or the kubelet.
  login: ({ url }, n) => (url === '/token' ? { status: 200, body: `token-${n}\n` } : undefined),
  credentialOf: ({ headers }) => headers.authorization
}

export const caFileOf = (t: Test, { ca }: Pick<Wire, 'ca'>): { caCertFile?: string } => {
  if (ca === undefined) return {}
  const caCertFile = join(t.testdir(), 'ca.pem')
  writeFileSync(caCertFile, ca)
  return { caCertFile }
}

export const connectToWire = (t: Test, wire: Wire, deps: ProviderDeps): Promise<SecretProvider> => {
  const credential: ProviderDeps['credential'] = async (_, { signal }) => {
    const answer = await fetch(`${wire.loginUrl}/token`, { signal })
    return new Sensitive(await answer.text())
  }
  return kubernetes.connect(
    {
      namespaces: ['apps'],
      auth: { method: 'token', server: wire.url, token: { file: 'x' }, ...caFileOf(t, wire) }
    },
    // Not a copy: some members of a test's deps are not to be looked at.
    Object.assign(Object.create(deps), { credential })
  )
}

export type Answer = (request: WireRequest) => WireAnswer

export const simple: Answer = (request) => secret(request, { value: encoded('x') })

export const dialectOf = (answer: Answer): Dialect => ({
  ...kubernetesDialect,
  found: (_, request) => answer(request)
})

/** An API server that gives this answer to everything, and a provider that reads it as the contract suite does. */
export const openKubernetes = async (t: Test, answer: Answer = simple) => {
  const wire = await openWire(t, dialectOf(answer), { read: 'found', text: '' })
  const provider = await connectToWire(t, wire, createDeps())
  t.teardown(() => provider.close())
  return { wire, provider }
}

const NAMESPACE = 'apps'

/** What an operator puts into the namespace by `kubectl apply`. */
export const operatorOf = ({ admin }: Pick<KubeApiserver, 'admin'>) => {
  const below = `/api/v1/namespaces/${NAMESPACE}/secrets`
  const nameIn = (path: string): string => path.slice(path.indexOf('/') + 1)
  return {
    put: async (path: string, secret: object): Promise<{ readonly version: string }> => {
      const name = nameIn(path)
      const metadata = { name, namespace: NAMESPACE }
      const body = { apiVersion: 'v1', kind: 'Secret', metadata, ...secret }
      const apply = `${below}/${name}?fieldManager=operator&force=true`
      const { text } = await admin('PATCH', apply, body, 'application/apply-patch+yaml')
      return { version: JSON.parse(text).metadata.resourceVersion }
    },
    remove: async (path: string): Promise<void> => {
      await admin('DELETE', `${below}/${nameIn(path)}`)
    },
    label: async (path: string, labels: Readonly<Record<string, string>>): Promise<void> => {
      const patch = [{ op: 'add', path: '/metadata/labels', value: labels }]
      await admin('PATCH', `${below}/${nameIn(path)}`, patch, 'application/json-patch+json')
    }
  }
}

const openCluster = async (t: Test): Promise<RealStore> => {
  const cluster = await startKubeApiserver(t)
  await cluster.admin('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } })
  const rule = { resources: ['secrets'], verbs: ['get', 'patch'] }
  const token = await cluster.accountOf(NAMESPACE, 'purser', [rule])
  const { put, remove, label } = operatorOf(cluster)
  return {
    provider: await connectToCluster(cluster, token),
    seed: (path, text) => put(path, { data: dataOf(text) }),
    remove,
    tag: label
  }
}

/** A provider that shows this token. */
export const connectToCluster = (
  { url, caFile }: KubeApiserver,
  token: string
): Promise<SecretProvider> =>
  kubernetes.connect(
    {
      namespaces: [NAMESPACE],
      auth: { method: 'token', server: url, token: { env: 'TOKEN' }, caCertFile: caFile }
    },
    createDeps({ TOKEN: token })
  )

export const kubernetesSubject: Subject = {
  path: (name) => `apps/${name.replaceAll('/', '.')}`,
  specialNames: ['special.dots-and-hyphens.0'],
  stores: 'objects of texts',
  storesEmptyText: true,
  largestTextBytes: 1_000_000,
  powers: {
    write: {
      toMissing: 'not_found',
      tooLargeBytes: 1_048_577,
      comparesVersions: true,
      keepsVersionOfSame: true
    }
  },
  real: { available: isClusterInstalled, open: openCluster },
  wire: { dialect: kubernetesDialect, connect: connectToWire }
}
