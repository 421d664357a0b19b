/**
 * Counts what happens, on the way of requests. Rule: it knows no name of a secret, a client or a key, and whatever a
 * caller may write into a request is counted under a fixed word. Whatever of a closed set may come begins at 0, since
 * Prometheus takes no counter that begins at 1 for an increase.
 */
import type { Observed } from '../audit/recorder.ts'
import { ACTIONS, CACHE_WORDS, OUTCOMES } from '../core/audit-event.ts'
import { FAULT_REASONS, type FaultReason } from '../core/fault.ts'
import { LIMITS, type LimitName } from '../core/limit-name.ts'
import { PROBLEMS, type ProblemCode } from '../core/problem.ts'
import { placeOf, routeParts } from '../core/route-text.ts'
import { type CallMeter, OPERATIONS, type Powers } from '../secrets/calls.ts'
import type { OnCall } from '../state/redis-link.ts'
import type { Readings } from './metrics.ts'
import { createTally, createTimings } from './tally.ts'

/** An answer that is over. */
export interface Answered {
  /** As `core/route-text.ts` has it. */
  readonly route: string
  readonly status: number
  /** Undefined: no problem. */
  readonly code: string | undefined
  readonly durationMs: number | undefined
}

/** What stands where a name is none of ours. */
const NONE = 'none'
const OK = 'ok'

/** Node knows thirty more, each of which a caller may use on each route. */
export const METHODS: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT PATCH DELETE OPTIONS'.split(' ')
)

/** The labels of a route, made once. Routes are templates, so there are only so many. */
const createRouteLabels = (): ((route: string) => readonly [method: string, template: string]) => {
  const known = new Map<string, readonly [string, string]>()
  const read = (route: string): readonly [string, string] => {
    const parts = routeParts(route)
    const { method = '' } = parts ?? {}
    const word = METHODS.has(method) ? method : 'other'
    const labels = [method === '' ? NONE : word, (parts && placeOf(parts)) || NONE] as const
    known.set(route, labels)
    return labels
  }
  return (route) => known.get(route) ?? read(route)
}

const createRequestMeter = () => {
  const labelsOf = createRouteLabels()
  const requests = createTally()
  const durations = createTimings()
  return {
    /** What alerts look for may be the first that a route ever answers. */
    beginRoute: (route: string): void => {
      const { status } = PROBLEMS.internal_error
      requests.add([...labelsOf(route), status, 'internal_error'], 0)
    },
    answered: ({ route, status, code = OK, durationMs }: Answered): void => {
      const [method, template] = labelsOf(route)
      requests.add([method, template, status, code])
      if (durationMs !== undefined) durations.add([method, template], durationMs)
    },
    readings: {
      purser_http_requests_total: requests.samples,
      purser_http_request_duration_seconds: durations.timings
    }
  }
}

/** Of a read of a secret that is there to be read; other problems are of the request, and seldom. */
const READ_PROBLEMS: readonly ProblemCode[] = [
  'access_denied',
  'insufficient_mode',
  'field_required',
  'field_not_found',
  'internal_error',
  'audit_unavailable',
  'secret_not_found',
  'store_denied',
  'store_misconfigured',
  'store_invalid_answer',
  'store_throttled',
  'store_unavailable',
  'store_timeout'
]
/** Where a reference names no store of ours. */
const STRAY_PROBLEMS: readonly ProblemCode[] = [
  'access_denied',
  'invalid_reference',
  'audit_unavailable'
]

const createReadMeter = (isStore: (name: string) => boolean) => {
  const reads = createTally()
  const decisions = createTally()
  for (const action of ACTIONS) {
    for (const outcome of OUTCOMES) decisions.add([action, outcome], 0)
  }
  for (const code of STRAY_PROBLEMS) reads.add([NONE, code], 0)
  return {
    beginReads: (store: string): void => {
      for (const outcome of [...CACHE_WORDS, ...READ_PROBLEMS]) reads.add([store, outcome], 0)
    },
    observed: ({ action, outcome, store, cache, code }: Observed): void => {
      decisions.add([action, outcome])
      if (action !== 'secret.read') return
      const place = store !== undefined && isStore(store) ? store : NONE
      reads.add([place, cache ?? code ?? outcome])
    },
    readings: {
      purser_secret_reads_total: reads.samples,
      purser_decisions_total: decisions.samples
    }
  }
}

/** Which faults a call may have; the others are of a caller's text, or of a write that another one overtook. */
const OF_READS: readonly FaultReason[] = FAULT_REASONS.filter(
  (reason) => reason !== 'conflict' && reason !== 'invalid_request'
)
const BEGUN_CALLS = {
  read: ['ok', ...OF_READS],
  check: ['ok', ...OF_READS],
  list: ['ok', ...OF_READS, 'invalid_request'],
  write: ['ok', ...FAULT_REASONS]
} as const
const REFUSALS = ['breaker', 'quota'] as const

/** Of stores and of Redis. `beginReads`: told of each store. */
const createCallMeter = (beginReads: (store: string) => void) => {
  const calls = createTally()
  const durations = createTimings()
  const refusals = createTally()
  const redisDurations = createTimings()
  const redisFailures = createTally()
  const redisCalls =
    (use: string): OnCall =>
    (durationMs, isAnswered) => {
      redisDurations.add([use], durationMs)
      redisFailures.add([use], isAnswered ? 0 : 1)
    }
  return {
    /** `powers`: what the store can do besides. */
    callsOf: (store: string, powers: Powers): CallMeter => {
      beginReads(store)
      const operations = OPERATIONS.filter((one) => one === 'read' || powers[one] !== undefined)
      for (const operation of operations) {
        for (const reason of REFUSALS) refusals.add([store, operation, reason], 0)
      }
      for (const operation of [...operations, 'check'] as const) {
        for (const outcome of BEGUN_CALLS[operation]) calls.add([store, operation, outcome], 0)
      }
      return {
        called: (operation, outcome, durationMs) => {
          calls.add([store, operation, outcome])
          durations.add([store, operation], durationMs)
        },
        refused: (operation, reason) => refusals.add([store, operation, reason])
      }
    },
    redisCalls: { shared: redisCalls('shared'), state: redisCalls('state') },
    readings: {
      purser_store_calls_total: calls.samples,
      purser_store_call_duration_seconds: durations.timings,
      purser_store_refusals_total: refusals.samples,
      purser_redis_call_duration_seconds: redisDurations.timings,
      purser_redis_call_failures_total: redisFailures.samples
    }
  }
}

export type Meter = ReturnType<typeof createMeter>

/** `isStore`: whether a store of that name is configured; a reference may name any. */
export const createMeter = (isStore: (name: string) => boolean) => {
  const { answered, beginRoute, readings: ofRequests } = createRequestMeter()
  const { observed, beginReads, readings: ofReads } = createReadMeter(isStore)
  const { callsOf, redisCalls, readings: ofCalls } = createCallMeter(beginReads)
  const limits = createTally()
  for (const limit of LIMITS) limits.add([limit], 0)
  return {
    answered,
    beginRoute,
    observed,
    callsOf,
    redisCalls,
    limitReached: (limit: LimitName): void => limits.add([limit]),
    readings: {
      ...ofRequests,
      ...ofReads,
      ...ofCalls,
      purser_limit_refusals_total: limits.samples
    } satisfies Partial<Readings>
  }
}
