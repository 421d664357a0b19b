// Listening to changes, from a service at the wire that comes and goes.
import { type Test, test } from 'tap'
import { listen } from '../../../../src/cli/run/listen.ts'
import { sessionByFile } from '../../../../src/cli/run/session.ts'
import { createSseReader } from '../../../../src/cli/run/sse.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { changedEvent, purserOf, startFakePurser } from '../../../support/fake-purser.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import { eventually } from '../../../support/redis.ts'

const setUp = async (t: Test, refs = ['a:x', 'a:y#f']) => {
  const fake = await startFakePurser(t)
  const clock = createManualClock()
  const heard = { changes: 0, told: [] as string[] }
  const session = sessionByFile(async () => new Sensitive('the-key'))
  const purser = await purserOf(fake, session)
  const over = new AbortController()
  const listening = {
    purser,
    clock,
    changed: () => {
      heard.changes++
    },
    tell: (line: string) => heard.told.push(line)
  }
  const start = () => {
    const done = listen(listening, refs, over.signal)
    t.teardown(() => over.abort())
    return done
  }
  const streams = (count: number) => eventually(() => fake.streams.size === count)
  return { fake, clock, heard, start, streams, over }
}

test('the stream is for all references, and each change is heard', async (t) => {
  const { fake, heard, start, streams, over } = await setUp(t)
  const done = start()
  await streams(1)
  await eventually(() => heard.changes === 1)
  t.match(fake.asked, [{ path: '/v1/events', key: 'the-key', lastId: undefined }])
  t.strictSame(fake.asked[0]?.query.getAll('ref'), ['a:x', 'a:y#f'])
  fake.tell(': heartbeat\nid: b\n\n')
  fake.tell(changedEvent('a:x', 'c').slice(0, 20))
  fake.tell(changedEvent('a:x', 'c').slice(20))
  await eventually(() => heard.changes === 2)
  fake.tell('event: reset\ndata: {}\nid: d\n\n')
  await eventually(() => heard.changes === 3)
  over.abort()
  await done
  await streams(0)
  t.strictSame(heard.told, [])
})

test('a stream that ends is opened again from the last id, without a change of its own', async (t) => {
  const { fake, clock, heard, start, streams } = await setUp(t)
  void start()
  await streams(1)
  fake.tell(changedEvent('a:x', 'the-last'))
  await eventually(() => heard.changes === 2)
  for (const stream of fake.streams) stream.end()
  await streams(0)
  await eventually(() => clock.waits().some((ms) => ms <= 3_000))
  await clock.advance(3_000)
  await streams(1)
  t.equal(fake.asked[1]?.lastId, 'the-last')
  t.equal(heard.changes, 2)
})

test('a stream that is silent for a minute is dead', async (t) => {
  const { fake, clock, start, streams } = await setUp(t)
  void start()
  await streams(1)
  await eventually(() => clock.waits().includes(60_000))
  await clock.advance(59_000)
  t.equal(fake.streams.size, 1)
  await clock.advance(1_000)
  await streams(0)
})

test('a service that is away is asked ever more seldom, as long as it says, and told of once', async (t) => {
  const { fake, clock, heard, start } = await setUp(t)
  fake.failure = { code: 'rate_limited', retryAfter: 30 }
  void start()
  await eventually(() => clock.waits().includes(30_000))
  fake.failure = { code: 'overloaded' }
  await clock.advance(30_000)
  await eventually(() => fake.asked.length === 2 && clock.waits().length === 1)
  fake.failure = { code: 'access_denied' }
  await clock.advance(2_000)
  await eventually(() => fake.asked.length === 3 && (clock.waits()[0] ?? 0) > 100_000)
  t.match(heard, { changes: 0, told: [/rate_limited|status 429/] })
  fake.failure = undefined
  await clock.advance(450_000)
  await eventually(() => fake.streams.size === 1)
})

test('more references than a request takes have several streams', async (t) => {
  const refs = Array.from({ length: 250 }, (_, i) => `a:${i}`)
  const { fake, start, streams } = await setUp(t, refs)
  void start()
  await streams(3)
  t.strictSame(fake.asked.flatMap(({ query }) => query.getAll('ref')).sort(), refs.sort())
})

test('what comes in pieces is one event, and an id that could be no header is none', async (t) => {
  const reader = createSseReader()
  t.strictSame(reader.read('event: cha'), [])
  t.strictSame(reader.read('nged\r\ndata: {"ref":"a"}\r\nid: 7\r\n'), [])
  t.strictSame(reader.read('\r\ndata:x\ndata: y\n\n: no\n\nevent: none\n\n'), [
    'changed',
    'message'
  ])
  t.equal(reader.lastId(), '7')
  reader.read('id: a b\nid: \u0000\nid\n\n')
  t.equal(reader.lastId(), '7')
  t.throws(() => reader.read('x'.repeat(70_000)), { message: /no end/ })
})
