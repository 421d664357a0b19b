import { stat } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { createPatience, withDeadline } from '../../../src/state/deadline.ts'

const late = () => new Error('late')
const never = () => new Promise<never>(() => {})

test('work that ends in time keeps its own outcome', async (t) => {
  const { signal } = new AbortController()
  for (const time of [10_000, signal]) {
    t.equal(await withDeadline(time, async () => 'done', late), 'done')
    const failure = new Error('failed')
    await t.rejects(
      withDeadline(time, () => Promise.reject(failure), late),
      failure
    )
  }
})

test('work that does not heed its signal is left behind when its time is up', async (t) => {
  let given: AbortSignal | undefined
  const deaf = (signal: AbortSignal) => {
    given = signal
    return never()
  }
  await t.rejects(withDeadline(5, deaf, late), { message: 'late' })
  t.equal(given?.aborted, true)

  const shared = new AbortController()
  const left = withDeadline(shared.signal, deaf, late)
  shared.abort()
  await t.rejects(left, { message: 'late' })
  t.equal(given, shared.signal)

  let asked = false
  const tooLate = withDeadline(
    shared.signal,
    async () => {
      asked = true
    },
    late
  )
  await t.rejects(tooLate, { message: 'late' })
  t.notOk(asked)
})

test('an answer that lies there while this process is busy is taken, though the time is up', async (t) => {
  const answer = withDeadline(10, () => stat('.').then(() => 'answered'), late)
  const until = performance.now() + 30
  while (performance.now() < until);
  t.equal(await answer, 'answered')
})

test('a hundred calls may share a deadline, and a call do a hundred things until its own, without a warning', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const many = <T>(work: () => T): T[] => Array.from({ length: 100 }, work)
  const { signal } = new AbortController()
  await Promise.all(many(() => withDeadline(signal, () => turn(), late)))
  const listen = async (own: AbortSignal) => many(() => own.addEventListener('abort', () => {}))
  await withDeadline(10_000, listen, late)
  await turn()
  t.same(warnings, [])
})

test('patience is wound up for each piece of work, in parts, of which a standstill takes one', async (t) => {
  let runOut = (): void => {}
  let wound = 0
  const asked: number[] = []
  const within = createPatience(400, 'late', (callBack, ms) => {
    runOut = callBack
    asked.push(ms)
    return { refresh: () => wound++ }
  })
  t.same(asked, [100])
  runOut()
  for (let i = 0; i < 10; i++) {
    const outcome = within(Promise.resolve(i))
    for (let part = 1; part < 4; part++) runOut()
    t.equal(await outcome, i, 'three parts of its time are over, whatever came before')
  }
  const before = wound
  const outcome = within(never())
  t.equal(wound, before + 1)
  for (let part = 1; part < 4; part++) runOut()
  t.equal(await Promise.race([outcome, turn('not yet')]), 'not yet')
  runOut()
  t.equal(await outcome, 'late')
  t.equal(wound, before + 4, 'once for the work, and after each part but the last')
})
