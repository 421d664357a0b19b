/** Who shares a flight with whom, and what is left of it afterwards. */
import { test } from 'tap'
import { createSingleFlight } from '../../../src/cache/single-flight.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

test('concurrent joins of one key share one flight, others have their own', async (t) => {
  const flights = createSingleFlight<number>()
  let started = 0
  const join = (key: string) => flights.join(key, async () => ++started)
  t.strictSame(await Promise.all([join('a'), join('a'), join('b'), join('a')]), [1, 1, 2, 1])
  t.equal(await join('a'), 3, 'what has landed is not joined')
})

test('a failure goes to all who wait, and the next join starts anew', async (t) => {
  const flights = createSingleFlight<string>()
  const failing = async (): Promise<string> => {
    throw new Error('down')
  }
  const outcomes = await Promise.allSettled([
    flights.join('a', failing),
    flights.join('a', failing)
  ])
  t.strictSame(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  t.equal(await flights.join('a', async () => 'up'), 'up')
})

test('work that throws before it has a promise fails like any other', async (t) => {
  const flights = createSingleFlight<string>()
  const throwing = (): Promise<string> => {
    throw new Error('at once')
  }
  await t.rejects(flights.join('a', throwing), /at once/)
  t.equal(await flights.join('a', async () => 'next'), 'next')
})

test('a detached flight knows that it is, and does not end the one that took its place', async (t) => {
  const flights = createSingleFlight<string>()
  const gates = [withResolvers<string>(), withResolvers<string>()] as const
  const attached: boolean[] = []
  const join = (gate: 0 | 1) =>
    flights.join('a', async ({ isAttached }) => {
      const came = await gates[gate].promise
      attached.push(isAttached())
      return came
    })
  const before = join(0)
  await Promise.resolve()
  flights.detach((key) => key === 'a')
  const after = join(1)
  gates[0].resolve('old')
  t.equal(await before, 'old')
  const joined = join(0)
  gates[1].resolve('new')
  t.equal(await after, 'new')
  t.equal(await joined, 'new', 'the flight that took its place was still there to join')
  t.strictSame(attached, [false, true])
})

test('a detached flight whose work begins only later is joined again, unless another one took its place', async (t) => {
  for (const isTaken of [false, true]) {
    const flights = createSingleFlight<string>()
    const begin = withResolvers<void>()
    const first = flights.join('a', async ({ attach, isAttached }) => {
      await begin.promise
      attach()
      return isAttached() ? 'first' : 'alone'
    })
    await Promise.resolve()
    flights.detach((key) => key === 'a')
    const gate = withResolvers<string>()
    const second = isTaken ? flights.join('a', () => gate.promise) : first
    begin.resolve()
    t.equal(await first, isTaken ? 'alone' : 'first')
    gate.resolve('second')
    t.equal(await second, isTaken ? 'second' : 'first')
    t.equal(await flights.join('a', async () => 'next'), 'next', 'what has landed is not joined')
  }
})
