/**
 * Stores, cache and configuration, for administrators. Rule: what is shown is picked member by member, and no secret
 * is.
 */
import type { Static } from 'typebox'
import type { Caller } from '../../core/caller.ts'
import type { LoginState } from '../../kinds/shared/login-memory.ts'
import type { BreakerState } from '../../secrets/breaker.ts'
import type { Broker } from '../../secrets/broker.ts'
import type { StoreCheck } from '../../secrets/store-checks.ts'
import { troubleOf } from '../../secrets/store-trouble.ts'
import type { Store } from '../../secrets/stores.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { InvalidateAnswer } from '../schemas.ts'
import {
  CacheAnswer,
  CacheQuery,
  ConfigAnswer,
  ReloadAnswer,
  StoresAnswer
} from './admin-schemas.ts'

type StoreAnswer = Static<typeof StoresAnswer>['stores'][number]
type Description = Omit<StoreAnswer, 'trouble' | 'lastCheck' | 'login' | 'breakers' | 'quotaLeft'>

export interface StoresOptions {
  readonly stores: () => readonly Store[]
  /** What may be shown of its settings. */
  readonly describe: (spec: Store['spec']) => Description
  /** How the store answered last. */
  readonly lastCheck: (store: string) => StoreCheck | undefined
  readonly replicas: () => number
}

export interface AdminRoutesOptions extends StoresOptions {
  readonly broker: Pick<Broker, 'invalidate'>
  readonly cache: () => Static<typeof CacheAnswer>
  readonly config: () => Static<typeof ConfigAnswer>
  /** Reads the configuration anew and takes it over, or says what is wrong with it and changes nothing. */
  readonly reload: (by: Caller) => Promise<Static<typeof ReloadAnswer>['faults']>
}

const config = { auth: { kind: 'admin' } } as const

const isoOf = (at: number): string => new Date(at).toISOString()

const breakerOf = ({ until, ...state }: BreakerState) => ({
  ...state,
  ...(until !== undefined && { until: isoOf(until) })
})

const loginOf = ({ since, nextTry, ...state }: LoginState) => ({
  ...state,
  since: isoOf(since),
  ...(nextTry !== undefined && { nextTry: isoOf(nextTry) })
})

const storeOf = (
  { spec, guard, logins }: Store,
  { describe, lastCheck }: Pick<StoresOptions, 'describe' | 'lastCheck'>
): StoreAnswer => {
  const last = lastCheck(spec.name)
  const state = guard.state()
  const { read, list, write, tokens } = state
  const trouble = troubleOf(last, state)
  const login = logins.state()
  return {
    ...describe(spec),
    ...(trouble !== undefined && { trouble }),
    ...(last !== undefined && { lastCheck: { ...last, at: isoOf(last.at) } }),
    ...(login !== undefined && { login: loginOf(login) }),
    breakers: { read: breakerOf(read), list: breakerOf(list), write: breakerOf(write) },
    ...(tokens !== undefined && { quotaLeft: tokens })
  }
}

export const storesOf = (options: StoresOptions): Static<typeof StoresAnswer> => ({
  stores: options.stores().map((store) => storeOf(store, options)),
  replicas: options.replicas()
})

export const addAdminRoutes = (app: TypedFastify, options: AdminRoutesOptions): void => {
  app.get(
    '/v1/admin/stores',
    {
      config,
      schema: {
        operationId: 'listStores',
        summary:
          'The configured stores, each with its last check, and how many replicas share their quotas',
        response: { 200: StoresAnswer }
      }
    },
    async () => storesOf(options)
  )

  app.get(
    '/v1/admin/cache',
    {
      config,
      schema: {
        operationId: 'showCache',
        summary:
          'How full the cache of this process is, and what it refused of what replicas share',
        response: { 200: CacheAnswer }
      }
    },
    async () => options.cache()
  )

  app.delete(
    '/v1/admin/cache',
    {
      config,
      schema: {
        operationId: 'dropCache',
        summary: 'Drop cached secrets: ?ref=, ?store= or ?all=true',
        querystring: CacheQuery,
        response: { 200: InvalidateAnswer }
      }
    },
    async (request) => {
      const { query } = request
      const what = 'all' in query ? 'all' : query
      return options.broker.invalidate(callerOf(request), what)
    }
  )

  app.get(
    '/v1/admin/config',
    {
      config,
      schema: {
        operationId: 'showConfig',
        summary: 'The configuration in force, without secrets',
        response: { 200: ConfigAnswer }
      }
    },
    async () => options.config()
  )

  app.post(
    '/v1/admin/config/reload',
    {
      config: { auth: { kind: 'admin', changes: true } },
      schema: {
        operationId: 'reloadConfig',
        summary:
          'Read the configuration anew, in all workers, as SIGHUP does; a faulty one changes nothing',
        response: { 200: ReloadAnswer }
      }
    },
    async (request) => {
      const faults = await options.reload(callerOf(request))
      return { reloaded: faults.length === 0, faults: [...faults] }
    }
  )
}
