/**
 * A small HTTP(S) server that speaks a peer's protocol well or badly, as a behaviour says. Rule: what differs from peer
 * to peer is data (a `Dialect`); how a peer can fail is written here once, for all of them.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse
} from 'node:http'
import {
  createServer as createHttp2Server,
  createSecureServer as createHttp2TlsServer
} from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { createCertificate } from './certificate.ts'

export interface WireRequest {
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Over HTTP/2, where bodies are no text, a character for each byte. */
  readonly body: string
}

export interface WireAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Of a body that is no text: a character for each byte. */
  readonly encoding?: 'latin1'
  readonly trailers?: Readonly<Record<string, string>>
}

/** What the peer would answer. `message` is a text that the peer puts into its answer: a test plants a canary there. */
export interface Dialect {
  /** The peer is spoken to over TLS always, not only where a test is about TLS. */
  readonly tls?: true
  /** The peer speaks HTTP/2, without a negotiation where there is no TLS. */
  readonly http2?: true
  /** Also answers what `check` asks. */
  readonly found: (text: string, request: WireRequest) => WireAnswer
  readonly notFound: (message: string) => WireAnswer
  readonly denied: (message: string, request: WireRequest) => WireAnswer
  readonly throttled: (message: string, retryAfter?: string) => WireAnswer
  /** The peer says that the credential which came with the read is no longer valid. */
  readonly expired: (message: string) => WireAnswer
  /** Logging in (or fetching credentials) for the n-th time, from 1; undefined if the request is something else. */
  readonly login: (request: WireRequest, n: number) => WireAnswer | undefined
  /** The peer refuses the login for good; absent where a login is no call to the peer: then it disowns each read. */
  readonly refusedLogin?: (message: string) => WireAnswer
  /** The credential that the request carries. */
  readonly credentialOf: (request: WireRequest) => string | undefined
  /** What is always answered, and counts neither as a read nor as a login: a challenge, a discovery document. */
  readonly aside?: (request: WireRequest) => WireAnswer | undefined
}

export type WireBehaviour =
  /** `cut` ends a 200 in the middle of its JSON, `broken off` drops the connection there, `stalled` goes silent there. */
  | { readonly read: 'found' | 'cut' | 'broken off' | 'stalled'; readonly text: string }
  | { readonly read: 'expired once' | 'expired'; readonly text: string }
  | { readonly read: 'not found' | 'denied'; readonly message: string }
  | { readonly read: 'throttled'; readonly message: string; readonly retryAfter?: string }
  | {
      readonly read: 'status'
      readonly status: number
      readonly type: string
      readonly body: string
    }
  | { readonly read: 'silent' | 'reset' | 'refused' | 'redirect' }
  /** Over TLS: nobody knows the authority, the name is another one, or the time is over. */
  | { readonly read: 'unknown CA' | 'other name' | 'expired certificate' }
  /** A 200 that is sent as long as somebody reads it, or that says it is packed and would be enormous unpacked. */
  | { readonly read: 'endless' | 'packed'; readonly text: string }
  /** Logins are taken and never answered, so that a read cannot even start. */
  | { readonly read: 'silent login' }
  /** The peer takes nothing that we show of ourselves. */
  | { readonly read: 'refused login'; readonly message: string }
  | { readonly read: 'known CA'; readonly text: string }

export interface Wire {
  /** Scheme, host and port. */
  readonly url: string
  /** A listener that always answers logins, for peers whose credentials come from elsewhere than their API. */
  readonly loginUrl: string
  /** PEM of the only authority to trust; none where there is no TLS, and for the behaviour `unknown CA`. */
  readonly ca?: string
  /** Requests other than logins, in order. */
  readonly reads: readonly WireRequest[]
  readonly logins: readonly WireRequest[]
  /** Whatever arrived at the place to which `redirect` points. */
  readonly elsewhere: readonly WireRequest[]
  /** Bytes of bodies without an end that were taken from us. */
  readonly poured: () => number
  /** Open connections of the peer's listener. */
  readonly connections: () => Promise<number>
}

const OVER_TLS: ReadonlySet<WireBehaviour['read']> = new Set([
  'known CA',
  'unknown CA',
  'other name',
  'expired certificate'
])

/** How many bytes an answer lacks that is cut, broken off or stalled. */
const OWING = 10
const UNPACKED_BYTES = 64 * 1024 * 1024
/** Nobody who keeps a bound takes so much; whoever does is let go on until the end of the test. */
const MOST_POURED_BYTES = 256 * 1024 * 1024
const PORTION = Buffer.alloc(64 * 1024, ' ')

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const record = async (request: IncomingMessage): Promise<WireRequest> => {
  const body = await bodyOf(request)
  const { method = '', url = '', headers, httpVersionMajor } = request
  return { method, url, headers, body: body.toString(httpVersionMajor === 2 ? 'latin1' : 'utf8') }
}

const setHead = (response: ServerResponse, answer: WireAnswer): void => {
  const { status, headers = {}, body, encoding = 'utf8' } = answer
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('content-length', Buffer.byteLength(body, encoding))
}

const send = (response: ServerResponse, answer: WireAnswer): void => {
  setHead(response, answer)
  const { body, encoding = 'utf8', trailers } = answer
  if (trailers !== undefined) response.addTrailers(trailers)
  // HTTP/2 can say in the head that there is no body, and gRPC looks there for a status then.
  if (body === '') response.end()
  else response.end(body, encoding)
}

/** Sends the answer's head and the first part of its body, and leaves the rest owing. */
const sendPart = (response: ServerResponse, answer: WireAnswer): void => {
  setHead(response, answer)
  response.write(answer.body.slice(0, -OWING), answer.encoding ?? 'utf8')
}

/** Starts the server on a free port of 127.0.0.1; ends it, with whatever still hangs on it, when the test ends. */
export const listen = async (t: Pick<Test, 'teardown'>, server: Server): Promise<number> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A port of 127.0.0.1 on which nothing listens. */
export const closedPort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** `host`: the name that the peer goes by, which only a proxy of the test can resolve unless it is this machine's address. */
export const openWire = async (
  t: Pick<Test, 'teardown'>,
  dialect: Dialect,
  behaviour: WireBehaviour,
  host = '127.0.0.1'
): Promise<Wire> => {
  const reads: WireRequest[] = []
  const logins: WireRequest[] = []
  const elsewhere: WireRequest[] = []

  const otherHost = createServer(async (request, response) => {
    elsewhere.push(await record(request))
    send(response, { status: 200, body: '{}' })
  })
  const otherPort = await listen(t, otherHost)

  /** What the peer says to a read; undefined where it says nothing that is whole. */
  const answerTo = (request: WireRequest): WireAnswer | undefined => {
    switch (behaviour.read) {
      case 'found':
      case 'known CA':
        return dialect.found(behaviour.text, request)
      case 'cut': {
        const { body, ...head } = dialect.found(behaviour.text, request)
        return { ...head, body: body.slice(0, -OWING) }
      }
      case 'expired once':
        return reads.length === 1
          ? dialect.expired(behaviour.text)
          : dialect.found(behaviour.text, request)
      case 'refused login':
        return dialect.expired(behaviour.message)
      case 'expired':
        return dialect.expired(behaviour.text)
      case 'not found':
        return dialect.notFound(behaviour.message)
      case 'denied':
        return dialect.denied(behaviour.message, request)
      case 'throttled': {
        const { retryAfter } = behaviour
        const { headers, ...rest } = dialect.throttled(behaviour.message, retryAfter)
        const hint = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
        return { ...rest, headers: { ...headers, ...hint } }
      }
      case 'status': {
        const { status, type, body } = behaviour
        return { status, headers: { 'content-type': type }, body }
      }
      case 'packed': {
        const { headers = {}, status } = dialect.found(behaviour.text, request)
        const body = gzipSync(Buffer.alloc(UNPACKED_BYTES, ' ')).toString('latin1')
        return {
          status,
          headers: { ...headers, 'content-encoding': 'gzip' },
          body,
          encoding: 'latin1'
        }
      }
      case 'redirect': {
        const location = `http://127.0.0.1:${otherPort}${request.url}`
        return { status: 307, headers: { location }, body: '' }
      }
      default:
        return undefined
    }
  }

  const isTls = dialect.tls === true || OVER_TLS.has(behaviour.read)

  let poured = 0
  /** As much as is taken: a body of spaces, which may stand before any JSON, so that only its size is wrong. */
  const pour = (response: ServerResponse, answer: WireAnswer): void => {
    response.writeHead(answer.status, answer.headers)
    const more = (): void => {
      while (!response.destroyed && poured < MOST_POURED_BYTES) {
        poured += PORTION.length
        if (!response.write(PORTION)) return void response.once('drain', more)
      }
    }
    more()
  }

  const answerRead = (request: WireRequest, response: ServerResponse): void => {
    const answer = answerTo(request)
    if (answer !== undefined) send(response, answer)
    else if (behaviour.read === 'endless') pour(response, dialect.found(behaviour.text, request))
    // Node resets plain TCP only; over TLS the connection just ends, without an answer.
    else if (behaviour.read === 'reset' && isTls) response.socket?.destroy()
    else if (behaviour.read === 'reset') response.socket?.resetAndDestroy()
    else if (behaviour.read === 'stalled' || behaviour.read === 'broken off') {
      sendPart(response, dialect.found(behaviour.text, request))
      if (behaviour.read === 'broken off') setTimeout(() => response.socket?.destroy(), 20)
    }
  }

  const withheld: (() => void)[] = []

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await record(incoming)
    const aside = dialect.aside?.(request)
    if (aside !== undefined) return send(response, aside)
    // What is refused is the same each time.
    const n = behaviour.read === 'refused login' ? 1 : logins.length + 1
    const login = dialect.login(request, n)
    if (login !== undefined) {
      logins.push(request)
      if (behaviour.read === 'silent login') withheld.push(() => send(response, login))
      else if (behaviour.read === 'refused login' && dialect.refusedLogin !== undefined) {
        send(response, dialect.refusedLogin(behaviour.message))
      } else send(response, login)
    } else {
      reads.push(request)
      answerRead(request, response)
    }
  }

  const named = behaviour.read === 'other name' ? 'elsewhere.example' : host
  const isExpired = behaviour.read === 'expired certificate'
  const certificate = isTls ? createCertificate(named, 'ec', { isExpired }) : undefined
  const createPeer = (): Server => {
    if (dialect.http2 === undefined) {
      return certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle)
    }
    // Node's compatibility API: the same members, under other types.
    const handler = handle as unknown as Parameters<typeof createHttp2Server>[1]
    return certificate === undefined
      ? createHttp2Server({}, handler)
      : createHttp2TlsServer(certificate, handler)
  }
  const server = createPeer()
  const port = behaviour.read === 'refused' ? await closedPort() : await listen(t, server)
  const loginPort = await listen(t, createServer(handle))
  // Before the listeners end: a client that is still waiting would try again, and turn up in the tests that follow.
  t.teardown(() => {
    for (const answer of withheld) answer()
  })

  return {
    url: `${isTls ? 'https' : 'http'}://${host}:${port}`,
    loginUrl: `http://127.0.0.1:${loginPort}`,
    ...(behaviour.read !== 'unknown CA' && certificate !== undefined && { ca: certificate.cert }),
    reads,
    logins,
    elsewhere,
    poured: () => poured,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      )
  }
}
