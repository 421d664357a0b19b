/**
 * What replicas share, at the other end of a simulated network: each call and each message takes time, and a server that is
 * away answers nothing. Rule: a connection behaves as the one to Redis does (`state/redis-link.ts`): a call ends at its
 * deadline, a connection without answers is down until a probe of it is answered, and then says that it is whole.
 */
import { type Shared, SharedUnavailable } from '../../src/state/shared.ts'
import { createMemoryShared } from './shared.ts'
import type { SimulatedTime } from './simulated-time.ts'

export interface SimulatedNetwork {
  /** One replica's connection. */
  readonly connect: () => Shared
  /** From now on nothing is answered. */
  readonly fail: () => void
  /** Back again, without what stood there if it was lost. */
  readonly recover: (server: { readonly hasLost: boolean }) => void
  /** How often each was called, and how many messages were delivered. */
  readonly calls: ReadonlyMap<keyof Shared | 'delivery', number>
}

const DEADLINE_MS = 50
const PROBE_EVERY_MS = 600
/** One way, from a quarter of a millisecond to a whole one. */
const LEAST_MS = 0.25
const MOST_MS = 1

type Listener = (message: string) => void | Promise<void>

interface Connection {
  readonly listeners: Map<string, Listener[]>
  readonly reconnects: (() => void | Promise<void>)[]
  isUp: boolean
  answeredAt: number
  /** What is sent later does not come before what was sent earlier. */
  arrivesAt: number
}

interface Network {
  readonly time: SimulatedTime
  readonly connections: Connection[]
  readonly calls: Map<keyof Shared | 'delivery', number>
  isAway: boolean
}

const wayMs = ({ time }: Network): number => LEAST_MS + time.random() * (MOST_MS - LEAST_MS)

const count = ({ calls }: Network, what: keyof Shared | 'delivery', by = 1): void => {
  calls.set(what, (calls.get(what) ?? 0) + by)
}

const goUp = (connection: Connection): void => {
  connection.isUp = true
  for (const listener of connection.reconnects) void listener()
}

const probe = (network: Network, connection: Connection): void => {
  const { time } = network
  time.after(PROBE_EVERY_MS * (0.5 + time.random() / 2), () => {
    if (network.isAway) probe(network, connection)
    else goUp(connection)
  })
}

const goDown = (network: Network, connection: Connection): void => {
  if (!connection.isUp) return
  connection.isUp = false
  probe(network, connection)
}

const ask = <T>(
  network: Network,
  connection: Connection,
  work: () => T | Promise<T>,
  withinMs: number
): Promise<T> =>
  new Promise((resolve, reject) => {
    const { time } = network
    const giveUp = (): void => reject(new SharedUnavailable())
    if (!connection.isUp) return giveUp()
    const asked = time.passed()
    const cancelOwn = withinMs < DEADLINE_MS ? time.after(withinMs, giveUp) : undefined
    const cancel = time.after(DEADLINE_MS, () => {
      giveUp()
      if (connection.answeredAt < asked) goDown(network, connection)
    })
    connection.arrivesAt = Math.max(connection.arrivesAt, asked + wayMs(network))
    time.after(connection.arrivesAt - asked, async () => {
      if (network.isAway) return
      const answer = await work()
      await time.sleep(wayMs(network))
      cancelOwn?.()
      cancel()
      connection.answeredAt = time.passed()
      resolve(answer)
    })
  })

const deliver = (network: Network, topic: string, message: string): void => {
  network.time.after(wayMs(network), () => {
    for (const { isUp, listeners } of network.connections) {
      if (!isUp) continue
      count(network, 'delivery')
      for (const listener of listeners.get(topic) ?? []) void listener(message)
    }
  })
}

const openConnection = (network: Network): Connection => {
  const connection = {
    listeners: new Map(),
    reconnects: [],
    isUp: true,
    answeredAt: 0,
    arrivesAt: 0
  }
  network.connections.push(connection)
  return connection
}

export const createSimulatedNetwork = (time: SimulatedTime): SimulatedNetwork => {
  const memory = createMemoryShared(time.now)
  const network: Network = { time, connections: [], calls: new Map(), isAway: false }

  const connect = (): Shared => {
    const server = memory.connect()
    const connection = openConnection(network)
    const call = <T>(name: keyof Shared, work: () => T | Promise<T>, withinMs = DEADLINE_MS) => {
      if (connection.isUp) count(network, name)
      return ask(network, connection, work, withinMs)
    }
    const { listeners, reconnects } = connection
    return {
      isUp: () => connection.isUp,
      denied: () => [],
      isFull: () => false,
      getMany: (keys, withinMs) => call('getMany', () => server.getMany(keys), withinMs),
      put: (...given) => call('put', () => server.put(...given)),
      remove: (key) => call('remove', () => server.remove(key)),
      add: (counters) => call('add', () => server.add(counters)),
      acquire: (key, owner, ttlMs, withinMs) =>
        call('acquire', () => server.acquire(key, owner, ttlMs), withinMs),
      renew: (...given) => call('renew', () => server.renew(...given)),
      release: (...given) => call('release', () => server.release(...given)),
      publish: (topic, message) => call('publish', () => deliver(network, topic, message)),
      onMessage: (topic, listener) => {
        listeners.set(topic, [...(listeners.get(topic) ?? []), listener])
      },
      onReconnect: (listener) => {
        reconnects.push(listener)
      },
      start: () => void time.after(wayMs(network), () => goUp(connection)),
      close: async () => {}
    }
  }

  return {
    connect,
    calls: network.calls,
    fail: () => {
      network.isAway = true
    },
    recover: ({ hasLost }) => {
      if (hasLost) memory.values.clear()
      network.isAway = false
    }
  }
}
