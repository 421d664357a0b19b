/** Stores as they are configured, connected: at the start, and anew at each reload. */
import { type Config, credentialsIn } from '../config/config.ts'
import type { Environ } from '../config/env.ts'
import { requireKeys, requireKeysThatLeave } from '../config/kept-keys.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createStoreChecks, type StoreChecks } from '../secrets/store-checks.ts'
import { replacedIn, type StoresDeps } from '../secrets/stores.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import { compose, takenOver } from './live.ts'

export interface ConnectedStores {
  /** How each store answered last. */
  readonly checks: StoreChecks
  /** Replaces all that a reload may replace, or nothing. Resolves with the names that lead to another store now. */
  readonly reload: (wanted: Config, environ: Environ) => Promise<readonly string[]>
}

const meterOf = ({ meter, history }: Ground): StoresDeps['meterOf'] => {
  if (history === undefined) return meter?.callsOf
  return (store, powers) => {
    const own = meter?.callsOf(store, powers)
    return {
      called: (operation, outcome, durationMs) => {
        own?.called(operation, outcome, durationMs)
        history.called(operation)
      },
      refused: (operation, reason) => own?.refused(operation, reason)
    }
  }
}

/**
 * Rejects if a definition cannot be read, a store cannot be connected, or a start is refused for a key that is lacking.
 */
export const openStores = async (
  ground: Ground,
  { replicas }: Pick<Keys, 'replicas'>
): Promise<ConnectedStores> => {
  const { settings, live, replaceLive, state, shared, overrides, log, now } = ground
  const checks = createStoreChecks({ log, now })
  const deps: StoresDeps = {
    log,
    now,
    replicas,
    state,
    sealer: ground.sealer,
    keyring: ground.keyring,
    shared,
    environ: (name) => credentialsIn(live().config, live().environ)(name),
    rules: live,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    onRead: checks.read,
    meterOf: meterOf(ground),
    followOf: ground.tracer?.followOf,
    mark: ground.tracer?.mark
  }
  const { config: started, environ, keyring } = live()
  await requireKeys({ state, keyring, refuses: overrides.refusesToLackKeys === true, log })
  replaceLive(await compose(started, environ, deps))
  return {
    checks,
    reload: async (wanted, environ) => {
      const former = live()
      const next = takenOver(started, wanted)
      await requireKeysThatLeave(
        state,
        former.keyring,
        createKeyring(next.settings.ENCRYPTION_KEYS)
      )
      replaceLive(await compose(next, environ, deps, former))
      return replacedIn(former.stores, live().stores)
    }
  }
}
