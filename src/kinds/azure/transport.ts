/**
 * The last step of every request that the Azure SDK sends, to the vault and to its logins. Rule: our own connections,
 * so that no proxy has a part in it but that of the settings; an answer of bounded size, read to its end within the
 * signal; and a `ProviderFault` where there is none, since the SDK's errors quote what was answered.
 */
import type { PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline'
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { asJson, isObject } from '../../core/json.ts'
import { reasonOfCode, reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'
import type { Route } from '../shared/proxy.ts'
import { createHttpAgent, createHttpsAgent } from '../shared/proxy-agent.ts'
import { USER_AGENT } from '../shared/user-agent.ts'

export type Send = (request: PipelineRequest) => Promise<PipelineResponse>

export interface Transport {
  /** Any status is an answer. Throws ProviderFault where there is none, or none that can be used. */
  readonly send: Send
  readonly close: () => void
}

/** A secret has 25 KB at most, and its tags hardly more. */
const LARGEST_ANSWER_BYTES = 1024 * 1024

const readText = async (stream: PipelineResponse['readableStreamBody']): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
    size += chunk.length
    // Leaving the loop destroys the stream and its connection.
    if (size > LARGEST_ANSWER_BYTES)
      throw new ProviderFault('invalid_answer', { code: 'too_large' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const faultOf = (error: unknown): ProviderFault => {
  if (error instanceof ProviderFault) return error
  const { name, code = '' } = error as NodeJS.ErrnoException
  if (name === 'AbortError') return new ProviderFault('timeout')
  return new ProviderFault(reasonOfCode(code), { code })
}

/** `ca`: PEM of the only authorities to trust; without it the public ones. */
export const createTransport = async (route: Route, ca?: readonly string[]): Promise<Transport> => {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  const options = { keepAlive: true, maxSockets: 50 }
  const plain = createHttpAgent(options, route)
  const trusted = ca !== undefined && { ca: [...ca] }
  const secure = createHttpsAgent({ ...options, ...trusted }, route)
  let isClosed = false

  const send: Send = async (request) => {
    if (isClosed) throw new ProviderFault('unavailable', { code: 'closed' })
    // Not enumerable, or the SDK's log (AZURE_LOG_LEVEL) would print it down to the headers that its sockets sent.
    const agent = request.url.startsWith('https:') ? secure : plain
    Object.defineProperty(request, 'agent', { value: agent, enumerable: false, configurable: true })
    // The SDK unpacks by a pipe, through which a connection that broke off never shows.
    request.headers.set('accept-encoding', 'identity')
    request.streamResponseStatusCodes = new Set([Number.POSITIVE_INFINITY])
    try {
      const { readableStreamBody, ...answer } = await client.sendRequest(request)
      return { ...answer, bodyAsText: await readText(readableStreamBody) }
    } catch (error) {
      throw faultOf(error)
    }
  }

  const close = (): void => {
    isClosed = true
    plain.destroy()
    secure.destroy()
  }

  return { send, close }
}

/** Options of any client of the SDK: it sends by `send`; to try again, and where, is left to us. */
export const sendingBy = (send: Send) => ({
  httpClient: { sendRequest: send },
  retryOptions: { maxRetries: 0 },
  redirectOptions: { maxRetries: 0 },
  userAgentOptions: { userAgentPrefix: USER_AGENT }
})

/**
 * Key Vault's own words, which say more than the status.
 * https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
 */
const REASONS: ReadonlyMap<string, readonly [FaultReason, code?: string]> = new Map([
  ['404 SecretNotFound', ['not_found']],
  ['403 SecretDisabled', ['not_found', 'secret_disabled']],
  // Not documented: https://github.com/Azure/AzureKeyVault/issues/19 has it, and a vault that gave the secret out.
  ['403 SecretExpired', ['not_found', 'secret_expired']],
  ['409 Conflict', ['conflict']],
  ['409 ObjectIsBeingDeleted', ['conflict']],
  ['409 ObjectIsBeingRecovered', ['conflict']],
  ['409 ObjectIsDeletedButRecoverable', ['conflict']],
  ['400 BadParameter', ['misconfigured']]
])

/** `{"error": {"code", "innererror": {"code"}}}` is Key Vault's, `{"error": "<code>"}` OAuth's (RFC 6749 5.2). */
const codeOf = (text: string): string | undefined => {
  const body = asJson(text)
  const error = isObject(body) ? body['error'] : undefined
  const { innererror, code } = isObject(error) ? error : { code: error }
  const word = (isObject(innererror) ? innererror['code'] : undefined) ?? code
  return typeof word === 'string' ? word : undefined
}

/** The fault behind an answer that is not 200. `now` in milliseconds since the epoch. */
export const faultOfAnswer = (
  { status, headers, bodyAsText }: PipelineResponse,
  now: number
): ProviderFault => {
  const word = codeOf(bodyAsText ?? '')
  const [reason, code] = REASONS.get(`${status} ${word}`) ?? [reasonOfStatus(status)]
  return new ProviderFault(reason, {
    code: code ?? word,
    status,
    retryAfterSeconds: retryAfterSeconds(headers.get('retry-after'), now)
  })
}
