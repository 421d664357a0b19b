/**
 * Counts what happens, on the way of requests. Rule: it knows no name of a secret, a client or a key, and whatever a
 * caller may write into a request is counted under a fixed word.
 */
import type { Observed } from '../audit/recorder.ts'
import type { CallMeter } from '../secrets/calls.ts'
import type { OnCall } from '../state/redis-link.ts'
import type { Readings } from './metrics.ts'
import { createTally, createTimings } from './tally.ts'

/** An answer that is over. */
export interface Answered {
  /** The method and the route's template with a blank between them, either of which may be empty. */
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
    const [method = '', template = ''] = route.split(' ')
    const word = METHODS.has(method) ? method : 'other'
    const labels = [method === '' ? NONE : word, template || NONE] as const
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

const createReadMeter = (isStore: (name: string) => boolean) => {
  const reads = createTally()
  const decisions = createTally()
  return {
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

/** Of stores and of Redis. */
const createCallMeter = () => {
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
    callsOf: (store: string): CallMeter => ({
      called: (operation, outcome, durationMs) => {
        calls.add([store, operation, outcome])
        durations.add([store, operation], durationMs)
      },
      refused: (operation, reason) => refusals.add([store, operation, reason])
    }),
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
  const { answered, readings: ofRequests } = createRequestMeter()
  const { observed, readings: ofReads } = createReadMeter(isStore)
  const { callsOf, redisCalls, readings: ofCalls } = createCallMeter()
  const limits = createTally()
  return {
    answered,
    observed,
    callsOf,
    redisCalls,
    limitReached: (limit: string): void => limits.add([limit]),
    readings: {
      ...ofRequests,
      ...ofReads,
      ...ofCalls,
      purser_limit_refusals_total: limits.samples
    } satisfies Partial<Readings>
  }
}
