/** Conditions of a read: what the caller has already, and how new it has to be (RFC 9110, 13.1.2; RFC 9111, 5.2.1). */
import type { Freshness } from '../broker/caller.ts'

/** Whether If-None-Match names the tag: weak comparison, a list, or `*`. */
export const hasIt = (ifNoneMatch = '', etag: string): boolean =>
  ifNoneMatch.split(',').some((one) => {
    const tag = one.trim().replace(/^W\//, '')
    return tag === etag || tag === '*'
  })

const NO_CACHE = /(?:^|[\s,])no-cache(?:$|[\s,])/i
const MAX_AGE = /(?:^|[\s,])max-age="?(\d{1,9})"?(?:$|[\s,])/i

/** Undefined for a header that demands nothing of the cache; directives that we do not know are ignored, as they should be. */
export const freshnessOf = (
  cacheControl: string | undefined,
  charge: Freshness['charge']
): Freshness | undefined => {
  if (cacheControl === undefined) return undefined
  if (NO_CACHE.test(cacheControl)) return { maxAgeMs: 0, charge }
  const seconds = MAX_AGE.exec(cacheControl)?.[1]
  return seconds === undefined ? undefined : { maxAgeMs: Number(seconds) * 1000, charge }
}
