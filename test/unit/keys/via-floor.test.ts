/** From when on keys say by which keys they were issued: never while a version may run that refuses such keys. */
import { type Test, test } from 'tap'
import { createViaFloor } from '../../../src/keys/via-floor.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const DAY_MS = 86_400_000

const open = (t: Test, { state = openState(t), replicas = 1 } = {}) => {
  const clock = { now: NOW }
  const floor = createViaFloor({ state, replicas: () => replicas, now: () => clock.now })
  return { state, clock, floor }
}

const serve = (state: State) => state.compareAndSet('usage/k', undefined, Buffer.from('x'))

test('on a state that served nobody before keys say it from the beginning', async (t) => {
  const { floor, state } = open(t)
  t.equal(await floor.isReached(), true)
  await serve(state)
  t.equal(await open(t, { state }).floor.isReached(), true, 'and so they do ever after')
})

test('on a state that served keys before they say it a day later, whoever comes meanwhile', async (t) => {
  const { floor, state, clock } = open(t)
  await serve(state)
  await floor.learn()
  t.equal(await floor.isReached(), false)
  clock.now += DAY_MS - 1
  t.equal(await floor.isReached(), false)
  const later = open(t, { state })
  later.clock.now = NOW + DAY_MS - 1
  t.equal(await later.floor.isReached(), false)
  later.clock.now += 1
  t.equal(await later.floor.isReached(), true)
  clock.now += 1
  t.equal(await floor.isReached(), true)
})

test('where other replicas run they may be of a former version', async (t) => {
  const { floor, clock } = open(t, { replicas: 2 })
  t.equal(await floor.isReached(), false)
  clock.now += DAY_MS
  t.equal(await floor.isReached(), true)
})

test('of two that begin at once the first one decides for both', async (t) => {
  const { state, floor } = open(t)
  const late = createViaFloor({
    // What the other wrote came between the look and the attempt.
    state: {
      ...state,
      compareAndSet: async (...asked) => {
        await floor.learn()
        return state.compareAndSet(...asked)
      }
    },
    replicas: () => 2,
    now: () => NOW
  })
  t.equal(await late.isReached(), true)
})

test('while the state cannot be reached there is no telling, and it is asked again', async (t) => {
  const { state } = open(t)
  let isDown = true
  const get: State['get'] = async (key) => {
    if (isDown) throw new Error('away')
    return state.get(key)
  }
  const floor = createViaFloor({ state: { ...state, get }, replicas: () => 1, now: () => NOW })
  await t.rejects(floor.isReached(), { message: 'away' })
  await t.rejects(floor.learn(), { message: 'away' })
  isDown = false
  t.equal(await floor.isReached(), true)
})
