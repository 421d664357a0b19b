/**
 * Which sockets the service keeps, of both listeners together. Rule: there is always room for somebody else: an address has
 * a share of the sockets and a smaller one until it has proven a key, and where there is no room whoever has asked for
 * nothing the longest gives way.
 */
import { BlockList, isIP, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { networkOf } from './addresses.ts'

export interface Connection {
  readonly raw: Socket
  /** What HTTP is spoken on: `raw`, or TLS over it; undefined until the handshake is done. */
  socket: Socket | undefined
  readonly network: string
  /** Nothing that still comes is a request; that the peer ends is heard all the same, and ends it here. */
  ignoreInput: () => void
  isProven: boolean
  /** Requests that were read and not answered yet. */
  unanswered: number
  /** Rises with each use of any of them, so that the smallest was not used for longest. */
  used: number
}

export interface ConnectionsOptions {
  /** Sockets at once. */
  readonly max: number
  /** How many of them an address may have that did not prove a key. */
  readonly perAddress: number
  /** Addresses and networks of proxies, which stand for many callers. */
  readonly proxies: readonly string[]
}

export interface Connections {
  /** Undefined: there is no room, and it was closed. */
  readonly admit: (raw: Socket) => Connection | undefined
  /** That the handshake is done; undefined if the peer has gone already. */
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
  /** Ends those on which nothing is under way, at once, and takes no other. */
  readonly close: () => void
  readonly isClosing: () => boolean
}

/** However many callers may come through proxies, nobody else has all the sockets. */
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

export const createConnections = (options: ConnectionsOptions): Connections => {
  const { max } = options
  const share = Math.max(1, Math.floor(max * SHARE))
  const perAddress = Math.min(options.perAddress, Math.max(1, Math.floor(max / 2)))
  const proxies = listOf(options.proxies)
  const isProxy = (address: string): boolean =>
    proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  const all = new Set<Connection>()
  /** But those of proxies, which may be neighbours of somebody else's. */
  const byNetwork = new Map<string, Set<Connection>>()
  const bySocket = new WeakMap<Socket, Connection>()
  const byEnds = new Map<string, Connection>()
  let clock = 0
  let admitted = 0
  let isDraining = false
  let isClosing = false

  const forget = (connection: Connection): void => {
    all.delete(connection)
    const own = byNetwork.get(connection.network)
    own?.delete(connection)
    if (own?.size === 0) byNetwork.delete(connection.network)
  }

  const end = (connection: Connection): void => {
    forget(connection)
    connection.raw.destroy()
  }

  /** False if all of them are in use. */
  const giveWay = (connections: readonly Connection[]): boolean => {
    const idle = connections.filter(({ unanswered }) => unanswered === 0)
    const [first, ...others] = idle
    if (first === undefined) return false
    end(others.reduce((oldest, other) => (other.used < oldest.used ? other : oldest), first))
    return true
  }

  const hasRoom = (address: string, network: string): boolean => {
    const own = isProxy(address) ? [] : [...(byNetwork.get(network) ?? [])]
    const unproven = own.filter(({ isProven }) => !isProven)
    if (unproven.length >= perAddress) return giveWay(unproven)
    if (own.length >= share) return giveWay(own)
    return all.size < max || giveWay([...all])
  }

  return {
    admit: (raw) => {
      admitted++
      const { remoteAddress: address } = raw
      const network = address === undefined ? '' : networkOf(address)
      if (address === undefined || isClosing || !hasRoom(address, network)) {
        raw.destroy()
        return undefined
      }
      const connection: Connection = {
        raw,
        socket: undefined,
        network,
        ignoreInput: () => {},
        isProven: false,
        unanswered: 0,
        used: ++clock
      }
      all.add(connection)
      if (!isProxy(address)) {
        const own = byNetwork.get(network)
        if (own === undefined) byNetwork.set(network, new Set([connection]))
        else own.add(connection)
      }
      bySocket.set(raw, connection)
      const ends = endsOf(raw)
      byEnds.set(ends, connection)
      raw.once('close', () => {
        forget(connection)
        if (byEnds.get(ends) === connection) byEnds.delete(ends)
      })
      return connection
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
      connection.used = ++clock
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
      for (const connection of [...all]) if (connection.unanswered === 0) end(connection)
    },
    isClosing: () => isClosing
  }
}
