/**
 * How Purser shows Google who it is. Rule: credentials are read anew at each login and a login that failed is never
 * remembered; with a key given, nobody else is asked: no metadata server, no gcloud, no token endpoint.
 */
import type { googleAuthLibrary } from 'google-gax'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ProviderFault } from '../core/fault.ts'
import { withoutMark } from '../core/file-text.ts'
import { Sensitive } from '../core/secret.ts'
import { reasonOfCode, reasonOfStatus, settleBySignal } from './fault-of.ts'
import { type CallOptions, Credential, type ProviderDeps } from './provider.ts'

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

/** What one call shows, until Google disowns it. */
export interface Pass {
  readonly headers: Sensitive<ReadonlyMap<string, string>>
  /** The next pass comes of a new login, unless another reader has seen to that already. */
  readonly forget: () => void
}

/** Throws ProviderFault. Readers that come at the same time share one login. */
export type Authority = () => Promise<Pass>

/** The only scope that the API takes. https://cloud.google.com/secret-manager/docs/accessing-the-api */
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform']

/** A login serves every reader that waits for it, and so has a deadline of its own instead of one reader's. */
const LOGIN_DEADLINE_MS = 10_000

const PASSING: ReadonlySet<unknown> = new Set(['timeout', 'unavailable', 'throttled'])
/** A file that cannot be read, or a key that cannot be used: not the network's fault. */
const LOCAL_ERROR = /^(EACCES|EISDIR|ENOENT|ENOTDIR|EPERM|ERR_.*)$/

/** The members of google-auth-library's errors that we look at. */
interface AuthError {
  readonly code?: unknown
  readonly response?: { readonly status?: unknown }
}

const loginFault = (thrown: unknown): ProviderFault => {
  const code = 'credentials'
  if (thrown instanceof ProviderFault) {
    return PASSING.has(thrown.reason) ? thrown : new ProviderFault('misconfigured', { code })
  }
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
  if (!KeyFile.Check(key)) throw new ProviderFault('misconfigured')
  return key
}

/** `project` keeps the library from asking gcloud and the metadata server for one. */
export const createAuthority = async (
  auth: Auth,
  project: string,
  deps: Pick<ProviderDeps, 'credential'>
): Promise<Authority> => {
  const { googleAuthLibrary } = await import('google-gax')
  const { GoogleAuth, JWT } = googleAuthLibrary
  let client: googleAuthLibrary.AuthClient | undefined
  let pending: Promise<Pass> | undefined

  const logIn = async (options: CallOptions): Promise<googleAuthLibrary.AuthClient> => {
    if (auth.method === 'default') {
      const chain = new GoogleAuth({
        projectId: project,
        scopes: SCOPES,
        clientOptions: { transporterOptions: { timeout: LOGIN_DEADLINE_MS } }
      })
      chain.useJWTAccessWithScope = true
      return chain.getClient()
    }
    const key = parseKey((await deps.credential(auth.key, options)).reveal())
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

  const authorize = async (): Promise<Pass> => {
    const options = { signal: AbortSignal.timeout(LOGIN_DEADLINE_MS) }
    try {
      const [current, headers] = await settleBySignal(options, async () => {
        const held = client ?? (await logIn(options))
        client = held
        return [held, await held.getRequestHeaders()] as const
      })
      const forget = () => {
        if (client === current) client = undefined
      }
      return { headers: new Sensitive(new Map(headers)), forget }
    } catch (error) {
      client = undefined
      throw loginFault(error)
    }
  }

  return () => {
    pending ??= authorize().finally(() => {
      pending = undefined
    })
    return pending
  }
}
