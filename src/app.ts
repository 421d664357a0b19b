/**
 * The composition root: from a configuration to a service, every floor wired in plain sight, top to bottom. Rule: what a
 * reload may change stands in one object and is replaced as a whole, or not at all.
 */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createTrail } from './audit/trail.ts'
import { type Broker, createBroker } from './broker/broker.ts'
import type { Rules } from './broker/caller.ts'
import { createReadiness } from './broker/readiness.ts'
import { connectStores, type StoresDeps } from './broker/stores.ts'
import { createSecretCache } from './cache/secret-cache.ts'
import { type Config, credentialsIn } from './config/config.ts'
import { readDefinitions } from './config/definitions.ts'
import type { Environ } from './config/env.ts'
import type { AuditEvent } from './core/audit-event.ts'
import { compilePolicy } from './core/policy.ts'
import type { Principal } from './core/principal.ts'
import type { Tags } from './core/secret.ts'
import { createKeyring, type Keyring } from './crypto/keyring.ts'
import { createSealer, type Sealer } from './crypto/sealer.ts'
import { doorOf } from './http/caller.ts'
import { createInternalCheck } from './http/credentials.ts'
import type { App as Routes } from './http/route-auth.ts'
import { addDocsRoute } from './http/routes/docs.ts'
import { addHealthRoutes } from './http/routes/health.ts'
import { addInternalRoutes, type InternalRoutesOptions } from './http/routes/internal.ts'
import { addSecretRoutes } from './http/routes/secrets.ts'
import { addWhoamiRoute } from './http/routes/whoami.ts'
import { createServer } from './http/server.ts'
import { createAuthenticator, RefusedKey } from './keys/authenticator.ts'
import { createRevocations } from './keys/revocations.ts'
import { createSharedRevocations } from './keys/shared-revocations.ts'
import type { Log } from './providers/provider.ts'
import { openState } from './state/open-state.ts'
import { onStoreChanged } from './state/store-changes.ts'
import { createLogger } from './telemetry/logger.ts'

export interface AppOverrides {
  readonly logger?: Logger
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Where credentials of stores given as `{ env: NAME }` are looked up. */
  readonly environ?: Environ
}

export interface App {
  /** The public listener; carries /internal/* too unless INTERNAL_HOST and INTERNAL_PORT are set. */
  readonly server: FastifyInstance
  readonly internalServer: FastifyInstance | undefined
  readonly broker: Broker
  /** As it is in force, with every definition of a store read. */
  readonly config: () => Config
  /**
   * Takes over keys, secrets, stores, policies and names, and the environment if one is given. Everything else needs a
   * restart.
   */
  readonly reload: (config: Config, environ?: Environ) => Promise<void>
  /** Answers readiness with 503 from now on, so that load balancers look elsewhere. */
  readonly drain: () => void
  readonly close: () => Promise<void>
}

/** What a reload replaces. */
interface Live extends Rules {
  readonly config: Config
  readonly environ: Environ
  readonly keyring: Keyring
  readonly sealer: Sealer
  readonly isInternalSecret: (given: string) => boolean
}

const identityOf = (principal: Principal | undefined) =>
  principal && { client: principal.client, keyId: principal.keyId, kid: principal.kid }

const OPENAPI = new URL('../../openapi.yaml', import.meta.url)

export const buildApp = async (config: Config, overrides: AppOverrides = {}): Promise<App> => {
  const { settings } = config
  const { now = Date.now } = overrides
  const logger = overrides.logger ?? createLogger(settings.LOG_LEVEL)
  const log: Log = (level, message, fields = {}) => logger[level](fields, message)

  let keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const { REDIS_URL, REDIS_KEY_PREFIX } = settings
  const opened = await openState({
    dataDir: config.dataDir,
    redis: REDIS_URL && { address: REDIS_URL, prefix: REDIS_KEY_PREFIX },
    keyring: () => keyring,
    log
  })
  const { state, shared } = opened
  const trail = createTrail({ directory: config.dataDir, now, fsync: settings.AUDIT_FSYNC, log })
  const ttlMs = settings.CACHE_TTL_SECONDS * 1000
  const maxEntries = settings.CACHE_MAX_ENTRIES
  const cache = createSecretCache({ ttlMs, maxEntries, now })
  // Tags change seldom, and asking for them costs a call of its own.
  const tagCache = createSecretCache<Tags>({ ttlMs: 6 * ttlMs, maxEntries, now })
  const sharedRevocations = shared && createSharedRevocations({ state, shared, log })
  const revocations = sharedRevocations ?? createRevocations(state)
  const closeState = async (): Promise<void> => {
    await sharedRevocations?.close()
    await opened.close()
  }
  const authenticator = createAuthenticator({
    environment: settings.ENVIRONMENT,
    platformVersion: settings.PLATFORM_VERSION,
    revocations,
    now
  })

  const storesDeps: StoresDeps = {
    log,
    now,
    state,
    sealer: () => live.sealer,
    environ: (name) => credentialsIn(live.config, live.environ)(name),
    rules: () => live,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS
  }
  const compose = async (wanted: Config, environ: Environ, previous?: Live): Promise<Live> => {
    const next = await readDefinitions(wanted, {
      ...storesDeps,
      environ: credentialsIn(wanted, environ)
    })
    const keyring = createKeyring(next.settings.ENCRYPTION_KEYS)
    const policy = compilePolicy(next.policies)
    const { stores, retired } = await connectStores(next.stores, storesDeps, previous?.stores)
    // Reads that began before the reload may still be under way.
    for (const { provider } of retired) {
      setTimeout(() => void provider.close(), 2 * settings.UPSTREAM_TIMEOUT_MS).unref()
    }
    return {
      config: next,
      environ,
      keyring,
      sealer: createSealer(keyring),
      isInternalSecret: createInternalCheck(next.settings.INTERNAL_SECRET),
      policy,
      book: next.book,
      stores
    }
  }
  let live: Live = await compose(config, overrides.environ ?? {}).catch(async (error) => {
    await Promise.all([trail.close(), closeState()])
    throw error
  })
  // Serving does not depend on it: it is asked for once, within a second.
  await sharedRevocations?.asked
  let draining = false
  // A command changed a secret of the local store, which is in Redis too.
  if (shared !== undefined) {
    onStoreChanged(
      shared,
      () => live.sealer,
      ({ store, path }) => {
        for (const kept of [cache, tagCache]) {
          kept.invalidate({ store, matches: (cached) => cached === path })
        }
      }
    )
  }

  const record = settings.AUDIT_REQUIRED
    ? trail.append
    : (event: AuditEvent): Promise<void> =>
        trail.append(event).catch(() => log('error', 'a decision could not be recorded'))
  const broker = createBroker({
    environment: settings.ENVIRONMENT,
    rules: () => live,
    cache,
    tagCache,
    sealer: () => live.sealer,
    negativeTtlMs: settings.CACHE_NEGATIVE_TTL_SECONDS * 1000,
    now,
    record,
    log
  })
  const readiness = createReadiness({
    stores: () => live.stores,
    isShared: () => shared?.isUp() ?? true,
    canServe: () => !draining && (trail.isWritable() || !settings.AUDIT_REQUIRED),
    log,
    now
  })
  const authenticate = (apiKey: string) => authenticator.authenticate(live.keyring, apiKey)

  const internal: InternalRoutesOptions = {
    broker,
    authenticate,
    recordIntrospection: (request, outcome, principal) =>
      record({
        action: 'key.introspect',
        outcome,
        environment: settings.ENVIRONMENT,
        ...identityOf(principal),
        ...doorOf(request)
      })
  }
  const addPublicRoutes = (routes: Routes): void => {
    addSecretRoutes(routes, { broker, now })
    addWhoamiRoute(routes, { policy: () => live.policy })
    addHealthRoutes(routes, { readiness })
    if (settings.DOCS_ENABLED) addDocsRoute(routes, { openapi: readFileSync(OPENAPI, 'utf8') })
  }
  const hasInternalListener = settings.INTERNAL_PORT !== undefined
  const serve = (addRoutes: (routes: Routes) => void): Promise<FastifyInstance> =>
    createServer({
      scopeRoot: settings.SCOPE_ROOT,
      adminScope: settings.ADMIN_SCOPE,
      allowsAdminWrite: settings.ALLOW_ADMIN_WRITE,
      limits: settings.RATE_LIMIT_ENABLED
        ? {
            windowSeconds: settings.RATE_LIMIT_WINDOW_SECONDS,
            perKey: settings.RATE_LIMIT_MAX,
            perAddress: settings.RATE_LIMIT_IP_MAX,
            authFailures: settings.RATE_LIMIT_AUTH_FAILURES_MAX
          }
        : undefined,
      authenticate,
      isInternalSecret: (given) => live.isInternalSecret(given),
      recordRefusal: (request, problem) => {
        const refused = problem instanceof RefusedKey ? problem.principal : undefined
        return record({
          action: 'key.authenticate',
          outcome: 'denied',
          code: problem.code,
          ...(problem.reason !== undefined && { reason: problem.reason }),
          environment: settings.ENVIRONMENT,
          ...identityOf(request.principal ?? refused),
          ...doorOf(request)
        })
      },
      bodyLimitBytes: settings.BODY_LIMIT_KB * 1024,
      trustProxy: settings.TRUST_PROXY,
      corsOrigins: settings.CORS_ALLOW_ORIGINS,
      tls: config.tls,
      logger,
      addRoutes
    })
  const server = await serve((routes) => {
    addPublicRoutes(routes)
    if (!hasInternalListener) addInternalRoutes(routes, internal)
  })
  const internalServer = hasInternalListener
    ? await serve((routes) => {
        addHealthRoutes(routes, { readiness })
        addInternalRoutes(routes, internal)
      })
    : undefined

  return {
    server,
    internalServer,
    broker,
    config: () => live.config,
    reload: async (next, environ = live.environ) => {
      const former = live
      live = await compose(next, environ, former)
      keyring = live.keyring
      // Another place may stand under the same name now: what was read from the former is not its answer.
      for (const { spec, provider } of former.stores.all()) {
        if (live.stores.get(spec.name)?.provider === provider) continue
        for (const kept of [cache, tagCache]) kept.invalidate({ store: spec.name })
      }
    },
    drain: () => {
      draining = true
    },
    close: async () => {
      await Promise.all([server.close(), internalServer?.close()])
      await live.stores.close()
      await trail.close()
      await closeState()
    }
  }
}
