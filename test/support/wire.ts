/**
 * A small HTTP(S) server that speaks a peer's protocol well or badly, as a behaviour says. Rule: what differs from peer
 * to peer is data (a `Dialect`); how a peer can fail is written here once, for all of them.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createCertificate } from './certificate.ts'

export interface WireRequest {
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WireAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** What the peer would answer. `message` is a text that the peer puts into its answer: a test plants a canary there. */
export interface Dialect {
  /** Also answers what `check` asks. */
  readonly found: (text: string, request: WireRequest) => WireAnswer
  readonly notFound: (message: string) => WireAnswer
  readonly denied: (message: string, request: WireRequest) => WireAnswer
  readonly throttled: (message: string) => WireAnswer
  /** The peer says that the credential which came with the read is no longer valid. */
  readonly expired: (message: string) => WireAnswer
  /** Logging in (or fetching credentials) for the n-th time, from 1; undefined if the request is something else. */
  readonly login: (request: WireRequest, n: number) => WireAnswer | undefined
  /** The credential that the request carries. */
  readonly credentialOf: (request: WireRequest) => string | undefined
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
  | { readonly read: 'silent' | 'reset' | 'refused' | 'unknown CA' | 'redirect' }
  /** Logins are taken and never answered, so that a read cannot even start. */
  | { readonly read: 'silent login' }
  | { readonly read: 'known CA'; readonly text: string }

export interface Wire {
  /** Scheme, host and port. */
  readonly url: string
  /** A listener that always answers logins, for peers whose credentials come from elsewhere than their API. */
  readonly loginUrl: string
  /** PEM of the only authority to trust, for the behaviour `known CA`. */
  readonly ca?: string
  /** Requests other than logins, in order. */
  readonly reads: readonly WireRequest[]
  readonly logins: readonly WireRequest[]
  /** Whatever arrived at the place to which `redirect` points. */
  readonly elsewhere: readonly WireRequest[]
  /** Open connections of the peer's listener. */
  readonly connections: () => Promise<number>
}

/** How many bytes an answer lacks that is cut, broken off or stalled. */
const OWING = 10

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const record = async (request: IncomingMessage): Promise<WireRequest> => ({
  method: request.method ?? '',
  url: request.url ?? '',
  headers: request.headers,
  body: await bodyOf(request)
})

const send = (response: ServerResponse, { status, headers, body }: WireAnswer): void => {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

/** Sends the answer's head and the first part of its body, and leaves the rest owing. */
const sendPart = (response: ServerResponse, { status, headers, body }: WireAnswer): void => {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.write(body.slice(0, -OWING))
}

/** Starts the server on a free port of 127.0.0.1; ends it, with whatever still hangs on it, when the test ends. */
export const listen = async (t: Test, server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
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

export const openWire = async (
  t: Test,
  dialect: Dialect,
  behaviour: WireBehaviour
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
      case 'expired':
        return dialect.expired(behaviour.text)
      case 'not found':
        return dialect.notFound(behaviour.message)
      case 'denied':
        return dialect.denied(behaviour.message, request)
      case 'throttled': {
        const { headers, ...rest } = dialect.throttled(behaviour.message)
        const { retryAfter } = behaviour
        const hint = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
        return { ...rest, headers: { ...headers, ...hint } }
      }
      case 'status': {
        const { status, type, body } = behaviour
        return { status, headers: { 'content-type': type }, body }
      }
      case 'redirect': {
        const location = `http://127.0.0.1:${otherPort}${request.url}`
        return { status: 307, headers: { location }, body: '' }
      }
      default:
        return undefined
    }
  }

  const answerRead = (request: WireRequest, response: ServerResponse): void => {
    const answer = answerTo(request)
    if (answer !== undefined) send(response, answer)
    else if (behaviour.read === 'reset') response.socket?.resetAndDestroy()
    else if (behaviour.read === 'stalled' || behaviour.read === 'broken off') {
      sendPart(response, dialect.found(behaviour.text, request))
      if (behaviour.read === 'broken off') setTimeout(() => response.destroy(), 20)
    }
  }

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await record(incoming)
    const login = dialect.login(request, logins.length + 1)
    if (login !== undefined) {
      logins.push(request)
      if (behaviour.read !== 'silent login') send(response, login)
    } else {
      reads.push(request)
      answerRead(request, response)
    }
  }

  const isTls = behaviour.read === 'unknown CA' || behaviour.read === 'known CA'
  const certificate = isTls ? createCertificate('127.0.0.1') : undefined
  const server =
    certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle)
  const port = behaviour.read === 'refused' ? await closedPort() : await listen(t, server)
  const loginPort = await listen(t, createServer(handle))

  return {
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    loginUrl: `http://127.0.0.1:${loginPort}`,
    ...(behaviour.read === 'known CA' && certificate !== undefined && { ca: certificate.cert }),
    reads,
    logins,
    elsewhere,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      )
  }
}
