/**
 * Direct Line's token API (Bot Framework 3.0), and the older one of the Web Chat channel. Rule: a secret goes to the
 * endpoint of its channel and nowhere else, nothing of an answer but its checked members goes on, and one call makes
 * one token for one caller.
 */
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../core/fault.ts'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import { Sensitive } from '../core/secret.ts'
import type { CallOptions } from '../kinds/provider.ts'
import { reasonOfStatus, retryAfterSeconds, retryOnce } from '../kinds/shared/fault-of.ts'
import { createTransport, type HttpAnswer, type Transport } from '../kinds/shared/http-transport.ts'
import { type Mark, marked, straight } from '../kinds/shared/proxy.ts'

export interface ChatUser {
  readonly id: string
  readonly name?: string | undefined
}

export interface Conversation {
  /** Reaches one conversation, until it expires. */
  readonly token: Sensitive<string>
  readonly conversationId?: string
  /** Seconds. */
  readonly expiresIn?: number
  /** Where the token says whose it is. */
  readonly userId?: string
}

export interface DirectLine {
  /** Throws ProviderFault; `denied` if the secret is not accepted. */
  readonly generate: (
    endpoint: string,
    secret: Sensitive<string>,
    asked: { readonly user: ChatUser; readonly trustedOrigins: readonly string[] },
    options: CallOptions
  ) => Promise<Conversation>
  /** Throws ProviderFault; `denied` if the token is not accepted, with code `TokenExpired` if that is why. */
  readonly refresh: (
    endpoint: string,
    token: Sensitive<string>,
    options: CallOptions
  ) => Promise<Conversation>
  /** The older scheme: its tokens have neither user nor origins and are renewed by their page. Throws ProviderFault. */
  readonly generateForWebChat: (
    endpoint: string,
    secret: Sensitive<string>,
    options: CallOptions
  ) => Promise<Conversation>
  readonly close: () => void
}

const LARGEST_ANSWER_BYTES = 64 * 1024

// What may stand behind `Bearer` (RFC 6750, 2.1).
const Token = Type.String({ minLength: 1, maxLength: 8192, pattern: '^[A-Za-z0-9._~+/=-]+$' })
const Answer = Type.Object({
  conversationId: Type.String({ minLength: 1, maxLength: 256, pattern: '^[\\x21-\\x7e]+$' }),
  token: Token,
  expires_in: Type.Integer({ minimum: 1, maximum: 604_800 })
})
const conversationShape = fitting(Answer)
const tokenShape = fitting(Token)

/** A user id that Direct Line accepts where enhanced authentication is on. */
export const USER_ID = '^dl_[A-Za-z0-9_-]{1,125}$'

/** The user in a token, which its clients read in the same place; it is told to the caller and decides nothing. */
const userIn = (token: string): string | undefined => {
  const claims = asJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const user = (claims as { user?: unknown } | null | undefined)?.user
  return typeof user === 'string' && new RegExp(USER_ID).test(user) ? user : undefined
}

/** The code is a stable word of Direct Line's (`TokenExpired`). The message beside it is not, and goes no further. */
const codeIn = (text: string): string | undefined => {
  const code = (asJson(text) as { error?: { code?: unknown } } | null | undefined)?.error?.code
  return typeof code === 'string' ? code : undefined
}

const reasonOf = (status: number): ProviderFault['reason'] => {
  // Nothing is redirected: a secret would go along.
  if (status >= 300 && status < 400) return 'invalid_answer'
  return status === 400 || status === 404 ? 'misconfigured' : reasonOfStatus(status)
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly authorization: string
  readonly body?: string
}

const BROKEN_OFF: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

const send = async (
  transport: Transport,
  { method, url, authorization, body }: Call,
  options: CallOptions,
  now: () => number
): Promise<HttpAnswer> => {
  const request = {
    method,
    url,
    headers: {
      authorization,
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body }),
    signal: options.signal
  }
  // A connection that was kept open may end just when it is used again. To ask twice does no harm: nobody got the first
  // token.
  const answer = await retryOnce(
    options,
    () => transport.send(request),
    async ({ code }) => BROKEN_OFF.has(code)
  )
  const { status, retryAfter, text } = answer
  if (status === 200) return answer
  throw new ProviderFault(reasonOf(status), {
    status,
    code: codeIn(text),
    retryAfterSeconds: retryAfterSeconds(retryAfter, now())
  })
}

const conversationOf = ({ text }: HttpAnswer): Conversation => {
  const answer = asJson(text)
  if (!conversationShape(answer)) throw new ProviderFault('invalid_answer')
  const { conversationId, token, expires_in } = answer as Static<typeof Answer>
  const userId = userIn(token)
  return {
    token: new Sensitive(token),
    conversationId,
    expiresIn: expires_in,
    ...(userId !== undefined && { userId })
  }
}

export interface DirectLineOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly mark?: Mark | undefined
}

export const createDirectLine = ({ now, mark }: DirectLineOptions): DirectLine => {
  // As many as there are configured endpoints.
  const transports = new Map<string, Transport>()
  const transportTo = (endpoint: string): Transport => {
    const { origin } = new URL(endpoint)
    let transport = transports.get(origin)
    if (transport === undefined) {
      transport = createTransport(origin, {
        largestAnswerBytes: LARGEST_ANSWER_BYTES,
        route: marked(straight, mark)
      })
      transports.set(origin, transport)
    }
    return transport
  }
  const ask = (call: Call, options: CallOptions): Promise<HttpAnswer> =>
    send(transportTo(call.url), call, options, now)

  return {
    generate: async (endpoint, secret, { user, trustedOrigins }, options) => {
      const body = JSON.stringify({
        user,
        ...(trustedOrigins.length > 0 && { trustedOrigins })
      })
      const url = `${endpoint}/v3/directline/tokens/generate`
      const authorization = `Bearer ${secret.reveal()}`
      return conversationOf(await ask({ method: 'POST', url, authorization, body }, options))
    },

    refresh: async (endpoint, token, options) => {
      const url = `${endpoint}/v3/directline/tokens/refresh`
      const authorization = `Bearer ${token.reveal()}`
      return conversationOf(await ask({ method: 'POST', url, authorization, body: '' }, options))
    },

    generateForWebChat: async (endpoint, secret, options) => {
      const url = `${endpoint}/api/tokens`
      const authorization = `BotConnector ${secret.reveal()}`
      const token = asJson((await ask({ method: 'GET', url, authorization }, options)).text)
      if (!tokenShape(token)) throw new ProviderFault('invalid_answer')
      return { token: new Sensitive(token) }
    },

    close: () => {
      for (const transport of transports.values()) transport.close()
    }
  }
}
