/** Who shares a flight with whom, and what is left of it afterwards. */
import { test } from 'tap'
import { createSingleFlight } from '../../../src/cache/single-flight.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

const nothing = (): void => {}

test('concurrent joins of one key share one flight, others have their own', async (t) => {
  const flights = createSingleFlight<number>()
  let started = 0
  const work = async (): Promise<number> => ++started
  const join = (key: string) => flights.join(key, work, nothing)
  t.strictSame(await Promise.all([join('a'), join('a'), join('b'), join('a')]), [1, 1, 2, 1])
  t.equal(await join('a'), 3, 'what has landed is not joined')
})

test('a failure goes to all who wait, and the next join starts anew', async (t) => {
  const flights = createSingleFlight<string>()
  const landed: string[] = []
  const join = (work: () => Promise<string>) => flights.join('a', work, (it) => landed.push(it))
  const failing = async (): Promise<string> => {
    throw new Error('down')
  }
  const outcomes = await Promise.allSettled([join(failing), join(failing)])
  t.strictSame(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  t.equal(await join(async () => 'up'), 'up')
  t.strictSame(landed, ['up'])
})

test('work that throws before it has a promise fails like any other', async (t) => {
  const flights = createSingleFlight<string>()
  const throwing = (): Promise<string> => {
    throw new Error('at once')
  }
  await t.rejects(flights.join('a', throwing, nothing), /at once/)
  t.equal(await flights.join('a', async () => 'next', nothing), 'next')
})

test('what came is put away before any caller sees it', async (t) => {
  const flights = createSingleFlight<string>()
  const order: string[] = []
  await flights
    .join(
      'a',
      async () => 'x',
      () => order.push('landed')
    )
    .then(() => order.push('seen'))
  t.strictSame(order, ['landed', 'seen'])
})

test('a detached flight neither lands nor ends the one that took its place', async (t) => {
  const flights = createSingleFlight<string>()
  const landed: string[] = []
  const gates = [withResolvers<string>(), withResolvers<string>()] as const
  const join = (gate: 0 | 1) =>
    flights.join(
      'a',
      () => gates[gate].promise,
      (it) => landed.push(it)
    )
  const before = join(0)
  flights.detach((key) => key === 'a')
  const after = join(1)
  gates[0].resolve('old')
  t.equal(await before, 'old')
  const joined = join(0)
  gates[1].resolve('new')
  t.equal(await after, 'new')
  t.equal(await joined, 'new', 'the flight that took its place was still there to join')
  t.strictSame(landed, ['new'])
})
