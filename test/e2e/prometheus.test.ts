/** Purser under a known load, seen by a real Prometheus: each panel of the dashboard shows it, and each alert is evaluated. */
import { spawnSync } from 'node:child_process'
import { type Test, test } from 'tap'
import { type ObservedLoad, startObserved } from '../support/observed-load.ts'
import { isInstalled, programOf, skipWithout } from '../support/peers.ts'
import { type Prometheus, panelQueries, startPrometheus } from '../support/prometheus.ts'
import { eventually, skipWithoutRedis } from '../support/redis.ts'

const ROUNDS = 20
/** The growth of a counter is told from samples around it: of twelve, `rate` makes a seventh more at the most. */
const SAMPLES = 12
const WINDOW = '5m'
const WINDOW_SECONDS = 300

type Check = (value: number) => boolean
/** By legend, the replicas called a and b, or the sum of several. What a query shows beside these is of scrapes and checks. */
type Expected = Readonly<Record<string, Check>>

const is =
  (wanted: number): Check =>
  (value) =>
    value === wanted
const between =
  (least: number, most: number): Check =>
  (value) =>
    value >= least && value <= most
/** `late`: of so many series the first one may not count, since they may begin after the first round. */
const times = (count: number, late = 0): Check =>
  between(((count - late) / WINDOW_SECONDS) * 0.999, (count / WINDOW_SECONDS) * 1.2)
const atLeast = (count: number): Check => between((count / WINDOW_SECONDS) * 0.999, Infinity)
const seconds = between(0, 60)
const some = between(Number.MIN_VALUE, Infinity)

/** For each query of each panel, in their order. */
const expectedOf = (seen: ReadonlyMap<number, number>) => {
  const refused = seen.get(401) ?? 0
  const limited = seen.get(429) ?? 0
  const n = ROUNDS
  return {
    Readiness: [
      { 'a degraded': is(1), 'a ok': is(0), 'b unavailable': is(0) },
      { 'a store_unreachable': is(1) }
    ],
    'Requests a second': [
      { 200: atLeast(3 * n), 403: times(n), 404: times(n), '503 + 504': times(n, 1) }
    ],
    'Refusals and failures by code': [
      {
        access_denied: times(n),
        'store_unavailable + store_timeout': times(n, 1),
        route_not_found: times(n),
        rate_limited: times(limited)
      }
    ],
    'Time of a request, by route (99th percentile)': [
      { 'GET /v1/secrets': seconds, 'GET none': seconds }
    ],
    'Requests by route': [{ 'GET /v1/secrets': times(6 * n), 'GET none': times(n) }],
    'Decisions on record': [
      {
        'secret.read allowed': times(3 * n),
        'secret.read denied': times(n),
        'secret.read failed': times(n),
        ...(refused > 0 ? { 'key.authenticate denied': times(refused) } : {})
      }
    ],
    'Reads by outcome': [
      {
        'local HIT': times(n),
        'local access_denied': times(n),
        'aws MISS + aws HIT': times(2 * n, 1),
        'vault store_unavailable + vault store_timeout': times(n, 1)
      }
    ],
    'Part of the reads that the cache answers': [{ local: is(1) }],
    'Cached in memory': [
      { 'b secrets': is(n + 2), 'a tags': is(0) },
      { 'a at the most, of each': is(10_000) }
    ],
    'Calls by outcome': [{ 'aws read ok': atLeast(n), 'vault read unavailable': some }],
    'Time of a call (95th percentile)': [{ 'aws read': seconds, 'vault read': seconds }],
    'Calls that no store was asked': [{ 'vault read breaker': some }],
    Trouble: [{ 'vault unreachable': is(1) }, { 'vault well': is(0), 'local well': is(1) }],
    'Breakers (2 is open)': [{ 'vault read': between(1, 2), 'local read': is(0) }],
    'Part of the quota that is used': [{ 'a aws': between(0.01, 0.2) }],
    'Redis answers': [{ a: is(1), b: is(1) }],
    'Time of a call (99th percentile), and failures a second': [
      { shared: seconds, state: seconds },
      {}
    ],
    'Shared cache': [
      { 'secrets found': some, 'secrets missing': atLeast(n) },
      { 'a envelopes refused': is(0), 'b envelopes refused': is(0) },
      { 'a envelopes of another version': is(0), 'b envelopes of another version': is(0) }
    ],
    'API keys by encryption key and time to their end': [{ 'kid never': is(1) }],
    'Seconds since they were counted': [{ a: between(0, 120), b: between(0, 120) }],
    'Revocations not written yet': [{ a: is(0), b: is(0) }],
    'Refused by limits': [{ 'failed-logins': times(limited) }],
    // None is configured there.
    'Seconds to the end of a certificate': [],
    'Events and writes a second': [
      { 'a events': atLeast(4 * n + refused), 'b events': times(n) },
      { 'a written': some, 'a failed': is(0), 'b failed': is(0) }
    ],
    'Wait for a write': [{ a: is(0), b: is(0) }],
    Failing: [{ a: is(0), b: is(0) }],
    'Seconds since the last write': [{ a: between(0, 300), b: between(0, 300) }],
    'Memory (RSS)': [{ 'a ': between(3e7, 1e9) }],
    CPU: [{ 'a ': between(1e-6, 2) }],
    'Event loop delay (99th percentile)': [{ 'a ': between(1e-6, 60) }],
    Workers: [{ a: is(1) }, { 'a wanted': is(1) }]
  } satisfies Readonly<Record<string, readonly Expected[]>>
}

const shownBy = async (
  { query }: Prometheus,
  { expr, legend }: ReturnType<typeof panelQueries>[number],
  { a, b }: ObservedLoad['replicas']
): Promise<Map<string, number>> => {
  const results = await query(expr)
  return new Map(
    results.map(({ metric, value }) => {
      const said = legend({ ...metric, ...('kid' in metric ? { kid: 'kid' } : {}) })
      return [said.replace(a, 'a').replace(b, 'b'), value]
    })
  )
}

const sumOf = (shown: ReadonlyMap<string, number>, legends: string): number => {
  const found = legends.split(' + ').flatMap((legend) => shown.get(legend) ?? [])
  return found.length === 0 ? NaN : found.reduce((sum, value) => sum + value)
}

/** Each query until it shows what it should, all within one time: what is counted falls out of the window again. */
const checkPanels = async (
  t: Test,
  prometheus: Prometheus,
  replicas: ObservedLoad['replicas'],
  expected: Readonly<Record<string, readonly Expected[]>>
): Promise<void> => {
  const queries = panelQueries(WINDOW)
  t.same([...new Set(queries.map(({ title }) => title))], Object.keys(expected))
  const left = new Map(Object.entries(expected).map(([title, all]) => [title, [...all]]))
  let awaited = queries.map((one) => ({
    one,
    checks: left.get(one.title)?.shift(),
    shown: new Map<string, number>()
  }))
  const isShown = async (panel: (typeof awaited)[number]): Promise<boolean> => {
    panel.shown = await shownBy(prometheus, panel.one, replicas)
    return (
      (panel.shown.size > 0 || panel.checks === undefined) &&
      Object.entries(panel.checks ?? {}).every(([legends, check]) =>
        check(sumOf(panel.shown, legends))
      )
    )
  }
  await eventually(async () => {
    const still: typeof awaited = []
    for (const panel of awaited) if (!(await isShown(panel))) still.push(panel)
    awaited = still
    return still.length === 0
  }, 75_000).catch(() => {})
  t.same(
    awaited.map(({ one, shown }) => `${one.title}: ${one.expr}: ${JSON.stringify([...shown])}`),
    [],
    `${queries.length} queries show what happened`
  )
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { name: string; health: string; state: string; lastError?: string }[]
  }[]
}

/** Those that are pending or firing. */
const raised = async (t: Test, { ask }: Prometheus): Promise<readonly string[]> => {
  const { groups } = await ask<Rules>('rules')
  const rules = groups.flatMap((group) => group.rules)
  t.ok(rules.length > 20)
  for (const { name, health, lastError } of rules) t.equal(health, 'ok', `${name}: ${lastError}`)
  return rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name)
}

/** What promtool has against our figures, as they are written. */
const lint = async ({ replicas, metricsToken }: ObservedLoad): Promise<string> => {
  const answer = await fetch(`http://${replicas.a}/internal/metrics`, {
    headers: { authorization: `Bearer ${metricsToken}` }
  })
  const { stdout, stderr } = spawnSync(programOf('promtool') ?? '', ['check', 'metrics'], {
    input: await answer.text(),
    encoding: 'utf8',
    timeout: 60_000
  })
  return (stdout + stderr)
    .split('\n')
    .filter((line) => /error|purser_/.test(line))
    .join('\n')
}

/** Prometheus has seen so many answers, and as many samples since the first of them. */
const hasSeen = async ({ query }: Prometheus, count: number, samples: number): Promise<boolean> => {
  const series = 'purser_http_requests_total{route="/v1/secrets"}'
  const [total] = await query(`sum(${series})`)
  const [least] = await query(`min(count_over_time(${series}[${WINDOW}]))`)
  return total?.value === count && (least?.value ?? 0) >= samples
}

test('under a known load each panel of the dashboard shows what happened, and each alert is evaluated', async (t) => {
  if (await skipWithoutRedis(t)) return
  if (skipWithout(t, await isInstalled('prometheus'))) return
  const load = await startObserved(t)
  const { replicas, metricsToken, rounds, redis, tamper } = load
  const prometheus = await startPrometheus(t, Object.values(replicas), metricsToken)
  // One more round, since the limit begins after the first refusal.
  await rounds(2)
  await eventually(() => hasSeen(prometheus, 2 * 6, 1))
  const seen = await rounds(ROUNDS)
  await eventually(() => hasSeen(prometheus, (2 + ROUNDS) * 6, SAMPLES))
  await checkPanels(t, prometheus, replicas, expectedOf(seen))
  t.equal(await lint(load), '')
  const up = await raised(t, prometheus)
  for (const name of ['PurserDegraded', 'PurserErrors', 'PurserStoreNotWell', 'PurserReadsFail']) {
    t.ok(up.includes(name), name)
  }
  for (const name of ['PurserDown', 'PurserNotReady', 'PurserAuditFailing', 'PurserRedisDown']) {
    t.notOk(up.includes(name), name)
  }

  await tamper()
  const shows = (expr: string) => async () => ((await prometheus.query(expr))[0]?.value ?? 0) > 0
  await eventually(shows(`sum(rate(purser_cache_envelopes_refused_total[${WINDOW}]))`))
  await eventually(async () => (await raised(t, prometheus)).includes('PurserEnvelopesRefused'))
  await redis.kill()
  await rounds(1)
  await eventually(shows(`sum(rate(purser_redis_call_failures_total[${WINDOW}]))`))
  await eventually(async () => (await raised(t, prometheus)).includes('PurserRedisDown'))
})
