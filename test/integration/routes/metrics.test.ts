// What a scrape shows, to whom, and that it moves as what happens says.
import { readFileSync } from 'node:fs'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { documentedNames } from '../../../scripts/metrics.ts'
import { FAMILIES, familyNames } from '../../../src/telemetry/families.ts'
import { awsDialect } from '../../kinds/aws/fake.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { canaryOf, createCanary } from '../../support/canary.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { listenOn } from '../../support/raw-http.ts'
import { eventually } from '../../support/redis.ts'
import { type Scraped, scrape } from '../../support/scrape.ts'
import { openWire, type WireBehaviour } from '../../support/wire.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'] }]
`

const internal = ({ internalSecret }: TestApp) => ({ 'x-internal-secret': internalSecret })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const scraped = (built: TestApp): Promise<Scraped> => scrape(built.app.server, internal(built))

/** Over sockets, where answers are counted. */
const listening = async (t: Test, options: Parameters<typeof buildTestApp>[1]) => {
  const built = await buildTestApp(t, options)
  const port = await listenOn(built.app.server)
  const key = await issueKey(built.keyring, 'app', 'rw')
  const ask = (path: string, headers: Record<string, string> = bearer(key), method = 'GET') =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { ...headers } })
  return { built, key, ask }
}

test('the internal secret opens the figures, and so does a metrics token', async (t) => {
  const [token, next] = [randomSecret(), randomSecret()]
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { METRICS_TOKEN: `${token},${next}`, LOG_LEVEL: 'info' }
  })
  const ask = (headers: Record<string, string>) =>
    built.app.server.inject({ url: '/internal/metrics', headers })
  for (const headers of [internal(built), bearer(token), bearer(next)]) {
    const { statusCode, headers: said, body } = await ask(headers)
    t.equal(statusCode, 200)
    t.equal(said['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    t.equal(said['cache-control'], 'no-store')
    t.match(body, /^# TYPE purser_http_requests_total counter$/m)
  }
  const refused: Record<string, string>[] = [
    {},
    bearer(randomSecret()),
    bearer(built.internalSecret),
    { authorization: `ApiKey ${token}` },
    { 'x-internal-secret': token },
    { 'x-internal-secret': randomSecret() },
    bearer(await issueKey(built.keyring, 'app', 'rw', { scopes: ['aura-admin'] }))
  ]
  for (const headers of refused) {
    await assertProblem(t, await ask(headers), { code: 'authentication_required' })
  }
  const both = { ...internal(built), ...bearer(token) }
  await assertProblem(t, await ask(both), { code: 'conflicting_credentials' })
})

test('what may be counted begins at 0, so that the first of it is an increase, and with no more series than that', async (t) => {
  const { value, labels } = await scraped(
    await buildTestApp(t, {
      yaml: `stores: [{ name: local, kind: local }, { name: kv, kind: azure-key-vault, vaultUrl: https://acme-kv.vault.azure.net }]`
    })
  )
  const zeros: readonly (readonly [string, Record<string, string>])[] = [
    ['purser_http_requests_total', { route: '/v1/secrets', code: 'internal_error' }],
    ['purser_secret_reads_total', { store: 'local', outcome: 'HIT' }],
    ['purser_secret_reads_total', { store: 'kv', outcome: 'STALE' }],
    ['purser_secret_reads_total', { store: 'kv', outcome: 'store_timeout' }],
    ['purser_secret_reads_total', { store: 'none', outcome: 'access_denied' }],
    ['purser_decisions_total', { action: 'key.authenticate', outcome: 'denied' }],
    ['purser_decisions_total', { action: 'config.reload', outcome: 'failed' }],
    ['purser_store_calls_total', { store: 'kv', operation: 'read', outcome: 'throttled' }],
    ['purser_store_calls_total', { store: 'kv', operation: 'check', outcome: 'denied' }],
    ['purser_store_refusals_total', { store: 'kv', operation: 'read', reason: 'breaker' }],
    ['purser_store_refusals_total', { store: 'local', operation: 'write', reason: 'quota' }],
    ['purser_limit_refusals_total', { limit: 'failed-logins' }],
    ['purser_audit_lines_total', {}],
    ['purser_audit_groups_total', { outcome: 'failed' }]
  ]
  for (const [name, own] of zeros) t.equal(value(name, own), 0, `${name} ${JSON.stringify(own)}`)
  const bounds = {
    purser_secret_reads_total: 40,
    purser_decisions_total: 100,
    purser_store_calls_total: 80,
    purser_store_refusals_total: 12,
    purser_limit_refusals_total: 5,
    purser_http_requests_total: 160
  }
  for (const [name, most] of Object.entries(bounds)) {
    const { length } = labels(name)
    t.ok(length > 0 && length <= most, `${name}: ${length}`)
  }
})

test('a metrics token opens no other route, whichever header it stands in', async (t) => {
  const token = randomSecret()
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { METRICS_TOKEN: token, DOCS_ENABLED: 'true' }
  })
  const { paths } = parse(readFileSync('openapi.yaml', 'utf8'))
  let asked = 0
  for (const [path, operations] of Object.entries<Record<string, { security?: unknown[] }>>(
    paths
  )) {
    for (const [method, { security }] of Object.entries(operations)) {
      if (path === '/internal/metrics' || security === undefined || security.length === 0) continue
      for (const headers of [
        bearer(token),
        { 'x-api-key': token },
        { 'x-internal-secret': token }
      ]) {
        const url = path.replaceAll(/\{\w+\}/g, 'x')
        const answer = await built.app.server.inject({
          method: method.toUpperCase() as 'GET',
          url,
          headers: { ...headers }
        })
        t.equal(answer.statusCode, 401, `${method} ${path}`)
        asked++
      }
    }
  }
  t.ok(asked > 100, 'all of them')
})

test('the configuration says that there is a token, and not which', async (t) => {
  const token = randomSecret()
  const built = await buildTestApp(t, { yaml: YAML, env: { METRICS_TOKEN: token } })
  const { ask } = await built.as('operator', 'r', { scopes: ['aura-admin'] })
  const shown = await ask('GET', '/v1/admin/config')
  t.equal(shown.json().settings.METRICS_TOKEN, '(set)')
  t.same(canaryOf(token).findIn(shown.body + built.logs.join('\n')), [])
})

test('a reload takes another token over', async (t) => {
  const [token, next] = [randomSecret(), randomSecret()]
  const built = await buildTestApp(t, { yaml: YAML, env: { METRICS_TOKEN: token } })
  const statusWith = async (one: string) =>
    (await built.app.server.inject({ url: '/internal/metrics', headers: bearer(one) })).statusCode
  await built.reload({ env: { METRICS_TOKEN: next } })
  t.same([await statusWith(token), await statusWith(next)], [401, 200])
})

test('where METRICS_ENABLED is false there are no figures', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML, env: { METRICS_ENABLED: 'false' } })
  const answer = await built.app.server.inject({
    url: '/internal/metrics',
    headers: internal(built)
  })
  await assertProblem(t, answer, { code: 'route_not_found' })
  t.same(await built.app.figures(), [], 'nor does anything count')
})

test('what a scrape shows is what docs/metrics.md says, and the other way round', async (t) => {
  const { names } = await scraped(await buildTestApp(t, { yaml: YAML }))
  const documented = documentedNames(readFileSync('docs/metrics.md', 'utf8'))
  t.same(documented.slice(0, familyNames.length), familyNames)
  t.ok(documented.includes('process_resident_memory_bytes'))
  t.ok(documented.includes('nodejs_eventloop_lag_p99_seconds'))
  t.same([...names].sort(), [...documented].sort())
})

test('what there is nothing to tell of has no value', async (t) => {
  const { value } = await scraped(await buildTestApp(t, { yaml: YAML }))
  t.equal(value('purser_redis_up'), undefined)
  t.equal(value('purser_cache_envelopes_refused_total'), undefined)
  t.equal(value('purser_cache_envelopes_unfamiliar_total'), undefined)
  t.equal(value('purser_audit_last_write_timestamp_seconds'), undefined)
  t.equal(value('purser_workers'), 1)
})

test('labels are those of the table', async (t) => {
  const { built, ask } = await listening(t, { yaml: YAML })
  await built.seed('local', 'a', 'v')
  await ask('/v1/secrets?ref=local:a')
  await eventually(
    async () => (await scraped(built)).labels('purser_http_requests_total').length > 0
  )
  const found = await scraped(built)
  for (const name of familyNames) {
    const { type, labels } = FAMILIES[name]
    const series = type === 'histogram' ? `${name}_count` : name
    for (const one of found.labels(series)) t.same(Object.keys(one), labels, name)
  }
})

test('requests and reads are counted as they were answered', async (t) => {
  const { built, key, ask } = await listening(t, { yaml: YAML })
  await built.seed('local', 'a', 'v')
  const read = '/v1/secrets?ref=local:a'
  const first = await ask(read)
  for (let n = 0; n < 4; n++) await ask(read)
  await ask(read, bearer(key), 'HEAD')
  await ask(read, { ...bearer(key), 'if-none-match': first.headers.get('etag') ?? '' })
  await ask(read, { ...bearer(key), 'cache-control': 'no-cache' })
  await ask('/v1/secrets?ref=local:none')
  for (const name of ['other', 'acme', 'whatever']) await ask(`/v1/secrets?ref=${name}:a`)
  await ask(read, bearer('nonsense'))
  await ask(read, {})
  await ask('/v1/nothing')
  const total = async () => (await scraped(built)).value('purser_http_requests_total')
  await eventually(async () => (await total()) === 15)
  const { value, labels } = await scraped(built)
  const route = '/v1/secrets'
  const requests = (more: object) => value('purser_http_requests_total', { route, ...more })
  t.equal(requests({ method: 'GET', status: '200', code: 'ok' }), 6)
  t.equal(requests({ method: 'HEAD', status: '200', code: 'ok' }), 1)
  t.equal(requests({ method: 'GET', status: '304', code: 'ok' }), 1)
  t.equal(requests({ status: '404', code: 'secret_not_found' }), 1)
  t.equal(requests({ status: '403', code: 'access_denied' }), 3)
  t.equal(requests({ status: '401', code: 'invalid_api_key' }), 1)
  t.equal(requests({ status: '401', code: 'authentication_required' }), 1)
  t.equal(value('purser_http_requests_total', { route: 'none', status: '404' }), 1)
  t.equal(value('purser_http_request_duration_seconds_count', { route }), 14)
  t.equal(value('purser_http_request_duration_seconds_bucket', { route, le: '+Inf' }), 14)
  t.ok((value('purser_http_request_duration_seconds_sum', { route }) ?? 0) > 0)
  const reads = (outcome: string) => value('purser_secret_reads_total', { store: 'local', outcome })
  t.equal(reads('MISS'), 1)
  t.equal(reads('HIT'), 5)
  // A browser's fetch asks for a fresh value where it asks for another one.
  t.equal(reads('REVALIDATED'), 2)
  t.equal(reads('secret_not_found'), 1)
  t.equal(value('purser_secret_reads_total', { store: 'none', outcome: 'access_denied' }), 3)
  t.same([...new Set(labels('purser_secret_reads_total').map(({ store }) => store))].sort(), [
    'local',
    'none'
  ])
  t.equal(value('purser_decisions_total', { action: 'secret.read', outcome: 'denied' }), 3)
  t.equal(value('purser_decisions_total', { action: 'key.authenticate', outcome: 'denied' }), 2)
  const written = value('purser_audit_lines_total') ?? 0
  t.equal(written, value('purser_decisions_total'), 'each is a line of the trail')
  t.ok((value('purser_audit_groups_total', { outcome: 'written' }) ?? 0) <= written)
  t.equal(value('purser_audit_groups_total', { outcome: 'failed' }), 0)
  t.equal(value('purser_audit_failing'), 0)
  t.equal(value('purser_cache_entries', { kind: 'secrets' }), 1)
  t.equal(value('purser_cache_entries_max'), 10_000)
})

const upstream = async (t: Test, behaviour: WireBehaviour, quota = '') => {
  const aws = await openWire(t, awsDialect, behaviour)
  Object.assign(process.env, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.loginUrl}/credentials`
  })
  t.teardown(() => void delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
  const yaml = `
stores:
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${aws.url}'${quota} }
policies: [{ client: app, read: ['aws:**'] }]
`
  const built = await buildTestApp(t, { yaml, env: { CACHE_NEGATIVE_TTL_SECONDS: '0' } })
  return { built, read: (await built.as('app')).read }
}

test('the calls of a store are counted with what came of them, and what it took', async (t) => {
  const { built, read } = await upstream(
    t,
    { read: 'found', text: 'x' },
    ', quota: { perSecond: 1, burst: 4 }'
  )
  await read('aws:a')
  await read('aws:a')
  await read('aws:b')
  const { value } = await scraped(built)
  const calls = { store: 'aws', operation: 'read', outcome: 'ok' }
  t.equal(value('purser_store_calls_total', calls), 2)
  t.equal(value('purser_store_call_duration_seconds_count', { store: 'aws', operation: 'read' }), 2)
  const used = value('purser_store_quota_used_ratio', { store: 'aws' }) ?? 0
  t.ok(used > 0 && used <= 0.5, 'of four')
  for (let n = 0; n < 8; n++) await read(`aws:more-${n}`)
  const later = await scraped(built)
  const refused = { store: 'aws', operation: 'read', reason: 'quota' }
  t.ok((later.value('purser_store_refusals_total', refused) ?? 0) > 0)
  t.equal(later.value('purser_store_breaker_state', { store: 'aws', operation: 'read' }), 0)
})

test('a store that fails shows: the class of its fault, its breaker, and that it is not well', async (t) => {
  const down = { read: 'status', status: 500, type: 'text/plain', body: 'no' } as const
  const { built, read } = await upstream(t, down)
  for (let n = 0; n < 7; n++) await read(`aws:secret-${n}`)
  const { value } = await scraped(built)
  const store = 'aws'
  t.equal(
    value('purser_store_calls_total', { store, operation: 'read', outcome: 'unavailable' }),
    5
  )
  t.equal(value('purser_store_refusals_total', { store, operation: 'read', reason: 'breaker' }), 2)
  t.equal(value('purser_store_breaker_state', { store, operation: 'read' }), 2)
  t.equal(value('purser_store_breaker_state', { store, operation: 'write' }), 0)
  t.equal(value('purser_store_well', { store }), 0)
  t.equal(value('purser_secret_reads_total', { store, outcome: 'store_unavailable' }), 7)
})

test('limits are counted by their names', async (t) => {
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '2', RATE_LIMIT_AUTH_FAILURES_MAX: '1' }
  })
  const { ask } = await built.as('app')
  for (let n = 0; n < 5; n++) await ask('GET', '/v1/whoami')
  for (let n = 0; n < 3; n++) await built.withKey('nonsense').ask('GET', '/v1/whoami')
  const { value } = await scraped(built)
  t.equal(value('purser_limit_refusals_total', { limit: 'key' }), 3)
  t.equal(value('purser_limit_refusals_total', { limit: 'failed-logins' }), 2)
})

test('API keys are counted by their encryption key and their end', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const day = 86_400
  const now = Math.floor(Date.now() / 1000)
  for (const lifetimeSeconds of [undefined, day / 2, 20 * day, 25 * day]) {
    await (await built.as('app', 'r', { lifetimeSeconds })).ask('GET', '/v1/whoami')
  }
  const kid = built.keyring.active.kid
  await scraped(built)
  await eventually(async () => (await scraped(built)).value('purser_api_keys') === 4)
  const { value } = await scraped(built)
  t.equal(value('purser_api_keys', { kid, ends: 'never' }), 1)
  t.equal(value('purser_api_keys', { kid, ends: '1d' }), 1)
  t.equal(value('purser_api_keys', { kid, ends: '30d' }), 2)
  t.ok((value('purser_api_keys_counted_timestamp_seconds') ?? 0) >= now - 1)
  t.equal(value('purser_revocations_pending'), 0)
})

test('no name, no key and no value is in a scrape', async (t) => {
  const [secret, token] = [createCanary(), randomSecret()]
  const { built, key, ask } = await listening(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: '*', read: ['local:**'] }]
secrets: { canary-name: 'local:canary-path/x' }
`,
    env: { METRICS_TOKEN: token }
  })
  await built.seed('local', 'canary-path/x', secret.token)
  const strange = encodeURIComponent(secret.token)
  for (const path of [
    '/v1/secrets?ref=local:canary-path/x',
    '/v1/secrets/canary-name',
    `/v1/secrets?ref=${strange}:a`,
    `/v1/secrets?ref=local:${strange}`,
    `/v1/${strange}`,
    '/v1/bots/canary-bot/credentials',
    '/v1/admin/keys/canary-key'
  ]) {
    await ask(path)
  }
  await eventually(
    async () => ((await scraped(built)).value('purser_http_requests_total') ?? 0) >= 7
  )
  const { text } = await scraped(built)
  const hidden = { secret, token: canaryOf(token), key: canaryOf(key), name: canaryOf('canary') }
  for (const [name, canary] of Object.entries(hidden)) t.same(canary.findIn(text), [], name)
  t.notMatch(text, /client|"app"/)
  t.notMatch(built.logs.join('\n'), token)
})
