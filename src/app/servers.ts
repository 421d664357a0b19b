/** The listeners with their doors, and what they share: limits, connections, a bound for the memory of answers. */
import type { FastifyInstance } from 'fastify'
import type { Who } from '../audit/recorder.ts'
import { readAssets } from '../console/assets.ts'
import { CONSOLE_DOOR, consoleDoor } from '../console/door.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { createAllowances } from '../http/allowances.ts'
import { createConnections } from '../http/connections.ts'
import { connectionsMax } from '../http/descriptors.ts'
import type { Door, Listener } from '../http/door.ts'
import { createLimitRecords } from '../http/limit-records.ts'
import type { Limits } from '../http/limiters.ts'
import { nativeDoor } from '../http/native.ts'
import { createRecords, type Records } from '../http/records.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { type Audience, addRoutes, type Services } from '../http/routes/index.ts'
import { createServer, type ServerOptions } from '../http/server.ts'
import { createUntaken } from '../http/untaken.ts'
import { createConsoleApi } from './console.ts'
import { dialectDoors } from './doors.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import type { Secrets } from './secrets.ts'
import type { SignIns } from './sessions.ts'

export interface Listening {
  readonly listener: Listener
  readonly server: FastifyInstance
}

export interface Servers {
  readonly listeners: readonly Listening[]
  /** The public listener, which is the first. */
  readonly server: FastifyInstance
  /** Of the console; undefined where there is none. */
  readonly console: FastifyInstance | undefined
  /** Ends each socket of the listeners with the request under way on it. */
  readonly drain: () => void
}

const createLimits = (
  { parts, settings, shared, keyring, meter, now }: Ground,
  records: Records
): Limits | undefined => {
  const fingerprintKey = () => keyring().active.keyFor('fingerprint')
  const allowances = settings.RATE_LIMIT_ENABLED
    ? parts.add(createAllowances({ shared, fingerprintKey, now }))
    : undefined
  const limitRecords = parts.add(
    createLimitRecords<Who>({
      record: (who, reason) => {
        records.limitReached(who, reason).catch(() => {})
      },
      now
    })
  )
  return (
    allowances && {
      windowSeconds: settings.RATE_LIMIT_WINDOW_SECONDS,
      perKey: settings.RATE_LIMIT_MAX,
      perAddress: settings.RATE_LIMIT_IP_MAX,
      authFailures: settings.RATE_LIMIT_AUTH_FAILURES_MAX,
      allowances,
      reached: (limit, taken, request) => {
        meter?.limitReached(limit.name)
        limitRecords.reached(limit, taken, () => records.whoOf(request))
      }
    }
  )
}

const onAnswerOf = ({ meter, history }: Ground): ServerOptions['onAnswer'] => {
  if (meter === undefined || history === undefined) return meter?.answered ?? history?.answered
  return (answer) => {
    meter.answered(answer)
    history.answered(answer)
  }
}

/** What all listeners have in common. */
const createOptions = (
  ground: Ground,
  { authenticate }: Pick<Keys, 'authenticate'>,
  { gate: sessions }: Pick<SignIns, 'gate'>
): Omit<ServerOptions, 'doors' | 'tls'> => {
  const { parts, settings, live, logger, meter, tracer, overrides } = ground
  const { of: workers } = overrides.worker ?? { of: 1 }
  const records = createRecords(ground.recorder)
  const limits = createLimits(ground, records)
  // One bound for all listeners, since they share the descriptors and the memory of one process.
  const connections = createConnections({
    max: connectionsMax(),
    // What the system and the memory bear is a matter of each process; what an address may have is one of the service.
    perAddress: Math.floor(settings.CONNECTIONS_PER_ADDRESS / workers),
    proxies: settings.TRUST_PROXY ?? []
  })
  return {
    scopeRoot: settings.SCOPE_ROOT,
    adminScope: settings.ADMIN_SCOPE,
    allowsAdminWrite: settings.ALLOW_ADMIN_WRITE,
    limits,
    authenticate,
    sessions,
    isInternalSecret: (given) => live().isInternalSecret(given),
    isMetricsToken: (given) => live().isMetricsToken(given),
    isAuthorizeSecret: (given) => live().isAuthorizeSecret(given),
    prove: connections.prove,
    recordRefusal: records.refusal,
    recordAdminRead: records.adminRead,
    bodyLimitBytes: settings.BODY_LIMIT_KB * 1024,
    trustProxy: settings.TRUST_PROXY,
    connections,
    untaken: parts.add(createUntaken(connections)),
    onAnswer: onAnswerOf(ground),
    onRoute: meter?.beginRoute,
    beginRequest: tracer?.beginRequest,
    keepAliveSeconds: settings.KEEP_ALIVE_SECONDS,
    logger
  }
}

/** The administrators' page: on a listener of its own, else on the internal one, else on the public one. */
const consoleDoorsOf = (
  { settings }: Ground,
  addApi: () => (app: TypedFastify) => void,
  internal: Listener | undefined,
  tls: ServerTls | undefined
): readonly Door[] => {
  const { CONSOLE_ENABLED, CONSOLE_HOST, CONSOLE_PORT, HOST, TRUST_PROXY } = settings
  if (!CONSOLE_ENABLED) return []
  const own =
    CONSOLE_HOST === undefined || CONSOLE_PORT === undefined
      ? undefined
      : { label: 'Console', host: CONSOLE_HOST, port: CONSOLE_PORT, tls }
  const listener = own ?? internal
  const door = consoleDoor({
    assets: readAssets(),
    listener,
    host: listener?.host ?? HOST,
    isProxied: TRUST_PROXY !== undefined,
    addApi: addApi()
  })
  return [door]
}

/** Every door, the public one first. */
const doorsOf = (
  ground: Ground,
  keys: Keys,
  services: Services,
  addApi: () => (app: TypedFastify) => void,
  tls: ServerTls | undefined
): readonly Door[] => {
  const { settings } = ground
  const { INTERNAL_HOST, INTERNAL_PORT, CORS_ALLOW_ORIGINS: corsOrigins } = settings
  const native = (audiences: readonly Audience[], listener?: Listener): Door =>
    nativeDoor({
      listener,
      corsOrigins,
      addRoutes: (app) => addRoutes(app, services, audiences)
    })
  const dialects = dialectDoors(ground, keys, services, tls)
  if (INTERNAL_HOST === undefined || INTERNAL_PORT === undefined) {
    return [
      native(['public', 'internal']),
      ...consoleDoorsOf(ground, addApi, undefined, tls),
      ...dialects
    ]
  }
  const internal = { label: 'Internal routes', host: INTERNAL_HOST, port: INTERNAL_PORT, tls }
  return [
    native(['public']),
    native(['internal'], internal),
    ...consoleDoorsOf(ground, addApi, internal, tls),
    ...dialects
  ]
}

const byListener = (
  doors: readonly Door[],
  publicListener: Listener
): ReadonlyMap<Listener, readonly [Door, ...Door[]]> => {
  const together = new Map<Listener, [Door, ...Door[]]>()
  for (const door of doors) {
    const listener = door.listener ?? publicListener
    const others = together.get(listener)
    if (others === undefined) together.set(listener, [door])
    else others.push(door)
  }
  return together
}

export const createServers = async (
  ground: Ground,
  keys: Keys,
  signIns: SignIns,
  { watch }: Pick<Secrets, 'watch'>,
  services: Services,
  tls: ServerTls | undefined
): Promise<Servers> => {
  const { parts, settings } = ground
  const options = createOptions(ground, keys, signIns)
  const listeners: Listening[] = []
  let console: FastifyInstance | undefined
  const close = () => Promise.all(listeners.map(({ server }) => server.close()))
  parts.add({ close: () => close().then(() => {}) })
  // Open streams would keep the listeners from closing.
  parts.add(watch)
  parts.add(services.audit.queries)
  const { HOST: host, PORT: port } = settings
  const publicListener = { label: 'Server listening', host, port, tls }
  const addApi = () => createConsoleApi(ground, keys, signIns, services)
  const doors = byListener(doorsOf(ground, keys, services, addApi, tls), publicListener)
  for (const [listener, own] of doors) {
    const server = await createServer({ ...options, tls: listener.tls, doors: own })
    listeners.push({ listener, server })
    if (own.some(({ name }) => name === CONSOLE_DOOR)) console = server
  }
  const [first] = listeners
  if (first === undefined) throw new Error('there is a public listener')
  const { drain } = options.connections
  return { listeners, server: first.server, console, drain }
}
