// A store's quota and breaker, as a caller and the store's own counter see them.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp } from '../support/build-app.ts'
import { asAdmin } from '../support/keys.ts'
import { assertProblem } from '../support/problem.ts'
import { eventually } from '../support/redis.ts'
import { startStopwatch } from '../support/stopwatch.ts'
import { openWire, type WireBehaviour } from '../support/wire.ts'

const FOUND: WireBehaviour = { read: 'found', text: '{"value":"x"}' }
const DOWN: WireBehaviour = { read: 'status', status: 500, type: 'text/html', body: 'down' }
/** A provider tries once more before it calls a store unavailable. */
const TRIES = 2

const setUp = async (t: Test, behaviour: WireBehaviour, quota = '', env = {}) => {
  const dialect = vaultSubject.wire?.dialect
  if (dialect === undefined) throw new Error('Vault has a dialect')
  const says = { ...behaviour }
  const wire = await openWire(t, dialect, says)
  // It stands still but for what a test lets pass, however long a busy machine takes.
  const clock = { ahead: 0 }
  const begun = Date.now()
  const yamlWith = (member: string) => `
stores:
  - name: vault
    kind: vault
    address: ${wire.url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: role }
    ${member}
policies: [{ client: app, read: ['vault:**'] }]
`
  const built = await buildTestApp(t, {
    yaml: yamlWith(quota),
    env: { CACHE_TTL_SECONDS: '0', ...env },
    now: () => begun + clock.ahead
  })
  const app = await built.as('app', 'rw')
  let n = 0
  /** Each time another secret, so that no two reads are one. */
  const read = (name = `a/${n++}`) => app.read(`vault:secret/${name}`)
  const batch = (size: number) =>
    app.ask('POST', '/v1/secrets/batch', {
      refs: Array.from({ length: size }, () => `vault:secret/a/${n++}`)
    })
  const linesWith = (word: string) => built.logs.filter((line) => line.includes(word)).length
  const turn = (to: WireBehaviour) => Object.assign(says, to)
  return { ...built, wire, clock, read, batch, linesWith, turn, yamlWith }
}

test('of 1,000 requests for different secrets a store that is down gets five calls and its probes', async (t) => {
  const { wire, clock, read, linesWith, turn } = await setUp(t, DOWN)
  for (let i = 0; i < 5; i++) {
    assertProblem(t, await read(), { code: 'store_unavailable' })
  }
  t.equal(wire.reads.length, 5 * TRIES)
  for (let probes = 0; probes < 5; probes++) {
    const answers = await Promise.all(Array.from({ length: 199 }, () => read()))
    for (const answer of answers) {
      assertProblem(t, answer, { code: 'store_unavailable' })
      t.ok(Number(answer.headers['retry-after']) >= 1)
    }
    t.equal(wire.reads.length, (5 + probes) * TRIES)
    clock.ahead += 40_000
  }
  t.equal(linesWith('the store is left alone'), 1)
  t.ok(linesWith('a store failed') <= 10, 'what is refused here is not told again and again')

  turn(FOUND)
  t.equal((await read()).statusCode, 200, 'the probe finds that the store is back')
  const after = await Promise.all(Array.from({ length: 20 }, () => read()))
  t.same(new Set(after.map(({ statusCode }) => statusCode)), new Set([200]))
  t.equal(linesWith('the store is asked again'), 1)
})

test("the peer's Retry-After is passed on and kept to, in single reads and in batches", async (t) => {
  const throttled: WireBehaviour = { read: 'throttled', message: 'slowly', retryAfter: '17' }
  const { wire, clock, read, batch, turn } = await setUp(t, throttled)
  const first = await read()
  assertProblem(t, first, { code: 'store_throttled' })
  t.equal(first.headers['retry-after'], '17')
  t.equal(wire.reads.length, 1)
  turn(FOUND)
  clock.ahead += 10_000
  const second = await read()
  assertProblem(t, second, { code: 'store_throttled' })
  t.match(second.headers['retry-after'], /^[67]$/, 'what remains of it')
  const { results } = (await batch(10)).json()
  for (const { problem } of results) {
    t.match(problem, { code: 'store_throttled', retryable: true })
    t.ok(problem.retryAfter <= 7)
  }
  t.equal(wire.reads.length, 1)
  clock.ahead += 7_000
  t.equal((await read()).statusCode, 200)
})

test('a quota of two lets two calls through, of single reads and of a batch alike', async (t) => {
  const quota = 'quota: { perSecond: 2, burst: 2 }'
  const { wire, clock, read, batch, linesWith } = await setUp(t, FOUND, quota)
  const answers = await Promise.all(Array.from({ length: 20 }, () => read()))
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 2)
  for (const answer of answers.filter(({ statusCode }) => statusCode !== 200)) {
    assertProblem(t, answer, { code: 'store_throttled' })
    t.equal(answer.headers['retry-after'], '1')
  }
  t.equal(wire.reads.length, 2)
  clock.ahead += 1_000
  const { results } = (await batch(50)).json()
  t.equal(results.filter(({ status }: { status: number }) => status === 200).length, 2)
  t.equal(wire.reads.length, 4)
  t.equal(linesWith('the quota of the store is used up'), 1)
})

test('a reload keeps what the guard has learnt, and takes up another quota', async (t) => {
  const throttled: WireBehaviour = { read: 'throttled', message: 'slowly', retryAfter: '600' }
  const { wire, read, turn, reload, yamlWith } = await setUp(t, throttled)
  await read()
  turn(FOUND)
  await reload({})
  const refused = await read()
  assertProblem(t, refused, { code: 'store_throttled' })
  t.match(refused.headers['retry-after'], /^(?:300|299)$/, 'five minutes are the longest')
  const logins = wire.logins.length
  await reload({ yaml: yamlWith('quota: { perSecond: 2, burst: 2 }') })
  t.same(
    (await Promise.all([read(), read(), read()])).map(({ statusCode }) => statusCode).sort(),
    [200, 200, 503]
  )
  t.equal(wire.logins.length, logins, 'the connection and its login go on')
})

test('of the readers of a kept value one waits for a store that hangs, and none once it is known', async (t) => {
  const timeoutMs = 1_000
  const env = { CACHE_TTL_SECONDS: '60', UPSTREAM_TIMEOUT_MS: String(timeoutMs) }
  const { wire, clock, read, turn } = await setUp(t, FOUND, '', env)
  const timed = async () => {
    const passed = startStopwatch()
    const { statusCode, headers } = await read('kept')
    const hasWaited = passed() >= timeoutMs / 2
    return `${statusCode} ${headers['x-cache']}${hasWaited ? ' late' : ''}`
  }
  t.equal(await timed(), '200 MISS')
  turn({ read: 'silent' })
  clock.ahead += 61_000
  t.equal(await timed(), '200 STALE late')
  for (let attempt = 0; attempt < 3; attempt++) {
    const asked = wire.reads.length
    clock.ahead += 2_000
    t.equal(await timed(), '200 STALE')
    t.equal(await timed(), '200 STALE')
    // Nobody waits, and it is asked again all the same.
    await eventually(() => wire.reads.length > asked)
    await sleep(timeoutMs + 100)
  }
  turn(FOUND)
  clock.ahead += 2_000
  t.equal(await timed(), '200 STALE')
  await eventually(async () => (await timed()) === '200 HIT')
})

test('an outage is seen in readiness and by administrators with the first failed read', async (t) => {
  const { app, as, read, turn, clock } = await setUp(t, FOUND, '', {
    ALLOW_ADMIN_WRITE: 'false'
  })
  const readyz = async () => (await app.server.inject('/readyz')).json()
  await readyz()
  t.equal((await read()).statusCode, 200)
  clock.ahead += 3_000
  turn(DOWN)
  assertProblem(t, await read(), { code: 'store_unavailable' })
  t.same(await readyz(), { status: 'degraded', reason: 'store_unreachable' })
  const root = await as('root', 'r', asAdmin)
  const stores = (await root.ask('GET', '/v1/admin/stores')).json()
  t.match(stores.stores, [
    { name: 'vault', trouble: 'unreachable', lastCheck: { ok: false, reason: 'unavailable' } }
  ])
})
