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

const THRESHOLD = 90
const INSTALLED = join('.peers', 'mutate')
const PINNED = join('scripts', 'mutate')

interface Mutant {
  readonly fileName: string
  readonly status: string
  readonly mutatorName: string
  readonly replacement?: string
  readonly location: { readonly start: { readonly line: number; readonly column: number } }
}

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

const optionsOf = (floor: Floor) => {
  const sources = sourcesOf(floor)
  return {
    mutate: sources,
    testRunner: 'purser',
    ignorers: ['texts'],
    plugins: [resolve('build', 'scripts', 'mutate', 'tap-runner.js')],
    purser: { tests: floor.tests, sources: sources.map((path) => path.replace(/ts$/, 'js')) },
    // All mutants are in one build, each behind a switch: the compiler runs once, and types are of no use to it.
    buildCommand: 'npx tsc --noCheck --incremental false',
    disableTypeChecks: false,
    // Stryker would rewrite it by the programming interface of an older TypeScript.
    tsconfigFile: 'none',
    ignorePatterns: ['build', '.peers', 'data', '.tap'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    timeoutMS: 20_000,
    // Of a first run that counts, and so is several times slower than those of the mutants.
    timeoutFactor: 0.5,
    // What is loaded anew for each mutant stays in memory.
    maxTestRunnerReuse: 200,
    tempDirName: join(INSTALLED, 'sandbox'),
    reporters: ['progress-append-only'],
    allowConsoleColors: false
  }
}

/** Where it stands, what is put in its place, and the line. */
const told = ({ fileName, status, mutatorName, replacement = '', location }: Mutant): string => {
  const { line, column } = location.start
  const source = readFileSync(fileName, 'utf8').split('\n')[line - 1]?.trim()
  const place = `${fileName.replace(`${resolve('.')}/`, '')}:${line}:${column}`
  return `${place} ${status} ${mutatorName} -> ${replacement.slice(0, 120)}\n    ${source}\n`
}

interface Score {
  readonly name: string
  readonly noticed: number
  readonly all: number
  readonly score: number
  readonly minutes: number
}

const scoreOf = async (Stryker: StrykerClass, floor: Floor): Promise<Score> => {
  const begun = performance.now()
  const mutants = await new Stryker(optionsOf(floor)).runMutationTest()
  const of = (...statuses: readonly string[]): Mutant[] =>
    mutants.filter(({ status }) => statuses.includes(status))
  const noticed = of('Killed', 'Timeout').length
  const missed = of('Survived', 'NoCoverage')
  writeFileSync(join(INSTALLED, `${floor.name}.txt`), missed.map(told).join(''))
  const all = noticed + missed.length
  const minutes = (performance.now() - begun) / 60_000
  return { name: floor.name, noticed, all, score: (100 * noticed) / all, minutes }
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !FLOORS.some((floor) => floor.name === name))
if (unknown.length > 0) {
  console.error(`usage: npm run mutate [-- ${FLOORS.map(({ name }) => name).join(' | ')}]`)
  process.exit(2)
}
install()
const entry = join(INSTALLED, 'node_modules', '@stryker-mutator', 'core', 'dist', 'src', 'index.js')
const { Stryker } = (await import(pathToFileURL(resolve(entry)).href)) as {
  readonly Stryker: StrykerClass
}
const scores: Score[] = []
for (const floor of FLOORS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  scores.push(await scoreOf(Stryker, floor))
}
for (const { name, noticed, all, score, minutes } of scores) {
  console.log(
    `${name}: ${score.toFixed(1)} % of ${all} changes noticed, ${all - noticed} not, in ${minutes.toFixed(0)} min`
  )
}
process.exit(scores.every(({ score }) => score >= THRESHOLD) ? 0 : 1)
