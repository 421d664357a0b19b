/**
 * What answers may take of the memory and of the event loop, whatever their route. Rule: who does not read what was
 * asked for cannot make the service keep it, and a long answer goes out in pieces: it takes no more of a turn of the
 * event loop than one piece does, and nothing is encrypted or handed to the kernel that its reader does not take.
 */
import { Readable } from 'node:stream'
import type {
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
  preSerializationHookHandler
} from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { Sensitive } from '../core/secret.ts'
import { every } from '../state/background.ts'
import type { Connection, Connections } from './connections.ts'
import { createFairShare } from './fair-share.ts'
import {
  createLedger,
  cutOffSlow,
  enterAnswer,
  forgetAnswer,
  hasRoom,
  LARGE,
  type Ledger,
  makeRoom,
  PIECE,
  TOGETHER_MAX
} from './ledger.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A route awaits this before it reads many secrets. */
    largeWork: Untaken['largeWork']
  }
}

const LOOK_EVERY_MS = 1_000
/** As many as the largest batch and the largest page have. */
const READS_PER_TURN = 100
/** A request takes as long as so many reads within it, however few it has. */
const REQUEST_READS = 10

const inPieces = (bytes: Buffer): Readable => {
  let from = 0
  return new Readable({
    highWaterMark: PIECE,
    read() {
      setImmediate(() => {
        const piece = bytes.subarray(from, from + PIECE)
        from += PIECE
        this.push(piece.length > 0 ? piece : null)
      })
    }
  })
}

export interface Untaken {
  /**
   * Resolves when this caller may begin to read many secrets. One address has as much of such work in a turn of the
   * event loop as the largest batch is, and newcomers go first. `reads`: how many it is going to be, if that is known.
   */
  readonly largeWork: (request: FastifyRequest, reads?: number) => Promise<void>
  /** For every route. An answer without room is refused before it is serialised, which is most of the work. */
  readonly preSerialization: preSerializationHookHandler
  readonly onSend: onSendHookHandler
  readonly onAnswered: (connection: Connection) => void
  /** Cuts off who has not taken an answer in time. Runs by itself once a second. */
  readonly look: () => void
  readonly close: () => void
}

/** A lower bound of the length of the serialised value. */
const charactersIn = (value: unknown): number => {
  if (typeof value === 'string') return value.length
  // Only the length of the secret is used.
  if (value instanceof Sensitive) return charactersIn(value.reveal())
  if (typeof value !== 'object' || value === null) return 0
  let sum = 0
  for (const member of Object.values(value)) sum += charactersIn(member)
  return sum
}

const bytesOf = (payload: unknown): number => {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  return Buffer.isBuffer(payload) ? payload.length : 0
}

const note = (
  ledger: Ledger,
  { raw: { socket } }: FastifyRequest,
  reply: FastifyReply,
  network: string,
  payload: unknown,
  bytes: number
): void => {
  const connection = ledger.connections.of(socket)
  if (connection === undefined || connection.raw.destroyed) return
  const stream = payload instanceof Readable ? payload : undefined
  // The reader of an endless answer may send nothing else, and its leaving must be noticed at once.
  if (stream !== undefined && reply.getHeader('connection') === 'close') connection.ignoreInput()
  enterAnswer(ledger, connection, network, { response: reply.raw, stream, bytes })
}

export const createUntaken = (connections: Connections, max: number = TOGETHER_MAX): Untaken => {
  const ledger = createLedger(connections, max)
  const { admitted: newcomers } = connections
  const reading = createFairShare({ perTurn: READS_PER_TURN, newcomers })
  const writing = createFairShare({ newcomers })
  const lookAtAll = (): void => cutOffSlow(ledger)
  const loop = every('look at answers that nobody takes', LOOK_EVERY_MS, lookAtAll)
  return {
    largeWork: (request, reads = READS_PER_TURN) =>
      new Promise((begin) => {
        reading(request.network, begin, Math.max(reads, REQUEST_READS))
      }),
    preSerialization: (request, _reply, payload, done) => {
      const bytes = charactersIn(payload)
      if (bytes < LARGE) return done(null, payload)
      const { network } = request
      const refuse = (): void => done(new ProblemError('overloaded'))
      if (!hasRoom(ledger, network, bytes)) return refuse()
      writing(network, () => (hasRoom(ledger, network, bytes) ? done(null, payload) : refuse()))
    },
    onSend: (request, reply, payload, done) => {
      const bytes = bytesOf(payload)
      const { network } = request
      if (!makeRoom(ledger, network, bytes)) return done(new ProblemError('overloaded'))
      note(ledger, request, reply, network, payload, bytes)
      if (bytes <= PIECE || request.method === 'HEAD') return done(null, payload)
      reply.header('content-length', bytes)
      done(null, inPieces(Buffer.isBuffer(payload) ? payload : Buffer.from(`${payload}`)))
    },
    onAnswered: (connection) => forgetAnswer(ledger, connection),
    look: lookAtAll,
    close: loop.close
  }
}
