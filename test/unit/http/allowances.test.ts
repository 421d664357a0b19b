import { createSecretKey } from 'node:crypto'
import { type Test, test } from 'tap'
import { type Allowance, createAllowances } from '../../../src/http/allowances.ts'
import { type LimitOf, stepOf } from '../../../src/http/reconciler.ts'
import { createMemoryShared } from '../../support/shared.ts'
import { pass } from '../../support/stopwatch.ts'

const START = 1_800_000_000_000
const INTERVAL_MS = 5
const KEY: LimitOf = { name: 'key', max: 10, windowMs: 60_000 }
const fingerprintKey = () => createSecretKey(Buffer.alloc(32, 7))

/** Several replicas with one clock, and what they share; `round` lets each of them reconcile. */
const open = (t: Test, replicas: number) => {
  const clock = { now: START }
  const peer = createMemoryShared()
  const all = Array.from({ length: replicas }, () =>
    createAllowances({
      shared: peer.connect(),
      fingerprintKey,
      now: () => clock.now,
      intervalMs: INTERVAL_MS
    })
  )
  t.teardown(() => Promise.all(all.map((allowances) => allowances.close())))
  const round = () => pass(10 * INTERVAL_MS)
  return { ...peer, clock, all, round, keys: all.map((allowances) => allowances.of(KEY)) }
}

const takeUntilRefused = (allowance: Allowance | undefined, identity = 'a'): number => {
  for (let taken = 0; ; taken++) if (allowance?.take(identity).isExceeded !== false) return taken
}

test('windows begin with the clock, and each has its allowance', (t) => {
  const clock = { now: START + 59_001 }
  const allowances = createAllowances({ shared: undefined, fingerprintKey, now: () => clock.now })
  const key = allowances.of(KEY)
  t.same(key.take('a', 9), { isExceeded: false, remaining: 1, seconds: 1 })
  t.same(key.take('a', 2), { isExceeded: true, remaining: 1, seconds: 1 }, 'and takes nothing')
  t.same(key.take('a'), { isExceeded: false, remaining: 0, seconds: 1 })
  t.same(key.take('a'), { isExceeded: true, remaining: 0, seconds: 1 })
  t.same(key.take('b'), { isExceeded: false, remaining: 9, seconds: 1 }, 'another caller')
  t.same(
    allowances.of({ ...KEY, name: 'address' }).take('a'),
    { isExceeded: false, remaining: 9, seconds: 1 },
    'another limit'
  )
  t.equal(allowances.of(KEY), key)
  clock.now = START + 60_000
  t.same(key.take('a'), { isExceeded: false, remaining: 9, seconds: 60 })
  clock.now -= 3_600_000
  t.same(key.take('a'), { isExceeded: false, remaining: 9, seconds: 60 }, 'a clock set back')
  t.end()
})

test('of more callers than are kept those begin anew that were not heard of longest', (t) => {
  const allowances = createAllowances({ shared: undefined, fingerprintKey, now: () => START })
  const address = allowances.of({ ...KEY, name: 'address', max: 1 })
  const key = allowances.of({ ...KEY, max: 1 })
  key.take('a')
  address.take('first')
  for (let i = 0; i < 20_000; i++) address.take(`address ${i}`)
  t.equal(address.take('first').isExceeded, false)
  t.equal(address.take('address 19999').isExceeded, true)
  t.equal(key.take('a').isExceeded, true, 'many addresses do not drive out a key')
  t.end()
})

test('what one replica let through, the others know a moment later', async (t) => {
  const { keys, round } = open(t, 3)
  const [one, two, three] = keys
  one?.take('a', 4)
  two?.take('a', 3)
  three?.take('a')
  await round()
  // A caller who was not heard of since is told anew with its next request.
  for (const key of keys) key.take('a', 0)
  await round()
  t.same(
    keys.map((key) => key.take('a', 0).remaining),
    [2, 2, 2]
  )
  t.equal(takeUntilRefused(one), 2)
  await round()
  two?.take('a', 0)
  await round()
  t.equal(two?.take('a').isExceeded, true)
  t.equal(takeUntilRefused(two, 'b'), 10, 'another caller has all of its own')
})

test('nothing is asked of the shared state while nobody takes anything', async (t) => {
  const { keys, round, calls } = open(t, 1)
  keys[0]?.take('a')
  await round()
  t.equal(calls(), 1)
  await round()
  t.equal(calls(), 1)
})

test('what is shared tells nobody who it is about', async (t) => {
  const { all, round, counters } = open(t, 1)
  const identities = ['192.0.2.17', '2001:db8::', '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10']
  for (const identity of identities) {
    all[0]?.of(KEY).take(identity)
    all[0]?.of({ ...KEY, name: 'address' }).take(identity)
  }
  await round()
  t.equal(counters().size, 6)
  for (const key of counters().keys()) t.match(key, /^limit:[A-Za-z0-9_-]{22}$/)
})

test('while nothing answers each counts alone, and what was counted is sent once something does', async (t) => {
  const { keys, round, away, back, counters } = open(t, 2)
  const [one, two] = keys
  away()
  t.equal(takeUntilRefused(one), 10)
  t.equal(takeUntilRefused(two), 10)
  await round()
  t.equal(counters().size, 0)
  back()
  await round()
  t.same([...counters().values()], [20])
})

test('an answer that fails to come loses nothing, and nothing is counted twice', async (t) => {
  const { keys, round, away, back, counters } = open(t, 1)
  keys[0]?.take('a', 3)
  await round()
  away()
  keys[0]?.take('a', 2)
  await round()
  back()
  keys[0]?.take('a', 1)
  await round()
  await round()
  t.same([...counters().values()], [6])
})

test('what was not sent before its window ended is not sent any more', async (t) => {
  const { keys, round, away, back, counters, clock, calls } = open(t, 1)
  away()
  keys[0]?.take('a', 3)
  keys[0]?.take('gone', 3)
  await round()
  clock.now += 60_000
  keys[0]?.take('a', 2)
  back()
  await round()
  t.same([...counters().values()], [2])
  t.equal(calls(), 1)
})

test('a window that ends while its counters are on the way leaves the next one alone', async (t) => {
  const clock = { now: START }
  const shared = createMemoryShared().connect()
  const sums = { answer: (): void => {} }
  const slow = new Promise<void>((resolve) => {
    sums.answer = resolve
  })
  let sum = 1_000
  const allowances = createAllowances({
    shared: {
      ...shared,
      add: async (counters) => {
        await slow
        const answer = counters.map(() => sum)
        sum = 1
        return answer
      }
    },
    fingerprintKey,
    now: () => clock.now,
    intervalMs: INTERVAL_MS
  })
  const key = allowances.of(KEY)
  key.take('a')
  await pass(10 * INTERVAL_MS)
  clock.now += 60_000
  t.equal(key.take('a').remaining, 9)
  sums.answer()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(key.take('a').remaining, 8)
  await allowances.close()
})

test('closing sends what was not sent yet', async (t) => {
  const { connect, counters } = createMemoryShared()
  const allowances = createAllowances({
    shared: connect(),
    fingerprintKey,
    now: () => START,
    intervalMs: 60_000
  })
  allowances.of(KEY).take('a', 3)
  await allowances.close()
  t.same([...counters().values()], [3])
})

test('nothing can be given back by taking less than nothing', (t) => {
  const allowances = createAllowances({ shared: undefined, fingerprintKey, now: () => START })
  const key = allowances.of(KEY)
  key.take('a', 4)
  for (const cost of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
    t.throws(() => key.take('a', cost), RangeError, String(cost))
  }
  t.equal(key.take('a', 0).remaining, 6)
  t.end()
})

/** Takes at each replica in turn, with a turn of the event loop between, in which an answer comes; how many passed. */
const takeInTurn = async (keys: readonly Allowance[], perTurn: number): Promise<number> => {
  let passed = 0
  for (let refused = 0; refused < 3; ) {
    const taken = keys.flatMap((key) => Array.from({ length: perTurn }, () => key.take('a')))
    const allowed = taken.filter(({ isExceeded }) => !isExceeded).length
    passed += allowed
    refused = allowed === 0 ? refused + 1 : 0
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return passed
}

for (const { replicas, max, perTurn } of [
  { replicas: 2, max: 50, perTurn: 1 },
  { replicas: 2, max: 50, perTurn: 5 },
  { replicas: 4, max: 400, perTurn: 3 },
  { replicas: 8, max: 6_000, perTurn: 10 },
  { replicas: 4, max: 1, perTurn: 1 }
]) {
  test(`${replicas} replicas that are asked for ${max} by ${perTurn} a round trip let pass what ADR 8 says, without an interval`, async (t) => {
    const peer = createMemoryShared(() => START)
    const all = Array.from({ length: replicas }, () =>
      createAllowances({
        shared: peer.connect(),
        fingerprintKey,
        now: () => START,
        intervalMs: 600_000
      })
    )
    const keys = all.map((allowances) => allowances.of({ ...KEY, max }))
    const passed = await takeInTurn(keys, perTurn)
    const most = max + (replicas - 1) * (stepOf(max) + perTurn)
    t.comment(`${passed} of ${max}, at most ${most}`)
    t.ok(passed >= max, `nobody is refused what is left: ${passed}`)
    t.ok(passed <= most, `${passed} <= ${most}`)
    await Promise.all(all.map((allowances) => allowances.close()))
    t.same([...peer.counters().values()], [passed], 'and all of it is on the shared count')
  })
}
