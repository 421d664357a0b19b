// Events over HTTP: from a notification or a write to an open stream, and what becomes of streams.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createRevocations } from '../../../src/keys/revocations.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { apiCall, createEventClouds, gridEvent, TOPIC } from '../../support/fake-event-clouds.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { listenOn } from '../../support/raw-http.ts'
import { eventually } from '../../support/redis.ts'
import { startStopwatch } from '../../support/stopwatch.ts'

const YAML = `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, events: { snsTopics: ["${TOPIC}"] } }
  - { name: kv, kind: azure-key-vault, vaultUrl: "https://acme.vault.azure.net" }
policies:
  - { client: app, read: ['local:**', 'aws:**', 'kv:*'], write: ['local:**'] }
  - { client: team, read: ['local:team/*'] }
`
const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'

const setUp = async (t: Test, options: Partial<TestAppOptions> = {}) => {
  const built = await buildTestApp(t, { yaml: YAML, ...options })
  const port = await listenOn(built.app.server)
  const key = await issueKey(built.keyring, 'app', 'rw', { keyId: KEY_ID })
  return { built, port, key }
}

/** An open stream, as bytes; ended with the test. */
const openStream = async (
  t: Test,
  port: number,
  key: string,
  refs: readonly string[],
  headers = ''
) => {
  const stream = { text: '', isClosed: false }
  const socket: Socket = connect({ host: '127.0.0.1', port })
  t.teardown(() => socket.destroy())
  socket.on('data', (chunk) => {
    stream.text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    stream.isClosed = true
  })
  const query = refs.map((ref) => `ref=${encodeURIComponent(ref)}`).join('&')
  socket.write(`GET /v1/events?${query} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\n${headers}\r\n`)
  const until = async (isTrue: () => boolean, withinMs = 20_000): Promise<number> => {
    const begun = performance.now()
    while (!isTrue() && performance.now() - begun < withinMs) await sleep(2)
    return performance.now() - begun
  }
  await until(() => stream.text.includes('heartbeat') || stream.text.includes('reset'))
  return { stream, socket, until, has: (text: string) => stream.text.includes(text) }
}

const post = (
  { app, internalSecret }: TestApp,
  store: string,
  payload: object,
  type = 'application/json'
) =>
  app.server.inject({
    method: 'POST',
    url: `/internal/events/${store}`,
    headers: { 'x-internal-secret': internalSecret, 'content-type': type },
    payload: JSON.stringify(payload)
  })

test('a notification makes the next read a fresh one and reaches an open stream within 500 ms', async (t) => {
  const { built, port, key } = await setUp(t)
  await built.seed('local', 'a', 'the value')
  const read = () => built.withKey(key).read('local:a')
  await read()
  t.equal((await read()).headers['x-cache'], 'HIT')
  const { stream, until, has } = await openStream(t, port, key, ['local:a', 'local:b'])
  const [head = ''] = stream.text.split('\r\n\r\n')
  t.match(head, /^HTTP\/1\.1 200 /)
  t.match(head, /content-type: text\/event-stream/)
  t.match(head, /cache-control: no-store/)
  t.match(head, /x-accel-buffering: no/)
  t.match(stream.text, /retry: 3000\n\n/)
  const passed = startStopwatch()
  const answer = await post(built, 'local', { path: 'a' })
  t.equal(answer.statusCode, 200)
  t.same(answer.json(), { invalidated: 1, ignored: 0 })
  await until(() => has('event: changed'))
  const ms = passed()
  t.ok(ms < 500, `${ms} ms`)
  t.comment(`from the notification to the stream: ${ms.toFixed(1)} ms`)
  t.match(stream.text, /event: changed\ndata: {"ref":"local:a"}\nid: [\w-]{55}\n\n/)
  t.equal((await read()).headers['x-cache'], 'MISS')
  t.notOk(has('local:b'))
  t.notOk(has('the value'))
  const records = await recordsIn(built.folder)
  t.match(
    records.filter(({ action }) => action === 'events.open'),
    [
      { outcome: 'allowed', client: 'app', keyId: KEY_ID, reference: 'local:a' },
      { outcome: 'allowed', client: 'app', keyId: KEY_ID, reference: 'local:b' }
    ]
  )
  t.ok(records.some(({ action }) => action === 'event.receive'))
  t.ok(records.some(({ action }) => action === 'cache.invalidate'))
})

test('a write through the service reaches the streams of those who may read it', async (t) => {
  const { built, port, key } = await setUp(t)
  const canary = createCanary()
  const mine = await openStream(t, port, key, ['local:team/a#field'])
  const team = await issueKey(built.keyring, 'team')
  const theirs = await openStream(t, port, team, ['local:team/a'])
  const others = await openStream(t, port, team, ['local:team/b'])
  const written = await built
    .withKey(key)
    .ask('PUT', '/v1/secrets?ref=local:team/a', { value: canary.token })
  t.equal(written.statusCode, 200)
  await mine.until(() => mine.has('changed') && theirs.has('changed'))
  t.ok(mine.has('data: {"ref":"local:team/a#field"}'))
  t.ok(theirs.has('data: {"ref":"local:team/a"}'))
  t.notOk(others.has('changed'))
  for (const { stream } of [mine, theirs, others]) t.same(canary.findIn(stream.text), [])
})

test('a stream is refused like a read, before it begins', async (t) => {
  const { built, key } = await setUp(t)
  const team = await issueKey(built.keyring, 'team')
  const get = (query: string, apiKey: string, method: 'GET' | 'HEAD' = 'GET') =>
    built.withKey(apiKey).ask(method, `/v1/events?${query}`)
  const forbidden = ['local:x', 'none:x', 'aws:x'].map((ref) => `ref=local:team/a&ref=${ref}`)
  const bodies = await Promise.all(
    forbidden.map(async (query) => {
      const answer = await get(query, team)
      assertProblem(t, answer, { code: 'access_denied' })
      return answer.body.replace(/urn:purser:request:[^"]+/, '')
    })
  )
  t.equal(new Set(bodies).size, 1)
  const writer = await issueKey(built.keyring, 'app', 'w')
  assertProblem(t, await get('ref=local:a', writer), { code: 'insufficient_mode' })
  const other = await issueKey(built.keyring, 'app', 'r', { scopes: ['aura-services:token'] })
  assertProblem(t, await get('ref=local:a', other), { code: 'insufficient_scope' })
  assertProblem(t, await get('', key), { code: 'invalid_request' })
  assertProblem(t, await get('ref=local:a&x=y', key), { code: 'invalid_request' })
  const many = Array.from({ length: 101 }, (_one, i) => `ref=local:${i}`).join('&')
  assertProblem(t, await get(many, key), { code: 'invalid_request' })
  const head = await get('ref=local:a', key, 'HEAD')
  t.equal(head.statusCode, 200)
  t.equal(head.headers['content-type'], 'text/event-stream')
  t.equal((await get('ref=local:x', team, 'HEAD')).statusCode, 403)
})

test('a heartbeat keeps a stream alive, and ends it once its key is revoked', async (t) => {
  const { built, port, key } = await setUp(t, { overrides: { heartbeatMs: 20 } })
  const { stream, until } = await openStream(t, port, key, ['local:a'])
  const beats = () => stream.text.match(/: heartbeat\nid: /g)?.length ?? 0
  await until(() => beats() >= 4)
  t.ok(beats() >= 4)
  t.notOk(stream.isClosed)
  await createRevocations(built.app.state).revoke(KEY_ID, Date.now())
  await until(() => stream.isClosed)
  t.ok(stream.isClosed)
  t.match(stream.text, /\r\n0\r\n\r\n$/, 'a proper end')
})

test('a reload that takes a right or an encryption key away ends the stream', async (t) => {
  const fresh = 'p7Gm2Zx9Qw4Rt6Yb1Nc8Vk3Ls5Jd0HfA'
  const cases = [
    () => [{ yaml: YAML.replace("read: ['local:**', ", 'read: [') }],
    // One after the other: the active one does not leave at once.
    (former: string) =>
      [`${former},${fresh}`, fresh].map((keys) => ({ env: { ENCRYPTION_KEYS: keys } }))
  ]
  for (const changesOf of cases) {
    const { built, port, key } = await setUp(t)
    const { stream, until, has } = await openStream(t, port, key, ['local:a'])
    for (const changes of changesOf(built.encryptionKey)) await built.reload(changes)
    await post(built, 'local', { path: 'a' })
    await until(() => stream.isClosed)
    t.ok(stream.isClosed)
    t.notOk(has('changed'))
  }
})

test('a client that was cut off goes on from its last id, and starts anew from an unknown one', async (t) => {
  const { built, port, key } = await setUp(t)
  const first = await openStream(t, port, key, ['local:a', 'local:b'])
  const id = /\nid: (\S+)/.exec(first.stream.text)?.[1] ?? ''
  first.socket.destroy()
  await post(built, 'local', { paths: ['a', 'c'] })
  const again = await openStream(t, port, key, ['local:a', 'local:b'], `Last-Event-ID: ${id}\r\n`)
  t.ok(again.has('event: changed\ndata: {"ref":"local:a"}\nid: '))
  t.notOk(again.has('local:b'))
  const strange = await openStream(t, port, key, ['local:a'], 'Last-Event-ID: 7\r\n')
  t.match(strange.stream.text, /event: reset\ndata: {}\nid: \S+\n\n/)
})

test('a key has ten streams; one that is left is free again, and none leaks', async (t) => {
  const { built, port, key } = await setUp(t)
  const { ask } = built.withKey(key)
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all(
      Array.from({ length: 10 }, () => openStream(t, port, key, ['local:a']))
    )
    const refused = await ask('GET', '/v1/events?ref=local:a')
    assertProblem(t, refused, { code: 'rate_limited' })
    t.ok(Number(refused.headers['retry-after']) > 0)
    for (const { socket } of all) socket.destroy()
    await eventually(async () => (await connectionsOf(built)) === 0)
  }
  t.equal(await connectionsOf(built), 0)
})

const connectionsOf = ({ app }: TestApp): Promise<number> =>
  new Promise((resolve, reject) =>
    app.server.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  )

test('a reader that does not read is cut off', async (t) => {
  const { built, port, key } = await setUp(t)
  const refs = Array.from({ length: 100 }, (_one, i) => `local:${'x'.repeat(60)}/${i}`)
  const { socket, stream } = await openStream(t, port, key, refs)
  socket.pause()
  for (let i = 0; i < 3_000 && (await connectionsOf(built)) > 0; i++) {
    await post(built, 'local', { path: 'y' })
    await built.app.broker.invalidate(
      { route: 'x', requestId: 'x', address: '127.0.0.1' },
      { store: 'local' }
    )
  }
  t.equal(await connectionsOf(built), 0)
  t.notOk(stream.text.includes('undefined'))
})

test('a service that ends closes its streams and does not wait for them', async (t) => {
  const { built, port, key } = await setUp(t)
  const open = await Promise.all(
    Array.from({ length: 5 }, () => openStream(t, port, key, ['local:a']))
  )
  open[0]?.socket.pause()
  const passed = startStopwatch()
  built.app.drain()
  const late = await built.withKey(key).ask('GET', '/v1/events?ref=local:a')
  assertProblem(t, late, { code: 'overloaded' })
  await built.app.close()
  const ms = passed()
  t.ok(ms < 2_000, `${ms} ms`)
  for (const { stream } of open.slice(1)) t.match(stream.text, /\r\n0\r\n\r\n$/)
})

test('the door for notifications asks for the internal secret, and takes what each cloud calls JSON', async (t) => {
  const clouds = await createEventClouds(t)
  const { built } = await setUp(t, { overrides: { fetch: clouds.fetch } })
  const { app, internalSecret } = built
  for (const headers of [{}, { 'x-internal-secret': 'wrong' }]) {
    for (const method of ['POST', 'OPTIONS'] as const) {
      const answer = await app.server.inject({ method, url: '/internal/events/local', headers })
      assertProblem(t, answer, { code: 'authentication_required' })
    }
  }
  const message = clouds.snsMessage({ Message: JSON.stringify(apiCall('PutSecretValue', 'a')) })
  const sns = await post(built, 'aws', message, 'text/plain; charset=UTF-8')
  t.same(sns.json(), { invalidated: 1, ignored: 0 })
  const forged = { ...message, Message: '{}' }
  const refused = await post(built, 'aws', forged, 'text/plain; charset=UTF-8')
  assertProblem(t, refused, { code: 'access_denied' })
  const unknown = await post(built, 'none', { path: 'a' })
  assertProblem(t, unknown, { code: 'access_denied' })
  const event = gridEvent('Microsoft.KeyVault.SecretNewVersionCreated', 'acme', 'a')
  t.same((await post(built, 'kv', [event])).json(), { invalidated: 1, ignored: 0 })
  const validation = {
    ...gridEvent('Microsoft.EventGrid.SubscriptionValidationEvent', 'acme', ''),
    data: { validationCode: '512d38b6' }
  }
  t.equal((await post(built, 'kv', [validation])).json().validationResponse, '512d38b6')
  for (const type of [
    'application/cloudevents+json; charset=utf-8',
    'application/cloudevents-batch+json'
  ]) {
    t.equal((await post(built, 'kv', [event], type)).statusCode, 200, type)
  }
  for (const type of ['text/html', 'application/xml', 'text/plain; charset=latin1']) {
    assertProblem(t, await post(built, 'local', { path: 'a' }, type), {
      code: 'unsupported_media_type'
    })
  }
  const handshake = await app.server.inject({
    method: 'OPTIONS',
    url: '/internal/events/kv',
    headers: {
      'x-internal-secret': internalSecret,
      'webhook-request-origin': 'eventgrid.azure.net'
    }
  })
  t.equal(handshake.statusCode, 200)
  t.equal(handshake.body, '')
  t.equal(handshake.headers['webhook-allowed-origin'], 'eventgrid.azure.net')
})

test('a notification that is not well formed is refused without an echo', async (t) => {
  const { built } = await setUp(t)
  const canary = createCanary()
  for (const body of [
    { [canary.token]: 1 },
    { path: 5 },
    { path: 'a', [canary.token]: 1 },
    [{ path: canary.token }],
    [],
    { paths: Array(101).fill('a') }
  ]) {
    const answer = await post(built, 'local', body)
    assertProblem(t, answer, { code: 'invalid_request', canary })
  }
  const odd = await post(built, 'local', { path: `${canary.token} x` })
  assertProblem(t, odd, { code: 'invalid_reference', canary })
  const large = await post(built, 'local', { path: 'x'.repeat(70_000) })
  assertProblem(t, large, { code: 'payload_too_large' })
  t.same(canary.findIn(built.logs.join('')), [])
})
