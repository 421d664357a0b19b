/** The listeners, with what both have in common: limits, connections, what their answers may take of the memory. */
import type { FastifyInstance } from 'fastify'
import type { Who } from '../audit/recorder.ts'
import type { ServerTls } from '../config/config.ts'
import { createAllowances } from '../http/allowances.ts'
import { createConnections } from '../http/connections.ts'
import { connectionsMax } from '../http/descriptors.ts'
import { createLimitRecords } from '../http/limit-records.ts'
import type { Limits } from '../http/limiters.ts'
import { nativeDoor } from '../http/native.ts'
import { createRecords, type Records } from '../http/records.ts'
import { type Audience, addRoutes, type Services } from '../http/routes/index.ts'
import { createServer, type ServerOptions } from '../http/server.ts'
import { createUntaken } from '../http/untaken.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import type { Secrets } from './secrets.ts'

export interface Servers {
  readonly server: FastifyInstance
  /** Undefined where the public one carries /internal/* too. */
  readonly internalServer: FastifyInstance | undefined
  /** Their sockets end with what is under way on them. */
  readonly drain: () => void
}

const createLimits = (
  { parts, settings, shared, keyring, now }: Ground,
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
      reached: (limit, taken, request) =>
        limitRecords.reached(limit, taken, () => records.whoOf(request))
    }
  )
}

/** What both listeners have in common. */
const createOptions = (
  ground: Ground,
  { authenticate }: Pick<Keys, 'authenticate'>,
  tls: ServerTls | undefined
): Omit<ServerOptions, 'doors'> => {
  const { parts, settings, live, logger } = ground
  const records = createRecords(ground.recorder)
  const limits = createLimits(ground, records)
  // Of both listeners together: they have one process's descriptors and memory.
  const connections = createConnections({
    max: connectionsMax(),
    perAddress: settings.CONNECTIONS_PER_ADDRESS,
    proxies: settings.TRUST_PROXY ?? []
  })
  return {
    scopeRoot: settings.SCOPE_ROOT,
    adminScope: settings.ADMIN_SCOPE,
    allowsAdminWrite: settings.ALLOW_ADMIN_WRITE,
    limits,
    authenticate,
    isInternalSecret: (given) => live().isInternalSecret(given),
    prove: connections.prove,
    recordRefusal: records.refusal,
    recordAdminRead: records.adminRead,
    bodyLimitBytes: settings.BODY_LIMIT_KB * 1024,
    trustProxy: settings.TRUST_PROXY,
    tls,
    connections,
    untaken: parts.add(createUntaken(connections)),
    keepAliveSeconds: settings.KEEP_ALIVE_SECONDS,
    logger
  }
}

export const createServers = async (
  ground: Ground,
  keys: Keys,
  { watch }: Pick<Secrets, 'watch'>,
  services: Services,
  tls: ServerTls | undefined
): Promise<Servers> => {
  const { parts, settings } = ground
  const options = createOptions(ground, keys, tls)
  const servers: FastifyInstance[] = []
  parts.add({ close: () => Promise.all(servers.map((server) => server.close())).then(() => {}) })
  // Whoever watches would keep them from closing.
  parts.add(watch)
  const serve = async (...audiences: Audience[]): Promise<FastifyInstance> => {
    const door = nativeDoor({
      corsOrigins: settings.CORS_ALLOW_ORIGINS,
      addRoutes: (app) => addRoutes(app, services, audiences)
    })
    const server = await createServer({ ...options, doors: [door] })
    servers.push(server)
    return server
  }
  const { drain } = options.connections
  if (settings.INTERNAL_PORT === undefined) {
    return { server: await serve('public', 'internal'), internalServer: undefined, drain }
  }
  return { server: await serve('public'), internalServer: await serve('internal'), drain }
}
