/** Reloads in several workers: every one is heard, or said to be late. */
import { test } from 'tap'
import type { Order } from '../../../src/cli/messages.ts'
import { createReloads } from '../../../src/cli/reload-all.ts'

const by = { route: 'POST /v1/admin/config/reload', requestId: 'r1', address: '127.0.0.1' }
const member = (number: number, isThere = true) => ({ number, isThere })
const fault = { place: 'purser.yaml:1:1', message: 'is not a known member' }

const open = (patienceMs?: number) => {
  const sent: { to: number; id: number; by: unknown }[] = []
  const send = ({ number: to }: { number: number }, order: Order): void => {
    if (order.do === 'reload') sent.push({ to, id: order.id, by: order.by })
  }
  const reloads = createReloads(send, patienceMs)
  const answer = (worker: { number: number; isThere: boolean }, faults = [] as (typeof fault)[]) =>
    reloads.done(worker, sent.findLast(({ to }) => to === worker.number)?.id ?? 0, faults)
  return { reloads, sent, answer }
}

test('all are told at once by whom, and each fault is told with its worker', async (t) => {
  const { reloads, sent, answer } = open()
  const [one, two] = [member(1), member(2)]
  const faults = reloads.all([one, two], by)
  t.strictSame(
    sent.map(({ to }) => to),
    [1, 2]
  )
  t.ok(sent.every((order) => order.by === by))
  answer(two, [fault])
  answer(one)
  t.strictSame(await faults, [{ ...fault, place: 'worker 2: purser.yaml:1:1' }])
})

test('whoever has not come up yet, or ends, reads the files as they are and is not waited for', async (t) => {
  const { reloads, sent } = open()
  const [one, two] = [member(1), member(2, false)]
  const faults = reloads.all([one, two], undefined)
  t.equal(sent.length, 1)
  reloads.gone(one)
  t.strictSame(await faults, [])
  t.strictSame(await reloads.all([], undefined), [])
})

test('a worker that says nothing is a fault in the end', async (t) => {
  const { reloads, answer } = open(1)
  const one = member(1)
  const late = { place: 'worker 1: the configuration', message: 'was not taken over in time' }
  t.strictSame(await reloads.all([one], by), [late])
  answer(one, [fault])
})

test('a worker answers for itself alone', async (t) => {
  const { reloads, sent, answer } = open()
  const [one, two] = [member(1), member(2)]
  const faults = reloads.all([one], by)
  reloads.done(two, sent[0]?.id ?? 0, [fault])
  reloads.done(one, 77, [fault])
  answer(one)
  t.strictSame(await faults, [])
})
