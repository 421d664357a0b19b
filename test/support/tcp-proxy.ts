/**
 * A network that a test can break: a TCP listener in front of a peer, which passes bytes on late, not at all, or cuts them
 * off. Rule: a behaviour holds for open connections and new ones alike, from the moment it is set.
 */
import { createServer, connect as open, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import { listen } from './wire.ts'

export type Network =
  /** Bytes pass, each way so many milliseconds late. */
  | { readonly is: 'open'; readonly latencyMs?: number }
  /** Connections are accepted and stay, no byte arrives; what was sent arrives once the network is open again. */
  | { readonly is: 'black hole' }
  /** Open connections are reset (RST), new ones as soon as they are accepted. */
  | { readonly is: 'reset' }
  /** Open connections are reset, nobody listens. */
  | { readonly is: 'refused' }

export interface TcpProxy {
  /** On 127.0.0.1; the same for as long as the test runs. */
  readonly port: number
  /** Resolves once the behaviour is in force. */
  readonly set: (network: Network) => Promise<void>
  /** Connections that were accepted so far. */
  readonly accepted: () => number
}

interface Pipe {
  readonly from: Socket
  readonly to: Socket
  /** In the order in which they came; undefined is the end of the stream. */
  readonly waiting: { readonly chunk: Buffer | undefined; readonly since: number }[]
}

const resetAll = (sockets: Iterable<Socket>): void => {
  for (const socket of sockets) socket.resetAndDestroy()
}

/** Starts in front of the port of 127.0.0.1, which is asked for at each connection, and ends with the test. */
export const startTcpProxy = async (
  t: Pick<Test, 'teardown'>,
  peerPort: number | (() => number)
): Promise<TcpProxy> => {
  let network: Network = { is: 'open' }
  let accepted = 0
  const clients = new Set<Socket>()
  /** Their peer went away while nothing could tell them. */
  const orphans = new Set<Socket>()
  const pipes = new Set<Pipe>()

  const flush = (pipe: Pipe): void => {
    if (network.is !== 'open') return
    const { latencyMs = 0 } = network
    for (;;) {
      const next = pipe.waiting[0]
      if (next === undefined) return
      const remaining = next.since + latencyMs - performance.now()
      if (remaining > 0) {
        setTimeout(() => flush(pipe), remaining)
        return
      }
      pipe.waiting.shift()
      if (pipe.to.destroyed) continue
      if (next.chunk === undefined) pipe.to.end()
      else pipe.to.write(next.chunk)
    }
  }

  const join = (from: Socket, to: Socket): void => {
    const pipe: Pipe = { from, to, waiting: [] }
    pipes.add(pipe)
    const take = (chunk: Buffer | undefined): void => {
      pipe.waiting.push({ chunk, since: performance.now() })
      flush(pipe)
    }
    from.setNoDelay(true)
    from.on('data', take).once('end', () => take(undefined))
    from.on('error', () => to.destroy()).once('close', () => pipes.delete(pipe))
  }

  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++
    if (network.is === 'reset') {
      client.resetAndDestroy()
      return
    }
    const port = typeof peerPort === 'number' ? peerPort : peerPort()
    const peer = open({ port, host: '127.0.0.1', allowHalfOpen: true })
    clients.add(client)
    client.once('close', () => {
      clients.delete(client)
      orphans.delete(client)
      peer.destroy()
    })
    peer.once('close', () => {
      if (network.is !== 'open') orphans.add(client)
      // What the peer said last may still be on its way.
      else if (network.latencyMs === undefined) client.destroySoon()
    })
    join(client, peer)
    join(peer, client)
  })
  const port = await listen(t, server)
  // Not reset: a socket that is just being shut down would not take it, and stay.
  t.teardown(() => {
    for (const client of clients) client.destroy()
  })

  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  const reopen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })

  return {
    port,
    accepted: () => accepted,
    set: async (next) => {
      network = next
      if (next.is === 'reset' || next.is === 'refused') resetAll(clients)
      if (next.is === 'refused' && server.listening) await close()
      if (next.is !== 'refused' && !server.listening) await reopen()
      for (const pipe of pipes) flush(pipe)
      if (next.is === 'open') resetAll(orphans)
    }
  }
}
