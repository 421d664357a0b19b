/** The limits of requests: per address, per key, of failed logins, and of reads past the cache. */
export const LIMITS = ['address', 'key', 'failed-logins', 'fresh'] as const
export type LimitName = (typeof LIMITS)[number]
