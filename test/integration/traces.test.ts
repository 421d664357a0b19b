// What is exported of requests, to a collector that speaks OTLP, and what peers are told of them.
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { type Test, test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import { createTracer } from '../../src/telemetry/tracing.ts'
import { awsDialect } from '../kinds/aws/fake.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { canaryOf, createCanary } from '../support/canary.ts'
import { startDirectLine } from '../support/fake-direct-line.ts'
import { issueKey, randomSecret } from '../support/keys.ts'
import {
  type Collector,
  type Exported,
  openCollector,
  setVariables
} from '../support/otlp-collector.ts'
import { exchange, lines, listenOn } from '../support/raw-http.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { closedPort, openWire, type Wire, type WireBehaviour } from '../support/wire.ts'
import { withResolvers } from '../support/with-resolvers.ts'

const LOCAL = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'], write: ['local:**'] }]
`

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const traceparent = (flags = '01') => ({ traceparent: `00-${TRACE}-${CALLER}-${flags}` })

interface Traced {
  readonly built: TestApp
  readonly port: number
  readonly key: string
  readonly ask: (
    path: string,
    headers?: Record<string, string>,
    init?: RequestInit
  ) => Promise<Response>
  /** Ends the service in order, and gives what was exported by then. */
  readonly exported: () => Promise<readonly Exported[]>
}

/** Over sockets, since the end of an answer is that of its socket's turn. */
const serving = async (
  t: Test,
  { environ, spans }: Pick<Collector, 'environ' | 'spans'>,
  yaml = LOCAL,
  env: Environ = {}
): Promise<Traced> => {
  const built = await buildTestApp(t, { yaml, env: { ...environ, ...env } })
  const port = await listenOn(built.app.server)
  const key = await issueKey(built.keyring, 'app', 'rw')
  return {
    built,
    port,
    key,
    ask: async (path, headers = {}, init = {}) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, ...headers }
      })
      await answer.arrayBuffer()
      return answer
    },
    exported: async () => {
      await built.app.close()
      return spans()
    }
  }
}

const named = (spans: readonly Exported[], name: string): Exported => {
  const [found, ...others] = spans.filter((span) => span.name === name)
  if (found === undefined || others.length > 0) {
    throw new Error(`not one ${name}: ${spans.map((span) => span.name).join(', ')}`)
  }
  return found
}

const openVault = async (t: Test, behaviour: WireBehaviour): Promise<readonly [Wire, string]> => {
  if (vaultSubject.wire === undefined) throw new Error('it reads over HTTP')
  const wire = await openWire(t, vaultSubject.wire.dialect, behaviour)
  const yaml = `
stores:
  - { name: kv, kind: vault, address: '${wire.url}', mounts: [{ path: secret, version: 2 }], auth: { method: approle, roleId: a-role } }
policies: [{ client: app, read: ['kv:**'] }]
`
  return [wire, yaml]
}

const SERVER = 2
const CLIENT = 3
const ERROR = 2

test('a read is a span below that of its caller, with the call of the store below it and the peer told of that', async (t) => {
  const collector = await openCollector(t)
  const [wire, yaml] = await openVault(t, { read: 'found', text: '{"a":"b"}' })
  const { ask, exported } = await serving(t, collector, yaml)
  t.equal((await ask('/v1/secrets?ref=kv:secret/shop', traceparent())).status, 200)
  const spans = await exported()
  const request = named(spans, 'GET /v1/secrets')
  t.match(request, { traceId: TRACE, parentSpanId: CALLER, kind: SERVER, status: { code: 0 } })
  t.same(request.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'http.route': '/v1/secrets',
    'http.response.status_code': 200
  })
  const call = named(spans, 'read kv')
  t.match(call, { traceId: TRACE, parentSpanId: request.spanId, kind: CLIENT })
  t.same(call.attributes, {
    'purser.store': 'kv',
    'purser.operation': 'read',
    'purser.outcome': 'ok'
  })
  t.equal(spans.length, 2)
  t.ok(BigInt(call.startTimeUnixNano) >= BigInt(request.startTimeUnixNano))
  t.ok(BigInt(call.endTimeUnixNano) <= BigInt(request.endTimeUnixNano))
  t.equal(wire.reads.length, 1)
  t.equal(wire.logins.length, 1)
  for (const { headers } of [...wire.reads, ...wire.logins]) {
    t.equal(headers['traceparent'], `00-${TRACE}-${call.spanId}-01`)
    t.equal(headers['tracestate'], undefined)
  }
})

test('a cached read is a span without another', async (t) => {
  const collector = await openCollector(t)
  const { built, ask, exported } = await serving(t, collector)
  await built.seed('local', 'a', 'v')
  for (let n = 0; n < 3; n++) await ask('/v1/secrets?ref=local:a')
  const spans = await exported()
  const requests = spans.filter(({ name }) => name === 'GET /v1/secrets')
  t.equal(requests.length, 3)
  t.equal(new Set(requests.map(({ traceId }) => traceId)).size, 3, 'each is a trace of its own')
  const call = named(spans, 'read local')
  t.equal(call.parentSpanId, requests[0]?.spanId)
  t.equal(spans.length, 4)
})

test('what is asked for in a body that comes later belongs to its request', async (t) => {
  const collector = await openCollector(t)
  const { built, port, key, exported } = await serving(t, collector)
  await built.seed('local', 'a', 'v')
  const body = JSON.stringify({ refs: ['local:a'] })
  const head = lines(
    'POST /v1/secrets/batch HTTP/1.1',
    'host: localhost',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'connection: close'
  )
  t.match((await exchange(port, [head, body])).text, /^HTTP\/1\.1 200 /)
  const spans = await exported()
  t.equal(named(spans, 'read local').parentSpanId, named(spans, 'POST /v1/secrets/batch').spanId)
})

test('Direct Line is told too', async (t) => {
  const collector = await openCollector(t)
  const secret = randomSecret()
  const line = await startDirectLine(t, [secret])
  const yaml = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, channels: [webchat] }]
channels: [{ name: webchat, secrets: ['local:line'], endpoint: '${line.url}', trustedOrigins: [] }]
`
  const { built, ask, exported } = await serving(t, collector, yaml)
  await built.seed('local', 'line', secret)
  const key = await issueKey(built.keyring, 'app', 'w', { scopes: ['aura-services:token'] })
  const headers = { ...traceparent(), authorization: `Bearer ${key}` }
  const asked = await ask('/v1/channels/webchat/tokens', headers, { method: 'POST' })
  t.equal(asked.status, 200)
  const { spanId } = named(await exported(), 'POST /v1/channels/:name/tokens')
  t.equal(line.seen.length, 1)
  t.equal(line.seen[0]?.traceparent, `00-${TRACE}-${spanId}-01`)
})

test('AWS is told too', async (t) => {
  const collector = await openCollector(t)
  const aws = await openWire(t, awsDialect, { read: 'found', text: 'x' })
  setVariables(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.loginUrl}/credentials` })
  const yaml = `
stores: [{ name: cloud, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${aws.url}' }]
policies: [{ client: app, read: ['cloud:**'] }]
`
  const { ask, exported } = await serving(t, collector, yaml)
  t.equal((await ask('/v1/secrets?ref=cloud:a', traceparent())).status, 200)
  const { spanId } = named(await exported(), 'read cloud')
  t.equal(aws.reads.length, 1)
  t.equal(aws.reads[0]?.headers['traceparent'], `00-${TRACE}-${spanId}-01`)
  t.notMatch(aws.reads[0]?.headers['authorization'], 'traceparent', 'which is not signed')
})

test('what became of a request is told: its status and code, and an error only where it is one of the service', async (t) => {
  const collector = await openCollector(t)
  const [, yaml] = await openVault(t, {
    read: 'status',
    status: 500,
    type: 'text/plain',
    body: 'no'
  })
  const { ask, exported } = await serving(t, collector, yaml)
  await ask('/v1/secrets?ref=kv:secret/shop')
  await ask('/v1/secrets?ref=other:a')
  await ask('/v1/whoami', { authorization: 'Bearer nonsense' })
  await ask('/v1/nothing')
  await ask('/v1/whoami', {}, { method: 'REPORT' })
  const spans = await exported()
  const outcomes = spans
    .filter(({ kind }) => kind === SERVER)
    .map(({ name, attributes, status }) => [
      name,
      attributes['http.response.status_code'],
      attributes['purser.code'],
      attributes['error.type'],
      status.code === ERROR
    ])
  t.same(outcomes, [
    ['GET /v1/secrets', 503, 'store_unavailable', 'store_unavailable', true],
    ['GET /v1/secrets', 403, 'access_denied', undefined, false],
    ['GET /v1/whoami', 401, 'invalid_api_key', undefined, false],
    ['GET', 404, 'route_not_found', undefined, false],
    ['HTTP /v1/whoami', 405, 'method_not_allowed', undefined, false]
  ])
  const call = named(spans, 'read kv')
  t.equal(call.attributes['purser.outcome'], 'unavailable')
  t.equal(call.status.code, ERROR)
})

test('the span of a caller that left ends with it', async (t) => {
  const collector = await openCollector(t, { OTEL_BSP_SCHEDULE_DELAY: '1' })
  const [wire, yaml] = await openVault(t, { read: 'silent' })
  const { port, key } = await serving(t, collector, yaml)
  const socket = connect({ host: '127.0.0.1', port })
  socket.write(
    lines(
      'GET /v1/secrets?ref=kv:secret/shop HTTP/1.1',
      'host: localhost',
      `authorization: Bearer ${key}`
    )
  )
  await eventually(() => wire.reads.length > 0)
  socket.resetAndDestroy()
  await eventually(() => collector.spans().length > 0)
  const request = named(collector.spans(), 'GET /v1/secrets')
  t.equal(request.attributes['http.response.status_code'], undefined)
  t.equal(request.attributes['purser.code'], 'aborted')
  t.equal(request.status.code, ERROR)
})

test('a secret that is not there is an answer of the store', async (t) => {
  const collector = await openCollector(t)
  const { ask, exported } = await serving(t, collector)
  await ask('/v1/secrets?ref=local:none')
  const call = named(await exported(), 'read local')
  t.equal(call.attributes['purser.outcome'], 'not_found')
  t.equal(call.status.code, 0)
})

test('what the caller did not sample is not exported, and the peer is told so', async (t) => {
  const collector = await openCollector(t)
  const [wire, yaml] = await openVault(t, { read: 'found', text: '{"a":"b"}' })
  const { ask, exported } = await serving(t, collector, yaml)
  await ask('/v1/secrets?ref=kv:secret/shop', traceparent('00'))
  t.same(await exported(), [])
  t.match(wire.reads[0]?.headers['traceparent'], new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
})

test('OTEL_TRACES_SAMPLER decides', async (t) => {
  const collector = await openCollector(t, { OTEL_TRACES_SAMPLER: 'always_off' })
  const { ask, exported } = await serving(t, collector)
  await ask('/v1/whoami', traceparent())
  t.same(await exported(), [])
})

test('a traceparent that is none, or is given twice, begins no trace of its own choice', async (t) => {
  const collector = await openCollector(t)
  const { ask, exported } = await serving(t, collector)
  const given = [
    'nonsense',
    `00-${'0'.repeat(32)}-${CALLER}-01`,
    `ff-${TRACE}-${CALLER}-01`,
    `00-${TRACE}-${CALLER}-01, 00-${TRACE}-${CALLER}-01`,
    `00-${TRACE.toUpperCase()}-${CALLER}-01`
  ]
  for (const one of given) await ask('/v1/whoami', { traceparent: one })
  const spans = await exported()
  t.equal(spans.length, given.length)
  for (const { traceId, parentSpanId } of spans) {
    t.not(traceId, TRACE)
    t.equal(parentSpanId, undefined)
  }
})

test('spans are of a service, named as its operator names it', async (t) => {
  const collector = await openCollector(t, {
    OTEL_SERVICE_NAME: 'secrets-eu',
    OTEL_RESOURCE_ATTRIBUTES: 'team=core',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-token=given'
  })
  const { ask, exported } = await serving(t, collector)
  await ask('/v1/whoami')
  await exported()
  t.match(collector.resource(), {
    'service.name': 'secrets-eu',
    'service.version': /^\d/,
    'service.instance.id': /^[0-9a-f-]{36}$/,
    'deployment.environment.name': 'dev',
    team: 'core'
  })
  t.equal(collector.headers[0]?.['x-token'], 'given')
})

test('no value, no name of a secret, no key and nothing else of a caller is exported', async (t) => {
  const collector = await openCollector(t)
  const secret = createCanary()
  const { built, key, ask, exported } = await serving(
    t,
    collector,
    `
stores: [{ name: local, kind: local }]
policies: [{ client: '*', read: ['local:**'] }]
secrets: { canary-name: 'local:canary-path/x' }
`
  )
  await built.seed('local', 'canary-path/x', secret.token)
  const strange = encodeURIComponent(secret.token)
  const foreign = {
    'x-request-id': 'canary-id',
    'user-agent': 'canary-agent',
    tracestate: 'canary=1',
    baggage: 'canary=2',
    'x-forwarded-for': 'canary-address',
    ...traceparent()
  }
  for (const path of [
    '/v1/secrets?ref=local:canary-path/x',
    '/v1/secrets?ref=local:canary-none',
    '/v1/secrets/canary-name',
    `/v1/secrets?ref=${strange}:a`,
    `/v1/${strange}`,
    '/v1/bots/canary-bot/credentials',
    '/v1/admin/keys/canary-key'
  ]) {
    await ask(path, foreign)
  }
  t.equal((await exported()).filter(({ kind }) => kind === SERVER).length, 7)
  const sent = Buffer.concat([...collector.bodies])
  const hidden = { secret, key: canaryOf(key), internal: canaryOf(built.internalSecret) }
  for (const [name, canary] of Object.entries(hidden)) t.same(canary.findIn(sent), [], name)
  t.same(canaryOf('canary').findIn(sent), [])
  t.notMatch(`${sent}`, /"app"/, 'nor is the client named')
})

test('a collector that is away costs one line of the log, and one when it is back', async (t) => {
  const collector = await openCollector(t, { OTEL_BSP_SCHEDULE_DELAY: '1' }, 'refusing')
  const { built, ask } = await serving(t, collector)
  const told = (what: string) => built.logs.filter((line) => line.includes(`traces ${what}`))
  await ask('/v1/whoami')
  await eventually(() => told('cannot be exported').length > 0)
  const { length } = collector.bodies
  for (let n = 0; n < 20; n++) t.equal((await ask('/v1/whoami')).status, 200)
  await eventually(() => collector.bodies.length > length + 1)
  collector.release()
  await ask('/v1/whoami')
  await built.app.close()
  t.equal(told('cannot be exported').length, 1)
  t.equal(told('are exported again').length, 1)
  t.notMatch(built.logs.join(''), 'canary', 'and never what it said')
})

test('where nothing listens, requests are answered as before', async (t) => {
  const environ = setVariables(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '50'
  })
  const { built, ask } = await serving(t, { environ, spans: () => [] })
  t.equal((await ask('/v1/whoami')).status, 200)
  await built.app.close()
  const told = built.logs.filter((line) => line.includes('traces cannot be exported'))
  t.equal(told.length, 1)
  t.notMatch(told[0], /127\.0\.0\.1|ECONN/)
})

test('what a slow collector does not take is dropped beyond the queue', async (t) => {
  const collector = await openCollector(t, { OTEL_BSP_MAX_QUEUE_SIZE: '4' }, 'slow')
  const { ask, exported } = await serving(t, collector)
  for (let n = 0; n < 40; n++) t.equal((await ask('/v1/whoami')).status, 200)
  await eventually(() => collector.bodies.length > 0)
  collector.release()
  const { length } = await exported()
  t.ok(length >= 4 && length <= 8, `those under way and those in the queue: ${length}`)
})

test('a collector that never answers does not keep the service from ending', async (t) => {
  const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: '3600000', OTEL_BSP_EXPORT_TIMEOUT: '3600000' }
  const { environ, bodies } = await openCollector(t, patient, 'slow')
  const { ask, built } = await serving(t, { environ, spans: () => [] })
  await ask('/v1/whoami')
  await built.app.close()
  t.equal(bodies.length, 1, 'it was sent what there was')
})

test('a call that no request waits for is a trace of its own', async (t) => {
  const collector = await openCollector(t)
  const tracer = await createTracer({ protocol: 'http/json', environment: 'dev', log: () => {} })
  await tracer.followOf('kv')('check', async () => {})
  tracer.redisCalls.shared(1, true)
  await tracer.close()
  const spans = collector.spans()
  t.equal(named(spans, 'check kv').parentSpanId, undefined)
  t.equal(spans.length, 1, 'but nothing that Redis is asked in the background')
})

test('what is sent after the end of a request, by a timer that was set during it, carries no traceparent', async (t) => {
  await openCollector(t)
  const tracer = await createTracer({ protocol: 'http/json', environment: 'dev', log: () => {} })
  const carried = (): unknown => {
    const request = httpRequest('http://127.0.0.1:1')
    request.on('error', () => {}).destroy()
    tracer.mark(request)
    return request.getHeader('traceparent')
  }
  const during: unknown[] = []
  const { promise: ended, resolve: end } = withResolvers<void>()
  const timers: Promise<unknown>[] = []
  await tracer.followOf('kv')('read', async () => {
    during.push(carried())
    timers.push(ended.then(carried))
  })
  end()
  t.match(during, [/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/])
  t.same(await Promise.all(timers), [undefined])
  t.equal(carried(), undefined, 'nor does what no request is behind')
  await tracer.close()
})

test('a call of Redis is a span of the request that waits for it', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const collector = await openCollector(t)
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` }
  const { built, ask, exported } = await serving(t, collector, LOCAL, env)
  await built.seed('local', 'a', 'v')
  await eventually(async () => (await ask('/v1/secrets?ref=local:a')).status === 200)
  const spans = await exported()
  const calls = spans.filter(({ name }) => name.startsWith('redis '))
  t.ok(calls.length > 0)
  for (const { attributes, parentSpanId } of calls) {
    t.equal(attributes['db.system.name'], 'redis')
    t.ok(
      spans.some(({ spanId }) => spanId === parentSpanId),
      'below a request or a call of a store'
    )
  }
})

test('OTEL_EXPORTER_OTLP_PROTOCOL has traces written as protobuf, which is the default', async (t) => {
  const collector = await openCollector(t, { OTEL_EXPORTER_OTLP_PROTOCOL: '' })
  const { ask, exported } = await serving(t, { ...collector, spans: () => [] })
  await ask('/v1/whoami')
  await exported()
  t.equal(collector.headers[0]?.['content-type'], 'application/x-protobuf')
  t.ok(Buffer.concat([...collector.bodies]).includes('GET /v1/whoami'))
})
