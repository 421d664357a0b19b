/** What each operation costs Redis, counted at a real one: docs/capacity.md plans with it, and a read that costs more is a fault. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { COSTS, type Cost, IDLE, KEPT, NOTICE_BYTES, SINK } from '../support/capacity.ts'
import { eventually, type RedisServer } from '../support/redis.ts'
import { monitorRedis, type RedisMonitor } from '../support/redis-monitor.ts'
import { testWithRedis } from '../support/redis-test.ts'
import { createRecording } from '../support/redis-trail.ts'
import { openWire } from '../support/wire.ts'

const TRIES = 10

type Commands = Readonly<Record<string, number>>

/** What is sent in the background, whatever else goes on. */
const isBackground = (name: string): boolean => name in IDLE || /limit$|state$|login$/.test(name)

const without = (commands: Commands, isOut: (name: string) => boolean): Commands =>
  Object.fromEntries(Object.entries(commands).filter(([name]) => !isOut(name)))

/** Two replicas with one Vault, logged in, whose secrets have 1 KB, and one key. */
const open = async (t: Test, redis: RedisServer, more: Environ = {}) => {
  const dialect = vaultSubject.wire?.dialect
  if (dialect === undefined) throw new Error('Vault has a dialect')
  const text = JSON.stringify({ value: 'x'.repeat(1_024) })
  const wire = await openWire(t, dialect, { read: 'found', text })
  const env = {
    ENCRYPTION_KEYS: newEncryptionKey(),
    REDIS_URL: redis.url,
    RATE_LIMIT_ENABLED: 'true',
    ...more
  }
  const yaml = `
stores:
  - name: vault
    kind: vault
    address: ${wire.url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: role }
policies: [{ client: app, read: ['vault:**'] }]
`
  const apps = [await buildTestApp(t, { yaml, env }), await buildTestApp(t, { yaml, env })] as const
  const { key } = await apps[0].as('app', 'r')
  for (const app of apps) {
    await eventually(async () => (await app.app.server.inject('/readyz')).json().status === 'ok')
    await eventually(async () => (await readAt(app, key, 'warm')) === 200)
  }
  // Until the use of the key is noted.
  await sleep(1_200)
  return { wire, apps, key, monitor: await monitorRedis(t, redis) }
}

const readAt = async ({ withKey }: TestApp, key: string, name: string): Promise<number> =>
  (await withKey(key).read(`vault:secret/${name}`)).statusCode

const invalidate = async ({ app, internalSecret }: TestApp, name: string): Promise<number> =>
  (
    await app.server.inject({
      method: 'POST',
      url: '/internal/cache/invalidate',
      headers: { 'x-internal-secret': internalSecret },
      payload: { ref: `vault:secret/${name}` }
    })
  ).statusCode

/**
 * On a busy machine an answer of Redis comes later than a replica waits for it, which goes on without. A cost that has grown
 * fits in no try.
 */
const untilFits = async <T>(
  attempt: (name: string) => Promise<T>,
  fits: (found: T) => boolean
): Promise<T> => {
  let found = await attempt('try-0')
  for (let i = 1; i < TRIES && !fits(found); i++) found = await attempt(`try-${i}`)
  return found
}

testWithRedis(
  'a read, an invalidation and a replica without work cost Redis what capacity is planned with',
  async (t, redis) => {
    const { wire, apps, key, monitor } = await open(t, redis)
    const [one, other] = apps
    const costs = async (what: keyof typeof COSTS, work: (name: string) => Promise<number>) => {
      const { commands } = COSTS[what]
      const found = await untilFits(
        async (name) => {
          const status: number[] = []
          if (what !== 'cold') await readAt(one, key, name)
          const before = wire.reads.length
          const sent = await monitor.during(
            async () => void status.push(await work(name)),
            commands
          )
          const counted = without(sent, (one) => isBackground(one) && !(one in commands))
          // Beside the message of the operation there may be one of a replica that says it is there.
          const published = 'PUBLISH messages' in commands && { 'PUBLISH messages': 1 }
          const calls = wire.reads.length - before
          return { status, calls, commands: { ...counted, ...published } }
        },
        (found) => isDeepStrictEqual(found.commands, commands)
      )
      t.strictSame(found, { status: [200], calls: Number(what === 'cold'), commands }, what)
    }
    await costs('cold', (name) => readAt(one, key, name))
    await costs('hit', async (name) => {
      for (let i = 0; i < 20; i++) await readAt(one, key, name)
      return readAt(one, key, name)
    })
    await costs('shared', (name) => readAt(other, key, name))
    await costs('invalidation', (name) => invalidate(one, name))
  }
)

testWithRedis(
  'limits and the use of keys cost Redis a bounded number of commands, however many requests there are',
  async (t, redis) => {
    const { apps, key, monitor } = await open(t, redis)
    const [one, other] = apps
    await readAt(one, key, 'a')
    await readAt(other, key, 'a')
    const began = performance.now()
    const limits = COSTS.limits.commands
    const sent = await monitor.during(async () => {
      // Fewer than have to be told at once.
      for (let i = 0; i < 80; i++) await readAt(one, key, 'a')
    }, limits)
    const rounds = (performance.now() - began) / 200 + 2
    t.ok((sent['EVAL limit'] ?? 0) <= limits['EVAL limit'] * rounds, `${sent['EVAL limit']}`)
    const { key: fresh } = await one.as('app', 'r')
    const uses = await monitor.during(() => readAt(one, fresh, 'a'), COSTS.use.commands)
    t.match(uses, COSTS.use.commands)
    const seen = await monitor.during(() => readAt(other, fresh, 'a'), COSTS.seen.commands)
    t.match(seen, COSTS.seen.commands)
    t.notOk('EVAL state' in seen, 'the other replica noted it')
    const again = await monitor.during(async () => {
      for (let i = 0; i < 20; i++) await readAt(one, fresh, 'a')
      await sleep(1_500)
    })
    t.notOk('EVAL state' in again, 'noted once in a minute')
  }
)

testWithRedis(
  'with the sink redis a group of records costs one command, however many they are, and a read as many bytes as planned',
  async (t, redis) => {
    const { start } = createRecording(t, redis.address)
    const { record } = start({ maxBytes: 64 * 1024 * 1024 })
    // The first entry of a stream is noted besides.
    await record('first')
    const beside = await monitorRedis(t, redis)
    for (const count of [1, 20, 200]) {
      const ids = Array.from({ length: count }, (_, i) => `r${i}`)
      const sent = await beside.during(() => record(...ids), SINK.commands)
      t.strictSame(sent, SINK.commands, `${count} records`)
    }

    const env = { AUDIT_SINKS: 'file!,redis!', RATE_LIMIT_ENABLED: 'false' }
    const { apps, key, monitor } = await open(t, redis, env)
    const [one] = apps
    await readAt(one, key, 'a')
    await fitterOf(t, monitor)('a read on record', SINK, () => readAt(one, key, 'a'))
  }
)

testWithRedis('replicas without work ask Redis for no more than planned', async (t, redis) => {
  const { monitor } = await open(t, redis)
  const SECONDS = 4
  const idle = await monitor.during(() => sleep(SECONDS * 1_000))
  t.comment(JSON.stringify(idle))
  t.strictSame(
    without(idle, (name) => name in IDLE),
    {}
  )
  for (const [name, perSecond] of Object.entries(IDLE)) {
    // Two replicas, each with one that was due already.
    t.ok((idle[name] ?? 0) <= 2 * (perSecond * SECONDS + 1), `${name}: ${idle[name]}`)
  }
})

const TIMES = 60

/** Holds what goes to Redis and from it for one operation to what is planned; `prepare` makes what the work then finds. */
const fitterOf = (t: Test, monitor: RedisMonitor) => {
  const isWithin = (found: number, most: number): boolean => found <= most && found > most / 3
  return async (
    what: string,
    { bytesIn, bytesOut }: Pick<Cost, 'bytesIn' | 'bytesOut'>,
    work: (name: string) => Promise<unknown>,
    prepare: (name: string) => Promise<unknown> = async () => {}
  ): Promise<void> => {
    const attempt = async (name: string) => {
      const names = Array.from({ length: TIMES }, (_, i) => `${what}/${name}/${i}`)
      for (const one of names) await prepare(one)
      const bytes = await monitor.bytesDuring(async () => {
        for (const one of names) await work(one)
        // What is sent in the background, the use of keys a second later.
        await sleep(1_100)
      })
      return [bytes.in / TIMES, bytes.out / TIMES] as const
    }
    const [toRedis, fromRedis] = await untilFits(
      attempt,
      (found) => isWithin(found[0], bytesIn) && isWithin(found[1], bytesOut)
    )
    t.comment(`${what}: ${toRedis.toFixed(0)} in, ${fromRedis.toFixed(0)} out`)
    t.ok(isWithin(toRedis, bytesIn), `${what}: ${toRedis} to Redis, of ${bytesIn}`)
    t.ok(isWithin(fromRedis, bytesOut), `${what}: ${fromRedis} from Redis, of ${bytesOut}`)
  }
}

const sizesOf = ({ cli }: RedisServer, pattern: string): number[] =>
  cli('--scan', '--pattern', pattern)
    .split('\n')
    .slice(0, TIMES)
    .map((name) => Number(cli('memory', 'usage', name)))

testWithRedis(
  'what goes to Redis of secrets, and stands there, is as large as planned',
  async (t, redis) => {
    const { apps, key, monitor } = await open(t, redis)
    const [one, other] = apps
    const fits = fitterOf(t, monitor)
    const read = (name: string) => readAt(one, key, name)
    await fits('cold', COSTS.cold, read)
    await fits('shared', COSTS.shared, (name) => readAt(other, key, name), read)
    const { bytesIn, bytesOut } = COSTS.invalidation
    // The notice goes to both replicas.
    const told = { bytesIn, bytesOut: bytesOut + 2 * NOTICE_BYTES }
    await fits('invalidation', told, (name) => invalidate(one, name), read)
    const most = Math.max(...sizesOf(redis, 'purser:cache:*'))
    t.ok(most <= KEPT.envelope && most > KEPT.envelope / 2, `${most} of ${KEPT.envelope}`)
  }
)

testWithRedis(
  'what goes to Redis of callers, and stands there, is as large as planned',
  async (t, redis) => {
    const { apps, key, monitor } = await open(t, redis)
    const keys = new Map<string, string>()
    const { limits, use, seen } = COSTS
    // A counter for each replica: that of the address is the same for all.
    const bytesIn = limits.bytesIn + use.bytesIn + seen.bytesIn
    const bytesOut = limits.bytesOut + use.bytesOut + seen.bytesOut
    for (const app of apps) await readAt(app, key, 'a')
    await fitterOf(t, monitor)(
      'a caller at two replicas',
      { bytesIn, bytesOut },
      async (name) => {
        for (const app of apps) await readAt(app, keys.get(name) ?? '', 'a')
      },
      async (name) => void keys.set(name, (await apps[0].as('app', 'r')).key)
    )
    const counter = Math.max(...sizesOf(redis, 'purser:limit:*'))
    t.ok(2 * counter <= KEPT.limits, `${counter}`)
    const uses = sizesOf(redis, 'purser:*usage*').reduce((sum, size) => sum + size, 0) / keys.size
    t.ok(uses <= KEPT.use && uses > KEPT.use / 3, `${uses} of ${KEPT.use}`)
  }
)
