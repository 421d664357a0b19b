/**
 * The composition root: from a configuration to a service, every floor wired in plain sight, top to bottom. Rule: what a
 * reload may change stands in one object, which is there first and is replaced as a whole or not at all; no part works on
 * one that is made after it; and none hears of another process before all are there.
 */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createTrail } from './audit/trail.ts'
import { type Config, credentialsIn } from './config/config.ts'
import { digestOf } from './config/digest.ts'
import type { Environ } from './config/env.ts'
import type { ConfigFault } from './config/fault.ts'
import type { AuditEvent } from './core/audit-event.ts'
import type { ProblemCode } from './core/problem.ts'
import { createGoogleTokenCheck } from './crypto/google-token.ts'
import { createReceiver } from './events/receive.ts'
import { createWatch } from './events/watch.ts'
import { createAllowances } from './http/allowances.ts'
import { createConnections } from './http/connections.ts'
import { connectionsMax } from './http/descriptors.ts'
import { createLimitRecords } from './http/limit-records.ts'
import type { App as Routes } from './http/route-auth.ts'
import { addAdminObjectRoutes } from './http/routes/admin-objects.ts'
import { addAuthorizeRoute } from './http/routes/authorize.ts'
import { addBotRoutes } from './http/routes/bots.ts'
import { addChannelRoutes } from './http/routes/channels.ts'
import { addDocsRoute } from './http/routes/docs.ts'
import { addEventStream, addEventWebhook } from './http/routes/events.ts'
import { addHealthRoutes } from './http/routes/health.ts'
import { addInternalRoutes } from './http/routes/internal.ts'
import { addSecretRoutes } from './http/routes/secrets.ts'
import { addStateRoutes } from './http/routes/state.ts'
import { addWhoamiRoute } from './http/routes/whoami.ts'
import { createServer } from './http/server.ts'
import { createUntaken } from './http/untaken.ts'
import type { DirectLine } from './integrations/direct-line.ts'
import { countSealed } from './integrations/sealed-count.ts'
import { createSealedEnds } from './integrations/sealed-ends.ts'
import { createAuthenticator } from './keys/authenticator.ts'
import { createIssuing } from './keys/issuing.ts'
import { createLineage } from './keys/lineage.ts'
import { createRevocations } from './keys/revocations.ts'
import { createSharedRevocations } from './keys/shared-revocations.ts'
import { createKeyUsage } from './keys/usage.ts'
import { createViaFloor } from './keys/via-floor.ts'
import type { Log } from './kinds/provider.ts'
import { USER_AGENT } from './kinds/shared/user-agent.ts'
import { type Broker, createBroker } from './secrets/broker.ts'
import { createReadiness } from './secrets/readiness.ts'
import { createStoreChecks } from './secrets/store-checks.ts'
import type { StoresDeps } from './secrets/stores.ts'
import { openState } from './state/open-state.ts'
import { createReplicaCount } from './state/replica-count.ts'
import { createLogger } from './telemetry/logger.ts'
import { createAdministration } from './wiring/administration.ts'
import { createCaches } from './wiring/caches.ts'
import { requireKeys, requireKeysThatLeave } from './wiring/kept-keys.ts'
import { createLifecycle, type Lifecycle } from './wiring/lifecycle.ts'
import { compose, prepare, takenOver } from './wiring/live.ts'
import { createObjectUseCases } from './wiring/objects.ts'
import { createRecords, type Who } from './wiring/records.ts'
import { type ReloadedBy, recordReload } from './wiring/reloads.ts'

export interface AppOverrides {
  readonly logger?: Logger
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Where credentials of stores given as `{ env: NAME }` are looked up. */
  readonly environ?: Environ
  /** Reads the configuration anew and reloads; resolves with what is wrong with it, and then nothing changed. */
  readonly requestReload?: (by: ReloadedBy) => Promise<readonly ConfigFault[]>
  /** How what SNS and Google publish is fetched. */
  readonly fetch?: typeof fetch
  /** What gives tokens of channels. */
  readonly directLine?: DirectLine
  readonly heartbeatMs?: number
  /** Refuse to start where something kept needs an encryption key that ENCRYPTION_KEYS lacks, instead of saying so. */
  readonly refusesToLackKeys?: boolean
}

export interface App {
  /** The public listener; carries /internal/* too unless INTERNAL_HOST and INTERNAL_PORT are set. */
  readonly server: FastifyInstance
  readonly internalServer: FastifyInstance | undefined
  readonly broker: Broker
  /** As it is in force, with every definition of a store read. */
  readonly config: () => Config
  /**
   * Takes over keys, secrets, stores, policies and names, and the environment if it is read too. Everything else needs a
   * restart. On record, also what cannot be read; `by`: who asked, if it was no signal.
   */
  readonly reload: (
    config: Config | (() => readonly [Config, Environ]),
    by?: ReloadedBy
  ) => Promise<void>
  /** Asks the stores in the background, so that readiness knows of them before anybody asks. */
  readonly lookAround: () => void
  /** Answers readiness with 503 from now on, so that load balancers look elsewhere; all else is answered as before. */
  readonly drain: () => void
  readonly close: () => Promise<void>
}

/** Proxies give up on what is silent for a minute, some for half of it. */
const HEARTBEAT_MS = 15_000

const OPENAPI = new URL('../../openapi.yaml', import.meta.url)

/** Rejects if a part cannot be had; those that were there already are closed then. */
export const buildApp = async (config: Config, overrides: AppOverrides = {}): Promise<App> => {
  const parts = createLifecycle()
  try {
    const app = await assemble(config, overrides, parts)
    await parts.start()
    return app
  } catch (error) {
    await parts.close().catch(() => {})
    throw error
  }
}

const assemble = async (
  config: Config,
  overrides: AppOverrides,
  parts: Lifecycle
): Promise<App> => {
  const { settings } = config
  const { now = Date.now, requestReload } = overrides
  const { heartbeatMs = HEARTBEAT_MS } = overrides
  const send = overrides.fetch ?? globalThis.fetch
  const fetch: typeof globalThis.fetch = (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('user-agent', USER_AGENT)
    return send(input, { ...init, headers })
  }
  const logger = overrides.logger ?? createLogger(settings.LOG_LEVEL)
  const log: Log = (level, message, fields = {}) => logger[level](fields, message)

  let live = prepare(config, overrides.environ ?? {})
  const opened = await openState({
    dataDir: config.dataDir,
    redis: config.redis,
    keyring: () => live.keyring,
    log
  })
  const { state, shared } = opened
  parts.add({ start: () => shared?.start(), close: opened.close })
  const sharedRevocations =
    shared &&
    parts.add(createSharedRevocations({ state, shared, keyring: () => live.keyring, log }))
  const revocations = sharedRevocations ?? createRevocations(state)
  const onFailure = () => log('warn', 'the last use of keys cannot be written')
  const usage = parts.add(createKeyUsage({ state, sealer: () => live.sealer, now, onFailure }))
  const trail = parts.add(
    createTrail({ directory: config.dataDir, now, fsync: settings.AUDIT_FSYNC, log })
  )
  const authenticator = createAuthenticator({
    environment: settings.ENVIRONMENT,
    platformVersion: settings.PLATFORM_VERSION,
    revocations,
    now,
    noteUse: usage.note
  })

  parts.add({ close: () => live.stores.close() })
  const replicas = parts.add(
    createReplicaCount({
      shared,
      environment: settings.ENVIRONMENT,
      keyring: () => live.keyring,
      now
    })
  )
  const checks = createStoreChecks({ log, now })
  const storesDeps: StoresDeps = {
    log,
    now,
    replicas: replicas.current,
    state,
    sealer: () => live.sealer,
    keyring: () => live.keyring,
    shared,
    environ: (name) => credentialsIn(live.config, live.environ)(name),
    rules: () => live,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    onRead: checks.read
  }
  const refuses = overrides.refusesToLackKeys === true
  await requireKeys({ state, keyring: live.keyring, refuses, log })
  live = await compose(config, live.environ, storesDeps)
  // Serving does not depend on them: they are asked for once, within a second.
  await sharedRevocations?.asked
  const floor = createViaFloor({ state, replicas: replicas.current, now })
  // Once replicas are counted, and before the first key is used; where that fails, the first issue asks again.
  parts.add({ start: () => floor.learn().catch(() => {}), close: () => {} })
  const issuing = parts.add(
    createIssuing({
      keyring: () => live.keyring,
      usage,
      revocations,
      lineage: createLineage({ state, now }),
      floor,
      rules: () => ({
        platformVersion: settings.PLATFORM_VERSION,
        maxDays: settings.API_KEY_MAX_DAYS,
        adminScope: settings.ADMIN_SCOPE,
        delegations: live.config.delegations
      }),
      now
    })
  )
  const sealedEnds = createSealedEnds({ state, now })
  let draining = false

  const record = settings.AUDIT_REQUIRED
    ? trail.append
    : (event: AuditEvent): Promise<void> =>
        trail.append(event).catch(() => log('error', 'a decision could not be recorded'))
  const recording = { environment: settings.ENVIRONMENT, record, log }
  const watch = createWatch({
    ...recording,
    rules: () => live,
    keyring: () => live.keyring,
    heartbeatMs
  })
  const caches = parts.add(
    createCaches({ settings, shared, live: () => live, onInvalidated: watch.invalidated, now })
  )
  const { cache, tagCache, invalidation } = caches
  const broker = createBroker({
    environment: settings.ENVIRONMENT,
    rules: () => live,
    cache,
    tagCache,
    invalidation,
    keyring: () => live.keyring,
    sealer: () => live.sealer,
    negativeTtlMs: settings.CACHE_NEGATIVE_TTL_SECONDS * 1000,
    now,
    record,
    log
  })
  const useCases = parts.add(
    createObjectUseCases({
      ...recording,
      settings,
      broker,
      state,
      shared,
      sealedEnds,
      live: () => live,
      directLine: overrides.directLine,
      now
    })
  )
  await useCases.refresh()
  const receiver = createReceiver({
    ...recording,
    rules: () => live,
    invalidate: broker.invalidate,
    isGoogleToken: createGoogleTokenCheck({ fetch, now }),
    fetch,
    now
  })
  const hindrance = (): ProblemCode | undefined => {
    if (draining) return 'overloaded'
    return settings.AUDIT_REQUIRED && !trail.isWritable() ? 'audit_unavailable' : undefined
  }
  const readiness = createReadiness({
    checks,
    stores: () => live.stores,
    isShared: () =>
      shared === undefined ||
      (shared.isUp() &&
        shared.denied().length === 0 &&
        invalidation.isWhole() &&
        sharedRevocations?.isWhole() !== false),
    canServe: () => hindrance() === undefined,
    log,
    now
  })
  const isDenied = (): boolean => shared !== undefined && shared.denied().length > 0
  const health = {
    readiness,
    hindrance,
    reason: () => (isDenied() ? 'redis_denies_commands' : undefined)
  }
  const authenticate = (apiKey: string) => authenticator.authenticate(live.keyring, apiKey)

  const records = createRecords(settings.ENVIRONMENT, record)
  const addAdministration = createAdministration({
    live: () => live,
    broker,
    caches,
    checks,
    replicas: replicas.current,
    authenticator,
    usage,
    issuing,
    countSealed: async () => ({
      byKey: (await countSealed(state)).byKey,
      stateEnds: await sealedEnds.all()
    }),
    revocations,
    now,
    recordAs: records.as,
    requestReload
  })
  const addEveryInternalRoute = (routes: Routes): void => {
    addInternalRoutes(routes, {
      broker,
      authenticate,
      recordIntrospection: records.introspection
    })
    addAuthorizeRoute(routes, { recordAuthorization: records.as('key.authorize') })
    addEventWebhook(routes, { receiver })
  }
  const addPublicRoutes = (routes: Routes): void => {
    addSecretRoutes(routes, { broker, now })
    addBotRoutes(routes, useCases)
    addAdminObjectRoutes(routes, useCases)
    addChannelRoutes(routes, useCases)
    addStateRoutes(routes, useCases)
    addAdministration(routes)
    addEventStream(routes, {
      watch,
      isAccepted: (principal) => authenticator.isAccepted(live.keyring, principal)
    })
    addWhoamiRoute(routes, {
      policy: () => live.policy,
      delegations: () => live.config.delegations,
      // Where that cannot be known, it is taken for one that was.
      wasIssued: (principal) => issuing.wasIssued(principal).catch(() => true)
    })
    addHealthRoutes(routes, health)
    if (settings.DOCS_ENABLED) addDocsRoute(routes, { openapi: readFileSync(OPENAPI, 'utf8') })
  }
  const allowances = settings.RATE_LIMIT_ENABLED
    ? parts.add(
        createAllowances({
          shared,
          fingerprintKey: () => live.keyring.active.keyFor('fingerprint'),
          now
        })
      )
    : undefined
  // Of both listeners together: they have one process's descriptors and memory.
  const connections = createConnections({
    max: connectionsMax(),
    perAddress: settings.CONNECTIONS_PER_ADDRESS,
    proxies: settings.TRUST_PROXY ?? []
  })
  const untaken = parts.add(createUntaken(connections))
  const limitRecords = parts.add(
    createLimitRecords({
      record: (who: Who, reason) => {
        records.limitReached(who, reason).catch(() => {})
      },
      now
    })
  )
  const hasInternalListener = settings.INTERNAL_PORT !== undefined
  const servers: FastifyInstance[] = []
  parts.add({ close: () => Promise.all(servers.map((server) => server.close())).then(() => {}) })
  // Whoever watches would keep them from closing.
  parts.add(watch)
  const serve = (addRoutes: (routes: Routes) => void): Promise<FastifyInstance> =>
    createServer({
      scopeRoot: settings.SCOPE_ROOT,
      adminScope: settings.ADMIN_SCOPE,
      allowsAdminWrite: settings.ALLOW_ADMIN_WRITE,
      limits: allowances && {
        windowSeconds: settings.RATE_LIMIT_WINDOW_SECONDS,
        perKey: settings.RATE_LIMIT_MAX,
        perAddress: settings.RATE_LIMIT_IP_MAX,
        authFailures: settings.RATE_LIMIT_AUTH_FAILURES_MAX,
        allowances,
        reached: (limit, taken, request) =>
          limitRecords.reached(limit, taken, () => records.whoOf(request))
      },
      authenticate,
      isInternalSecret: (given) => live.isInternalSecret(given),
      prove: connections.prove,
      recordRefusal: records.refusal,
      recordAdminRead: records.adminRead,
      bodyLimitBytes: settings.BODY_LIMIT_KB * 1024,
      trustProxy: settings.TRUST_PROXY,
      corsOrigins: settings.CORS_ALLOW_ORIGINS,
      tls: config.tls,
      connections,
      untaken,
      keepAliveSeconds: settings.KEEP_ALIVE_SECONDS,
      logger,
      addRoutes
    }).then((server) => {
      servers.push(server)
      return server
    })
  const server = await serve((routes) => {
    addPublicRoutes(routes)
    if (!hasInternalListener) addEveryInternalRoute(routes)
  })
  const internalServer = hasInternalListener
    ? await serve((routes) => {
        addHealthRoutes(routes, health)
        addEveryInternalRoute(routes)
      })
    : undefined

  const reload = async (wanted: Config, environ: Environ): Promise<void> => {
    const former = live
    const next = takenOver(config, wanted)
    await requireKeysThatLeave(state, former.keyring, prepare(next, environ).keyring)
    live = await compose(next, environ, storesDeps, former)
    // Another place may stand under the same name now: what was read from the former is not its answer.
    for (const { spec, connection } of former.stores.all()) {
      if (live.stores.get(spec.name)?.connection === connection) continue
      for (const kept of [cache, tagCache]) kept.invalidate({ store: spec.name })
      watch.invalidated({ store: spec.name })
    }
    await useCases.refresh()
  }

  return {
    server,
    internalServer,
    broker,
    config: () => live.config,
    reload: (next, by) =>
      recordReload(
        { ...recording, digest: () => digestOf(live.config, live.keyring.kids) },
        by,
        async () => {
          const [wanted, environ] = typeof next === 'function' ? next() : [next, live.environ]
          await reload(wanted, environ)
        }
      ),
    lookAround: () => void readiness(),
    drain: () => {
      draining = true
      watch.drain()
      connections.drain()
    },
    close: parts.close
  }
}
