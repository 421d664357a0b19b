// Who has the overview open: told together, cut off with the session, and only so many at once.
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createEventStreams } from '../../../src/console/event-streams.ts'

/** The test ticks by itself. */
const NEVER_MS = 2 ** 30

const setUp = (t: Test) => {
  let made = 0
  const streams = createEventStreams({
    makeEvent: async () => JSON.stringify({ made: ++made }),
    everyMs: NEVER_MS
  })
  t.teardown(() => streams.close())
  let sessions = 0
  const open = (
    counts: () => Promise<boolean> = async () => true,
    sessionId = `session ${++sessions}`
  ) => {
    const body = streams.open(sessionId, counts)
    const seen = { text: '', isEnded: false }
    body?.on('data', (piece) => {
      seen.text += piece
    })
    body?.on('end', () => {
      seen.isEnded = true
    })
    return { body, seen }
  }
  return { streams, open }
}

test('a stream begins with what is so, and goes on with each tick; all are told the same', async (t) => {
  const { streams, open } = setUp(t)
  const one = open()
  await turn()
  t.equal(one.seen.text, 'retry: 5000\n\nevent: overview\ndata: {"made":1}\n\n')
  const other = open()
  await turn()
  await streams.tick()
  await turn()
  for (const { seen } of [one, other]) t.match(seen.text, /data: \{"made":3\}\n\n$/)
})

test('a stream ends once its session no longer counts, or cannot be asked for', async (t) => {
  const { streams, open } = setUp(t)
  let counts = true
  const ending = open(async () => counts)
  const failing = open(() => Promise.reject(new Error('gone')))
  const staying = open()
  await turn()
  counts = false
  await streams.tick()
  await turn()
  t.ok(ending.seen.isEnded)
  t.ok(failing.seen.isEnded)
  t.notOk(staying.seen.isEnded)
  t.equal(ending.seen.text.match(/event/g)?.length, 1)
})

test('only so many are open, a place is free again, and the end of the service ends all', async (t) => {
  const { streams, open } = setUp(t)
  const all = Array.from({ length: 64 }, () => open())
  t.ok(all.every(({ body }) => body !== undefined))
  t.equal(open().body, undefined)
  all[0]?.body?.destroy()
  await turn()
  const last = open()
  t.ok(last.body)
  await streams.close()
  await turn()
  t.ok(last.seen.isEnded)
})

test('a reader that takes nothing is cut off', async (t) => {
  const long = 'x'.repeat(200 * 1024)
  const streams = createEventStreams({ makeEvent: async () => long, everyMs: NEVER_MS })
  t.teardown(() => streams.close())
  const body = streams.open('one', async () => true)
  await turn()
  t.notOk(body?.destroyed)
  await streams.tick()
  t.ok(body?.destroyed)
})

test('one session takes no more than its part', async (t) => {
  const { open } = setUp(t)
  const own = Array.from({ length: 8 }, () => open(undefined, 'one'))
  t.ok(own.every(({ body }) => body !== undefined))
  t.equal(open(undefined, 'one').body, undefined)
  t.ok(open(undefined, 'other').body)
})
