/** What administrators get of the service, wired from its parts; for `app.ts`, which says what those are. */

import type { Config } from '../config/config.ts'
import { describeStore, effectiveConfig } from '../config/effective.ts'
import type { ConfigFault } from '../config/fault.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { RecordDecision } from '../http/caller.ts'
import type { App as Routes } from '../http/route-auth.ts'
import { addAdminRoutes } from '../http/routes/admin.ts'
import { addExplainRoutes } from '../http/routes/explain.ts'
import { addKeyRoutes, type KeyRoutesOptions } from '../http/routes/keys.ts'
import type { Authenticator } from '../keys/authenticator.ts'
import type { Issuing } from '../keys/issuing.ts'
import type { Revocations } from '../keys/revocations.ts'
import type { KeyUsage } from '../keys/usage.ts'
import type { LoginState } from '../kinds/shared/login-memory.ts'
import type { BreakerState } from '../secrets/breaker.ts'
import type { Broker } from '../secrets/broker.ts'
import type { Caller, Rules } from '../secrets/caller.ts'
import { explain } from '../secrets/explain.ts'
import type { StoreChecks } from '../secrets/store-checks.ts'
import type { Caches } from './caches.ts'

export interface AdministrationDeps {
  readonly live: () => Rules & { readonly config: Config; readonly keyring: Keyring }
  readonly broker: Broker
  readonly caches: Pick<Caches, 'cache' | 'figures'>
  /** How each store answered last. */
  readonly checks: Pick<StoreChecks, 'get'>
  readonly replicas: () => number
  readonly authenticator: Authenticator
  readonly usage: KeyUsage
  readonly issuing: Issuing
  readonly countSealed: KeyRoutesOptions['countSealed']
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly recordAs: (action: AuditEvent['action']) => RecordDecision
  readonly requestReload: ((by: Caller) => Promise<readonly ConfigFault[]>) | undefined
}

const NOT_FROM_FILES: ConfigFault = {
  place: 'purser.yaml',
  message: 'cannot be read anew where the service was not started from files'
}

const toAnswer = ({ until, ...state }: BreakerState) => ({
  ...state,
  ...(until !== undefined && { until: new Date(until).toISOString() })
})

const toLogin = ({ since, nextTry, ...state }: LoginState) => ({
  ...state,
  since: new Date(since).toISOString(),
  ...(nextTry !== undefined && { nextTry: new Date(nextTry).toISOString() })
})

export const createAdministration =
  (deps: AdministrationDeps) =>
  (routes: Routes): void => {
    const { live, broker, caches, checks, authenticator, usage, revocations, now, recordAs } = deps
    const { settings } = live().config

    addKeyRoutes(routes, {
      keyring: () => live().keyring,
      usage,
      issuing: deps.issuing,
      countSealed: deps.countSealed,
      isRevoked: revocations.isRevoked,
      revoke: (keyId) => revocations.revoke(keyId, now()),
      now,
      recordIssue: recordAs('key.issue'),
      recordRevocation: recordAs('key.revoke')
    })
    addExplainRoutes(routes, {
      examine: (apiKey) => authenticator.examine(live().keyring, apiKey),
      explain: (question) =>
        explain(
          {
            rules: live(),
            scope: `${settings.SCOPE_ROOT}:secrets`,
            delegations: live().config.delegations,
            cacheState: caches.cache.stateOf,
            healthOf: (store) => {
              const last = checks.get(store)
              return last && (last.ok ? 'its last check passed' : 'its last check failed')
            }
          },
          question
        )
    })
    addAdminRoutes(routes, {
      broker,
      stores: () => ({
        stores: live()
          .stores.all()
          .map(({ spec, guard, logins }) => {
            const last = checks.get(spec.name)
            const lastCheck = last && { ...last, at: new Date(last.at).toISOString() }
            const { read, list, write, tokens } = guard.state()
            const login = logins.state()
            return {
              ...describeStore(spec),
              ...(lastCheck !== undefined && { lastCheck }),
              ...(login !== undefined && { login: toLogin(login) }),
              breakers: { read: toAnswer(read), list: toAnswer(list), write: toAnswer(write) },
              ...(tokens !== undefined && { quotaLeft: tokens })
            }
          }),
        replicas: deps.replicas()
      }),
      cache: caches.figures,
      config: () => effectiveConfig(live().config),
      reload: async (by) => [...((await deps.requestReload?.(by)) ?? [NOT_FROM_FILES])]
    })
  }
