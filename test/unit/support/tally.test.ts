/** Whoever counts the tests is tested itself: a miscount would hide a failure. */
import { test } from 'tap'
import { tallyOf } from '../../support/tally.ts'

const file = (line: string, body: string) =>
  `# Subtest: a.test.js\n${body.replace(/^(?=.)/gm, '    ')}${line}\n`
const tap = (...files: string[]) => `TAP version 14\n${files.join('')}1..${files.length}\n`
const passing = '# Subtest: it works\n    ok 1 - yes\n    ok 2 - twice\n    1..2\nok 1 - it works\n'
const failing = '# Subtest: it fails\n    not ok 1 - no\n    1..1\nnot ok 1 - it fails\n'

test('a test counts once, however many assertions it has', async (t) => {
  const tally = tallyOf(tap(file('ok 1 - a.test.js', `${passing}1..1\n`)))
  t.strictSame(tally, { passed: 1, failed: 0, skips: [], failures: [] })
})

test('a failed test counts once, not again for the file around it', async (t) => {
  const tally = tallyOf(tap(file('not ok 1 - a.test.js', `${failing}1..1\n`)))
  t.strictSame(tally, {
    passed: 0,
    failed: 1,
    skips: [],
    failures: [{ test: 'a.test.js > it fails', reasons: ['no'] }]
  })
})

test('what failed is told with its place and the difference', async (t) => {
  const diag =
    '  ---\n  at: { fileName: a.ts, lineNumber: 7 }\n  diff: |\n    -ok\n    +down\n  ...\n'
  const subtest = `# Subtest: it fails\n    not ok 1 - should be equal\n${diag.replace(/^(?=.)/gm, '    ')}    1..1\nnot ok 1 - it fails\n`
  const { failures } = tallyOf(tap(file('not ok 1 - a.test.js', `${subtest}1..1\n`)))
  t.strictSame(failures, [
    { test: 'a.test.js > it fails', reasons: ['should be equal (a.ts:7)\n-ok\n+down'] }
  ])
})

test('a group does not count beside the tests within it', async (t) => {
  const group = `# Subtest: group\n${passing.replace(/^(?=.)/gm, '    ')}    1..1\nok 1 - group\n1..1\n`
  const tally = tallyOf(tap(file('ok 1 - a.test.js', group)))
  t.strictSame(tally, { passed: 1, failed: 0, skips: [], failures: [] })
})

test('a file that does not load is a failure', async (t) => {
  const tally = tallyOf(tap(file('not ok 1 - a.test.js', '1..0\n')))
  t.strictSame(tally, {
    passed: 0,
    failed: 1,
    skips: [],
    failures: [{ test: 'a.test.js', reasons: [] }]
  })
})

test('a file whose tests pass and which fails by itself is a failure too', async (t) => {
  const tally = tallyOf(tap(file('not ok 1 - a.test.js', `${passing}1..1\n`)))
  t.strictSame(tally, {
    passed: 1,
    failed: 1,
    skips: [],
    failures: [{ test: 'a.test.js', reasons: [] }]
  })
})

test('a skipped test is neither passed nor failed, and its reason is kept', async (t) => {
  const alone = tallyOf(tap(file('ok 1 - a.test.js', 'ok 1 - x # SKIP missing peer: moto\n1..1\n')))
  t.strictSame(alone, { passed: 0, failed: 0, skips: ['missing peer: moto'], failures: [] })
  const within =
    '# Subtest: x\n    1..0 # missing peer: moto\nok 1 - x # SKIP missing peer: moto\n1..1\n'
  const planned = tallyOf(tap(file('ok 1 - a.test.js', within)))
  t.strictSame(planned, { passed: 0, failed: 0, skips: ['missing peer: moto'], failures: [] })
})

test('a test that skips what is left of it, after it tested something, has failed', async (t) => {
  const half =
    '# Subtest: half\n    ok 1 - yes\n    1..0 # missing peer: redis\nnot ok 1 - half # SKIP\n'
  const { passed, failed, skips, failures } = tallyOf(
    tap(file('not ok 1 - a.test.js', `${half}1..1\n`))
  )
  t.strictSame({ passed, failed, skips }, { passed: 0, failed: 1, skips: [] })
  t.match(failures, [{ test: 'a.test.js > half' }])
})
