/**
 * The runner behind `npm test` and `npm run test:replicas`: three files at a time, or one where bounds of time are held; or
 * the files that are given. Rule: each file is told as it ends, the slowest and all failures at the end; the last line is
 * `N passed, N failed[, N skipped]`; a run without a test is a failure.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MISSING } from './peers.ts'
import { runAgain } from './run-again.ts'
import { type FileResult, runFile } from './run-file.ts'

/** These hold processes under load to bounds of time: nothing else may run beside them. */
const ALONE = [join('integration', 'replicas'), join('e2e', 'attack.test')]
const runsAlone = (file: string): boolean => ALONE.some((part) => file.includes(part))

/** One more than two cores, since tests wait a quarter of their time. */
const AT_ONCE = 3

const filesFor = async (given: readonly string[]): Promise<readonly string[]> => {
  if (given.length > 0 && given[0] !== '--replicas') return given
  // By the sources, since what was built stays behind where a source has gone.
  const names = await readdir('test', { recursive: true })
  return names
    .filter((name) => name.endsWith('.test.ts') && runsAlone(name) === given.length > 0)
    .sort()
    .map((name) => join('build', 'test', name.replace(/ts$/, 'js')))
}

const inSeconds = (seconds: number): string => `${seconds.toFixed(1)} s`.padStart(8)
const sumOf = (results: readonly FileResult[], of: (result: FileResult) => number): number =>
  results.reduce((sum, result) => sum + of(result), 0)

const counts = (passed: number, failed: number, skipped: number): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

const tellFailures = ({ failures, stderr }: FileResult): void => {
  for (const { test, reasons } of failures) {
    console.log(`failed: ${test}`)
    for (const reason of reasons) console.log(reason.replace(/^/gm, '  '))
  }
  if (failures.length > 0 && stderr !== '') console.log(stderr.trimEnd().replace(/^/gm, '  | '))
}

const runAndTell = async (file: string, progress: () => string): Promise<FileResult> => {
  const result = await runFile(file)
  const { passed, failed, skips, seconds } = result
  const counted = counts(passed, failed, skips.length)
  console.log(`${progress().padStart(7)}${inSeconds(seconds)}  ${file}: ${counted}`)
  tellFailures(result)
  return result
}

const runAll = async (files: readonly string[]): Promise<readonly FileResult[]> => {
  const results: FileResult[] = []
  const waiting = files.values()
  const progress = (): string => `${results.length + 1}/${files.length}`
  const work = async (): Promise<void> => {
    for (const file of waiting) results.push(await runAndTell(file, progress))
  }
  const atOnce = files.some(runsAlone) ? 1 : AT_ONCE
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}

// For whoever is told to leave, so that the files hear of it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const given = process.argv.slice(2)
const first = await runAll(await filesFor(given))
const isWhole = given.length === 0 || given[0] === '--replicas'
const { results, unsteady } = isWhole
  ? await runAgain(first, (file) => runAndTell(file, () => 'again'))
  : { results: first, unsteady: [] }
const passed = sumOf(results, (result) => result.passed)
const failed = sumOf(results, (result) => result.failed)
const skips = results.flatMap((result) => result.skips)

if (results.length > 10) {
  console.log('\nthe slowest:')
  const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 10)
  for (const { seconds, file } of slowest) console.log(`${inSeconds(seconds)}  ${file}`)
}
console.log()
const missing = skips.filter((reason) => reason.startsWith(MISSING))
const peers = [...new Set(missing.map((reason) => reason.slice(MISSING.length)))].sort().join(', ')
if (peers !== '') {
  console.log(`skipped, because these peers are missing: ${peers} (npm run peers installs them)`)
}
results.forEach(tellFailures)
for (const { file } of unsteady) {
  console.log(`unsteady: ${file} failed, and passed when it was run again alone`)
}
if (passed + failed === 0) console.log('no test ran')
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
console.log(counts(passed, failed, skips.length))
