/**
 * The composition root: from a configuration to a service, subject by subject, from the ground up. Rule: what a reload
 * may change stands in one object, made first and replaced as a whole or not at all; no part uses a part that is made
 * later; and no part listens to other processes before all parts are made.
 */
import { openGround } from './app/ground.ts'
import { createKeys } from './app/keys.ts'
import { createMetricsOn } from './app/metrics.ts'
import type { AppOverrides } from './app/overrides.ts'
import { createReload } from './app/reload.ts'
import { createRetention } from './app/retention.ts'
import { createHealth, createSecrets } from './app/secrets.ts'
import { createServers, type Servers } from './app/servers.ts'
import { createIntegrationsOn, servicesOf } from './app/services.ts'
import { createSignIns } from './app/sessions.ts'
import { openStores } from './app/stores.ts'
import type { Config } from './config/config.ts'
import { configDigest } from './config/digest.ts'
import type { Environ } from './config/env.ts'
import { type ReloadedBy, recordReload } from './config/reloads.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import type { Broker } from './secrets/broker.ts'
import type { State } from './state/state.ts'
import type { Figures } from './telemetry/metrics.ts'

export type { AppOverrides } from './app/overrides.ts'

export interface App extends Omit<Servers, 'drain'> {
  readonly broker: Broker
  /** For whoever works on what is kept while the service runs in the same process. */
  readonly state: State
  /** The configuration in force, with every definition of a store read. */
  readonly config: () => Config
  /**
   * Takes over keys, secrets, stores, policies and names, and the environment if it is read too. Everything else needs
   * a restart. Each attempt is on record, also one whose configuration cannot be read; `by`: who asked, unless it was a
   * signal.
   */
  readonly reload: (
    config: Config | (() => readonly [Config, Environ]),
    by?: ReloadedBy
  ) => Promise<void>
  /** What is measured in this process. */
  readonly figures: () => Promise<Figures>
  /** Asks the stores in the background, so that readiness knows of them before anybody asks. */
  readonly lookAround: () => void
  /**
   * Answers readiness with 503 from now on, so that load balancers look elsewhere; all other requests are answered as
   * before.
   */
  readonly drain: () => void
  readonly close: () => Promise<void>
}

/** Rejects if a part cannot be made, once the parts made before it are closed. */
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
  const ground = await openGround(config, overrides, parts)
  createRetention(ground, config.dataDir)
  const keys = createKeys(ground)
  const signIns = createSignIns(ground, keys)
  const stores = await openStores(ground, keys)
  // Revocations are asked for once, which fails within a second where the state is away: the service starts also
  // without them.
  await keys.revocations.asked
  const secrets = createSecrets(ground)
  const health = createHealth(ground, keys, stores, secrets)
  const { integrations, sealedEnds } = createIntegrationsOn(ground, secrets)
  await integrations.refresh()
  const metrics = createMetricsOn({ ground, keys, stores, secrets, health })
  const services = servicesOf({
    ground,
    keys,
    signIns,
    stores,
    secrets,
    health,
    integrations,
    sealedEnds,
    metrics
  })
  const { drain, ...servers } = await createServers(
    ground,
    keys,
    signIns,
    secrets,
    services,
    config.tls
  )

  const { live, recording } = ground
  const digest = () => configDigest(live().config, live().keyring.kids)
  const reload = createReload(config, { ground, stores, secrets, integrations }, servers.listeners)
  return {
    ...servers,
    broker: secrets.broker,
    state: ground.state,
    config: () => live().config,
    reload: (next, by) =>
      recordReload({ ...recording, digest }, by, async () => {
        const [wanted, environ] = typeof next === 'function' ? next() : [next, live().environ]
        await reload(wanted, environ)
      }),
    lookAround: () => void health.readiness(),
    figures: async () => (await metrics?.figures()) ?? [],
    drain: () => {
      health.drain()
      secrets.watch.drain()
      drain()
    },
    close: parts.close
  }
}
