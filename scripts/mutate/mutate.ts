/**
 * `npm run mutate [-- <floor> ...]`: changes the code in each small way that Stryker knows, and counts the changes that no unit
 * test notices. Rule: of every floor 90 % are noticed, or the run fails. What was not is listed in .peers/mutate/<floor>.txt.
 */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FLOORS, type Floor } from './floors.ts'
import type { Mutant } from './listing.ts'

const THRESHOLD = 90
const INSTALLED = join('.peers', 'mutate')
const PINNED = join('scripts', 'mutate')

type StrykerClass = new (
  options: object
) => { readonly runMutationTest: () => Promise<readonly Mutant[]> }

const LOCK = 'package-lock.json'
const MANIFEST = 'package.json'

/** Beside our own packages, and pinned by a lockfile of its own. */
const install = (): void => {
  const done = join(INSTALLED, 'installed.json')
  const lock = readFileSync(join(PINNED, LOCK), 'utf8')
  if (existsSync(done) && readFileSync(done, 'utf8') === lock) return
  mkdirSync(INSTALLED, { recursive: true })
  for (const name of [MANIFEST, LOCK]) copyFileSync(join(PINNED, name), join(INSTALLED, name))
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  execFileSync('npm', flags, { cwd: INSTALLED, stdio: 'inherit' })
  writeFileSync(done, lock)
}

const sourcesOf = ({ mutate, without = [] }: Floor): string[] =>
  mutate
    .flatMap((path) =>
      path.endsWith('.ts')
        ? [path]
        : readdirSync(path, { recursive: true, encoding: 'utf8' })
            .filter((name) => name.endsWith('.ts'))
            .map((name) => join(path, name))
    )
    .filter((path) => !without.includes(path))

/** `only`: files of it, perhaps each with its lines, as `src/core/glob.ts:20-30`. */
const optionsOf = (floor: Floor, only: readonly string[]) => {
  const sources = sourcesOf(floor)
  return {
    mutate: only.length > 0 ? only : sources,
    testRunner: 'purser',
    ignorers: ['texts'],
    plugins: [resolve('build', 'scripts', 'mutate', 'tap-runner.js')],
    purser: {
      tests: floor.tests,
      sources: sources.map((path) => path.replace(/ts$/, 'js')),
      listing: resolve(INSTALLED, only.length > 0 ? `${floor.name}-some` : floor.name)
    },
    // All mutants are in one build, each behind a switch: the compiler runs once, and types are of no use to it.
    buildCommand: 'npx tsc --noCheck --incremental false',
    disableTypeChecks: false,
    // Stryker would rewrite it by the programming interface of an older TypeScript.
    tsconfigFile: 'none',
    ignorePatterns: ['build', '.peers', 'data', '.tap'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // Only for what escapes the runner's own bounds (tap-runner.ts), which a busy machine does not reach.
    timeoutMS: 60_000,
    timeoutFactor: 2,
    // What is loaded anew for each mutant stays in memory.
    maxTestRunnerReuse: 200,
    tempDirName: join(INSTALLED, 'sandbox'),
    reporters: ['progress-append-only', 'listing'],
    allowConsoleColors: false
  }
}

interface Score {
  readonly name: string
  readonly noticed: number
  readonly all: number
  readonly score: number
  readonly minutes: number
}

const scoreOf = async (
  Stryker: StrykerClass,
  floor: Floor,
  only: readonly string[]
): Promise<Score> => {
  const begun = performance.now()
  const mutants = await new Stryker(optionsOf(floor, only)).runMutationTest()
  const of = (...statuses: readonly string[]): Mutant[] =>
    mutants.filter(({ status }) => statuses.includes(status))
  const noticed = of('Killed', 'Timeout').length
  const missed = of('Survived', 'NoCoverage').length
  const all = noticed + missed
  const minutes = (performance.now() - begun) / 60_000
  return { name: floor.name, noticed, all, score: (100 * noticed) / all, minutes }
}

const files = process.argv.slice(2).filter((asked) => asked.includes('/'))
const names = process.argv.slice(2).filter((asked) => !asked.includes('/'))
const unknown = names.filter((name) => !FLOORS.some((floor) => floor.name === name))
if (unknown.length > 0 || (files.length > 0 && names.length !== 1)) {
  const all = FLOORS.map(({ name }) => name).join(' | ')
  console.error(`usage: npm run mutate [-- ${all}]; behind one of them, some of its files`)
  process.exit(2)
}
install()
const entry = join(INSTALLED, 'node_modules', '@stryker-mutator', 'core', 'dist', 'src', 'index.js')
const { Stryker } = (await import(pathToFileURL(resolve(entry)).href)) as {
  readonly Stryker: StrykerClass
}
const scores: Score[] = []
for (const floor of FLOORS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  scores.push(await scoreOf(Stryker, floor, files))
}
for (const { name, noticed, all, score, minutes } of scores) {
  console.log(
    `${name}: ${score.toFixed(1)} % of ${all} changes noticed, ${all - noticed} not, in ${minutes.toFixed(0)} min`
  )
}
process.exit(scores.every(({ score }) => score >= THRESHOLD) ? 0 : 1)
