// The last hour, minute by minute: what is counted where, and that nothing older is told.
import { test } from 'tap'
import { createHistory } from '../../../src/telemetry/history.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000

const setUp = () => {
  const clock = { now: START }
  const history = createHistory(() => clock.now)
  const told = () =>
    history
      .minutes()
      .filter(({ requests, hits, misses, upstream }) => requests + hits + misses + upstream > 0)
  return { clock, history, told }
}

test('an hour is sixty minutes, also before anything happened', async (t) => {
  const { history, told } = setUp()
  const minutes = history.minutes()
  t.equal(minutes.length, 60)
  t.equal(minutes[0]?.at, START - 59 * MINUTE)
  t.equal(minutes[59]?.at, START)
  t.same(told(), [])
})

test('what happens is counted in its minute, under what it is', async (t) => {
  const { clock, history, told } = setUp()
  for (const status of [200, 304, 401, 403, 404, 429, 500, 503]) {
    history.answered({ route: 'GET /v1/secrets', status })
  }
  history.answered({ route: 'GET /console/api/overview', status: 200 })
  clock.now += MINUTE
  for (const cache of ['HIT', 'STALE', 'MISS', 'REVALIDATED', undefined] as const) {
    history.observed({ action: 'secret.read', cache })
  }
  history.observed({ action: 'secret.list', cache: 'HIT' })
  for (const operation of ['read', 'list', 'write', 'check', 'review', 'clock'] as const) {
    history.called(operation)
  }
  const none = { requests: 0, refusals: 0, failures: 0, hits: 0, misses: 0, upstream: 0 }
  t.same(told(), [
    { ...none, at: START, requests: 8, refusals: 3, failures: 2 },
    { ...none, at: START + MINUTE, hits: 2, misses: 2, upstream: 3 }
  ])
})

test('what is older than an hour is forgotten, and its place begins at 0', async (t) => {
  const { clock, history, told } = setUp()
  history.called('read')
  clock.now = START + 59 * MINUTE
  t.equal(told()[0]?.at, START)
  clock.now = START + 60 * MINUTE
  t.same(told(), [])
  history.called('read')
  t.match(told(), [{ at: START + 60 * MINUTE, upstream: 1 }])
})
