/** The HTTP floor alone, with routes and doubts of the test's own, ended with the test. */
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Principal } from '../../src/core/principal.ts'
import { ProblemError } from '../../src/core/problem.ts'
import { createConnections } from '../../src/http/connections.ts'
import type { Door } from '../../src/http/door.ts'
import { nativeDoor } from '../../src/http/native.ts'
import { createServer, type ServerOptions } from '../../src/http/server.ts'
import { createCookie } from '../../src/http/session-cookie.ts'
import { createUntaken } from '../../src/http/untaken.ts'
import type { Broker } from '../../src/secrets/broker.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

export const PRINCIPAL: Principal = {
  keyId: '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10',
  client: 'app',
  scopes: ['aura-services'],
  mode: 'rw',
  environment: 'dev',
  minimumVersion: '8.3.0',
  issuedAt: 0,
  kid: 'kid'
}

const NO_SESSIONS: ServerOptions['sessions'] = {
  sessions: {
    read: async () => new ProblemError('session_required'),
    renew: async () => Promise.reject(new ProblemError('session_required'))
  },
  cookie: createCookie('purser-session', { secure: true, sameSite: 'strict' }),
  origins: { secure: true },
  now: Date.now
}

interface Overrides extends Pick<Door, 'addRoutes' | 'corsOrigins'> {
  /** Beside the native one. */
  readonly doors?: readonly Door[]
  /** In its place. */
  readonly first?: Door
}

export const openServer = async (
  t: Test,
  {
    addRoutes,
    corsOrigins,
    doors = [],
    first = nativeDoor({ addRoutes, corsOrigins }),
    ...overrides
  }: Partial<Omit<ServerOptions, 'doors'>> & Overrides,
  logs: string[] = []
): Promise<FastifyInstance> => {
  const connections =
    overrides.connections ?? createConnections({ max: 1_000, perAddress: 256, proxies: [] })
  const untaken = createUntaken(connections)
  t.teardown(untaken.close)
  const server = await createServer({
    scopeRoot: 'aura-services',
    adminScope: 'aura-admin',
    allowsAdminWrite: true,
    limits: undefined,
    authenticate: () => PRINCIPAL,
    sessions: NO_SESSIONS,
    isInternalSecret: () => true,
    isMetricsToken: () => false,
    isAuthorizeSecret: () => false,
    prove: connections.prove,
    recordRefusal: async () => {},
    recordAdminRead: async () => {},
    bodyLimitBytes: 65_536,
    trustProxy: undefined,
    tls: undefined,
    connections,
    untaken,
    keepAliveSeconds: 75,
    logger: createLogger('trace', { write: (line) => void logs.push(line) }),
    ...overrides,
    doors: [first, ...doors]
  })
  t.teardown(() => server.close())
  return server
}

/** A broker of which every question fails in the same way. */
export const failingBroker = (fail: () => unknown): Broker => {
  const reject = async (): Promise<never> => {
    throw fail()
  }
  return {
    readSecret: reject,
    readSecrets: reject,
    listSecrets: reject,
    listConfigured: reject,
    listNames: reject,
    listReach: reject,
    tryReads: reject,
    writeSecret: reject,
    invalidate: reject
  }
}
