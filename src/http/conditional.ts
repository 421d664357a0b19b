/** Conditions of a read: what the caller has already, and how new it has to be (RFC 9110, 13.1.2; RFC 9111, 5.2.1). */
import type { Freshness } from '../secrets/terms.ts'

/** Whether If-None-Match names the tag: weak comparison, a list, or `*`. */
export const hasIt = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch?.split(',').some((one) => {
    const tag = one.trim().replace(/^W\//, '')
    return tag === etag || tag === '*'
  }) ?? false

const SECONDS = /^"?(\d+)"?$/

/** How old an answer may be by that directive; a `max-age` that makes no sense demands the most. */
const secondsOf = (directive: string): number => {
  const [name = '', value = ''] = directive.split('=').map((part) => part.trim())
  if (name === 'max-age') return Number(SECONDS.exec(value)?.[1] ?? 0)
  return name === 'no-cache' ? 0 : Number.POSITIVE_INFINITY
}

/**
 * Undefined for a header that demands nothing of the cache. Of several demands the strictest counts; directives that we
 * do not know are ignored, as they should be.
 */
export const freshnessOf = (
  cacheControl: string | undefined,
  charge: Freshness['charge']
): Freshness | undefined => {
  if (cacheControl === undefined) return undefined
  const directives = cacheControl.toLowerCase().split(',')
  const seconds = Math.min(...directives.map(secondsOf))
  return seconds === Number.POSITIVE_INFINITY ? undefined : { maxAgeMs: seconds * 1000, charge }
}
