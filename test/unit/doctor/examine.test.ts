/** How checks are run: none keeps the others from being told, and what they throw is not shown. */
import { test } from 'tap'
import { type Check, fail, failInEarnest, warn } from '../../../src/doctor/check.ts'
import { CHECKS } from '../../../src/doctor/checks.ts'
import { examine } from '../../../src/doctor/examine.ts'
import type { Installation } from '../../../src/doctor/installation.ts'
import { linesOf, reportOf, summaryOf } from '../../../src/doctor/report.ts'
import { createCanary } from '../../support/canary.ts'

const on = (isEarnest = true): Installation =>
  ({
    faults: [],
    faultsInEarnest: [],
    warnings: [],
    envFile: { label: '.env' },
    isEarnest
  }) as unknown as Installation

const check = (id: string, run: NonNullable<Check['run']>): Check => ({
  id,
  title: `${id} it is`,
  run
})

test('a check that crashes, or hangs, cannot tell, and the others can', async (t) => {
  const canary = createCanary()
  const checks = [
    check('crashes', () => {
      throw new Error(canary.token)
    }),
    check('rejects', async () => Promise.reject(new Error(canary.token))),
    check('hangs', () => new Promise(() => {})),
    check('is-fine', () => [])
  ]
  const lines = linesOf(reportOf('pro', await examine(on(), checks, 10)))
  t.strictSame(lines, [
    'warn  crashes                 cannot be told: the check itself failed',
    'warn  rejects                 cannot be told: the check itself failed',
    'warn  hangs                   cannot be told: no answer within 1 s',
    'ok    is-fine                 is-fine it is'
  ])
  t.strictSame(canary.findIn(lines.join('\n')), [])
})

test('a status is the gravest below it, and what would fail in pro only warns elsewhere', async (t) => {
  const checks = [
    check('a', () => [warn('w'), fail('f')]),
    check('b', () => [failInEarnest('e')]),
    check('c', () => [warn('w')])
  ]
  const inPro = reportOf('pro', await examine(on(), checks, 1_000))
  t.match(inPro, { status: 'fail', counts: { ok: 0, warn: 1, fail: 2 } })
  const inDev = reportOf('dev', await examine(on(false), checks, 1_000))
  t.match(inDev, { status: 'fail', counts: { ok: 0, warn: 2, fail: 1 } })
  t.match(linesOf(inDev)[2], /^warn {2}b +would fail in pro: e$/)
  t.equal(summaryOf(inDev), 'dev: 0 checks ok, 2 with warnings, 1 failed')
  t.match(reportOf('pro', []), { status: 'ok', counts: { ok: 0, warn: 0, fail: 0 } })
})

test('every check has an id of its own, and a setting has one check', (t) => {
  const ids = CHECKS.map(({ id }) => id)
  t.strictSame(ids, [...new Set(ids)])
  for (const id of ids) t.match(id, /^[a-z]+(-[a-z0-9]+)*$/)
  const places = CHECKS.flatMap(({ places = [] }) => [places].flat())
  t.strictSame(places, [...new Set(places)])
  t.end()
})
