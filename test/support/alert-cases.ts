/**
 * For each alert of deploy/prometheus/alerts.yaml: what makes it fire, until when it must not and from when it must, and
 * what comes close and must never. Series are in promtool's notation, a sample every fifteen seconds.
 */

type Series = Readonly<Record<string, string>>

export interface AlertCase {
  readonly series: Series
  /** The last moment without it, and the first with it. */
  readonly quietAt: string
  readonly firesAt: string
  readonly labels: Readonly<Record<string, string>>
  readonly summary: string
  readonly never: Series
}

const A = { instance: 'a' }
const critical = { severity: 'critical' }
const warning = { severity: 'warning' }

const requests = (labels: string): string => `purser_http_requests_total{instance="a",${labels}}`
const reads = (outcome: string): string =>
  `purser_secret_reads_total{instance="a",store="s",outcome="${outcome}"}`
const bucket = (le: string): string =>
  `purser_http_request_duration_seconds_bucket{instance="a",method="GET",route="/v1/secrets",le="${le}"}`
const certificate = (setting: string): string =>
  `purser_tls_certificate_expires_timestamp_seconds{instance="a",setting="${setting}"}`
/** In seconds; promtool's time begins at 0. */
const DAY = 86_400
/** So many more with each sample. */
const growing = (by: number): string => `0+${by}x240`

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  PurserDown: {
    series: { 'up{job="purser",instance="a"}': '1x7 0x40' },
    quietAt: '2m45s',
    firesAt: '3m',
    labels: { ...A, ...critical, job: 'purser' },
    summary: 'a cannot be scraped',
    never: { 'up{job="other",instance="a"}': '0x240', 'up{job="purser",instance="a"}': '1x240' }
  },
  PurserNotReady: {
    series: { 'purser_ready{instance="a",status="unavailable"}': '1x40' },
    quietAt: '45s',
    firesAt: '1m',
    labels: { ...A, ...critical },
    summary: 'a answers no reads',
    never: { 'purser_ready{instance="a",status="degraded"}': '1x240' }
  },
  PurserDegraded: {
    series: { 'purser_degraded{instance="a",reason="redis_unreachable"}': '1x80' },
    quietAt: '9m45s',
    firesAt: '10m',
    labels: { ...A, ...warning, reason: 'redis_unreachable' },
    summary: 'a is degraded: redis_unreachable',
    // It comes and goes.
    never: {
      'purser_degraded{instance="a",reason="redis_unreachable"}': '1x38 stale _x4 1x38 stale'
    }
  },
  PurserWorkerMissing: {
    series: {
      'process_start_time_seconds{job="purser",instance="a",worker="1"}': '5x40',
      'purser_workers{job="purser",instance="a",worker="1"}': '2x40'
    },
    quietAt: '1m45s',
    firesAt: '2m',
    labels: { ...A, ...warning },
    summary: 'a has fewer workers than it should',
    never: {
      'process_start_time_seconds{job="purser",instance="a",worker="1"}': '5x240',
      'process_start_time_seconds{job="purser",instance="a",worker="2"}': '5x240',
      'purser_workers{job="purser",instance="a",worker="1"}': '2x240',
      'purser_workers{job="purser",instance="a",worker="2"}': '2x240'
    }
  },
  PurserErrors: {
    series: {
      [requests('status="200",code="ok"')]: growing(90),
      [requests('status="503",code="store_unavailable"')]: growing(10)
    },
    quietAt: '5m',
    firesAt: '5m15s',
    labels: { ...A, ...warning },
    summary: 'a answers 10% of its requests with 5xx',
    never: {
      [requests('status="200",code="ok"')]: growing(90),
      [requests('status="404",code="secret_not_found"')]: growing(10),
      [requests('status="503",code="overloaded"')]: growing(5)
    }
  },
  PurserUnexpectedErrors: {
    // The very first one: its series is not there before.
    series: { [requests('status="500",code="internal_error"')]: '_x40 1x80' },
    quietAt: '9m45s',
    firesAt: '10m',
    labels: { ...A, ...warning },
    summary: 'a failed in a way that nobody expected',
    never: { [requests('status="503",code="store_unavailable"')]: growing(1) }
  },
  PurserSlow: {
    series: {
      [bucket('1')]: growing(980),
      [bucket('2.5')]: growing(1000),
      [bucket('+Inf')]: growing(1000)
    },
    quietAt: '10m',
    firesAt: '10m15s',
    labels: { ...A, ...warning },
    summary: 'one read in a hundred of a takes longer than a second',
    never: {
      [bucket('1')]: growing(995),
      [bucket('2.5')]: growing(1000),
      [bucket('+Inf')]: growing(1000)
    }
  },
  PurserEventLoopLag: {
    series: { 'nodejs_eventloop_lag_p99_seconds{job="purser",instance="a"}': '0.11x40' },
    quietAt: '4m45s',
    firesAt: '5m',
    labels: { ...A, ...warning },
    summary: 'a has more to do than a core can',
    never: {
      'nodejs_eventloop_lag_p99_seconds{job="other",instance="a"}': '1x240',
      'nodejs_eventloop_lag_p99_seconds{job="purser",instance="a"}': '0.1x240'
    }
  },
  PurserAuditFailing: {
    series: { 'purser_audit_failing{instance="a"}': '0x3 1x40' },
    quietAt: '1m15s',
    firesAt: '1m30s',
    labels: { ...A, ...critical },
    summary: 'a cannot write its audit trail',
    never: { 'purser_audit_failing{instance="a"}': '0x40 1 0x199' }
  },
  PurserAuditLag: {
    series: { 'purser_audit_lag_seconds{instance="a"}': '1.5x40' },
    quietAt: '45s',
    firesAt: '1m',
    labels: { ...A, ...warning },
    summary: 'the disk of a keeps answers waiting for the audit trail',
    never: { 'purser_audit_lag_seconds{instance="a"}': '1x240' }
  },
  PurserAuditSinkFailing: {
    series: {
      'purser_audit_sink_failing{instance="a",sink="redis"}': '0x3 1x40',
      'purser_audit_sink_failing{instance="a",sink="file"}': '0x44'
    },
    quietAt: '2m45s',
    firesAt: '3m',
    labels: { ...A, ...warning, sink: 'redis' },
    summary: 'a cannot write its audit trail to redis',
    never: { 'purser_audit_sink_failing{instance="a",sink="redis"}': '0x20 1x6 0x200' }
  },
  PurserStoreNotWell: {
    series: { 'purser_store_trouble{instance="a",store="s",reason="unreachable"}': '1x40' },
    quietAt: '4m45s',
    firesAt: '5m',
    labels: { ...A, ...warning, store: 's', reason: 'unreachable' },
    summary: 's is not well: unreachable',
    never: { 'purser_store_well{instance="a",store="s"}': '1x240' }
  },
  PurserReadsFail: {
    series: { [reads('HIT')]: growing(9), [reads('store_unavailable')]: growing(1) },
    quietAt: '5m',
    firesAt: '5m15s',
    labels: { ...critical, store: 's' },
    summary: '10% of the reads of s fail',
    never: {
      [reads('HIT')]: growing(96),
      [reads('store_unavailable')]: growing(4),
      [reads('access_denied')]: growing(100)
    }
  },
  PurserServesStale: {
    series: { [reads('STALE')]: growing(1) },
    quietAt: '10m',
    firesAt: '10m15s',
    labels: { ...warning, store: 's' },
    summary: 'secrets of s are served past their time',
    never: { [reads('HIT')]: growing(1), [reads('STALE')]: '7x240' }
  },
  PurserQuotaNearlyUsed: {
    series: { 'purser_store_quota_used_ratio{instance="a",store="s"}': '0.95x40' },
    quietAt: '4m45s',
    firesAt: '5m',
    labels: { ...A, ...warning, store: 's' },
    summary: 'a has hardly any calls of s left',
    never: { 'purser_store_quota_used_ratio{instance="a",store="s"}': '0.9x240' }
  },
  PurserRedisDown: {
    series: { 'purser_redis_up{instance="a"}': '0x40' },
    quietAt: '1m45s',
    firesAt: '2m',
    labels: { ...A, ...warning },
    summary: 'a goes on without Redis',
    never: { 'purser_redis_up{instance="a"}': '1x40 0x6 1x190' }
  },
  PurserRedisFull: {
    series: { 'purser_degraded{instance="a",reason="redis_full"}': '1x10' },
    quietAt: '45s',
    firesAt: '1m',
    labels: { ...A, ...critical },
    summary: 'Redis has no room: nothing that changes is kept',
    never: { 'purser_degraded{instance="a",reason="redis_unreachable"}': '1x30 stale' }
  },
  PurserRevocationsPending: {
    series: { 'purser_revocations_pending{instance="a"}': '2x10' },
    quietAt: '45s',
    firesAt: '1m',
    labels: { ...A, ...critical },
    summary: 'a has revoked keys that others may still accept',
    never: { 'purser_revocations_pending{instance="a"}': '0x240' }
  },
  PurserEnvelopesRefused: {
    series: { 'purser_cache_envelopes_refused_total{instance="a"}': '0x39 1x80' },
    quietAt: '9m45s',
    firesAt: '10m',
    labels: { ...A, ...critical },
    summary: 'somebody changes what a keeps in Redis',
    never: { 'purser_cache_envelopes_refused_total{instance="a"}': '3x240' }
  },
  // Two a second: only half of five minutes of them are one a second.
  PurserFailedLogins: {
    series: {
      'purser_decisions_total{instance="a",action="key.authenticate",outcome="denied"}':
        growing(15),
      'purser_decisions_total{instance="a",action="key.login",outcome="denied"}': growing(15)
    },
    quietAt: '7m30s',
    firesAt: '7m45s',
    labels: { ...A, ...warning },
    summary: 'a refuses more than a login a second',
    never: {
      'purser_decisions_total{instance="a",action="key.authenticate",outcome="denied"}':
        growing(15),
      'purser_decisions_total{instance="a",action="secret.read",outcome="denied"}': growing(150)
    }
  },
  PurserDenials: {
    series: { [reads('access_denied')]: growing(30) },
    quietAt: '7m30s',
    firesAt: '7m45s',
    labels: { ...warning, store: 's' },
    summary: 'somebody asks again and again for what no rule allows in s',
    never: { [reads('access_denied')]: growing(15), [reads('HIT')]: growing(1500) }
  },
  PurserLimitReached: {
    series: { 'purser_limit_refusals_total{instance="a",limit="key"}': growing(30) },
    quietAt: '7m30s',
    firesAt: '7m45s',
    labels: { ...A, severity: 'info', limit: 'key' },
    summary: 'the limit key refuses more than a request a second',
    never: { 'purser_limit_refusals_total{instance="a",limit="key"}': growing(15) }
  },
  PurserKeysEnd: {
    series: {
      'purser_api_keys{instance="a",kid="k",ends="7d"}': '4x300',
      'purser_api_keys{instance="b",kid="k",ends="7d"}': '4x300'
    },
    quietAt: '59m45s',
    firesAt: '60m',
    labels: { ...warning, kid: 'k', ends: '7d' },
    summary: '4 API keys end within 7d',
    never: { 'purser_api_keys{instance="a",kid="k",ends="30d"}': '9x300' }
  },
  PurserCertificateEnds: {
    series: { [certificate('TLS_CERT_FILE')]: `${DAY}x300` },
    quietAt: '59m45s',
    firesAt: '60m',
    labels: { ...A, ...warning, setting: 'TLS_CERT_FILE' },
    summary: 'a certificate of TLS_CERT_FILE at a ends within 23h 0m 0s',
    never: { [certificate('TLS_CERT_FILE')]: `${8 * DAY}x300` }
  }
}
