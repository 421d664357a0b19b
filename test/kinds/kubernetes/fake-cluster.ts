/** An API server that remembers: what Kubernetes says of resourceVersions, merge patches and validation, in memory. */
import type { Test } from 'tap'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore } from '../../contract/provider-suite.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { openWire, type Wire, type WireAnswer, type WireRequest } from '../../support/wire.ts'
import { connectToWire, encoded, json, kubernetesDialect, status } from './fake.ts'

export interface StoredSecret {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly type: string
  readonly immutable?: boolean
  /** In base64. */
  readonly data: Readonly<Record<string, string>>
}

interface Patch {
  readonly metadata?: { readonly resourceVersion?: string }
  readonly data?: Readonly<Record<string, string | null>>
}

export interface FakeCluster extends RealStore {
  readonly wire: Wire
  readonly provider: SecretProvider & Required<Pick<SecretProvider, 'write'>>
  /** As `kubectl` would, whatever there was; `more` comes on top of an Opaque secret without labels. */
  readonly apply: (
    path: string,
    data: StoredSecret['data'],
    more?: Partial<StoredSecret>
  ) => { readonly version: string }
  readonly stored: (path: string) => StoredSecret | undefined
  /** What happens each time between a read and the patch that follows it. */
  beforePatch: (path: string) => void
}

const SECRET = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/?]+)$/

const refused = (code: number, reason: string, name: string) =>
  status(code, reason, `secrets "${name}": it cannot be done`, {
    name,
    // Of a validation it is the type, of all else the resource.
    kind: code === 422 ? 'Secret' : 'secrets'
  })

/** RFC 7396, of one level. */
const merge = (data: StoredSecret['data'], patch: Patch['data'] = {}): StoredSecret['data'] => {
  const merged = new Map(Object.entries(data))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, value)
  }
  return Object.fromEntries([...merged].sort())
}

const versionOf = ({ metadata }: StoredSecret): string => String(metadata['resourceVersion'])

export const openFakeCluster = async (t: Test): Promise<FakeCluster> => {
  const secrets = new Map<string, StoredSecret>()
  let revision = 1_000

  const store = (path: string, secret: StoredSecret): { readonly version: string } => {
    const version = String(++revision)
    const [namespace, name] = path.split('/')
    const metadata = { ...secret.metadata, namespace, name, resourceVersion: version }
    secrets.set(path, { ...secret, metadata })
    return { version }
  }
  const apply: FakeCluster['apply'] = (path, data, more = {}) =>
    store(path, { metadata: {}, type: 'Opaque', data, ...more })

  const patched = (path: string, before: StoredSecret, { headers, body }: WireRequest) => {
    const name = path.slice(path.indexOf('/') + 1)
    const patch = JSON.parse(body) as Patch
    const { resourceVersion } = patch.metadata ?? {}
    const data = merge(before.data, patch.data)
    const isSame = JSON.stringify(data) === JSON.stringify(merge(before.data))
    if (headers['content-type'] !== 'application/merge-patch+json') {
      return refused(415, 'UnsupportedMediaType', name)
    }
    if (resourceVersion !== undefined && resourceVersion !== versionOf(before)) {
      return refused(409, 'Conflict', name)
    }
    const lacksKey = before.type === 'kubernetes.io/tls' && !('tls.key' in data)
    if (lacksKey || (before.immutable && !isSame)) return refused(422, 'Invalid', name)
    // The API server writes nothing where nothing changes.
    if (!isSame) store(path, { ...before, data })
    return undefined
  }

  const answerTo = (request: WireRequest): WireAnswer => {
    const [, namespace = '', name = ''] = SECRET.exec(request.url) ?? []
    const path = `${namespace}/${name}`
    if (request.method === 'PATCH') cluster.beforePatch(path)
    const before = secrets.get(path)
    if (before === undefined) return refused(404, 'NotFound', name)
    const refusal = request.method === 'PATCH' ? patched(path, before, request) : undefined
    return refusal ?? json(200, { kind: 'Secret', apiVersion: 'v1', ...secrets.get(path) })
  }

  const found: typeof kubernetesDialect.found = (_, request) => answerTo(request)
  const wire = await openWire(t, { ...kubernetesDialect, found }, { read: 'found', text: '' })
  const provider = await connectToWire(t, wire, createDeps())
  t.teardown(() => provider.close())
  const { write } = provider
  if (write === undefined) throw new Error('a power is missing')

  const cluster: FakeCluster = {
    wire,
    provider: { ...provider, write },
    apply,
    stored: (path) => secrets.get(path),
    beforePatch: () => undefined,
    seed: async (path, text) => {
      const fields = Object.entries<string>(JSON.parse(text))
      return apply(path, Object.fromEntries(fields.map(([key, value]) => [key, encoded(value)])))
    }
  }
  return cluster
}
