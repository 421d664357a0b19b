/**
 * What happened in this process in the last hour, minute by minute, for the console. Rule: it knows no name of a secret, a
 * client or a key, and takes the same memory whatever happens.
 */
import type { Observed } from '../audit/recorder.ts'
import type { CallMeter } from '../secrets/calls.ts'
import type { Answered } from './meter.ts'

interface Counts {
  requests: number
  /** Answered 401, 403 or 429. */
  refusals: number
  /** Answered 5xx. */
  failures: number
  /** Reads that were answered from the cache. */
  hits: number
  /** Reads for which a store was asked. */
  misses: number
  /** Calls to stores, but for checks. */
  upstream: number
}

export interface Minute extends Readonly<Counts> {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number
}

export interface History {
  readonly answered: (answer: Pick<Answered, 'route' | 'status'>) => void
  readonly observed: (observed: Pick<Observed, 'action' | 'cache'>) => void
  readonly called: (operation: Parameters<CallMeter['called']>[0]) => void
  /** The last 60, oldest first. */
  readonly minutes: () => readonly Minute[]
}

const MINUTES = 60
const MINUTE_MS = 60_000

const REFUSED: ReadonlySet<number> = new Set([401, 403, 429])
const CALLS: ReadonlySet<string> = new Set(['read', 'list', 'write'])

const none = (): Counts => ({
  requests: 0,
  refusals: 0,
  failures: 0,
  hits: 0,
  misses: 0,
  upstream: 0
})

/** `now` in milliseconds since the epoch. */
export const createHistory = (now: () => number): History => {
  const places = Array.from({ length: MINUTES }, () => ({ minute: -1, counts: none() }))
  const placeOf = (minute: number) => places[minute % MINUTES]
  const current = (): Counts => {
    const minute = Math.floor(now() / MINUTE_MS)
    const place = placeOf(minute)
    if (place === undefined) return none()
    if (place.minute !== minute) {
      place.minute = minute
      place.counts = none()
    }
    return place.counts
  }
  return {
    answered: ({ route, status }) => {
      // Whoever looks at the console sees what others ask, and not the looking.
      if (route.includes(' /console')) return
      const counts = current()
      counts.requests++
      if (REFUSED.has(status)) counts.refusals++
      if (status >= 500) counts.failures++
    },
    observed: ({ action, cache }) => {
      if (action !== 'secret.read' || cache === undefined) return
      if (cache === 'HIT' || cache === 'STALE') current().hits++
      else current().misses++
    },
    called: (operation) => {
      if (CALLS.has(operation)) current().upstream++
    },
    minutes: () => {
      const last = Math.floor(now() / MINUTE_MS)
      return Array.from({ length: MINUTES }, (_, i) => {
        const minute = last - MINUTES + 1 + i
        const place = placeOf(minute)
        const counts = place?.minute === minute ? place.counts : none()
        return { at: minute * MINUTE_MS, ...counts }
      })
    }
  }
}
