// When a program gets a new set of secrets.
import { test } from 'tap'
import type { Dealt } from '../../../../src/cli/run/deal.ts'
import { createWatching } from '../../../../src/cli/run/watch.ts'
import { createManualClock } from '../../../support/manual-clock.ts'

const set = (name: string): Dealt => ({
  variables: new Map(),
  files: new Map(),
  contents: new Map(),
  refs: ['a:x'],
  digestOfVariables: name,
  digestOfFiles: ''
})

const setUp = (options: { checkEveryMs?: number; random?: number } = {}) => {
  const clock = createManualClock(() => options.random ?? 0.5)
  const state = { now: 'first', fails: false, takeFails: false }
  const seen = { reads: 0, taken: [] as string[], at: [] as number[], told: [] as string[] }
  const over = new AbortController()
  const watching = createWatching({
    clock,
    jitterMs: 1_000,
    checkEveryMs: options.checkEveryMs ?? 0,
    tell: (line) => seen.told.push(line),
    read: async () => {
      seen.reads++
      if (state.fails) throw new Error('not all of it')
      return set(state.now)
    },
    take: async ({ digestOfVariables }) => {
      if (state.takeFails) throw new Error('no room')
      seen.taken.push(digestOfVariables)
      seen.at.push(clock.now())
    },
    took: () => {}
  })
  const done = watching.run(set('first'), over.signal)
  return { clock, state, seen, watching, over, done }
}

test('a change reaches the program once, however many events tell of it', async (t) => {
  const { clock, state, seen, watching } = setUp()
  await clock.advance(10_000)
  t.equal(seen.reads, 0)
  state.now = 'second'
  for (let i = 0; i < 10; i++) watching.changed()
  await clock.advance(200)
  watching.changed()
  await clock.advance(2_000)
  t.strictSame(seen.taken, ['second'])
  t.equal(seen.reads, 1)
})

test('it is taken within the jitter, which differs from program to program', async (t) => {
  for (const random of [0, 0.25, 1]) {
    const { clock, state, seen, watching } = setUp({ random })
    await clock.advance(1)
    state.now = 'second'
    watching.changed()
    await clock.advance(5_000)
    t.strictSame(seen.at, [101 + 1_000 * random])
  }
})

test('a value that is the same renews nothing, and is looked at once more', async (t) => {
  const { clock, state, seen, watching } = setUp()
  watching.changed()
  await clock.advance(1_000)
  t.equal(seen.reads, 1)
  state.now = 'late'
  await clock.advance(3_000)
  t.strictSame(seen.taken, ['late'], 'another replica had not heard of it yet')
  t.equal(seen.reads, 2)
  watching.changed()
  await clock.advance(60_000)
  t.equal(seen.reads, 4)
  t.strictSame(seen.taken, ['late'])
})

test('a set that is not whole is never taken: the program goes on until it is', async (t) => {
  const { clock, state, seen, watching } = setUp()
  state.now = 'second'
  state.fails = true
  watching.changed()
  await clock.advance(600_000)
  t.strictSame(seen.taken, [])
  t.ok(seen.reads > 10 && seen.reads < 40, `${seen.reads} reads in ten minutes`)
  t.equal(seen.told.length, 1)
  state.fails = false
  await clock.advance(60_000)
  t.strictSame(seen.taken, ['second'])
})

test('a set that could not be given to the program is given later', async (t) => {
  const { clock, state, seen, watching } = setUp()
  state.now = 'second'
  state.takeFails = true
  watching.changed()
  await clock.advance(5_000)
  state.takeFails = false
  await clock.advance(60_000)
  t.strictSame(seen.taken, ['second'])
})

test('a change during a renewal is not lost', async (t) => {
  const { clock, state, seen, watching } = setUp()
  state.now = 'second'
  watching.changed()
  await clock.advance(650)
  t.strictSame(seen.taken, ['second'])
  state.now = 'third'
  watching.changed()
  await clock.advance(650)
  t.strictSame(seen.taken, ['second', 'third'])
})

test('it is looked without an event too, now and then', async (t) => {
  const { clock, state, seen, over, done } = setUp({ checkEveryMs: 300_000, random: 0 })
  state.now = 'second'
  await clock.advance(224_000)
  t.equal(seen.reads, 0)
  await clock.advance(1_000)
  t.strictSame(seen.taken, ['second'])
  over.abort()
  await done
  t.strictSame(clock.waits(), [])
})
