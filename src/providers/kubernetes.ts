/**
 * Kubernetes Secrets. Rule: only the namespaces of the configuration are asked, one secret at a time by its name; a secret
 * that is itself a way into the cluster is refused; and a 404 counts only in the API server's own words.
 *
 * RBAC: a Role in each namespace with the verb `get` on `secrets`, best with `resourceNames`; never `list` or `watch`, which
 * show every value. To check, nothing more than `system:basic-user`, which every authenticated account has.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type FaultReason, ProviderFault } from '../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../core/secret.ts'
import { reasonOfStatus, retryAfterSeconds, retryOnce, settleBySignal } from './fault-of.ts'
import { createTransport, type HttpAnswer, type Transport } from './http-transport.ts'
import { type Access, Auth, createAccessSource } from './kubernetes-access.ts'
import { type CallOptions, defineProvider } from './provider.ts'

const Settings = Type.Object(
  {
    namespaces: Type.Array(Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }), {
      minItems: 1,
      uniqueItems: true,
      description: 'the namespaces that may be read; references to others are refused'
    }),
    auth: Type.Optional(Auth)
  },
  { additionalProperties: false }
)

const Texts = Type.Record(Type.String(), Type.String())

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/ */
const Secret = Type.Object({
  kind: Type.Literal('Secret'),
  type: Type.String({ minLength: 1 }),
  metadata: Type.Object({
    namespace: Type.String(),
    name: Type.String(),
    resourceVersion: Type.String({ minLength: 1 }),
    labels: Type.Optional(Texts)
  }),
  data: Type.Optional(Texts)
})

const AccessReview = Type.Object({
  kind: Type.Literal('SelfSubjectAccessReview'),
  status: Type.Object({ allowed: Type.Boolean() })
})

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const Status = Type.Object({
  kind: Type.Literal('Status'),
  reason: Type.String(),
  details: Type.Optional(Type.Object({ kind: Type.Optional(Type.String()) }))
})

/** Tokens to the cluster itself: whoever may read secrets through us is not to become one of its accounts. */
const REFUSED_TYPES: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/service-account-token', 'service_account_token'],
  ['bootstrap.kubernetes.io/token', 'bootstrap_token']
])

/** The reasons of a Status that say more than its HTTP status. */
const REASONS: ReadonlyMap<string, FaultReason> = new Map([
  ['BadRequest', 'misconfigured'],
  ['Invalid', 'misconfigured'],
  ['MethodNotAllowed', 'misconfigured'],
  ['NotAcceptable', 'misconfigured']
])

const parse = <S extends TSchema>(schema: S, text: string): Static<S> | undefined => {
  try {
    const answer: unknown = JSON.parse(text)
    return Value.Check(schema, answer) ? answer : undefined
  } catch {
    return undefined
  }
}

const faultOfAnswer = ({ status, text, retryAfter }: HttpAnswer, now: number): ProviderFault => {
  const said = parse(Status, text)
  const isAbsent = status === 404 && said?.reason === 'NotFound' && said.details?.kind === 'secrets'
  const reason = isAbsent ? 'not_found' : REASONS.get(said?.reason ?? '')
  return new ProviderFault(reason ?? reasonOfStatus(status), {
    code: said?.reason,
    status,
    retryAfterSeconds: retryAfterSeconds(retryAfter, now)
  })
}

const invalid = (code?: string): ProviderFault => new ProviderFault('invalid_answer', { code })

/**
 * A value's text. Bytes that are no UTF-8 (a keystore, say) stay the base64 that they are in the API and in `kubectl`, so
 * that one such key does not make the others unreadable.
 */
const decode = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw invalid('base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return base64
  }
}

interface Target {
  readonly namespace: string
  readonly name: string
}

const toRecord = (text: string, { namespace, name }: Target): SecretRecord => {
  const secret = parse(Secret, text)
  if (secret === undefined) throw invalid()
  const { metadata, type, data = {} } = secret
  if (metadata.namespace !== namespace || metadata.name !== name) throw invalid('another_secret')
  const refused = REFUSED_TYPES.get(type)
  if (refused !== undefined) throw new ProviderFault('denied', { code: refused })
  const fields = Object.entries(data).map(([key, value]) => [key, decode(value)] as const)
  return {
    text: new Sensitive(JSON.stringify(Object.fromEntries(fields))),
    version: metadata.resourceVersion,
    tags: new Map(Object.entries(metadata.labels ?? {}))
  }
}

/** A DNS subdomain (Kubernetes: Object Names and IDs). */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

const targetOf = (namespaces: readonly string[], { path, version }: Locator): Target => {
  const slash = path.indexOf('/')
  const [namespace, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
  if (!namespaces.includes(namespace)) {
    throw new ProviderFault('misconfigured', { code: 'namespace' })
  }
  if (!NAME.test(name)) throw new ProviderFault('misconfigured', { code: 'path' })
  // A resourceVersion tells that a secret has changed; it brings no older one back.
  if (version !== undefined) throw new ProviderFault('not_found', { code: 'unversioned' })
  return { namespace, name }
}

export const kubernetes = defineProvider({
  kind: 'kubernetes',
  tags: 'labels',
  settings: Settings,

  address: ({ namespaces }) => ({ kind: 'kubernetes', namespaces }),

  connect: async ({ namespaces, auth }, deps) => {
    const source = await createAccessSource(auth ?? { method: 'in-cluster' }, deps)
    let transport: Transport | undefined

    const send = async (
      { server, headers, tls }: Access,
      path: string,
      { signal }: CallOptions,
      body?: string
    ): Promise<string> => {
      // The first server that was found remains the only one: a kubeconfig that names another takes a restart.
      transport ??= createTransport(new URL(server).origin)
      const answer = await transport.send({
        method: body === undefined ? 'GET' : 'POST',
        url: `${server}${path}`,
        headers: {
          ...headers.reveal(),
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' })
        },
        tls: tls.reveal(),
        ...(body !== undefined && { body }),
        signal
      })
      if (answer.status !== 200 && answer.status !== 201) throw faultOfAnswer(answer, deps.now())
      return answer.text
    }

    /** With a credential found anew after a 401, once; and once more after what may pass by itself. */
    const call = <T>(options: CallOptions, request: (access: Access) => Promise<T>): Promise<T> => {
      let used: Access | undefined
      const attempt = async () => {
        used = await source.get()
        return request(used)
      }
      const isCured = async ({ reason, status, retryAfterSeconds }: ProviderFault) => {
        if (status === 401 && used !== undefined) source.forget(used)
        return status === 401 || (reason === 'unavailable' && retryAfterSeconds === undefined)
      }
      return settleBySignal(options, () => retryOnce(options, attempt, isCured))
    }

    return {
      read: async (locator, options) => {
        const target = targetOf(namespaces, locator)
        const path = `/api/v1/namespaces/${target.namespace}/secrets/${target.name}`
        return call(options, async (access) => toRecord(await send(access, path, options), target))
      },

      check: (options) =>
        call(options, async (access) => {
          const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
          const [namespace] = namespaces
          const resourceAttributes = { namespace, verb: 'get', resource: 'secrets' }
          const body = JSON.stringify({
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes }
          })
          // What it allows is not looked at: a Role that names its secrets does not allow "secrets", and is the better one.
          if (parse(AccessReview, await send(access, path, options, body)) === undefined) {
            throw invalid()
          }
        }),

      close: async () => {
        source.close()
        transport?.close()
      }
    }
  }
})
