/** A question to several workers: whoever asks gets an answer for each that hears. */
import { test } from 'tap'
import { createAsking } from '../../../src/cli/ask-all.ts'
import type { Order } from '../../../src/cli/messages.ts'

const member = (number: number, isThere = true) => ({ number, isThere })

const open = (patienceMs = 60_000) => {
  const sent: Order[] = []
  const asking = createAsking<ReturnType<typeof member>, string>(
    (_member, order) => void sent.push(order),
    { patienceMs, late: 'late', gone: 'gone' }
  )
  return { asking, sent }
}
const measure = (id: number): Order => ({ do: 'measure', id })

test('answers come with their workers, whoever is first', async (t) => {
  const { asking, sent } = open()
  const [one, two] = [member(1), member(2)]
  const answers = asking.all([one, two, member(3, false)], measure)
  t.same(sent, [
    { do: 'measure', id: 1 },
    { do: 'measure', id: 2 }
  ])
  asking.done(two, 1, 'not its question')
  asking.done(two, 2, 'b')
  asking.done(one, 1, 'a')
  asking.done(one, 1, 'again')
  t.same(await answers, [
    [one, 'a'],
    [two, 'b']
  ])
})

test('one that ends or is late has the answer that stands for it', async (t) => {
  const [one, two] = [member(1), member(2)]
  const patient = open()
  const ended = patient.asking.all([one], measure)
  patient.asking.gone(two)
  patient.asking.gone(one)
  t.same(await ended, [[one, 'gone']])
  t.same(await open(1).asking.all([one], measure), [[one, 'late']])
})
