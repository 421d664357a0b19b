/** What is counted under which words: never one that a caller may choose. */
import { test } from 'tap'
import { createMeter } from '../../../src/telemetry/meter.ts'

const answered = (route: string, status = 200, code?: string) => ({
  route,
  status,
  code,
  durationMs: 1
})
const observed = (store: string | undefined, facts: object) => ({
  action: 'secret.read' as const,
  outcome: 'allowed' as const,
  code: undefined,
  cache: undefined,
  route: 'GET /v1/secrets',
  store,
  durationMs: 1,
  ...facts
})

/** What is shown as 0 was not counted yet. */
const counted = (samples: Iterable<readonly [unknown, number]>) =>
  [...samples].filter(([, value]) => value > 0)

test('methods that hardly anybody uses are one', async (t) => {
  const { answered: tell, readings } = createMeter(() => true)
  for (const method of ['GET', 'PROPFIND', 'M-SEARCH', '']) tell(answered(`${method} /x`))
  tell(answered('GET '))
  t.same(counted(readings.purser_http_requests_total()), [
    [['GET', '/x', 200, 'ok'], 1],
    [['GET', 'none', 200, 'ok'], 1],
    [['other', '/x', 200, 'ok'], 2],
    [['none', '/x', 200, 'ok'], 1]
  ])
})

test('a store that is not configured has no name, however many are asked for', async (t) => {
  const { observed: tell, readings } = createMeter((name) => name === 'aws')
  for (const store of ['aws', 'b', 'c', undefined]) tell(observed(store, { cache: 'HIT' as const }))
  t.same(counted(readings.purser_secret_reads_total()), [
    [['none', 'HIT'], 3],
    [['aws', 'HIT'], 1]
  ])
})

test('a read is what it came to: where from, or why not', async (t) => {
  const { observed: tell, readings } = createMeter(() => true)
  tell(observed('aws', { cache: 'STALE' as const }))
  tell(observed('aws', { outcome: 'failed' as const, code: 'store_timeout' as const }))
  tell(observed('aws', { action: 'secret.list' as const }))
  t.same(counted(readings.purser_secret_reads_total()), [
    [['aws', 'STALE'], 1],
    [['aws', 'store_timeout'], 1]
  ])
  t.equal(counted(readings.purser_decisions_total()).length, 3)
})

test('failures of Redis are none once it has answered, so that the first of them is an increase', async (t) => {
  const { redisCalls, readings } = createMeter(() => true)
  t.same([...readings.purser_redis_call_failures_total()], [])
  redisCalls.shared(1, true)
  t.same([...readings.purser_redis_call_failures_total()], [[['shared'], 0]])
  redisCalls.shared(1, false)
  t.same([...readings.purser_redis_call_failures_total()], [[['shared'], 1]])
})
