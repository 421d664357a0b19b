/**
 * How much of the memory answers have that were not taken, and for how long. Rule: together they have one size, and
 * each address a share of it; who does not take an answer in time is cut off.
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
/** Bytes. A longer answer goes out in pieces of so many; one costs a tenth of a millisecond or so, with TLS too. */
export const PIECE = 64 * 1024
/**
 * A smaller one has half as much again, and where that is full it takes the place of what was not taken for longest.
 */
const FOR_SMALL = 1.5
const TAKEN_WITHIN_LOOKS = 20
/** At the end of the service, so that nobody can put it off. */
const TAKEN_AT_THE_END = 3

/**
 * What a connection has not taken. A connection has one answer at a time, and one of these for all of its answers:
 * whatever is put into a Map and taken out again with each request makes V8 keep the garbage of requests until its next
 * full collection, since each table that a Map has outgrown points to the next one.
 */
interface Account {
  readonly connection: Connection
  readonly network: string
  /** Undefined: everything is taken. */
  response: ServerResponse | undefined
  /** An answer that has no end yet. */
  stream: Readable | undefined
  bytes: number
  /** How often it was looked at since there was something to take. */
  looks: number
  older: Account | undefined
  newer: Account | undefined
}

export interface Ledger {
  readonly connections: Connections
  readonly max: number
  readonly perNetwork: number
  readonly accounts: WeakMap<Connection, Account>
  /** Those that have something to take, from the oldest to the newest. */
  oldest: Account | undefined
  newest: Account | undefined
  /** Bytes. */
  readonly byNetwork: Map<string, number>
  together: number
}

export const createLedger = (connections: Connections, max: number): Ledger => ({
  connections,
  max,
  perNetwork: Math.floor(max * SHARE),
  accounts: new WeakMap(),
  oldest: undefined,
  newest: undefined,
  byNetwork: new Map(),
  together: 0
})

const add = (ledger: Ledger, network: string, bytes: number): void => {
  ledger.together += bytes
  ledger.byNetwork.set(network, (ledger.byNetwork.get(network) ?? 0) + bytes)
}

const close = (ledger: Ledger, account: Account): void => {
  const { older, newer, network, bytes } = account
  if (older === undefined) ledger.oldest = newer
  else older.newer = newer
  if (newer === undefined) ledger.newest = older
  else newer.older = older
  account.older = undefined
  account.newer = undefined
  account.response = undefined
  account.stream = undefined
  add(ledger, network, -bytes)
}

/** That nothing of an answer is left. */
export const forgetAnswer = (ledger: Ledger, connection: Connection): void => {
  const account = ledger.accounts.get(connection)
  if (account?.response !== undefined) close(ledger, account)
}

const open = (ledger: Ledger, connection: Connection, network: string): Account => {
  const account = {
    connection,
    network,
    response: undefined,
    stream: undefined,
    bytes: 0,
    looks: 0,
    older: undefined,
    newer: undefined
  }
  ledger.accounts.set(connection, account)
  return account
}

/** An answer that was there gave way to this one, such as one that could not be sent. */
export const enterAnswer = (
  ledger: Ledger,
  connection: Connection,
  network: string,
  answer: Pick<Account, 'response' | 'stream' | 'bytes'>
): void => {
  forgetAnswer(ledger, connection)
  const known = ledger.accounts.get(connection)
  // A proxy tells for whom it asks, and may ask for another one now.
  const account = known?.network === network ? known : open(ledger, connection, network)
  account.response = answer.response
  account.stream = answer.stream
  account.bytes = answer.bytes
  account.looks = 0
  account.older = ledger.newest
  if (ledger.newest === undefined) ledger.oldest = account
  else ledger.newest.newer = account
  ledger.newest = account
  add(ledger, network, answer.bytes)
}

/** From the oldest to the newest; an account may be closed while it is looked at. */
function* opened({ oldest }: Ledger): Generator<Account> {
  for (let one = oldest; one !== undefined; ) {
    const { newer } = one
    yield one
    one = newer
  }
}

const cut = (ledger: Ledger, account: Account): void => {
  close(ledger, account)
  account.connection.raw.destroy()
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
  for (const one of opened(ledger)) {
    if (isOverShare && one.network !== network) continue
    cut(ledger, one)
    if (hasRoom(ledger, network, bytes)) return true
  }
  return hasRoom(ledger, network, bytes)
}

const measure = (ledger: Ledger, one: Account): void => {
  if (one.stream === undefined || one.response === undefined) return
  const bytes = one.stream.readableLength + one.response.writableLength
  add(ledger, one.network, bytes - one.bytes)
  one.bytes = bytes
  if (bytes === 0) one.looks = 0
}

/** Cuts off who has not taken an answer in time, or what is too much by now. */
export const cutOffSlow = (ledger: Ledger): void => {
  const { connections, max, byNetwork } = ledger
  const looks = connections.isClosing() ? TAKEN_AT_THE_END : TAKEN_WITHIN_LOOKS
  for (const one of opened(ledger)) {
    measure(ledger, one)
    if (one.bytes > 0 && ++one.looks > looks) cut(ledger, one)
  }
  for (const one of opened(ledger)) {
    if (ledger.together <= max) break
    if (one.bytes > 0) cut(ledger, one)
  }
  for (const [network, bytes] of byNetwork) if (bytes === 0) byNetwork.delete(network)
}
