/**
 * Every figure of ours that a scrape shows, once: its name, its labels, what it says. The registry and docs/metrics.md
 * are made from this table. Rule: no label can hold the name of a secret, a client, a key or a bot, and each has a
 * closed set of values.
 */

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

const family =
  <T extends Family['type']>(type: T) =>
  (help: string, labels: readonly string[] = []) => ({ type, help, labels })

const counter = family('counter')
const gauge = family('gauge')
const histogram = family('histogram')

export const FAMILIES = {
  purser_http_requests_total: counter(
    'Requests that were answered or given up, by what was sent: the status and the problem code, or ok; aborted where the caller left',
    ['method', 'route', 'status', 'code']
  ),
  purser_http_request_duration_seconds: histogram(
    'From the head of a request to the end of its answer',
    ['method', 'route']
  ),
  purser_secret_reads_total: counter(
    'Reads of secrets as they ended: HIT, MISS, STALE, REVALIDATED, or the problem code of a refusal, which is audit_unavailable where the record failed',
    ['store', 'outcome']
  ),
  purser_decisions_total: counter(
    'Decisions, each an event for the audit trail: allowed, denied or failed, which is also what could not be recorded',
    ['action', 'outcome']
  ),
  purser_store_calls_total: counter(
    'Calls of a store: read, list, write, check, review or clock; ok, or the class of its fault',
    ['store', 'operation', 'outcome']
  ),
  purser_store_call_duration_seconds: histogram('How long a store took, its login included', [
    'store',
    'operation'
  ]),
  purser_store_refusals_total: counter(
    'Calls that no store was asked, since its breaker was open or its quota used up',
    ['store', 'operation', 'reason']
  ),
  purser_store_well: gauge('Whether the store is well, once it was heard of', ['store']),
  purser_store_trouble: gauge('Why it is not, as 1, in the words of /v1/admin/stores', [
    'store',
    'reason'
  ]),
  purser_store_breaker_state: gauge('0 closed, 1 half open, 2 open', ['store', 'operation']),
  purser_store_quota_used_ratio: gauge(
    "What is taken of this process's part of the store's quota; above 1 on credit",
    ['store']
  ),
  purser_cache_entries: gauge('What is kept in memory: secrets and tags', ['kind']),
  purser_cache_entries_max: gauge('How many there may be of each kind'),
  purser_cache_shared_lookups_total: counter(
    'Looks into the cache that replicas share: found or missing',
    ['kind', 'outcome']
  ),
  purser_cache_envelopes_refused_total: counter(
    'What replicas share and could not be used: damaged, moved, foreign, or put back after its end'
  ),
  purser_cache_envelopes_unfamiliar_total: counter(
    'What replicas share and is of another format, as replicas of a later version write it'
  ),
  purser_api_keys: gauge(
    'API keys that were seen and would be accepted, by the encryption key they were issued under and the time to their end; counted once a minute',
    ['kid', 'ends']
  ),
  purser_api_keys_counted_timestamp_seconds: gauge('When API keys were counted last'),
  purser_revocations_pending: gauge('Revocations that are in force here and not written yet'),
  purser_redis_up: gauge('Whether Redis answers; absent without REDIS_URL'),
  purser_redis_call_duration_seconds: histogram(
    'How long Redis took to answer: what replicas share, or the state',
    ['use']
  ),
  purser_redis_call_failures_total: counter('Calls that Redis refused or did not answer in time', [
    'use'
  ]),
  purser_limit_refusals_total: counter(
    'Requests that a limit refused: address, key, failed-logins, failed-at-trust or fresh',
    ['limit']
  ),
  purser_audit_lines_total: counter('Events of the audit trail that were written'),
  purser_audit_groups_total: counter(
    'Writes of the audit trail, each of one or more lines: written or failed',
    ['outcome']
  ),
  purser_audit_lag_seconds: gauge('How long the oldest line waits that is not written yet'),
  purser_audit_last_write_timestamp_seconds: gauge('When the audit trail was written last'),
  purser_audit_failing: gauge('Whether the last write of the audit trail failed'),
  purser_audit_sink_failing: gauge('Whether a sink of AUDIT_SINKS fails, required or not', [
    'sink'
  ]),
  purser_audit_sink_lost_groups_total: counter(
    'Groups of records that did not reach a sink which is not required',
    ['sink']
  ),
  purser_ready: gauge('What /readyz says, as 1: ok, degraded or unavailable', ['status']),
  purser_degraded: gauge('Why it is degraded, as 1, in the words of /readyz', ['reason']),
  purser_tls_certificate_expires_timestamp_seconds: gauge(
    'When a file of certificates ends, by the setting that names it, and the store whose setting it is; of several in it, the first',
    ['setting', 'store']
  ),
  purser_workers: gauge('How many processes there are to be')
} as const satisfies Record<string, Family>

export type FamilyName = keyof typeof FAMILIES
export type FamilyOf<T extends Family['type']> = {
  [N in FamilyName]: (typeof FAMILIES)[N]['type'] extends T ? N : never
}[FamilyName]
export const familyNames = Object.keys(FAMILIES) as FamilyName[]
