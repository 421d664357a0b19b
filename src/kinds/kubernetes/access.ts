/**
 * Where the API server is and as whom it is spoken to, as the official client finds it in a pod or a kubeconfig. Rule:
 * what it finds is taken only with verified TLS, without a proxy, without a program to run and never anonymously; and
 * it is found anew each minute, so that tokens, certificates and authorities may rotate (ADR 0006).
 */
import type { RequestOptions } from 'node:https'
import { dirname, resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { type Static, Type } from 'typebox'
import { parse as parseYaml } from 'yaml'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile, textOfFile, wordOfFile } from '../../core/file-text.ts'
import { fits } from '../../core/fits.ts'
import { Sensitive } from '../../core/secret.ts'
import { readFileBytes } from '../../files/read.ts'
import { type CallOptions, Credential, type ProviderDeps } from '../provider.ts'
import { credentialFault } from '../shared/credential.ts'
import { createLogin, type Login } from '../shared/login.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

const strict = { additionalProperties: false }
const File = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description })

export const Auth = Type.Union(
  [
    Type.Object(
      {
        method: Type.Literal('in-cluster', { description: 'the service account of this pod' }),
        root: Type.Optional(
          File(`the directory before \`${SERVICE_ACCOUNT}\`, where a sandbox mounts it elsewhere`)
        )
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('kubeconfig', {
          description: 'a kubeconfig whose user has a token or a client certificate'
        }),
        file: File('the kubeconfig'),
        context: Type.Optional(File('the context in it, instead of the current one'))
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('token', { description: 'a token that something else keeps ready' }),
        server: Type.String({
          pattern: '^https://[^/?#@\\s]+(/[^?#\\s]*)?$',
          maxLength: 512,
          description: 'the API server, e.g. `https://10.0.0.1:6443`'
        }),
        token: Type.Union(Credential.anyOf, { description: 'where the bearer token is' }),
        caCertFile: Type.Optional(
          File('a PEM file with the authorities to trust instead of the public ones')
        )
      },
      strict
    )
  ],
  { description: 'how to reach the API server and log in; default in-cluster' }
)
export type Auth = Static<typeof Auth>

export type Tls = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername'>

export interface ClusterAccess {
  /** The API server's URL, perhaps with a path (as Rancher has it), without a slash at its end. */
  readonly server: string
  readonly headers: Sensitive<Readonly<Record<string, string>>>
  readonly tls: Sensitive<Tls>
  /** Milliseconds since the epoch at which it was found. */
  readonly foundAt: number
}

const misconfigured = (code: string): ProviderFault => new ProviderFault('misconfigured', { code })

const NamedUsers = Type.Object({
  users: Type.Array(
    Type.Object({
      name: Type.Optional(Type.String()),
      user: Type.Optional(Type.Object({ tokenFile: Type.Optional(Type.String()) }))
    })
  )
})

/**
 * The token in the user's `tokenFile`, which the official client for Node does not know: as in client-go it wins over
 * `token`, and its path is relative to the kubeconfig.
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
 */
const tokenOfFile = async (
  kubeconfig: string,
  text: string,
  name: string | undefined
): Promise<string | undefined> => {
  const document: unknown = parseYaml(text)
  if (!fits(NamedUsers, document)) return undefined
  const file = document.users.find((user) => user.name === name)?.user?.tokenFile
  if (file === undefined || file === '') return undefined
  return wordOfFile(await readFileBytes(resolve(dirname(kubeconfig), file)))
}

const load = async (
  auth: Auth,
  config: KubeConfig,
  deps: Pick<ProviderDeps, 'credential'>,
  options: CallOptions
): Promise<void> => {
  switch (auth.method) {
    case 'in-cluster':
      return config.loadFromCluster(auth.root)
    case 'kubeconfig': {
      const text = textOfFile(await readFileBytes(auth.file))
      config.loadFromString(text)
      config.makePathsAbsolute(dirname(auth.file))
      if (auth.context !== undefined) config.setCurrentContext(auth.context)
      const user = config.getCurrentUser()
      // It would run with our whole environment, and without a deadline.
      if (user?.exec || user?.authProvider) throw misconfigured('kubeconfig_program')
      const token = await tokenOfFile(auth.file, text, user?.name)
      if (user != null && token !== undefined) Object.assign(user, { token })
      return
    }
    case 'token': {
      const token = (await deps.credential(auth.token, options)).reveal()
      const { server, caCertFile } = auth
      const ca = caCertFile && pemOfFile(await readFileBytes(caCertFile)).toString('base64')
      return config.loadFromClusterAndUser(
        {
          name: 'cluster',
          server,
          skipTLSVerify: false,
          ...(ca && { caData: ca })
        },
        { name: 'user', token }
      )
    }
  }
}

/**
 * The client reads these files by itself and blocks the process meanwhile: so a pipe or a device must be refused first.
 */
const requireFiles = async (config: KubeConfig): Promise<void> => {
  const user = config.getCurrentUser()
  const files = [
    config.getCurrentCluster()?.caFile,
    user?.certFile,
    user?.keyFile,
    user?.authProvider?.config?.tokenFile
  ]
  for (const file of files) if (typeof file === 'string') await readFileBytes(file)
}

const accessOf = async (config: KubeConfig, foundAt: number): Promise<ClusterAccess> => {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw misconfigured('no_context')
  if (cluster.skipTLSVerify) throw misconfigured('skip_tls_verify')
  if (cluster.proxyUrl) throw misconfigured('proxy_url')
  const { protocol, host, hostname, pathname } = new URL(cluster.server)
  // What the client makes of a pod without KUBERNETES_SERVICE_HOST.
  if (hostname === 'undefined') throw misconfigured('not_in_cluster')
  if (protocol !== 'https:') throw misconfigured('not_https')

  await requireFiles(config)
  const found: RequestOptions = {}
  await config.applyToHTTPSOptions(found)
  const { ca, cert, key, servername } = found
  const { Authorization, ...others } = (found.headers ?? {}) as Readonly<Record<string, string>>
  // Files of tokens often end in a line break.
  const authorization = Authorization?.trim()
  const isNamed = authorization !== undefined && authorization !== 'Bearer'
  if (!isNamed && (cert === undefined || key === undefined)) throw misconfigured('no_credential')
  return {
    server: `https://${host}${pathname.replace(/\/+$/, '')}`,
    headers: new Sensitive({ ...others, ...(isNamed && { authorization }) }),
    tls: new Sensitive({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(servername !== undefined && { servername })
    }),
    foundAt
  }
}

/** Whatever cannot be read or understood is a fault of the configuration; the client's errors quote the files. */
const faultOf = (error: unknown): ProviderFault =>
  error instanceof ProviderFault && error.reason === 'misconfigured' && error.code !== undefined
    ? error
    : credentialFault(error)

/** As long as client-go uses a token file without reading it again. */
const HELD_MS = 60_000

/** Finding it is all there is of a login: the API server says of the first call what it holds of it. */
export const createAccess = async (
  auth: Auth,
  deps: Pick<ProviderDeps, 'credential' | 'now' | 'logins'>
): Promise<Login<ClusterAccess>> => {
  const { KubeConfig } = await import('@kubernetes/client-node')

  const find = async (options: CallOptions): Promise<ClusterAccess> => {
    try {
      const config = new KubeConfig()
      await load(auth, config, deps, options)
      return await accessOf(config, deps.now())
    } catch (error) {
      throw faultOf(error)
    }
  }

  let found: ClusterAccess | undefined
  return createLogin(
    {
      credential: async (options) => {
        found = await find(options)
        const { server, headers, tls } = found
        return [server, JSON.stringify(headers.reveal()), JSON.stringify(tls.reveal())]
      },
      login: async () => {
        if (found === undefined) throw misconfigured('credential')
        return found
      },
      isFresh: ({ foundAt }) => deps.now() < foundAt + HELD_MS
    },
    deps
  )
}
