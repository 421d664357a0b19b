/**
 * Whether the service can answer, and what keeps it from being well, without asking the stores at every probe. Rule: a
 * reason is a word of a closed set, and no store is named.
 */
import type { Log } from '../kinds/provider.ts'
import { createStoreChecks, type StoreChecks } from './store-checks.ts'
import { type Trouble, troubleOf } from './store-trouble.ts'
import type { Stores } from './stores.ts'

/** What keeps replicas from sharing what they should. */
export type SharedTrouble =
  | 'redis_unreachable'
  | 'redis_denies_commands'
  | 'redis_full'
  | 'invalidations_incomplete'
  | 'revocations_incomplete'

/** Sinks of the audit trail that are not required. */
export type SinkTrouble = 'audit_file_failing' | 'audit_stdout_failing' | 'audit_redis_failing'

export type Reason = SharedTrouble | SinkTrouble | `store_${Trouble}`

export interface Readiness {
  readonly status: 'ok' | 'degraded' | 'unavailable'
  /** Of `degraded`: each once. */
  readonly reasons: readonly Reason[]
}

export interface ReadinessOptions {
  readonly stores: () => Stores
  /** Answers are possible meanwhile, each replica for itself. */
  readonly sharedTroubles: () => readonly SharedTrouble[]
  readonly sinkTroubles: () => readonly SinkTrouble[]
  /** False while the audit trail cannot be written and is required, revocations are unknown too long, or at the end. */
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

/** Logs the reasons whenever they have become others. */
const createTeller = (log: Log): ((reasons: readonly Reason[]) => void) => {
  let told = ''
  return (reasons) => {
    const text = reasons.join(' ')
    if (text === told) return
    told = text
    if (text === '') log('info', 'the service is well again')
    else log('warn', 'the service is degraded', { reasons: text })
  }
}

export const createReadiness = (options: ReadinessOptions): (() => Promise<Readiness>) => {
  const {
    stores,
    sharedTroubles,
    sinkTroubles,
    canServe,
    checks = createStoreChecks(options),
    now
  } = options
  const tell = createTeller(options.log)
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

  /** Only stores that are configured now count. */
  const storeReasons = (): Reason[] =>
    stores()
      .all()
      .flatMap(({ spec, guard }) => troubleOf(checks.get(spec.name), guard.state()) ?? [])
      .map((trouble) => `store_${trouble}` as const)

  return async () => {
    if (!canServe()) return { status: 'unavailable', reasons: [] }
    const ofStores = storeReasons()
    const everyMs = ofStores.length > 0 ? RECHECK_EVERY_MS : CHECK_EVERY_MS
    if (checking === undefined && now() - checkedAt >= everyMs) {
      checkedAt = now()
      checking = checkStores().finally(() => {
        checking = undefined
      })
    }
    const reasons = [...sharedTroubles(), ...sinkTroubles(), ...new Set(ofStores)].sort()
    tell(reasons)
    return { status: reasons.length > 0 ? 'degraded' : 'ok', reasons }
  }
}
