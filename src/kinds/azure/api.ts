/**
 * Calls to Key Vault, by the SDK's client and by our own hand for what that cannot do. Rule: each request shows the
 * token that is held; a vault that refuses it is asked once more with another one.
 */
import type { SecretClient } from '@azure/keyvault-secrets'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { readFileBytes } from '../../files/read.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { isWorthRetrying, reasonOfStatus, retryOnce } from '../shared/fault-of.ts'
import type { Login } from '../shared/login.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import { API_VERSION } from './list.ts'
import { createTokens, type Held } from './login.ts'
import { cloudOf, PUBLIC, type StoreSettings } from './settings.ts'
import {
  createTransport,
  faultOfAnswer,
  type Send,
  sendingBy,
  type Transport
} from './transport.ts'

export interface Api {
  readonly client: SecretClient
  /** The text of a page of the API, below the vault's origin. */
  readonly ask: (path: string, options: CallOptions) => Promise<string>
  /**
   * Runs what asks, and once more where that may help. `mayRepeat`: also where it is not known what became of the first
   * attempt. Throws ProviderFault.
   */
  readonly call: <T>(
    options: CallOptions,
    work: () => Promise<T>,
    mayRepeat?: boolean
  ) => Promise<T>
  readonly close: () => Promise<void>
}

/** What the SDK throws by itself, and not our transport: it had an answer by then. */
const faultOf = (error: unknown): ProviderFault => {
  if (error instanceof ProviderFault) return error
  const { name, message, statusCode } = error as Error & { readonly statusCode?: unknown }
  if (name === 'AbortError') return new ProviderFault('timeout')
  if (typeof statusCode === 'number' && statusCode !== 200) {
    return new ProviderFault(reasonOfStatus(statusCode), { status: statusCode })
  }
  // "The challenge resource ... does not match the requested domain": no vault of Azure's answered.
  if (message.startsWith('The challenge ')) {
    return new ProviderFault('misconfigured', { code: 'challenge' })
  }
  return new ProviderFault('invalid_answer')
}

const TOKEN_REFUSED = 'token_refused'

/** Sends a request of whoever made it, and takes from the answer what that says of its token. */
const sendTo =
  (transport: Transport, login: Login<Held>, now: () => number): Send =>
  async (request) => {
    const [, token] = request.headers.get('authorization')?.split(' ') ?? []
    const held = login.held()
    const used = held?.token.reveal() === token ? held : undefined
    const answer = await transport.send(request)
    const { status } = answer
    // The first request goes without a token, for the vault to say which one it wants.
    if (status === 401 && token !== undefined) {
      const fault = new ProviderFault('denied', { code: TOKEN_REFUSED, status, isRefusal: true })
      if (used !== undefined) await login.disown(used, fault)
      throw fault
    }
    if (status === 200 && used !== undefined) login.worked(used)
    if (status === 200 || status === 401) return answer
    throw faultOfAnswer(answer, now())
  }

const call: Api['call'] = (options, work, mayRepeat = true) =>
  retryOnce(
    options,
    () =>
      work().catch((error: unknown) => {
        throw faultOf(error)
      }),
    async (fault) => fault.code === TOKEN_REFUSED || (mayRepeat && isWorthRetrying(fault))
  )

export const createApi = async (
  { vaultUrl, allowAnyHost = false, auth = { method: 'default' }, caCertFile }: StoreSettings,
  deps: ProviderDeps
): Promise<Api> => {
  const sdk = await import('@azure/keyvault-secrets')
  const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline')
  const url = new URL(vaultUrl)
  const cloud = cloudOf(url)
  const ca =
    caCertFile === undefined ? undefined : [pemOfFile(await readFileBytes(caCertFile)).toString()]
  const transport = await createTransport(deps.route, ca)
  const login = createTokens(auth, cloud ?? PUBLIC, transport, deps)
  const send = sendTo(transport, login, deps.now)
  const tokenNow = async (): Promise<string> => (await login.get()).token.reveal()

  return {
    client: new sdk.SecretClient(
      url.origin,
      // Already expired, as far as the SDK knows: so it keeps no copy, and asks again for the next request.
      { getToken: async () => ({ token: await tokenNow(), expiresOnTimestamp: 0 }) },
      {
        ...sendingBy(send),
        serviceVersion: API_VERSION,
        disableChallengeResourceVerification: allowAnyHost && cloud === undefined
      }
    ),
    ask: async (path, { signal }) => {
      const headers = createHttpHeaders({
        accept: 'application/json',
        authorization: `Bearer ${await tokenNow()}`,
        'user-agent': USER_AGENT
      })
      const { bodyAsText } = await send(
        createPipelineRequest({ url: `${url.origin}${path}`, headers, abortSignal: signal })
      )
      return bodyAsText ?? ''
    },
    call,
    close: async () => {
      login.close()
      transport.close()
    }
  }
}
