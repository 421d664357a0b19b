/**
 * Direct Line as its documentation describes it: tokens by either of two keys, one conversation each, that end with a clock
 * which the test turns; and all the ways in which it can fail. It also carries conversations, for real clients.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Behaviour =
  | 'good'
  | 'data boundary'
  | 'HTML 502'
  | 'redirect'
  | 'silent'
  | 'half an answer'
  | 'cut JSON'
  | 'too large'
  | 'not JSON'
  | 'no token'
  | 'reset once'
  | { readonly throttled: string | undefined }
  | { readonly status: number }

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly authorization: string
  readonly body: string
  readonly status: number
  readonly traceparent: string | undefined
}

export interface FakeDirectLine {
  /** Without a slash at its end. */
  readonly url: string
  /** The accepted keys; a test takes one away to kill it. */
  readonly keys: Set<string>
  readonly seen: SeenRequest[]
  /** What arrived at the place to which redirects point. */
  readonly elsewhere: string[]
  /** Seconds. */
  readonly pass: (seconds: number) => void
  behaviour: Behaviour
  /** Planted into what goes wrong. */
  message: string
  /** How many calls are being answered; with `silent` they stay. */
  readonly underWay: () => number
  /** Ends the silence of all calls under way. */
  readonly speak: () => void
}

const EXPIRES_IN = 1800

interface Issued {
  readonly conversationId: string
  readonly user: string
  readonly expiresAt: number
}

const listen = async (
  t: Pick<Test, 'teardown'>,
  handle: (request: IncomingMessage, response: ServerResponse) => void
): Promise<string> => {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>]

export const startDirectLine = async (
  t: Pick<Test, 'teardown'>,
  keys: readonly string[]
): Promise<FakeDirectLine> => {
  const issued = new Map<string, Issued>()
  const conversations = new Map<string, object[]>()
  const elsewhere: string[] = []
  const held: (() => void)[] = []
  let now = Date.parse('2026-03-01T12:00:00Z') / 1000
  let underWay = 0
  let resets = 0

  const elsewhereUrl = await listen(t, (request, response) => {
    elsewhere.push(request.headers.authorization ?? '')
    response.end('{}')
  })

  const refusal = (status: number, code: string): Answer => [
    status,
    { error: { code, message: fake.message } }
  ]

  const issue = (conversationId: string, user: string): Answer => {
    const claims = { conv: conversationId, user, n: randomUUID(), exp: now + EXPIRES_IN }
    const token = `${part({ alg: 'RS256' })}.${part(claims)}.${part({ signature: true })}`
    issued.set(token, { conversationId, user, expiresAt: now + EXPIRES_IN })
    return [200, { conversationId, token, expires_in: EXPIRES_IN }]
  }

  const generate = (secret: string, body: string): Answer => {
    if (!fake.keys.has(secret)) return refusal(403, 'BadArgument')
    const { user } = JSON.parse(body) as { user?: { id?: string } }
    // Enhanced authentication is on.
    if (user?.id?.startsWith('dl_') !== true) return refusal(400, 'BadArgument')
    const conversationId = randomUUID()
    conversations.set(conversationId, [])
    return issue(conversationId, user.id)
  }

  const bearer = (token: string): Issued | Answer => {
    const found = issued.get(token)
    if (found === undefined) return refusal(403, 'BadArgument')
    return found.expiresAt > now ? found : refusal(403, 'TokenExpired')
  }

  /** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-api-reference */
  const converse = (token: string, method: string, path: string, body: string): Answer => {
    const holder = bearer(token)
    if (!('conversationId' in holder)) return holder
    const { conversationId, user } = holder
    const activities = conversations.get(conversationId) ?? []
    if (path === '/conversations') return [201, { conversationId, token, expires_in: EXPIRES_IN }]
    if (!path.startsWith(`/conversations/${conversationId}/activities`)) {
      return refusal(403, 'BadArgument')
    }
    if (method === 'GET') {
      const from = Number(new URL(path, 'http://x').searchParams.get('watermark') ?? 0)
      return [200, { activities: activities.slice(from), watermark: String(activities.length) }]
    }
    const id = `${conversationId}|${activities.length}`
    activities.push({ ...JSON.parse(body), id, from: { id: user } })
    return [200, { id }]
  }

  const answer = (method: string, url: string, authorization: string, body: string): Answer => {
    const [scheme, credential = ''] = authorization.split(' ')
    if (url === '/api/tokens') {
      const isKnown = scheme === 'BotConnector' && fake.keys.has(credential)
      return isKnown ? [200, part({ webchat: randomUUID() })] : refusal(403, 'BadArgument')
    }
    if (!url.startsWith('/v3/directline/')) return refusal(404, 'NotFound')
    if (scheme !== 'Bearer' || credential === '') return refusal(401, 'Unauthorized')
    const path = url.slice('/v3/directline'.length)
    if (path === '/tokens/generate') return generate(credential, body)
    if (path !== '/tokens/refresh') return converse(credential, method, path, body)
    const holder = bearer(credential)
    return 'conversationId' in holder ? issue(holder.conversationId, holder.user) : holder
  }

  const misbehave = (behaviour: Behaviour, good: Answer): Answer | undefined => {
    if (typeof behaviour === 'object') {
      if ('status' in behaviour) return refusal(behaviour.status, 'ServiceError')
      const { throttled } = behaviour
      const hint = throttled === undefined ? {} : { 'retry-after': throttled }
      return [...refusal(429, 'LimitExceeded').slice(0, 2), hint] as unknown as Answer
    }
    switch (behaviour) {
      case 'good':
        return good
      case 'reset once':
        return resets++ === 0 ? undefined : good
      case 'data boundary':
        return refusal(403, 'DataBoundaryViolation')
      case 'HTML 502':
        return [502, `<html>${fake.message}</html>`, { 'content-type': 'text/html' }]
      case 'redirect':
        return [307, '', { location: `${elsewhereUrl}/v3/directline/tokens/generate` }]
      case 'cut JSON':
        return [200, JSON.stringify({ ...(good[1] as object), more: fake.message }).slice(0, -9)]
      case 'too large':
        return [200, { ...(good[1] as object), more: 'x'.repeat(70_000) }]
      case 'not JSON':
        return [200, fake.message]
      case 'no token':
        return [200, { conversationId: fake.message, expires_in: EXPIRES_IN }]
      default:
        return undefined
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    underWay++
    response.once('close', () => underWay--)
    const body = await bodyOf(request)
    const { method = '', url = '', headers } = request
    const { authorization = '' } = headers
    const { behaviour } = fake
    const good = answer(method, url, authorization, body)
    const given = misbehave(behaviour, good)
    fake.seen.push({
      method,
      url,
      authorization,
      body,
      status: given?.[0] ?? 0,
      traceparent: headers['traceparent'] as string | undefined
    })
    const send = ([status, content, more = {}]: Answer): void => {
      const isRaw = more['content-type'] !== undefined || behaviour === 'cut JSON'
      response.writeHead(status, { 'content-type': 'application/json', ...more })
      response.end(isRaw ? String(content) : JSON.stringify(content))
    }
    if (given !== undefined) send(given)
    else if (behaviour === 'reset once') response.socket?.resetAndDestroy()
    else if (behaviour === 'silent') held.push(() => send(good))
    else {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      response.write('{"conversationId":')
      setTimeout(() => response.socket?.destroy(), 20)
    }
  }

  const fake: FakeDirectLine = {
    url: await listen(t, (request, response) => void handle(request, response)),
    keys: new Set(keys),
    seen: [],
    elsewhere,
    pass: (seconds) => {
      now += seconds
    },
    behaviour: 'good',
    message: 'words of the peer',
    underWay: () => underWay,
    speak: () => {
      for (const end of held.splice(0)) end()
    }
  }
  return fake
}
