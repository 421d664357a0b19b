/** Whether the service can answer, without asking the stores at every probe. */
import type { Log } from '../providers/provider.ts'
import type { Stores } from './stores.ts'

export type Readiness = 'ok' | 'degraded' | 'unavailable'

export interface ReadinessOptions {
  readonly stores: () => Stores
  /** False while what replicas share is out of reach: answers are possible, each replica for itself. */
  readonly isShared: () => boolean
  /** False while the audit trail cannot be written and is required, or while the service is shutting down. */
  readonly canServe: () => boolean
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const CHECK_EVERY_MS = 10_000

export const createReadiness = (options: ReadinessOptions): (() => Promise<Readiness>) => {
  const { stores, isShared, canServe, log, now } = options
  const failing = new Set<string>()
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking: Promise<unknown> | undefined

  const checkStores = (): Promise<unknown> =>
    Promise.all(
      stores()
        .all()
        .map(async ({ spec: { name }, provider, call }) => {
          try {
            await call((options) => provider.check(options))
            if (failing.delete(name)) log('info', 'the store answers again', { store: name })
          } catch {
            if (!failing.has(name))
              log('warn', 'the store does not answer as it should', { store: name })
            failing.add(name)
          }
        })
    )

  return async () => {
    if (!canServe()) return 'unavailable'
    if (checking === undefined && now() - checkedAt >= CHECK_EVERY_MS) {
      checkedAt = now()
      checking = checkStores().finally(() => {
        checking = undefined
      })
    }
    return failing.size > 0 || !isShared() ? 'degraded' : 'ok'
  }
}
