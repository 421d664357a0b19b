import { stat } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { withDeadline } from '../../../src/state/deadline.ts'

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
