/**
 * The runner behind `npm test`: tap runs the files (all, or those given), and this counts what it reports. Rule: the last
 * line is `N passed, N failed`, what a missing peer left out is said by name, and a run without a test is a failure.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { MISSING } from './peers.ts'
import { type Tally, tallyOf } from './tally.ts'

/** Where nobody watches, a reporter that draws and redraws is noise: failures alone will do. */
const reporter = process.stdout.isTTY ? [] : ['--reporter=min']

const runTap = (args: readonly string[]): Promise<number> =>
  new Promise((done, fail) => {
    const tap = resolve('node_modules', '.bin', 'tap')
    const child = spawn(tap, ['run', ...reporter, ...args], { stdio: 'inherit' })
    child.once('error', fail)
    child.once('exit', (code) => done(code ?? 1))
  })

/** These hold several processes to bounds of time: nothing else may run beside them. */
const ALONE = join('integration', 'replicas')

/** The files of each run, one run after the other. */
const runsOf = async (given: readonly string[]): Promise<(readonly string[])[]> => {
  if (given.length > 0) return [given]
  const root = join('build', 'test')
  const names = await readdir(root, { recursive: true })
  const files = names.filter((name) => name.endsWith('.test.js')).sort()
  const pathsOf = (isAlone: boolean): string[] =>
    files.filter((name) => name.startsWith(ALONE) === isAlone).map((name) => join(root, name))
  return [pathsOf(false), ['--jobs=1', ...pathsOf(true)]]
}

const directory = await mkdtemp(join(tmpdir(), 'purser-test-'))
try {
  let exitCode = 0
  const tallies: Tally[] = []
  for (const [n, args] of (await runsOf(process.argv.slice(2))).entries()) {
    const output = join(directory, `results-${n}.tap`)
    exitCode = Math.max(exitCode, await runTap([`--output-file=${output}`, ...args]))
    // Where tap found nothing to run, it writes no file.
    tallies.push(tallyOf(await readFile(output, 'utf8').catch(() => '')))
  }
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0)
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0)
  const skips = tallies.flatMap((tally) => tally.skips)
  const failures = tallies.flatMap((tally) => tally.failures)

  console.log()
  const missing = skips.filter((reason) => reason.startsWith(MISSING))
  const peers = [...new Set(missing.map((reason) => reason.slice(MISSING.length)))].sort()
  if (peers.length > 0) {
    const names = peers.join(', ')
    console.log(`skipped, because these peers are missing: ${names} (npm run peers installs them)`)
  }
  // A reporter may keep to itself what failed outside of any assertion, such as a file that ran out of time.
  for (const { test, reasons } of failures) {
    console.log(`failed: ${test}`)
    for (const reason of reasons) console.log(reason.replace(/^/gm, '  '))
  }
  if (passed + failed === 0) console.log('no test ran')
  // tap also fails for what is no test, such as a run that was interrupted: never let that pass.
  process.exitCode = failed > 0 || passed === 0 ? 1 : exitCode
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : ''
  console.log(`${passed} passed, ${failed} failed${skipped}`)
} finally {
  await rm(directory, { recursive: true, force: true })
}
