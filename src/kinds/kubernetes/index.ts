/**
 * Kubernetes Secrets. Rule: only the namespaces of the configuration are asked, one secret at a time by its name; a
 * write changes the fields of a secret that exists, and everything else about it is the operator's.
 *
 * There is no listing: the right to `list` secrets shows every value of a namespace with their names, and cannot be
 * held to some of them.
 *
 * RBAC: a Role in each namespace on `secrets`, best with `resourceNames`: the verb `get` to read, `get` and `patch` to
 * write; never `list` or `watch`. To check, nothing more than `system:basic-user` and `system:public-info-viewer`,
 * which every authenticated account has.
 */
import { Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { ANY_VERSION } from '../../core/reference-grammar.ts'
import type { Locator } from '../../core/secret.ts'
import { defineKind } from '../kind.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { timeOf } from '../shared/clock.ts'
import { isWorthRetrying } from '../shared/fault-of.ts'
import { createTransport, type HttpAnswer, type Transport } from '../shared/http-transport.ts'
import { Auth, type ClusterAccess, createAccess } from './access.ts'
import { definitions } from './definitions.ts'
import { type KubernetesAddress, k8s, paths, reaches, url } from './forms.ts'
import { type Attributes, reviewOf, reviewRights } from './review.ts'
import {
  assertAccessReview,
  faultOfAnswer,
  parseSecret,
  type Reasons,
  type SecretName,
  toRecord
} from './secret.ts'
import { REASONS_OF_WRITE, type SecretApi, writeSecret } from './write.ts'

const StoreSettings = Type.Object(
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

/** A DNS subdomain (Kubernetes: Object Names and IDs). */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

const targetOf = (namespaces: readonly string[], { path, version }: Locator): SecretName => {
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

interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  /** Of the body. */
  readonly type?: string
  readonly body?: string
  readonly reasons?: Reasons
}

const REVIEW = {
  method: 'POST',
  path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  type: 'application/json'
} as const

const PATCH = {
  method: 'PATCH',
  type: 'application/merge-patch+json',
  reasons: REASONS_OF_WRITE
} as const

/** One request and its answer, whatever it is. */
const createExchange = ({ route }: Pick<ProviderDeps, 'route'>) => {
  let transport: Transport | undefined
  const exchange = (
    { server, headers, tls }: ClusterAccess,
    { method = 'GET', path, type, body }: Request,
    { signal }: CallOptions
  ): Promise<HttpAnswer> => {
    // The first server that was found remains the only one: a kubeconfig that names another takes a restart.
    transport ??= createTransport(new URL(server).origin, { route })
    return transport.send({
      method,
      url: `${server}${path}`,
      headers: {
        ...headers.reveal(),
        accept: 'application/json',
        ...(type !== undefined && { 'content-type': type })
      },
      tls: tls.reveal(),
      ...(body !== undefined && { body }),
      signal
    })
  }
  return { exchange, close: () => transport?.close() }
}

export const kubernetes = defineKind({
  kind: 'kubernetes',
  tags: 'labels',
  proxies: true,
  settings: StoreSettings,
  paths,
  versions: ANY_VERSION,
  forms: [url],
  vals: { k8s },
  definitions,
  botMember: { name: 'credentialsKubernetesSecrets', form: /^k8s:\/\// },
  reaches,
  // What the kubelet, which reads secrets too, allows itself (kubeAPIQPS, kubeAPIBurst).
  // https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
  quota: { perSecond: 50, burst: 100 },
  sdkVariables: /^KUBERNETES_|^KUBECONFIG$/,

  address: ({ namespaces }): KubernetesAddress => ({ kind: 'kubernetes', namespaces }),

  connect: async ({ namespaces, auth }, deps) => {
    const login = await createAccess(auth ?? { method: 'in-cluster' }, deps)
    const { exchange, close } = createExchange(deps)

    const send = async (
      access: ClusterAccess,
      request: Request,
      options: CallOptions
    ): Promise<string> => {
      const answer = await exchange(access, request, options)
      if (answer.status === 200 || answer.status === 201) return answer.text
      throw faultOfAnswer(answer, deps.now(), request.reasons)
    }

    /** With a credential found anew after a 401, once; and once more after what may pass by itself, but for a patch. */
    const call = (request: Request, options: CallOptions): Promise<string> =>
      login.use(options, (access) => send(access, request, options), {
        // Whatever else the API server answers shows that it took the credential.
        isDisowned: ({ status }) => status === 401,
        isWorthAnother: (fault) => request.method !== 'PATCH' && isWorthRetrying(fault)
      })

    const apiOf = (target: SecretName, options: CallOptions): SecretApi => {
      const path = `/api/v1/namespaces/${target.namespace}/secrets/${target.name}`
      return {
        get: async () => parseSecret(await call({ path }, options), target),
        patch: async (body) => parseSecret(await call({ ...PATCH, path, body }, options), target)
      }
    }

    const ask = (attributes: Attributes, options: CallOptions): Promise<string> =>
      call({ ...REVIEW, body: reviewOf(attributes) }, options)

    return {
      read: async (locator, options) =>
        toRecord(await apiOf(targetOf(namespaces, locator), options).get()),

      write: async (locator, text, options) =>
        writeSecret(apiOf(targetOf(namespaces, locator), options), text, options),
      comparesVersions: true,

      check: async (options) => {
        assertAccessReview(await ask({ namespace: namespaces[0], verb: 'get' }, options))
        // The review is answered from memory, also while what keeps the secrets is gone.
        await call({ path: '/readyz' }, options).catch((fault: ProviderFault) => {
          if (fault.status !== 403 && fault.status !== 404) throw fault
        })
      },

      review: (wanted, options) =>
        reviewRights((attributes) => ask(attributes, options), namespaces, wanted),
      clock: (options) =>
        login.use(
          options,
          async (access) => timeOf(await exchange(access, { path: '/version' }, options)),
          { isDisowned: () => false }
        ),

      close: async () => {
        login.close()
        close()
      }
    }
  }
})
