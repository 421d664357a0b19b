/** Which changes are open: those with an intent on record and no outcome. */
import { test } from 'tap'
import { createIntents } from '../../../src/audit/intents.ts'

const TIME = '2026-03-01T12:00:00.000Z'

const line = (members: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(
    JSON.stringify({ time: TIME, action: 'secret.write', outcome: 'allowed', ...members })
  )

const intent = (requestId: string, rest: Readonly<Record<string, string>> = {}): Buffer =>
  line({ reason: 'intent', requestId, reference: 'kv:a', ...rest })

test('an intent is open until an outcome of the same request, action and object', (t) => {
  const { take, open } = createIntents()
  take('f', intent('r1'), 3)
  const held = { file: 'f', line: 3, time: TIME, action: 'secret.write', object: 'kv:a' }
  t.strictSame(open(), { intents: [held], count: 1 })
  for (const other of [
    { requestId: 'r2', reference: 'kv:a' },
    { requestId: 'r1', reference: 'kv:b' },
    { requestId: 'r1', reference: 'kv:a', action: 'secret.delete' }
  ]) {
    take('f', line(other), 4)
    t.equal(open().count, 1)
  }
  take('g', line({ requestId: 'r1', reference: 'kv:a', outcome: 'failed' }), 1)
  t.strictSame(open(), { intents: [], count: 0 })
  t.end()
})

test('a change of something that is no secret goes by its object, and one of nothing by none', (t) => {
  const { take, open } = createIntents()
  take('f', line({ reason: 'intent', requestId: 'r1', object: 'bot x' }), 1)
  take('f', line({ reason: 'intent', requestId: 'r2' }), 2)
  t.strictSame(
    open().intents.map(({ object }) => object),
    ['bot x', '']
  )
  take('f', line({ requestId: 'r1', object: 'bot x' }), 3)
  take('f', line({ requestId: 'r2' }), 4)
  t.equal(open().count, 0)
  t.end()
})

test('a read is none, whatever its reason, nor is what is no record', (t) => {
  const { take, open } = createIntents()
  take('f', intent('r1', { action: 'secret.read' }), 1)
  take('f', Buffer.from('{"time":"'), 2)
  take('f', intent('r2', { chain: 'head' }), 3)
  t.equal(open().count, 0)
  t.end()
})

test('a hundred are shown and 10,000 held; what is beyond is counted as open for good', (t) => {
  const { take, open } = createIntents()
  for (let i = 1; i <= 10_002; i++) take('f', intent(`r${i}`), i)
  t.equal(open().count, 10_002)
  t.strictSame(
    open().intents.map((one) => one.line),
    Array.from({ length: 100 }, (_, i) => i + 1)
  )
  for (const id of ['r10001', 'r10002']) take('f', line({ requestId: id, reference: 'kv:a' }), 1)
  t.equal(open().count, 10_002)
  for (const id of ['r1', 'r10000']) take('f', line({ requestId: id, reference: 'kv:a' }), 1)
  t.equal(open().count, 10_000)
  t.equal(open().intents[0]?.line, 2)
  take('f', intent('r10003'), 7)
  take('f', line({ requestId: 'r10003', reference: 'kv:a' }), 8)
  t.equal(open().count, 10_000, 'there is room again')
  t.end()
})
