/** What a scrape says: every family as Prometheus reads it, however scrapes overlap, and several workers in one text. */
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { FAMILIES, familyNames } from '../../../src/telemetry/families.ts'
import { createMetrics, type Readings, textOfWorkers } from '../../../src/telemetry/metrics.ts'
import { createTimings, type Sample } from '../../../src/telemetry/tally.ts'
import { parseMetrics } from '../../support/scrape.ts'

/** Nothing was counted, but what is given. */
const readingsWith = (given: Partial<Readings>): Readings =>
  ({ ...Object.fromEntries(familyNames.map((name) => [name, () => []])), ...given }) as Readings

const READS = 'purser_secret_reads_total'
const DURATION = 'purser_http_request_duration_seconds'

test('scrapes that overlap say the same, also where a reading takes its time', async (t) => {
  const samples: Sample[] = [
    [['aws', 'HIT'], 3],
    [['aws', 'MISS'], 0]
  ]
  const metrics = createMetrics(
    readingsWith({
      [READS]: async () => {
        await turn()
        return samples
      }
    })
  )
  for (const text of await Promise.all([metrics.text(), metrics.text(), metrics.text()])) {
    const { value } = parseMetrics(text)
    t.equal(value(READS, { store: 'aws', outcome: 'HIT' }), 3)
    t.equal(value(READS, { outcome: 'MISS' }), 0)
  }
  samples.length = 0
  t.equal(parseMetrics(await metrics.text()).value(READS), undefined, 'what is gone is gone')
})

test('times are cumulative, and as many as were measured', async (t) => {
  const timings = createTimings()
  for (const ms of [0.4, 0.6, 30, 60_000]) timings.add(['GET', '/x'], ms)
  const metrics = createMetrics(readingsWith({ [DURATION]: timings.timings }))
  const { value } = parseMetrics(await metrics.text())
  const below = (le: string) => value(`${DURATION}_bucket`, { method: 'GET', route: '/x', le })
  t.same(['0.0005', '0.001', '0.025', '0.05', '5', '+Inf'].map(below), [1, 2, 2, 3, 3, 4])
  t.equal(value(`${DURATION}_count`), 4)
  t.ok(Math.abs((value(`${DURATION}_sum`) ?? 0) - 60.031) < 0.000_01)
})

test('a label that needs it is escaped', async (t) => {
  const metrics = createMetrics(readingsWith({ [READS]: () => [[['a"b\\c\nd', 'HIT'], 1]] }))
  t.match(await metrics.text(), 'store="a\\"b\\\\c\\nd"')
})

test('workers stand beside each other with their numbers, and what is no number is left out', async (t) => {
  const figuresOf = (count: number) =>
    createMetrics(
      readingsWith({
        [READS]: () => [[['aws', 'HIT'], count]],
        purser_audit_lag_seconds: () => [[[], count === 1 ? Number.NaN : 0.5]]
      })
    ).figures()
  // As they come from another process.
  const other = JSON.parse(JSON.stringify(await figuresOf(1)))
  const found = parseMetrics(
    await textOfWorkers([
      [2, await figuresOf(4)],
      [1, other],
      [3, []]
    ])
  )
  t.equal(found.value(READS, { worker: '1' }), 1)
  t.equal(found.value(READS, { worker: '2' }), 4)
  t.same(found.labels('purser_audit_lag_seconds'), [{ worker: '2' }])
  t.equal(new Set(found.names).size, found.names.length, 'each family once')
  for (const name of familyNames) {
    t.ok(found.text.includes(`# TYPE ${name} ${FAMILIES[name].type}`), name)
  }
})
