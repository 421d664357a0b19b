/**
 * HTTP to one peer and nowhere else. Rule: a request goes to the configured origin only, follows no redirect, knows no
 * proxy but that of the settings, ends with its signal (body included), and reads a bounded answer; keep-alive, TLS
 * verified unless the settings of the store say otherwise, whatever the environment says.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { ProviderFault } from '../../core/fault.ts'
import { reasonOfCode } from './fault-of.ts'
import { type Route, straight } from './proxy.ts'
import { createHttpAgent, createHttpsAgent } from './proxy-agent.ts'
import { USER_AGENT } from './user-agent.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Authorities and client certificate of this request alone; only requests with the same ones share connections. */
  readonly tls?: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername'>
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfter?: string | undefined
  /** The header Date (RFC 9110, 6.6.1). */
  readonly date?: string | undefined
  readonly text: string
}

export interface Transport {
  /** Resolves with an answer of any status. Throws ProviderFault if there is no answer, or no usable one. */
  readonly send: (request: HttpRequest) => Promise<HttpAnswer>
  readonly close: () => void
}

const LARGEST_ANSWER_BYTES = 2 * 1024 * 1024

const readText = async (answer: IncomingMessage, largest: number): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    // Leaving the loop destroys the stream and its connection.
    if (size > largest) throw new ProviderFault('invalid_answer', { code: 'too_large' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const faultOf = (error: unknown, signal: AbortSignal): ProviderFault => {
  if (error instanceof ProviderFault) return error
  if (signal.aborted) return new ProviderFault('timeout')
  const code = (error as NodeJS.ErrnoException).code ?? ''
  // For example, a token with a line break in it.
  if (code === 'ERR_INVALID_CHAR') return new ProviderFault('misconfigured', { code })
  return new ProviderFault(reasonOfCode(code), { code })
}

export interface Trust {
  /** PEM of the only authorities to trust; without it the public ones. */
  readonly ca?: readonly string[]
  /** Takes whoever answers for the peer. */
  readonly skipVerify?: boolean
}

export interface TransportOptions extends Trust {
  readonly largestAnswerBytes?: number
  /** If absent, requests go straight to the peer. */
  readonly route?: Route
}

export const createTransport = (
  origin: string,
  {
    ca,
    skipVerify = false,
    largestAnswerBytes = LARGEST_ANSWER_BYTES,
    route = straight
  }: TransportOptions = {}
): Transport => {
  const isTls = origin.startsWith('https:')
  const options = { keepAlive: true, maxSockets: 64 }
  // Set explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED has no effect.
  const verified = { rejectUnauthorized: !skipVerify, ...(ca !== undefined && { ca: [...ca] }) }
  const agent = isTls
    ? createHttpsAgent({ ...options, ...verified }, route)
    : createHttpAgent(options, route)
  const request = isTls ? httpsRequest : httpRequest
  let isClosed = false

  const exchange = ({
    method,
    url,
    headers,
    body,
    tls,
    signal
  }: HttpRequest): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const outgoing = request(url, {
        ...tls,
        method,
        agent,
        signal,
        headers: { 'user-agent': USER_AGENT, ...headers, ...length }
      })
      outgoing.on('error', reject)
      outgoing.once('response', (answer) => {
        readText(answer, largestAnswerBytes).then(
          (text) =>
            resolve({
              status: answer.statusCode ?? 0,
              retryAfter: answer.headers['retry-after'],
              date: answer.headers.date,
              text
            }),
          reject
        )
      })
      outgoing.end(body)
    })

  const send = async (wanted: HttpRequest): Promise<HttpAnswer> => {
    if (isClosed) throw new ProviderFault('unavailable', { code: 'closed' })
    if (new URL(wanted.url).origin !== origin) throw new ProviderFault('misconfigured')
    try {
      return await exchange(wanted)
    } catch (error) {
      throw faultOf(error, wanted.signal)
    }
  }

  const close = (): void => {
    isClosed = true
    agent.destroy()
  }

  return { send, close }
}
