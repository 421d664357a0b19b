/**
 * One request at a time on each connection, in the order in which they came. Rule: whoever sends many without reading
 * makes the service do, and keep, the work of one; whoever reads gets all of them answered.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Connection, Connections } from './connections.ts'
import { createFairShare, type FairShare } from './fair-share.ts'
import { TIMEOUTS } from './protocol.ts'
import type { Tap } from './tap.ts'

interface Turn {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Line {
  readonly tap: Tap
  current: Turn | undefined
  readonly waiting: Turn[]
  /**
   * To be called once all earlier requests are answered: tells the peer what is wrong with the last one, and ends the
   * connection.
   */
  last: (() => void) | undefined
  /** The same for a request that did not come in time, to be called when it has had that time once more. */
  late: (() => void) | undefined
}

export interface Turns {
  readonly open: (connection: Connection, tap: Tap) => void
  /** In place of the server's own listener for requests. */
  readonly take: RequestListener
  /** The last request failed or is late; `last` is called when the peer is to be told. */
  readonly fail: (connection: Connection, isLate: boolean, last: () => void) => void
}

export interface TurnsOptions {
  readonly connections: Connections
  readonly handle: RequestListener
  readonly onAnswered: (connection: Connection) => void
  /** Told of each response that is over. */
  readonly onClosed?: ((response: ServerResponse) => void) | undefined
}

interface Means extends TurnsOptions {
  readonly share: FairShare
}

const begin = (
  { connections, handle, share }: Means,
  connection: Connection,
  line: Line,
  turn: Turn
): void => {
  line.current = turn
  // While draining, proxies are to go elsewhere before the listener closes; but waiting requests would be lost if the
  // connection were closed before them.
  if (connections.isDraining() && connection.unanswered === 1) {
    turn.response.setHeader('connection', 'close')
  }
  share(connection.network, () => {
    if (!connection.raw.destroyed) handle(turn.request, turn.response)
  })
}

/** The rest of a request that was held back could not come: its time begins now. */
const waitFor = (connection: Connection, late: () => void): void => {
  const { used } = connection
  const look = (): void => {
    if (connection.unanswered === 0 && connection.used === used) late()
  }
  setTimeout(look, TIMEOUTS.headers).unref()
}

const next = (means: Means, connection: Connection, line: Line): void => {
  const turn = line.waiting.shift()
  if (turn !== undefined) begin(means, connection, line, turn)
  else if (line.last !== undefined) line.last()
  else if (means.connections.isClosing()) connection.socket?.destroySoon()
  if (line.waiting.length > 0 || line.last !== undefined) return
  line.tap.release()
  if (line.late !== undefined) waitFor(connection, line.late)
  line.late = undefined
}

const answered = (means: Means, connection: Connection, line: Line): void => {
  line.current = undefined
  connection.unanswered--
  means.connections.used(connection)
  means.onAnswered(connection)
  if (!connection.raw.destroyed) next(means, connection, line)
}

const fail = (
  connection: Connection,
  line: Line | undefined,
  isLate: boolean,
  last: () => void
) => {
  const newest = line?.waiting.at(-1) ?? line?.current
  if (line === undefined || newest === undefined) return last()
  if (newest.request.complete && isLate) {
    line.late = last
    return
  }
  if (!newest.request.complete) {
    if (newest === line.current) {
      if (newest.response.headersSent) connection.raw.destroy()
      else last()
      return
    }
    line.waiting.pop()
    connection.unanswered--
  }
  line.tap.hold()
  line.last = last
}

export const createTurns = (options: TurnsOptions): Turns => {
  const { connections, onClosed } = options
  const lines = new WeakMap<Connection, Line>()
  const means: Means = { ...options, share: createFairShare() }

  // One function for all answers: each names its request, and that its connection.
  function onClose(this: ServerResponse): void {
    onClosed?.(this)
    const connection = connections.of(this.req.socket)
    const line = connection && lines.get(connection)
    if (connection !== undefined && line !== undefined) answered(means, connection, line)
  }

  return {
    open: (connection, tap) => {
      const line = { tap, current: undefined, waiting: [], last: undefined, late: undefined }
      lines.set(connection, line)
    },

    take: (request, response) => {
      const connection = connections.of(request.socket)
      const line = connection && lines.get(connection)
      if (connection === undefined || line === undefined) {
        request.socket.destroy()
        return
      }
      response.on('close', onClose)
      connection.unanswered++
      const turn = { request, response }
      if (line.current === undefined) return begin(means, connection, line, turn)
      // Only now, since the body of the request under way may still have to come.
      line.tap.hold()
      line.waiting.push(turn)
    },

    fail: (connection, isLate, last) => fail(connection, lines.get(connection), isLate, last)
  }
}
