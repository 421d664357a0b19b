/**
 * The limits of requests: per address, per key, of failed logins by address and by the trust that they named, and of reads
 * past the cache.
 */
export const LIMITS = ['address', 'key', 'failed-logins', 'failed-at-trust', 'fresh'] as const
export type LimitName = (typeof LIMITS)[number]
