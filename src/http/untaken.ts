/**
 * What answers may take of the memory, whatever their route. Rule: who does not read what was asked for cannot make the
 * service keep it: answers that were not taken have one size together, each address a share of it, and each answer has a
 * time to be taken.
 */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { getHeapStatistics } from 'node:v8'
import type { FastifyRequest, onSendHookHandler, preSerializationHookHandler } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { Sensitive } from '../core/secret.ts'
import { every } from '../state/background.ts'
import { addressOf, networkOf } from './addresses.ts'
import type { Connection, Connections } from './connections.ts'
import { createFairShare } from './fair-share.ts'
import { inPieces, PIECE } from './pieces.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** To be awaited by a route that reads many secrets, before it does. */
    largeWork: Untaken['largeWork']
  }
}

const MIB = 1024 * 1024
/** An eighth of what V8 may take, since an answer is there as a text and as bytes, and again in TLS. */
const TOGETHER_MAX = Math.min(64 * MIB, Math.floor(getHeapStatistics().heap_size_limit / 8))
/** Nobody fills all of it from one address. */
const SHARE = 1 / 4
/** From this size on an answer is refused where there is no room. */
export const LARGE = 16 * 1024
/** A smaller one has half as much again, and where that is full it takes the place of what was not taken for longest. */
const FOR_SMALL = 1.5
const LOOK_EVERY_MS = 1_000
const TAKEN_WITHIN_LOOKS = 20
/** At the end of the service, so that nobody can put it off. */
const TAKEN_AT_THE_END = 3

/** What a connection has not taken. It has one answer at a time. */
interface Answer {
  readonly connection: Connection
  readonly network: string
  readonly response: ServerResponse
  /** An answer that has no end yet. */
  readonly stream: Readable | undefined
  bytes: number
  /** How often it was looked at since there was something to take. */
  looks: number
}

export interface Untaken {
  /**
   * Resolves when this caller may begin to read many secrets. One address has one such piece of work in a turn of the event
   * loop, and newcomers go first.
   */
  readonly largeWork: (request: FastifyRequest) => Promise<void>
  /** For every route. What has no room is refused before it is written out, which is most of the work of it. */
  readonly preSerialization: preSerializationHookHandler
  readonly onSend: onSendHookHandler
  readonly onAnswered: (connection: Connection) => void
  /** Cuts off who has not taken an answer in time. Runs by itself once a second. */
  readonly look: () => void
  readonly close: () => void
}

/** At least so long is what will be made of it. */
const charactersIn = (value: unknown): number => {
  if (typeof value === 'string') return value.length
  // Only its length is looked at.
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

export const createUntaken = (connections: Connections, max: number = TOGETHER_MAX): Untaken => {
  const perNetwork = Math.floor(max * SHARE)
  /** Oldest first. */
  const answers = new Map<Connection, Answer>()
  const byNetwork = new Map<string, number>()
  let together = 0
  const { admitted: newcomers } = connections
  const reading = createFairShare({ perTurn: 1, newcomers })
  const writing = createFairShare({ newcomers })

  const add = (network: string, bytes: number): void => {
    together += bytes
    const sum = (byNetwork.get(network) ?? 0) + bytes
    if (sum === 0) byNetwork.delete(network)
    else byNetwork.set(network, sum)
  }

  const onAnswered = (connection: Connection): void => {
    const one = answers.get(connection)
    if (one === undefined) return
    answers.delete(connection)
    add(one.network, -one.bytes)
  }

  const cut = ({ connection }: Answer): void => {
    onAnswered(connection)
    connection.raw.destroy()
  }

  const hasRoom = (network: string, bytes: number): boolean => {
    const own = byNetwork.get(network) ?? 0
    const factor = bytes < LARGE ? FOR_SMALL : 1
    // Whatever its size, one alone can be sent.
    const isWithinShare = own === 0 || own + bytes <= perNetwork * factor
    return isWithinShare && (together === 0 || together + bytes <= max * factor)
  }

  const makeRoom = (network: string, bytes: number): boolean => {
    if (hasRoom(network, bytes)) return true
    if (bytes >= LARGE) return false
    const isOverShare = (byNetwork.get(network) ?? 0) + bytes > perNetwork * FOR_SMALL
    for (const one of answers.values()) {
      if (isOverShare && one.network !== network) continue
      cut(one)
      if (hasRoom(network, bytes)) return true
    }
    return hasRoom(network, bytes)
  }

  const measure = (one: Answer): void => {
    if (one.stream === undefined) return
    const bytes = one.stream.readableLength + one.response.writableLength
    add(one.network, bytes - one.bytes)
    one.bytes = bytes
    if (bytes === 0) one.looks = 0
  }

  const look = (): void => {
    const looks = connections.isClosing() ? TAKEN_AT_THE_END : TAKEN_WITHIN_LOOKS
    for (const one of answers.values()) {
      measure(one)
      if (one.bytes > 0 && ++one.looks > looks) cut(one)
    }
    for (const one of answers.values()) {
      if (together <= max) break
      if (one.bytes > 0) cut(one)
    }
  }
  const loop = every('look at answers that nobody takes', LOOK_EVERY_MS, look)

  return {
    largeWork: (request) =>
      new Promise((begin) => {
        reading(networkOf(addressOf(request)), begin)
      }),
    preSerialization: (request, _reply, payload, done) => {
      const bytes = charactersIn(payload)
      if (bytes < LARGE) return done(null, payload)
      const network = networkOf(addressOf(request))
      const refuse = (): void => done(new ProblemError('overloaded'))
      if (!hasRoom(network, bytes)) return refuse()
      writing(network, () => (hasRoom(network, bytes) ? done(null, payload) : refuse()))
    },
    onSend: (request, reply, payload, done) => {
      const bytes = bytesOf(payload)
      const network = networkOf(addressOf(request))
      if (!makeRoom(network, bytes)) return done(new ProblemError('overloaded'))
      const connection = connections.of(request.raw.socket)
      if (connection !== undefined && !connection.raw.destroyed) {
        // An answer that gave way to another, such as one that could not be sent.
        onAnswered(connection)
        const stream = payload instanceof Readable ? payload : undefined
        // Who is told things for hours may send nothing else, and is to be missed as soon as it leaves.
        if (stream !== undefined && reply.getHeader('connection') === 'close') {
          connection.ignoreInput()
        }
        answers.set(connection, {
          connection,
          network,
          response: reply.raw,
          stream,
          bytes,
          looks: 0
        })
        add(network, bytes)
      }
      if (bytes <= PIECE || request.method === 'HEAD') return done(null, payload)
      reply.header('content-length', bytes)
      done(null, inPieces(Buffer.isBuffer(payload) ? payload : Buffer.from(`${payload}`)))
    },
    onAnswered,
    look,
    close: loop.close
  }
}
