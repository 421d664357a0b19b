/** What is measured, where METRICS_ENABLED asks for it: what was counted on the way, and what is read at a scrape. */
import type { BreakerState } from '../secrets/breaker.ts'
import { troubleOf } from '../secrets/store-trouble.ts'
import { createKeyFigures } from '../telemetry/key-figures.ts'
import type { Figures, Metrics, Readings } from '../telemetry/metrics.ts'
import type { Sample } from '../telemetry/tally.ts'
import { certificateEnds } from './certificates.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import type { Health, Secrets } from './secrets.ts'
import type { ConnectedStores } from './stores.ts'

export interface Measured {
  readonly ground: Ground
  readonly keys: Keys
  readonly stores: ConnectedStores
  readonly secrets: Secrets
  readonly health: Health
}

const one = (value: number): readonly Sample[] => [[[], value]]
const ifAny = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : one(value)

const BREAKER_STATES: Readonly<Record<BreakerState['state'], number>> = {
  closed: 0,
  'half-open': 1,
  open: 2
}

const ofStores = ({ ground: { live }, stores: { checks } }: Measured) => {
  const all = () => live().stores.all()
  return {
    purser_store_well: () =>
      all().flatMap(({ spec: { name }, guard }): Sample[] => {
        const last = checks.get(name)
        if (last === undefined) return []
        return [[[name], Number(troubleOf(last, guard.state()) === undefined)]]
      }),
    purser_store_trouble: () =>
      all().flatMap(({ spec: { name }, guard }): Sample[] => {
        const trouble = troubleOf(checks.get(name), guard.state())
        return trouble === undefined ? [] : [[[name, trouble], 1]]
      }),
    purser_store_breaker_state: () =>
      all().flatMap(({ spec: { name }, guard }) => {
        const { read, list, write } = guard.state()
        return Object.entries({ read, list, write }).map(
          ([operation, { state }]): Sample => [[name, operation], BREAKER_STATES[state]]
        )
      }),
    purser_store_quota_used_ratio: () =>
      all().flatMap(({ spec: { name }, guard }): Sample[] => {
        const { used } = guard.state()
        return used === undefined ? [] : [[[name], used]]
      })
  }
}

const ofCaches = ({ secrets: { caches } }: Measured) => ({
  purser_cache_entries: (): Sample[] => {
    const { secrets, tags } = caches.figures()
    return [
      [['secrets'], secrets],
      [['tags'], tags]
    ]
  },
  purser_cache_entries_max: () => one(caches.figures().maxEntries),
  purser_cache_shared_lookups_total: () =>
    Object.entries(caches.sharedLooks() ?? {}).flatMap(([kind, { found, missing }]): Sample[] => [
      [[kind, 'found'], found],
      [[kind, 'missing'], missing]
    ]),
  purser_cache_envelopes_refused_total: () => ifAny(caches.figures().shared?.refusedEnvelopes),
  purser_cache_envelopes_unfamiliar_total: () => ifAny(caches.figures().shared?.unfamiliarEnvelopes)
})

const ofKeys = ({ ground, keys }: Measured) => {
  const { usage, revocations } = keys
  const figures = createKeyFigures({
    usage,
    isRevoked: revocations.isRevoked,
    kids: () => ground.keyring().kids,
    now: ground.now
  })
  return {
    purser_api_keys: () => {
      void figures.count()
      return figures.keys()
    },
    purser_api_keys_counted_timestamp_seconds: () => {
      const at = figures.countedAt()
      return ifAny(at === undefined ? undefined : at / 1000)
    },
    purser_revocations_pending: () => one(revocations.pending())
  }
}

const ofTrail = ({ ground: { trail } }: Measured) => ({
  purser_audit_lines_total: () => one(trail.figures().lines),
  purser_audit_groups_total: (): Sample[] => {
    const { groups, failedGroups } = trail.figures()
    return [
      [['written'], groups],
      [['failed'], failedGroups]
    ]
  },
  purser_audit_lag_seconds: () => one(trail.figures().lagMs / 1000),
  purser_audit_last_write_timestamp_seconds: () => {
    const { lastWriteAt } = trail.figures()
    return ifAny(lastWriteAt === undefined ? undefined : lastWriteAt / 1000)
  },
  purser_audit_failing: () => one(Number(trail.figures().isFailing)),
  purser_audit_sink_failing: () =>
    trail.sinkFigures().map(({ name, isFailing }): Sample => [[name], Number(isFailing)]),
  purser_audit_sink_lost_groups_total: () =>
    trail.sinkFigures().map(({ name, lost }): Sample => [[name], lost])
})

const ofService = ({ ground, ground: { shared, settings }, health }: Measured) => ({
  purser_tls_certificate_expires_timestamp_seconds: () =>
    certificateEnds(ground).map(
      ({ setting, store, endsAt }): Sample => [[setting, store], endsAt / 1000]
    ),
  purser_redis_up: () => ifAny(shared && Number(shared.isUp())),
  purser_ready: async (): Promise<Sample[]> => {
    const now = await health.readiness()
    return (['ok', 'degraded', 'unavailable'] as const).map((status) => [
      [status],
      Number(status === now.status)
    ])
  },
  purser_degraded: async (): Promise<Sample[]> => {
    const { reasons } = await health.readiness()
    return reasons.map((reason) => [[reason], 1])
  },
  purser_workers: () => one(settings.WORKERS)
})

/** Undefined: nothing is measured. What writes the figures is loaded when somebody asks for them. */
export const createMetricsOn = (measured: Measured): Metrics | undefined => {
  const { meter } = measured.ground
  if (meter === undefined) return undefined
  const load = async () => {
    const { createMetrics, textOfWorkers } = await import('../telemetry/metrics.ts')
    const own = createMetrics({
      ...meter.readings,
      ...ofStores(measured),
      ...ofCaches(measured),
      ...ofKeys(measured),
      ...ofTrail(measured),
      ...ofService(measured)
    } satisfies Readings)
    return { own, textOfWorkers }
  }
  let loading: ReturnType<typeof load> | undefined
  const loaded = () => {
    loading ??= load()
    return loading
  }
  const figures = async (): Promise<Figures> => (await loaded()).own.figures()
  const { worker, figuresOfOthers } = measured.ground.overrides
  if (worker === undefined || figuresOfOthers === undefined) {
    return { figures, text: async () => (await loaded()).own.text() }
  }
  // Whichever worker is asked answers for all.
  const text = async (): Promise<string> => {
    const [own, others] = await Promise.all([figures(), figuresOfOthers()])
    return (await loaded()).textOfWorkers([[worker.number, own], ...others])
  }
  return { figures, text }
}
