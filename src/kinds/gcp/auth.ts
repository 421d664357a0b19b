/**
 * Purser's login at Google. Rule: with a configured key, no metadata server, no gcloud and no token endpoint is asked.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createRequire } from 'node:module'
import type { googleAuthLibrary } from 'google-gax'
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { withoutMark } from '../../core/file-text.ts'
import { fitting } from '../../core/fits.ts'
import { asJson, isObject } from '../../core/json.ts'
import { Sensitive } from '../../core/secret.ts'
import { type CallOptions, Credential, type ProviderDeps } from '../provider.ts'
import { boundEveryAnswer } from '../shared/answer-bound.ts'
import { ambientCredential, secretsAt } from '../shared/credential.ts'
import { reasonOfCode, reasonOfStatus } from '../shared/fault-of.ts'
import { filesAtHome } from '../shared/home.ts'
import { createLogin, LOGIN_DEADLINE_MS, type Login } from '../shared/login.ts'
import { straight } from '../shared/proxy.ts'
import { createHttpAgent, createHttpsAgent } from '../shared/proxy-agent.ts'

const strict = { additionalProperties: false }

export const Auth = Type.Union(
  [
    Type.Object(
      {
        method: Type.Literal('default', {
          description:
            'Application Default Credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names (a key, or workload identity federation), that of gcloud, or the metadata server'
        })
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('service-account-key', { description: 'a key of a service account' }),
        key: Type.Union(Credential.anyOf, { description: 'where the JSON of the key is' })
      },
      strict
    )
  ],
  { description: 'how to log in; `default` if absent' }
)
export type Auth = Static<typeof Auth>

/** Of a key file only what signing takes: the endpoints that it names are not followed. */
const KeyFile = fitting(
  Type.Object({
    type: Type.Literal('service_account'),
    client_email: Type.String({ minLength: 1 }),
    private_key: Type.String({ minLength: 1 }),
    private_key_id: Type.String({ minLength: 1 })
  })
)

/** Who logs in, and what its calls show. */
export interface Identity {
  readonly client: googleAuthLibrary.AuthClient
  headers: Sensitive<ReadonlyMap<string, string>>
}

/** Of each request of a login. A token has a few thousand bytes; what is packed is neither asked for nor unpacked. */
const BOUNDS = { size: 1024 * 1024, compress: false }

/** The only scope that the API takes. https://cloud.google.com/secret-manager/docs/accessing-the-api */
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform']

/** A file that cannot be read, or a key that cannot be used: not the network's fault. */
const LOCAL_ERROR = /^(EACCES|EISDIR|ENOENT|ENOTDIR|EPERM|ERR_.*)$/

/** The members of google-auth-library's errors that we look at. */
interface AuthError {
  readonly code?: unknown
  readonly response?: { readonly status?: unknown }
}

const loginFault = (thrown: unknown): ProviderFault => {
  const code = 'credentials'
  if (thrown instanceof ProviderFault) return thrown
  const error = (thrown ?? {}) as AuthError
  const status = error.response?.status
  if (typeof status === 'number') {
    // 400 is how a token endpoint refuses a grant (RFC 6749 5.2).
    return new ProviderFault(status === 400 ? 'denied' : reasonOfStatus(status), { code, status })
  }
  const isOfNetwork = typeof error.code === 'string' && !LOCAL_ERROR.test(error.code)
  return new ProviderFault(isOfNetwork ? reasonOfCode(error.code as string) : 'misconfigured', {
    code
  })
}

const parseKey = (text: string) => {
  const key = asJson(withoutMark(text))
  if (!KeyFile(key)) throw new ProviderFault('misconfigured', { code: 'credentials' })
  return key
}

/** What Application Default Credentials look at: the file of the variable, or else that of gcloud. */
const AMBIENT = {
  variables: [],
  fileVariables: ['GOOGLE_APPLICATION_CREDENTIALS'],
  files: filesAtHome('.config/gcloud/application_default_credentials.json')
}

/** The token that a file of workload identity federation points to. */
const subjectFileIn = (text: string): string[] => {
  const found = asJson(text)
  const source = isObject(found) ? found['credential_source'] : undefined
  return isObject(source) && typeof source['file'] === 'string' ? [source['file']] : []
}

const secretsOf = async (
  auth: Auth,
  deps: Pick<ProviderDeps, 'credential'>,
  options: CallOptions
): Promise<readonly string[]> => {
  if (auth.method === 'default') {
    const found = await ambientCredential(deps, AMBIENT, options)
    const more = { variables: [], fileVariables: [], files: found.flatMap(subjectFileIn) }
    return [...found, ...(await ambientCredential(deps, more, options))]
  }
  return secretsAt(deps, [auth.key], options).catch((fault: ProviderFault) => {
    const { reason } = fault
    throw reason === 'misconfigured' ? new ProviderFault(reason, { code: 'credentials' }) : fault
  })
}

/**
 * The metadata server is asked by a library of the library's, which would take whatever proxy the environment names,
 * and hand it the token. What is asked there is asked straight, whatever the store's own route.
 */
const askMetadataStraight = (): void => {
  const libraries = ['google-gax', 'google-auth-library', 'gcp-metadata']
  const require = libraries.reduce(
    (from, library) => createRequire(from.resolve(library)),
    createRequire(import.meta.url)
  )
  const { instance } = require('gaxios') as {
    instance: { defaults: { agent?: unknown } }
  }
  instance.defaults.agent ??= createHttpAgent({ keepAlive: true }, straight)
  Object.assign(instance.defaults, BOUNDS)
}

type AgentOf = (url: URL) => Agent

/** By which connections the login under way sends; `own` is an agent with a client's certificate, if there is one. */
const sending = new AsyncLocalStorage<(own: unknown) => AgentOf>()

let isSentByLogin = false

/**
 * Whatever the library asks, it asks as the login under way does. Options of a client are not enough: the exchange of a
 * federation and the source of an impersonation are asked by others, which the library makes without them, and an
 * agent that it did not get it makes for the proxy of the environment.
 */
const sendByLogin = ({ gaxios: { Gaxios } }: typeof googleAuthLibrary): void => {
  if (isSentByLogin) return
  isSentByLogin = true
  const { request } = Gaxios.prototype
  Gaxios.prototype.request = async function <T>(options: object = {}) {
    const agentFor = sending.getStore()
    if (agentFor === undefined) throw new ProviderFault('unavailable', { code: 'credentials' })
    const agent = agentFor(this.defaults.agent)
    const bounds = { ...BOUNDS, timeout: LOGIN_DEADLINE_MS }
    const answer = await request.call(this, { ...options, ...bounds, agent })
    if (answer.headers.has('content-encoding')) {
      throw new ProviderFault('invalid_answer', { code: 'credentials' })
    }
    return answer as googleAuthLibrary.gaxios.GaxiosResponse<T>
  }
}

/** A token of our own signing, which Google takes as it is (AIP-4111). */
const signerOf = (
  { JWT }: typeof googleAuthLibrary,
  secret: string
): googleAuthLibrary.AuthClient => {
  const key = parseKey(secret)
  const jwt = new JWT({
    email: key.client_email,
    key: key.private_key,
    keyId: key.private_key_id,
    scopes: SCOPES
  })
  jwt.useJWTAccessWithScope = true
  return jwt
}

/**
 * Of Application Default Credentials. `project` keeps the library from asking gcloud and the metadata server for one.
 */
const clientFound = (
  { GoogleAuth }: typeof googleAuthLibrary,
  project: string
): Promise<googleAuthLibrary.AuthClient> => {
  const chain = new GoogleAuth({ projectId: project, scopes: SCOPES })
  chain.useJWTAccessWithScope = true
  return chain.getClient()
}

export const createAuthority = async (
  auth: Auth,
  project: string,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now' | 'route'>
): Promise<Login<Identity>> => {
  const { googleAuthLibrary } = await import('google-gax')
  boundEveryAnswer()
  askMetadataStraight()
  sendByLogin(googleAuthLibrary)
  const plain = createHttpAgent({ keepAlive: true }, deps.route)
  const secure = createHttpsAgent({ keepAlive: true }, deps.route)

  const agentFor = (own: unknown): AgentOf => {
    if (!(own instanceof HttpsAgent)) {
      return ({ protocol }) => (protocol === 'http:' ? plain : secure)
    }
    const { key, cert } = own.options
    const mutual = createHttpsAgent({ key, cert }, deps.route)
    return ({ protocol }) => (protocol === 'http:' ? plain : mutual)
  }

  /** The headers of the client, which logs in if needed, and renews a token that has ended. */
  const headersOf = async (client: Identity['client']): Promise<Identity['headers']> =>
    new Sensitive(new Map(await client.getRequestHeaders()))
  const told = <T>(work: () => Promise<T>): Promise<T> =>
    sending.run(agentFor, work).catch((error: unknown) => {
      throw loginFault(error)
    })
  const logIn = async ([secret = '']: readonly string[]): Promise<Identity> => {
    const client =
      auth.method === 'default'
        ? await clientFound(googleAuthLibrary, project)
        : signerOf(googleAuthLibrary, secret)
    return { client, headers: await headersOf(client) }
  }

  const login = createLogin<Identity>(
    {
      credential: (options) => secretsOf(auth, deps, options),
      login: (secrets) => told(() => logIn(secrets)),
      renew: async (identity) => {
        identity.headers = await told(() => headersOf(identity.client))
      }
    },
    deps
  )
  return {
    ...login,
    close: () => {
      login.close()
      plain.destroy()
      secure.destroy()
    }
  }
}
