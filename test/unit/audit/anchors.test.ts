/** Places of the trail's chain are noted when they are new, one of each instance, and go when what they are of has gone. */
import { mock } from 'node:test'
import { type Test, test } from 'tap'
import { createAnchors, dropAnchors, keptAnchors } from '../../../src/audit/anchors.ts'
import type { Anchor } from '../../../src/audit/chain-line.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const ONE = 'one00000000'
const OTHER = 'other000000'
const place = (instance: string, seq: number): Anchor => ({
  instance,
  seq,
  head: 'h'.repeat(43)
})

const create = (t: Test, more: { state?: State; everyMs?: number } = {}) => {
  const state = more.state ?? openState(t)
  const logged: string[] = []
  const anchors = createAnchors({
    now: () => NOON,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...more,
    state
  })
  return { anchors, state, logged }
}

const withTimers = (t: Test): void => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
}

test('what is noted is logged, and kept in the state with the day, the last of each instance', async (t) => {
  const { anchors, state, logged } = create(t)
  anchors.note(place(ONE, 3))
  anchors.note(place(OTHER, 9))
  anchors.note(place(ONE, 7))
  await anchors.close()
  t.strictSame(await keptAnchors(state), [place(ONE, 7), place(OTHER, 9)])
  t.equal((await state.get(`audit/${ONE}`))?.toString(), `${ONE}:7:${'h'.repeat(43)} 2026-03-01`)
  t.strictSame(logged[0], `info audit anchor ${JSON.stringify(place(ONE, 3))}`)
  t.equal(logged.length, 3)
})

test('a state that keeps nothing is a warning each time, and the next one is tried all the same', async (t) => {
  let tries = 0
  const state = {
    get: async () => {
      tries++
      throw new Error('away')
    }
  } as unknown as State
  const { anchors, logged } = create(t, { state })
  anchors.note(place(ONE, 1))
  anchors.note(place(ONE, 2))
  await anchors.close()
  t.equal(tries, 2)
  t.match(
    logged.filter((line) => line.startsWith('warn')),
    Array(2).fill(/^warn the anchor of the audit trail cannot be kept/)
  )
})

test('what is no anchor in the state is none', async (t) => {
  const { state } = create(t)
  await state.compareAndSet('audit/x', undefined, Buffer.from('nonsense'))
  await state.compareAndSet('audit/y', undefined, Buffer.from(''))
  await state.compareAndSet('other/z', undefined, Buffer.from(`${ONE}:7:${'h'.repeat(43)}`))
  t.strictSame(await keptAnchors(state), [])
})

test('each minute the day of the trail is ended if it is over, and its last line noted if it is new', async (t) => {
  withTimers(t)
  const { anchors, logged } = create(t)
  let last: Anchor | undefined
  let ended = 0
  anchors.start()
  mock.timers.tick(60_000)
  anchors.watch({
    anchor: () => last,
    endDay: () => {
      ended++
    }
  })
  mock.timers.tick(59_999)
  t.equal(ended, 0)
  mock.timers.tick(1)
  t.equal(ended, 1)
  t.strictSame(logged, [], 'nothing is on record yet')
  const noted = (anchor: Anchor): number => {
    last = anchor
    mock.timers.tick(60_000)
    return logged.length
  }
  t.strictSame(
    [place(ONE, 1), place(ONE, 1), place(ONE, 2), place(OTHER, 2), place(OTHER, 2)].map(noted),
    [1, 1, 2, 3, 3]
  )
  await anchors.close()
  noted(place(OTHER, 5))
  t.equal(logged.length, 3, 'nothing after its end')
})

test('the interval is what it is told to be', async (t) => {
  withTimers(t)
  const { anchors, logged } = create(t, { everyMs: 5 })
  anchors.watch({ anchor: () => place(ONE, 1), endDay: () => {} })
  anchors.start()
  mock.timers.tick(4)
  t.equal(logged.length, 0)
  mock.timers.tick(1)
  t.equal(logged.length, 1)
  await anchors.close()
})

test('an anchor goes with the last line that it is of, or with its day, and not before', async (t) => {
  const { anchors, state } = create(t)
  for (const seq of [4, 5, 6]) anchors.note(place(`seq-${seq}`.padEnd(11, '0'), seq))
  await anchors.close()
  const gone = [4, 5, 6].map((seq) => place(`seq-${seq}`.padEnd(11, '0'), 5))
  await dropAnchors(state, gone, '2026-03-01')
  t.strictSame(
    (await keptAnchors(state)).map(({ seq }) => seq),
    [6]
  )
  await dropAnchors(state, [], '2026-03-01')
  t.equal((await keptAnchors(state)).length, 1)
  await dropAnchors(state, [], '2026-03-02')
  t.equal((await keptAnchors(state)).length, 0)
})
