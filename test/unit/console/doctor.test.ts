// How often the checks are run for the page: together, apart in time, and not for ever.
import { test } from 'tap'
import { createDoctor } from '../../../src/console/doctor.ts'
import type { Report } from '../../../src/core/doctor-report.ts'

const REPORT: Report = {
  environment: 'dev',
  status: 'ok',
  counts: { ok: 0, warn: 0, fail: 0 },
  checks: []
}
const START = Date.parse('2026-11-21T12:00:00Z')
const WHEN = { examinedAt: '2026-11-21T12:00:00.000Z' }

const setUp = (outcome: (signal: AbortSignal) => Promise<Report>, withinMs?: number) => {
  const clock = { now: START }
  const seen: AbortSignal[] = []
  const doctor = createDoctor({
    examine: (signal) => {
      seen.push(signal)
      return outcome(signal)
    },
    now: () => clock.now,
    ...(withinMs !== undefined && { withinMs })
  })
  return { clock, seen, doctor }
}

const hang = (): Promise<Report> => new Promise(() => {})

test('whoever asks while the checks run shares the run, and another begins a while after it', async (t) => {
  const { clock, seen, doctor } = setUp(async () => REPORT)
  const [one, other] = await Promise.all([doctor.examination(), doctor.examination()])
  t.same(one, { ...REPORT, ...WHEN })
  t.equal(other, one)
  clock.now += 9_999
  t.equal(await doctor.examination(), one, 'which says when it was')
  t.equal(seen.length, 1)
  clock.now += 1
  t.same(await doctor.examination(), { ...REPORT, examinedAt: '2026-11-21T12:00:10.000Z' })
  t.equal(seen.length, 2)
})

test('a run that fails is told as such and not begun again at once', async (t) => {
  const { clock, seen, doctor } = setUp(() => Promise.reject(new Error('a text of somebody else')))
  const failure = { code: 'overloaded', message: /purser doctor/, details: { retryAfter: 10 } }
  await t.rejects(doctor.examination(), failure)
  await t.rejects(doctor.examination(), failure)
  t.equal(seen.length, 1)
  clock.now += 10_000
  await t.rejects(doctor.examination(), failure)
  t.equal(seen.length, 2)
})

test('a run is ended at its deadline, and with the service', async (t) => {
  const late = setUp(hang, 1)
  await t.rejects(late.doctor.examination(), { code: 'overloaded' })
  t.equal(late.seen[0]?.aborted, true)
  const other = setUp(
    (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')))
      })
  )
  const asked = other.doctor.examination()
  other.doctor.close()
  await t.rejects(asked, { code: 'overloaded' })
})
