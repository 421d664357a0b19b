/**
 * Which sockets the service keeps, of both listeners together. Rule: there is always room for another caller: an
 * address has a share of the sockets, and a smaller one until it has proven a key; when all sockets are taken, the
 * connection that has asked for nothing for longest is closed.
 */
import { BlockList, isIP, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { networkOf } from './addresses.ts'

export interface Connection {
  readonly raw: Socket
  /** What HTTP is spoken on: `raw`, or TLS over it; undefined until the handshake is done. */
  socket: Socket | undefined
  readonly network: string
  /** Takes no more requests from the peer; when the peer ends the connection, it ends here too. */
  ignoreInput: () => void
  isProven: boolean
  /** Requests that were read and not answered yet. */
  unanswered: number
  /** The time of the last use, as a count of all uses: the connection with the smallest was unused for longest. */
  used: number
}

export interface ConnectionsOptions {
  /** Sockets at once. */
  readonly max: number
  /** How many of them an address may have before it has proven a key. */
  readonly perAddress: number
  /** Addresses and networks of proxies, which stand for many callers. */
  readonly proxies: readonly string[]
}

export interface Connections {
  /** Undefined: there was no room, and the socket was closed. */
  readonly admit: (raw: Socket) => Connection | undefined
  /** To be called when the TLS handshake is done; undefined if the peer has gone already. */
  readonly secured: (socket: TLSSocket) => Connection | undefined
  readonly of: (socket: Socket) => Connection | undefined
  readonly prove: (socket: Socket) => void
  readonly used: (connection: Connection) => void
  readonly all: () => Iterable<Connection>
  /** How many were let in or turned away so far. */
  readonly admitted: () => number
  /** From now on each connection ends with the answer that it waits for. */
  readonly drain: () => void
  readonly isDraining: () => boolean
  /** Ends idle connections at once, and takes no new ones. */
  readonly close: () => void
  readonly isClosing: () => boolean
}

/** The share of all sockets that one address may have, unless it is a proxy's. */
const SHARE = 3 / 4

const listOf = (proxies: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const item of proxies) {
    const [address = '', prefix] = item.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

/** A TLS socket does not say which one it was made over, but it has the same two ends. */
const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

interface Pool {
  readonly max: number
  /** Of one address. */
  readonly share: number
  /** Of one address that has proven no key. */
  readonly unproven: number
  readonly isProxy: (address: string) => boolean
  readonly all: Set<Connection>
  /** The connections of each network, without those of proxies, whose neighbours may be other callers. */
  readonly byNetwork: Map<string, Set<Connection>>
  readonly bySocket: WeakMap<Socket, Connection>
  readonly byEnds: Map<string, Connection>
  /** Of uses. */
  clock: number
}

const createPool = ({ max, perAddress, proxies }: ConnectionsOptions): Pool => {
  const list = listOf(proxies)
  return {
    max,
    share: Math.max(1, Math.floor(max * SHARE)),
    unproven: Math.min(perAddress, Math.max(1, Math.floor(max / 2))),
    isProxy: (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
    all: new Set(),
    byNetwork: new Map(),
    bySocket: new WeakMap(),
    byEnds: new Map(),
    clock: 0
  }
}

const forget = ({ all, byNetwork }: Pool, connection: Connection): void => {
  all.delete(connection)
  const own = byNetwork.get(connection.network)
  own?.delete(connection)
  if (own?.size === 0) byNetwork.delete(connection.network)
}

const end = (pool: Pool, connection: Connection): void => {
  forget(pool, connection)
  connection.raw.destroy()
}

/** Closes the connection that was idle for longest; false if all are in use. */
const giveWay = (pool: Pool, connections: readonly Connection[]): boolean => {
  const idle = connections.filter(({ unanswered }) => unanswered === 0)
  const [first, ...others] = idle
  if (first === undefined) return false
  end(
    pool,
    others.reduce((oldest, other) => (other.used < oldest.used ? other : oldest), first)
  )
  return true
}

const hasRoom = (pool: Pool, address: string, network: string): boolean => {
  const own = pool.isProxy(address) ? [] : [...(pool.byNetwork.get(network) ?? [])]
  const unproven = own.filter(({ isProven }) => !isProven)
  if (unproven.length >= pool.unproven) return giveWay(pool, unproven)
  if (own.length >= pool.share) return giveWay(pool, own)
  return pool.all.size < pool.max || giveWay(pool, [...pool.all])
}

const keep = (pool: Pool, raw: Socket, address: string, network: string): Connection => {
  const { all, byNetwork, bySocket, byEnds } = pool
  const connection: Connection = {
    raw,
    socket: undefined,
    network,
    ignoreInput: () => {},
    isProven: false,
    unanswered: 0,
    used: ++pool.clock
  }
  all.add(connection)
  if (!pool.isProxy(address)) {
    const own = byNetwork.get(network)
    if (own === undefined) byNetwork.set(network, new Set([connection]))
    else own.add(connection)
  }
  bySocket.set(raw, connection)
  const ends = endsOf(raw)
  byEnds.set(ends, connection)
  raw.once('close', () => {
    forget(pool, connection)
    if (byEnds.get(ends) === connection) byEnds.delete(ends)
  })
  return connection
}

export const createConnections = (options: ConnectionsOptions): Connections => {
  const pool = createPool(options)
  const { all, bySocket, byEnds } = pool
  let admitted = 0
  let isDraining = false
  let isClosing = false
  return {
    admit: (raw) => {
      admitted++
      const { remoteAddress: address } = raw
      const network = address === undefined ? '' : networkOf(address)
      if (address === undefined || isClosing || !hasRoom(pool, address, network)) {
        raw.destroy()
        return undefined
      }
      return keep(pool, raw, address, network)
    },

    secured: (socket) => {
      const connection = byEnds.get(endsOf(socket))
      if (connection !== undefined) bySocket.set(socket, connection)
      return connection
    },

    of: (socket) => bySocket.get(socket),

    prove: (socket) => {
      const connection = bySocket.get(socket)
      if (connection !== undefined) connection.isProven = true
    },

    used: (connection) => {
      connection.used = ++pool.clock
    },

    all: () => all,
    admitted: () => admitted,

    drain: () => {
      isDraining = true
    },
    isDraining: () => isDraining,

    close: () => {
      isClosing = true
      isDraining = true
      for (const connection of [...all]) if (connection.unanswered === 0) end(pool, connection)
    },
    isClosing: () => isClosing
  }
}
