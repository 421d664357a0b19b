/**
 * What stands between Node's HTTP server and its sockets. Rule: a connection on which no request comes about is closed
 * within seconds, by the service itself, whatever the peer does.
 */
import { randomUUID } from 'node:crypto'
import { type RequestListener, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { PROBLEMS, type ProblemCode, ProblemError } from '../core/problem.ts'
import { answerOf, type OnAnswer } from './answers.ts'
import { createBridge } from './bridge.ts'
import type { Connection, Connections } from './connections.ts'
import type { ErrorShape } from './problems.ts'
import { createTap } from './tap.ts'
import { createTurns } from './turns.ts'

const codeOfParserError: ReadonlyMap<string | undefined, ProblemCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'header_too_large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'payload_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout']
])

/**
 * How long a peer has to read why it is refused. Closing at once, while the peer still sends, would lose that answer.
 */
const LAST_WORDS_MS = 1_000

const refusal = (
  code: ProblemCode,
  { headers, errorShape }: Pick<ListenerOptions, 'headers' | 'errorShape'>
): string => {
  const requestId = randomUUID()
  const answer = errorShape(new ProblemError(code), requestId)
  const { status, body = '' } = answer
  const lines = Object.entries({
    ...headers,
    'x-request-id': requestId,
    ...answer.headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close'
  }).map(([name, value]) => `${name}: ${value}`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

export interface ListenerOptions {
  readonly connections: Connections
  readonly onAnswered: (connection: Connection) => void
  /** Told of each answer, also to what has not become a request. */
  readonly onAnswer?: OnAnswer | undefined
  /** The headers of answers that refuse what has not become a request. */
  readonly headers: Readonly<Record<string, string>>
  readonly errorShape: ErrorShape
  /** Methods that Node's parser does not know and a door of the listener does; see `bridge.ts`. */
  readonly otherMethods?: readonly string[] | undefined
}

/** Takes the listeners of one event away, and calls them as one. */
const takeOver = <Args extends unknown[]>(
  server: Server,
  event: string
): ((...args: Args) => void) => {
  const listeners = server.listeners(event)
  server.removeAllListeners(event)
  return (...args) => {
    for (const listener of listeners) listener.apply(server, args)
  }
}

/**
 * A peer that closes its half has sent all its requests: the connection ends with the last answer, or at once if none
 * is due. Over TLS the end of one half is that of both.
 */
const answerHalfClosed = (server: Server & { httpAllowHalfOpen?: boolean }): void => {
  server.httpAllowHalfOpen = true
}

/** Returns what is to be done with a connection on which HTTP failed (Node's `clientError`). */
export const guardListener = (
  server: Server,
  options: ListenerOptions
): ((error: NodeJS.ErrnoException, socket: Socket) => void) => {
  const { connections, onAnswered, onAnswer } = options
  const handle: RequestListener = takeOver(server, 'request')
  const turns = createTurns({
    connections,
    handle,
    onAnswered,
    onClosed: onAnswer && ((response) => onAnswer(answerOf(response)))
  })
  server.on('request', turns.take)
  // An Expect other than 100-continue may be ignored (RFC 9110, 10.1.1); Node would answer 417 without a body.
  server.on('checkExpectation', turns.take)

  const speakHttp = (connection: Connection, socket: Socket): void => {
    connection.socket = socket
    connection.raw.once('close', () => onAnswered(connection))
    const tap = createTap(socket)
    connection.ignoreInput = tap.ignore
    bridge.watch(socket)
    turns.open(connection, tap)
  }

  const onConnection = takeOver<[Socket]>(server, 'connection')
  const isTls = server.listenerCount('secureConnection') > 0
  if (!isTls) answerHalfClosed(server)
  server.on('connection', (raw: Socket) => {
    const connection = connections.admit(raw)
    if (connection === undefined) return
    onConnection(raw)
    if (!isTls) speakHttp(connection, raw)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = connections.secured(socket)
    if (connection === undefined) socket.destroy()
    else speakHttp(connection, socket)
  })

  const refuse = (code: ProblemCode, { raw }: Connection, socket: Socket): void => {
    socket.end(refusal(code, options))
    onAnswer?.({ route: ' ', status: PROBLEMS[code].status, code, durationMs: undefined })
    const timer = setTimeout(() => raw.destroy(), LAST_WORDS_MS).unref()
    raw.once('close', () => clearTimeout(timer))
  }

  const bridge = createBridge({
    methods: options.otherMethods ?? [],
    take: turns.take,
    refuse: (code, socket) => {
      const connection = connections.of(socket)
      if (connection === undefined) socket.destroy()
      else refuse(code, connection, socket)
    },
    inTurn: (socket, work) => {
      const connection = connections.of(socket)
      if (connection !== undefined) turns.fail(connection, false, work)
    }
  })

  return (error, socket) => {
    if (bridge.takes(error, socket)) return
    const connection = connections.of(socket)
    // Without a connection a handshake has failed, and there is nobody to answer.
    if (connection === undefined || error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const code = codeOfParserError.get(error.code) ?? 'invalid_request'
    // Earlier requests on the connection were proper, and are answered first: HTTP/1.1 tells answers apart by their
    // order alone.
    turns.fail(connection, code === 'request_timeout', () => refuse(code, connection, socket))
  }
}
