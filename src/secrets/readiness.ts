/** Whether the service can answer, without asking the stores at every probe. */
import type { Log } from '../kinds/provider.ts'
import { createStoreChecks, type StoreChecks } from './store-checks.ts'
import type { Stores } from './stores.ts'

export type Readiness = 'ok' | 'degraded' | 'unavailable'

export interface ReadinessOptions {
  readonly stores: () => Stores
  /** False while replicas share less than they should: answers are possible, each replica for itself. */
  readonly isShared: () => boolean
  /** False while the audit trail cannot be written and is required, or while the service is shutting down. */
  readonly canServe: () => boolean
  /** How each store answered last, kept up to date for whoever tells of it. */
  readonly checks?: StoreChecks
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const CHECK_EVERY_MS = 10_000
/** How often stores are checked while one of them fails, so that its return is seen soon. */
const RECHECK_EVERY_MS = 2_000

export const createReadiness = (options: ReadinessOptions): (() => Promise<Readiness>) => {
  const { stores, isShared, canServe, checks = createStoreChecks(options), now } = options
  const isFailing = (name: string): boolean => checks.get(name)?.ok === false
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking: Promise<unknown> | undefined

  const checkStores = (): Promise<unknown> =>
    Promise.all(
      stores()
        .all()
        .map(async ({ spec: { name }, check }) => {
          try {
            await check({})
            checks.checked(name)
          } catch (error) {
            checks.checked(name, error)
          }
        })
    )

  return async () => {
    if (!canServe()) return 'unavailable'
    const isAnyFailing = stores()
      .all()
      // Only stores that are configured now count.
      .some(({ spec }) => isFailing(spec.name))
    const everyMs = isAnyFailing ? RECHECK_EVERY_MS : CHECK_EVERY_MS
    if (checking === undefined && now() - checkedAt >= everyMs) {
      checkedAt = now()
      checking = checkStores().finally(() => {
        checking = undefined
      })
    }
    return isAnyFailing || !isShared() ? 'degraded' : 'ok'
  }
}
