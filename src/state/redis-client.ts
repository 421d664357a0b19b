/**
 * Opens a connection to Redis as ioredis knows it: one server, Sentinel or Cluster, told to fail fast. Rule: nothing
 * waits in a queue of the library, nothing is sent twice, and no error of the library goes further than its code: it
 * carries the arguments of the command, or the URL with its password.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './redis-url.ts'

export type RedisClient = Redis | Cluster

const CONNECT_WITHIN_MS = 1_000
const MAX_RETRY_MS = 1_000

/** From half of the time to all of it, at random, so that replicas do not come back in step. */
export const equalJitter = (ms: number): number => ms * (0.5 + Math.random() / 2)

const retryStrategy = (attempt: number): number =>
  equalJitter(Math.min(50 * 2 ** attempt, MAX_RETRY_MS))

/** A word for an error of a connection or of Redis itself, from an alphabet in which no value is written. */
export const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  const [word = ''] = error.message.split(' ', 1)
  if (error.name === 'ReplyError' && /^[A-Z]{2,24}$/.test(word)) return word
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code
  if (error.message.startsWith('All sentinels are unreachable')) return 'NO_SENTINEL'
  return 'CLOSED'
}

/** What Redis said of the command, as against a connection that failed. */
export const isReply = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ReplyError'

/** By the rights of the user, or since the command was taken away from everybody (`rename-command`). */
export const isDenied = (error: unknown): boolean =>
  isReply(error) &&
  (codeOf(error) === 'NOPERM' || (error as Error).message.startsWith('ERR unknown command'))

/**
 * `rejectUnauthorized` is the default of Node, unless NODE_TLS_REJECT_UNAUTHORIZED takes it away. The library copies
 * these members for each connection, and so has what they are then.
 */
const tlsOf = ({ credentials }: Networked): object => {
  const options = { rejectUnauthorized: true }
  if (credentials === undefined) return options
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (credentials()[name] === undefined) continue
    Object.defineProperty(options, name, { enumerable: true, get: () => credentials()[name] })
  }
  return options
}

type Networked = Exclude<RedisAddress, { readonly kind: 'socket' }>

/** A master that was made a replica under this connection: the next connection finds the new one. */
const isReadOnly = (error: Error): boolean => error.message.includes('READONLY')

/** Whether the choice of the database was refused: the library would go on in database 0, which is somebody else's. */
const isOfDatabase = (error: Error): boolean =>
  (error as { command?: { name?: unknown } }).command?.name === 'select'

const common = (address: RedisAddress): RedisOptions => ({
  connectTimeout: CONNECT_WITHIN_MS,
  // How long a connection that is given up may take to end in good order.
  disconnectTimeout: 200,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // We subscribe again ourselves, after each reconnect: ioredis would ignore a refusal.
  autoResubscribe: false,
  disableClientInfo: true,
  reconnectOnError: isReadOnly,
  ...(address.username !== undefined && { username: address.username }),
  ...(address.password !== undefined && { password: address.password }),
  ...(address.kind !== 'socket' && address.tls && { tls: tlsOf(address) })
})

/** A connection that was refused its database is ended before a command is sent on it. */
const single = (options: RedisOptions): Redis => {
  let isRefused = false
  return new Redis({
    ...options,
    enableOfflineQueue: false,
    reconnectOnError: (error) => {
      isRefused ||= isOfDatabase(error)
      return isRefused || isReadOnly(error)
    },
    retryStrategy: (attempt) => {
      // Such a connection begins well, and so would be followed by the next one at once.
      const waitMs = isRefused ? equalJitter(MAX_RETRY_MS) : retryStrategy(attempt)
      isRefused = false
      return waitMs
    }
  })
}

const openSentinel = (address: RedisAddress & { kind: 'sentinel' }): Redis => {
  const { nodes, master, db, sentinelPassword, tls } = address
  return single({
    ...common(address),
    sentinels: nodes.map((node) => ({ ...node })),
    name: master,
    db,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(address) }),
    sentinelCommandTimeout: CONNECT_WITHIN_MS,
    sentinelRetryStrategy: retryStrategy
  })
}

const openCluster = (address: RedisAddress & { kind: 'cluster' }): Cluster => {
  const options: ClusterOptions = {
    redisOptions: common(address),
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    // No interval: its timer outlives a connection that is closed meanwhile (ioredis 5), and a MOVED refreshes as well.
    slotsRefreshTimeout: CONNECT_WITHIN_MS,
    // The caller is gone after its deadline; what is still under way by then should end soon.
    maxRedirections: 4,
    retryDelayOnFailover: 20,
    retryDelayOnClusterDown: 20,
    retryDelayOnTryAgain: 20,
    // A certificate names hosts: they are left as they are, and looked up by the connection itself.
    dnsLookup: (host, done) => done(null, host)
  }
  return new Cluster(
    address.nodes.map((node) => ({ ...node })),
    options
  )
}

/** `onError` gets a code; it is called at any time until the client has ended. */
const listening = <C extends RedisClient>(client: C, onError: (code: string) => void): C => {
  const listener = (error: unknown): void => onError(codeOf(error))
  client.on('error', listener)
  if (client instanceof Cluster) client.on('node error', listener)
  return client
}

const onSocket = (address: RedisAddress & { kind: 'socket' }): RedisOptions => ({
  ...common(address),
  path: address.path,
  db: address.db
})

/** Connects, and goes on trying until it is disconnected. */
export const openClient = (address: RedisAddress, onError: (code: string) => void): RedisClient => {
  const open = (): RedisClient => {
    if (address.kind === 'sentinel') return openSentinel(address)
    if (address.kind === 'cluster') return openCluster(address)
    if (address.kind === 'socket') return single(onSocket(address))
    return single({ ...common(address), ...address.nodes[0], db: address.db })
  }
  return listening(open(), onError)
}

/**
 * For messages: any node of a cluster passes on all of them, so one connection will do, to the next node at each
 * attempt.
 */
export const openSubscriber = (address: RedisAddress, onError: (code: string) => void): Redis => {
  if (address.kind === 'sentinel') return listening(openSentinel(address), onError)
  if (address.kind === 'socket') return listening(single(onSocket(address)), onError)
  const { nodes } = address
  let attempts = Math.floor(Math.random() * nodes.length)
  const nextNode = () => nodes[attempts++ % nodes.length] ?? nodes[0]
  const client: Redis = new Redis({
    ...common(address),
    ...nextNode(),
    ...(address.kind === 'single' && { db: address.db }),
    enableOfflineQueue: false,
    retryStrategy: (attempt) => {
      Object.assign(client.options, nextNode())
      return retryStrategy(attempt)
    }
  })
  return listening(client, onError)
}

/** The connections behind a client. */
const socketsOf = (client: RedisClient): readonly { cork(): void; uncork(): void }[] =>
  (client instanceof Cluster ? client.nodes() : [client])
    .map(({ stream }) => stream)
    .filter((stream) => stream?.writable)

/**
 * To be called before a command is sent: what is sent until the event loop comes round goes out in one write. `last` is
 * done right before, and what that sends goes with it.
 */
export const createBatching = (client: RedisClient): ((last?: () => void) => void) => {
  let waiting: (() => void)[] | undefined
  return (last) => {
    if (waiting === undefined) {
      waiting = []
      const sockets = socketsOf(client)
      for (const socket of sockets) socket.cork()
      setImmediate(() => {
        for (const work of waiting ?? []) work()
        waiting = undefined
        for (const socket of sockets) socket.uncork()
      })
    }
    if (last !== undefined) waiting.push(last)
  }
}

/** Sends a PING; ioredis declares it differently for one server and for a cluster. */
export const ping = async (client: RedisClient): Promise<void> => {
  await (client as Redis).ping()
}

/** Opens a new connection in the place of one that is established and silent, or that has ended for good. */
export const reconnect = (client: RedisClient): void => {
  if (client.status === 'ready' || client.status === 'connect') client.disconnect(true)
  else if (client.status === 'end') client.connect().catch(() => {})
}
