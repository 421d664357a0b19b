/**
 * How much of the memory answers have that were not taken, and for how long. Rule: together they have one size, and each address
 * a share of it; who does not take an answer in time is cut off.
 */
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { getHeapStatistics } from 'node:v8'
import type { Connection, Connections } from './connections.ts'

const MIB = 1024 * 1024
/** An eighth of what V8 may take, since an answer is there as a text and as bytes, and again in TLS. */
export const TOGETHER_MAX = Math.min(64 * MIB, Math.floor(getHeapStatistics().heap_size_limit / 8))
/** Nobody fills all of it from one address. */
const SHARE = 1 / 4
/** From this size on an answer is refused where there is no room. */
export const LARGE = 16 * 1024
/** A smaller one has half as much again, and where that is full it takes the place of what was not taken for longest. */
const FOR_SMALL = 1.5
const TAKEN_WITHIN_LOOKS = 20
/** At the end of the service, so that nobody can put it off. */
const TAKEN_AT_THE_END = 3

/** What a connection has not taken. It has one answer at a time. */
export interface Answer {
  readonly connection: Connection
  readonly network: string
  readonly response: ServerResponse
  /** An answer that has no end yet. */
  readonly stream: Readable | undefined
  bytes: number
  /** How often it was looked at since there was something to take. */
  looks: number
}

export interface Ledger {
  readonly connections: Connections
  readonly max: number
  readonly perNetwork: number
  /** Oldest first. */
  readonly answers: Map<Connection, Answer>
  /** Bytes. */
  readonly byNetwork: Map<string, number>
  together: number
}

export const createLedger = (connections: Connections, max: number): Ledger => ({
  connections,
  max,
  perNetwork: Math.floor(max * SHARE),
  answers: new Map(),
  byNetwork: new Map(),
  together: 0
})

const add = (ledger: Ledger, network: string, bytes: number): void => {
  const { byNetwork } = ledger
  ledger.together += bytes
  const sum = (byNetwork.get(network) ?? 0) + bytes
  if (sum === 0) byNetwork.delete(network)
  else byNetwork.set(network, sum)
}

/** That nothing of an answer is left. */
export const forget = (ledger: Ledger, connection: Connection): void => {
  const one = ledger.answers.get(connection)
  if (one === undefined) return
  ledger.answers.delete(connection)
  add(ledger, one.network, -one.bytes)
}

/** An answer that was there gave way to this one, such as one that could not be sent. */
export const enter = (ledger: Ledger, answer: Answer): void => {
  forget(ledger, answer.connection)
  ledger.answers.set(answer.connection, answer)
  add(ledger, answer.network, answer.bytes)
}

const cut = (ledger: Ledger, { connection }: Answer): void => {
  forget(ledger, connection)
  connection.raw.destroy()
}

export const hasRoom = (ledger: Ledger, network: string, bytes: number): boolean => {
  const { max, perNetwork, together } = ledger
  const own = ledger.byNetwork.get(network) ?? 0
  const factor = bytes < LARGE ? FOR_SMALL : 1
  // Whatever its size, one alone can be sent.
  const isWithinShare = own === 0 || own + bytes <= perNetwork * factor
  return isWithinShare && (together === 0 || together + bytes <= max * factor)
}

/** A small answer takes the place of others. False if there is no room all the same. */
export const makeRoom = (ledger: Ledger, network: string, bytes: number): boolean => {
  if (hasRoom(ledger, network, bytes)) return true
  if (bytes >= LARGE) return false
  const own = ledger.byNetwork.get(network) ?? 0
  const isOverShare = own + bytes > ledger.perNetwork * FOR_SMALL
  for (const one of ledger.answers.values()) {
    if (isOverShare && one.network !== network) continue
    cut(ledger, one)
    if (hasRoom(ledger, network, bytes)) return true
  }
  return hasRoom(ledger, network, bytes)
}

const measure = (ledger: Ledger, one: Answer): void => {
  if (one.stream === undefined) return
  const bytes = one.stream.readableLength + one.response.writableLength
  add(ledger, one.network, bytes - one.bytes)
  one.bytes = bytes
  if (bytes === 0) one.looks = 0
}

/** Cuts off who has not taken an answer in time, or what is too much by now. */
export const look = (ledger: Ledger): void => {
  const { answers, connections, max } = ledger
  const looks = connections.isClosing() ? TAKEN_AT_THE_END : TAKEN_WITHIN_LOOKS
  for (const one of answers.values()) {
    measure(ledger, one)
    if (one.bytes > 0 && ++one.looks > looks) cut(ledger, one)
  }
  for (const one of answers.values()) {
    if (ledger.together <= max) break
    if (one.bytes > 0) cut(ledger, one)
  }
}
