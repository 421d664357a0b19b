/** Redis as a sink of the audit trail, at a real one: what is asked of all replicas, what is kept, and what its owner can do to it. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually, type RedisServer } from '../support/redis.ts'
import { testWithRedis } from '../support/redis-test.ts'
import { createRecording, NOON } from '../support/redis-trail.ts'

const DAY_MS = 86_400_000

const streamsIn = ({ cli }: RedisServer): string[] =>
  cli('keys', 'purser:audit:*')
    .split('\n')
    .filter((key) => key !== '')

/** The stream in which so many entries are. */
const streamOf = (redis: RedisServer, length: number): string => {
  const found = streamsIn(redis).find((key) => redis.cli('xlen', key) === String(length))
  if (found === undefined) throw new Error(`no stream has ${length} entries`)
  return found
}

const nothingMissing = { files: [], instances: [], replicas: 0, redis: false }

testWithRedis(
  'any replica answers for all of them, newest first and each record once',
  async (t, redis) => {
    const { start } = createRecording(t, redis.address)
    const [one, other] = [start({ processes: 2 }), start({ processes: 2 })]
    await one.record('1')
    await other.record('2', '3')
    await one.record('4')
    await other.record('5')
    for (const replica of [one, other]) {
      const { ids, completeFrom, notAsked, goOn, skipped } = await replica.ask()
      t.same(ids.slice(0, 2), ['5', '4'])
      t.same([...ids].sort(), ['1', '2', '3', '4', '5'])
      t.match({ completeFrom, notAsked, goOn, skipped }, { notAsked: nothingMissing, skipped: 0 })
      t.equal(completeFrom, new Date(NOON + 1).toISOString())
      t.equal(goOn, undefined)
    }
    const { ids } = await one.ask({ filter: { from: new Date(NOON + 4).toISOString() } })
    t.same(ids, ['5'])
    const { ids: none } = await one.ask({ filter: { client: 'nobody' } })
    t.same(none, [])
  }
)

testWithRedis(
  'pages go on in files and streams alike, to the same end as one page',
  async (t, redis) => {
    const { start, clock } = createRecording(t, redis.address)
    const [one, other] = [start(), start()]
    for (let i = 0; i < 30; i++) {
      await (i % 3 === 0 ? one : other).record(`${i}a`, `${i}b`)
      if (i === 15) clock.time += DAY_MS
    }
    const whole = (await one.ask()).ids
    t.equal(whole.length, 60)
    for (const limit of [1, 7, 59]) {
      const ids: string[] = []
      let page = await one.ask({ limit })
      ids.push(...page.ids)
      while (page.goOn !== undefined) {
        page = await one.ask({ limit, goOn: JSON.parse(JSON.stringify(page.goOn)) })
        ids.push(...page.ids)
      }
      t.same(ids, whole, `pages of ${limit}`)
    }
  }
)

testWithRedis(
  'what is in a file here is not asked of Redis again, nor is it given twice where the file is not required',
  async (t, redis) => {
    const { start } = createRecording(t, redis.address)
    const one = start()
    await one.record('1', '2')
    await one.record('3')
    await one.end()
    const again = start({ directory: one.directory })
    await again.record('4')
    t.same((await again.ask()).ids.toSorted(), ['1', '2', '3', '4'])
    const loose = start({
      sinks: [
        { name: 'file', isRequired: false },
        { name: 'redis', isRequired: true }
      ]
    })
    await loose.record('5', '6')
    await loose.trail.close()
    t.same((await loose.ask()).ids.toSorted(), ['1', '2', '3', '4', '5', '6'])
    t.same((await loose.ask({ limit: 1 })).ids.length, 1)
  }
)

testWithRedis('who has Redis learns neither clients nor references', async (t, redis) => {
  const { start } = createRecording(t, redis.address)
  const one = start()
  await one.record('canary-request')
  await one.end()
  redis.cli('save')
  const directory = redis.cli('config', 'get', 'dir').split('\n')[1] ?? ''
  const dump = readFileSync(join(directory, 'dump.rdb'), 'latin1')
  t.match(dump, /purser:audit:/)
  for (const word of ['canary', 'secret.read', 'allowed']) t.notOk(dump.includes(word), word)
})

testWithRedis(
  'what stands in Redis has a bound and an end, and what is dropped is said where no file here has it',
  async (t, redis) => {
    const { start, clock } = createRecording(t, redis.address)
    const writer = start({ maxBytes: 32 * 1024 })
    const reader = start()
    await reader.record('r')
    for (let i = 0; i < 200; i++) await writer.record(`${i}`)
    const [stream = ''] = streamsIn(redis).filter((key) => Number(redis.cli('xlen', key)) > 1)
    const length = Number(redis.cli('xlen', stream))
    t.ok(length > 20 && length < 80, `${length} of 200 entries of some 600 bytes`)
    for (const key of streamsIn(redis)) t.ok(Number(redis.cli('pttl', key)) > 6 * DAY_MS, key)
    const asked = await reader.ask({ filter: { client: 'canary-client' } })
    t.equal(asked.ids.length, length + 1)
    t.same(asked.notAsked, nothingMissing)
    t.equal(asked.completeFrom, asked.records.at(-2)?.time, 'since its oldest record in Redis')
    t.equal((await writer.ask()).ids.length, 201, 'its own file has all of them')
    clock.time += 8 * DAY_MS
    await writer.record('late')
    t.equal(
      redis.cli('xlen', stream),
      '2',
      'what is older than a week is dropped: this is the seal of that day, and the record'
    )
  }
)

testWithRedis(
  'a stream that is dropped right after its first record is found out, before another note is due',
  async (t, redis) => {
    const { start } = createRecording(t, redis.address)
    const writer = start()
    const reader = start()
    await writer.record('1')
    const [stream = ''] = streamsIn(redis)
    t.same((await reader.ask()).notAsked, nothingMissing)
    redis.cli('del', stream)
    const { notAsked } = await reader.ask()
    t.equal(notAsked.instances.length, 1)
  }
)

testWithRedis(
  'whatever its owner does to an entry is found, and nothing made up is given',
  async (t, redis) => {
    const attacks: Record<string, (stream: string, other: string) => void> = {
      'an entry is dropped': (stream) => redis.cli('xdel', stream, '3-1'),
      'the newest is dropped': (stream) => redis.cli('xdel', stream, '5-1'),
      'two are swapped': (stream) => rewrite(stream, [1, 3, 2, 4, 5]),
      'one is put in again': (stream) => rewrite(stream, [1, 2, 3, 4, 5, 2]),
      'one is put in the place of another': (stream) => rewrite(stream, [1, 2, 2, 4, 5]),
      'another process has its entries': (stream, other) =>
        redis.cli('copy', other, stream, 'replace'),
      'something else stands there': (stream) => {
        redis.cli('del', stream)
        redis.cli('set', stream, 'x')
      },
      'an entry is not ours': (stream) => redis.cli('xadd', stream, '9-9', 'e', 'x'),
      'it is gone before its time': (stream) => redis.cli('del', stream)
    }
    const rewrite = (stream: string, order: readonly number[]): void => {
      redis.cli('copy', stream, 'former')
      redis.cli('del', stream)
      for (const [i, n] of order.entries()) {
        const script = `local e = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
        return redis.call('XADD', KEYS[2], ARGV[2], 'e', e[1][2][2])`
        redis.cli('eval', script, '2', 'former', stream, `${n}-1`, `${i + 1}-1`)
      }
      redis.cli('del', 'former')
    }
    for (const [name, attack] of Object.entries(attacks)) {
      await t.test(name, async (t: Test) => {
        redis.cli('flushall')
        const { start } = createRecording(t, redis.address)
        const [one, other] = [start(), start()]
        await one.record('mine')
        for (const id of ['1', '2', '3', '4', '5']) await other.record(id)
        // Its note says how many there were.
        await other.end()
        const { trail } = other
        const all = await one.ask()
        t.same(all.ids, ['5', '4', '3', '2', '1', 'mine'])
        t.same(all.notAsked, nothingMissing)
        // The seal of the day is an entry too.
        attack(streamOf(redis, 6), streamOf(redis, 1))
        const { ids, notAsked, records } = await one.ask()
        t.same(notAsked.instances, [trail.anchor()?.instance])
        t.same(ids, [...new Set(ids)], 'nothing twice')
        for (const { requestId, seq } of records.filter(({ requestId }) => requestId !== 'mine')) {
          t.equal(seq, Number(requestId) + 1, 'what is given is what was written')
        }
      })
    }
  }
)

testWithRedis(
  'a required Redis that is away fails each record, and an optional one none, which gets all of them later',
  async (t, redis) => {
    const { start } = createRecording(t, redis.address)
    const strict = start()
    const optional = start({
      sinks: [
        { name: 'file', isRequired: true },
        { name: 'redis', isRequired: false }
      ]
    })
    const elsewhere = start()
    await strict.record('1')
    await optional.record('2')
    await redis.kill()
    await t.rejects(strict.record('lost'), { code: 'audit_unavailable' })
    for (const id of ['3', '4', '5']) await optional.record(id)
    await eventually(() => optional.trail.failingSinks().includes('redis'))
    t.ok(optional.trail.isWritable())
    const away = await optional.ask()
    t.same(away.ids, ['5', '4', '3', '2'])
    t.match(away.notAsked, { redis: true })
    await redis.start()
    await eventually(() => optional.trail.failingSinks().length === 0)
    await eventually(
      async () => (await elsewhere.ask().catch(() => undefined))?.ids.includes('5') ?? false
    )
    const back = await elsewhere.ask()
    t.same([...back.ids].sort(), ['1', '2', '3', '4', '5'])
    t.same(back.notAsked, nothingMissing)
    await eventually(async () =>
      strict.record('6').then(
        () => true,
        () => false
      )
    )
    t.ok((await elsewhere.ask()).ids.includes('6'))
  }
)

testWithRedis('a full Redis is a sink that fails, until there is room', async (t, redis) => {
  const { start } = createRecording(t, redis.address)
  const [strict, reader] = [start(), start()]
  await strict.record('1')
  redis.cli('config', 'set', 'maxmemory', '1mb')
  await t.rejects(strict.record('2'), { code: 'audit_unavailable' })
  t.match(strict.logged, [/cannot be written .*"sink":"redis","code":"OOM"/])
  redis.cli('config', 'set', 'maxmemory', '0')
  await strict.record('3')
  t.same((await reader.ask()).ids, ['3', '1'], 'what nobody was told is not there')
  t.same((await reader.ask()).notAsked, nothingMissing)
})

testWithRedis('a stream in which somebody else wrote is left for another one', async (t, redis) => {
  const { start } = createRecording(t, redis.address)
  const [one, reader] = [start(), start()]
  await one.record('1')
  redis.cli('xadd', streamOf(redis, 1), '99999-1', 'e', 'x')
  await t.rejects(one.record('2'), { code: 'audit_unavailable' })
  await one.record('3')
  t.same((await reader.ask()).ids.slice(0, 1), ['3'])
  t.same((await reader.ask()).notAsked.instances.length, 1)
})

testWithRedis('files that are gone from a folder are answered for by Redis', async (t, redis) => {
  const { start } = createRecording(t, redis.address)
  const one = start()
  await one.record('1')
  await one.end()
  rmSync(join(one.directory, 'audit'), { recursive: true })
  const next = start({ directory: one.directory })
  await next.record('2')
  const { ids, notAsked } = await next.ask()
  t.same(ids, ['2', '1'])
  t.same(notAsked, nothingMissing)
})
