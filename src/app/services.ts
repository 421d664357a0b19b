/** What the routes serve: the use cases beside secrets, and what each route needs of the parts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createQueries } from '../audit/queries.ts'
import { describeStore, effectiveConfig } from '../config/effective.ts'
import type { ConfigFault } from '../config/fault.ts'
import { isGuarded } from '../config/together.ts'
import { formatReference, parseReference } from '../core/reference.ts'
import type { Services } from '../http/routes/index.ts'
import { createIntegrations, type Integrations } from '../integrations/integrations.ts'
import { countSealed } from '../integrations/sealed-count.ts'
import { createSealedEnds, type SealedEnds } from '../integrations/sealed-ends.ts'
import { compilePolicy } from '../kinds/references.ts'
import { explain } from '../secrets/explain.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import { createLoginOn } from './logins.ts'
import type { Health, Secrets } from './secrets.ts'
import type { SignIns } from './sessions.ts'
import type { ConnectedStores } from './stores.ts'

const OPENAPI = new URL('../../../openapi.yaml', import.meta.url)

const NOT_FROM_FILES: ConfigFault = {
  place: 'purser.yaml',
  message: 'cannot be read anew where the service was not started from files'
}

export interface Parts {
  readonly ground: Ground
  readonly keys: Keys
  readonly signIns: SignIns
  readonly stores: ConnectedStores
  readonly secrets: Secrets
  readonly health: Health
  readonly integrations: Integrations
  readonly sealedEnds: SealedEnds
  readonly metrics: Metrics | undefined
}

export const createIntegrationsOn = (
  ground: Ground,
  { broker }: Pick<Secrets, 'broker'>
): Pick<Parts, 'integrations' | 'sealedEnds'> => {
  const { parts, overrides, settings, state, shared, live, keyring, sealer, now, tracer } = ground
  const sealedEnds = createSealedEnds({ state, now })
  const integrations = createIntegrations({
    ...ground.recording,
    guarded: isGuarded(settings),
    configured: () => live().config,
    broker,
    state,
    shared,
    sealedEnds,
    rules: live,
    keyring,
    sealer,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    directLine: overrides.directLine,
    mark: tracer?.mark,
    now
  })
  return { integrations: parts.add(integrations), sealedEnds }
}

const keyServices = ({ ground, keys, sealedEnds }: Parts): Services['keys'] => {
  const { keyring, state, now } = ground
  const { usage, care, revocations } = keys
  return {
    keyring,
    usage,
    care,
    countSealed: async () => ({
      byKey: (await countSealed(state)).byKey,
      stateEnds: await sealedEnds.all()
    }),
    isRevoked: revocations.isRevoked,
    now
  }
}

const sessionServices = ({ ground, signIns }: Parts): Services['sessions'] => ({
  sessions: signIns.sessions,
  isOn: () => ground.live().config.settings.JWT_SECRET !== undefined,
  cookie: signIns.gate.cookie,
  origins: signIns.gate.origins,
  recorder: ground.recorder,
  returnsToken: ground.settings.RETURN_JWT_IN_BODY
})

const signInServices = ({ ground, signIns }: Parts): Services['signIn'] => ({
  signIn: signIns.signIn,
  sessions: signIns.sessions,
  cookie: signIns.gate.cookie,
  transactionCookie: signIns.transactionCookie,
  origins: signIns.gate.origins,
  recorder: ground.recorder,
  landing: signIns.landing
})

const explainServices = ({ ground, keys, stores, secrets }: Parts): Services['explain'] => {
  const { live, settings } = ground
  return {
    examine: keys.authenticator.examine,
    explain: (question) =>
      explain(
        {
          rules: live(),
          scope: `${settings.SCOPE_ROOT}:secrets`,
          delegations: live().config.delegations,
          cacheState: (store, locator) => secrets.caches.cache.peek(store, locator).state,
          healthOf: (store) => {
            const last = stores.checks.get(store)
            return last && (last.ok ? 'its last check passed' : 'its last check failed')
          }
        },
        question
      )
  }
}

const auditServices = ({ ground, keys }: Parts): Services['audit'] => {
  const { live, overrides, sealer, dataDir, redisTrail } = ground
  const { of: here } = overrides.worker ?? { of: 1 }
  return {
    queries: createQueries({
      folder: join(dataDir, 'audit'),
      redis: redisTrail,
      processes: () => ({ all: keys.replicas(), here })
    }),
    canonical: (reference) => {
      const found = parseReference(reference, live().book)
      return found === undefined ? reference : formatReference(found)
    },
    compilePattern: (pattern) => {
      const { isAllowed } = compilePolicy([{ client: '*', read: [pattern] }])
      return (secret) => isAllowed('*', 'read', secret)
    },
    sealer
  }
}

const adminServices = ({ ground, keys, stores, secrets }: Parts): Services['admin'] => {
  const { live, overrides } = ground
  return {
    broker: secrets.broker,
    stores: () => live().stores.all(),
    describe: describeStore,
    lastCheck: stores.checks.get,
    replicas: keys.replicas,
    cache: secrets.caches.figures,
    config: () => effectiveConfig(live().config),
    reload: async (by) => [...((await overrides.requestReload?.(by)) ?? [NOT_FROM_FILES])]
  }
}

export const servicesOf = (parts: Parts): Services => {
  const { ground, keys, secrets, health, integrations, metrics } = parts
  const { live, settings, now } = ground
  const { broker, watch, receiver } = secrets
  const { authenticator, care, issuing } = keys
  return {
    secrets: { broker, now },
    bots: integrations,
    resources: integrations,
    channels: integrations,
    state: integrations,
    keys: keyServices(parts),
    sessions: sessionServices(parts),
    signIn: signInServices(parts),
    login: createLoginOn(ground, keys),
    explain: explainServices(parts),
    admin: adminServices(parts),
    audit: auditServices(parts),
    eventStream: {
      watch,
      isAccepted: authenticator.isAccepted
    },
    eventWebhook: { receiver },
    whoami: {
      policy: () => live().policy,
      delegations: () => live().config.delegations,
      // If it cannot be found out whether a key issued this one, it counts as issued by a key.
      wasIssued: (principal) => issuing.wasIssued(principal).catch(() => true)
    },
    internal: { broker, care },
    authorize: { care },
    health,
    metrics,
    docs: settings.DOCS_ENABLED ? { openapi: readFileSync(OPENAPI, 'utf8') } : undefined
  }
}
