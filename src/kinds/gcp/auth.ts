/**
 * How Purser shows Google who it is. Rule: with a key given, nobody else is asked: no metadata server, no gcloud, no token
 * endpoint.
 */
import { createRequire } from 'node:module'
import type { googleAuthLibrary } from 'google-gax'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ProviderFault } from '../../core/fault.ts'
import { withoutMark } from '../../core/file-text.ts'
import { Sensitive } from '../../core/secret.ts'
import { type CallOptions, Credential, type ProviderDeps } from '../provider.ts'
import { reasonOfCode, reasonOfStatus, settleBySignal } from '../shared/fault-of.ts'
import { filesAtHome } from '../shared/home.ts'
import {
  ambientCredential,
  createLogin,
  credentialFault,
  LOGIN_DEADLINE_MS
} from '../shared/login.ts'
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
const KeyFile = Compile(
  Type.Object({
    type: Type.Literal('service_account'),
    client_email: Type.String({ minLength: 1 }),
    private_key: Type.String({ minLength: 1 }),
    private_key_id: Type.String({ minLength: 1 })
  })
)

/** What one call shows, and what Google made of it. */
export interface Pass {
  readonly headers: Sensitive<ReadonlyMap<string, string>>
  readonly worked: () => void
  /** Google disowned it: the next pass comes of a new login, unless another reader has seen to that already. */
  readonly disown: (fault: ProviderFault) => Promise<void>
}

export interface Authority {
  /** Throws ProviderFault. Readers that come at the same time share one login. */
  readonly pass: () => Promise<Pass>
  readonly close: () => void
}

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
  let key: unknown
  try {
    key = JSON.parse(withoutMark(text))
  } catch {
    // The parser's error quotes the text.
  }
  if (!KeyFile.Check(key)) throw new ProviderFault('misconfigured', { code: 'credentials' })
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
  try {
    const file = JSON.parse(text).credential_source?.file
    return typeof file === 'string' ? [file] : []
  } catch {
    return []
  }
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
  try {
    return [(await deps.credential(auth.key, options)).reveal()]
  } catch (error) {
    const fault = credentialFault(error)
    throw fault.reason === 'misconfigured'
      ? new ProviderFault('misconfigured', { code: 'credentials' })
      : fault
  }
}

/**
 * The metadata server is asked by a library of the library's, which would take whatever proxy the environment names, and hand
 * it the token. What is asked there is asked straight, whatever the store's own route.
 */
const askMetadataStraight = (): void => {
  const libraries = ['google-gax', 'google-auth-library', 'gcp-metadata']
  const require = libraries.reduce(
    (from, library) => createRequire(from.resolve(library)),
    createRequire(import.meta.url)
  )
  const { instance } = require('gaxios') as { instance: { defaults: { agent?: unknown } } }
  instance.defaults.agent ??= createHttpAgent({ keepAlive: true }, straight)
}

/** `project` keeps the library from asking gcloud and the metadata server for one. */
export const createAuthority = async (
  auth: Auth,
  project: string,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now' | 'route'>
): Promise<Authority> => {
  const { googleAuthLibrary } = await import('google-gax')
  const { GoogleAuth, JWT } = googleAuthLibrary
  type Client = googleAuthLibrary.AuthClient
  askMetadataStraight()
  let pending: Promise<Pass> | undefined
  const agents = {
    'http:': createHttpAgent({ keepAlive: true }, deps.route),
    'https:': createHttpsAgent({ keepAlive: true }, deps.route)
  }
  // With an agent the library looks at no proxy of the environment.
  const agentFor = ({ protocol }: URL) =>
    protocol === 'http:' ? agents['http:'] : agents['https:']

  const clientOf = async (secrets: readonly string[]): Promise<Client> => {
    if (auth.method === 'default') {
      const chain = new GoogleAuth({
        projectId: project,
        scopes: SCOPES,
        clientOptions: { transporterOptions: { timeout: LOGIN_DEADLINE_MS, agent: agentFor } }
      })
      chain.useJWTAccessWithScope = true
      return chain.getClient()
    }
    const key = parseKey(secrets[0] ?? '')
    const jwt = new JWT({
      email: key.client_email,
      key: key.private_key,
      keyId: key.private_key_id,
      scopes: SCOPES
    })
    // A token of our own signing, which Google takes as it is (AIP-4111).
    jwt.useJWTAccessWithScope = true
    return jwt
  }

  const login = createLogin<Client>(
    {
      credential: (options) => secretsOf(auth, deps, options),
      login: async (secrets) => {
        try {
          const client = await clientOf(secrets)
          // Which logs in, where there is somebody to log in to.
          await client.getRequestHeaders()
          return client
        } catch (error) {
          throw loginFault(error)
        }
      }
    },
    deps
  )

  const authorize = async (): Promise<Pass> => {
    const client = await login.get()
    const signal = AbortSignal.timeout(LOGIN_DEADLINE_MS)
    try {
      const headers = await settleBySignal({ signal }, () => client.getRequestHeaders())
      return {
        headers: new Sensitive(new Map(headers)),
        worked: () => login.worked(client),
        disown: (fault) => login.disown(client, fault)
      }
    } catch (error) {
      throw await login.failed(client, loginFault(error))
    }
  }

  return {
    pass: () => {
      pending ??= authorize().finally(() => {
        pending = undefined
      })
      return pending
    },
    close: () => {
      login.close()
      for (const agent of Object.values(agents)) agent.destroy()
    }
  }
}
