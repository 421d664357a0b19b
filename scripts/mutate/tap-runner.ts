/**
 * Stryker's test runner for our tests. Rule: a mutant is off while what it is in is loaded, unless Stryker asks for it to be
 * on then; each test is told apart, so that a mutant has only those run that reach it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  AGAIN_MS,
  ASKED_LOADING,
  boundsOf,
  chosen,
  FIRST_MS,
  knownIds,
  late,
  noteSpent,
  quickestFirst,
  type Spent
} from './bounds.ts'
import { type Collected, createCollector } from './collect.ts'
import { listingReporter } from './listing.ts'
import { textsIgnorer } from './texts.ts'

interface Instrumented {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  mutantCoverage?: object
  /** How often a test has come to a place where there is a mutant, and from where on it goes round for ever (tap-hooks.ts). */
  asked: number
  askedMax: number
}

interface Options {
  readonly purser: { readonly tests: readonly string[]; readonly sources: readonly string[] }
}

interface MutantRun {
  readonly activeMutant: { readonly id: string; readonly fileName: string }
  readonly testFilter?: readonly string[]
  readonly mutantActivation: 'runtime' | 'static'
}

/** As the code that Stryker has made shares it. */
const shared: Instrumented = { asked: 0, askedMax: Number.POSITIVE_INFINITY }
Object.assign(globalThis, { __stryker__: shared })

const SEPARATOR = ' > '
/** What a file does while it is loaded. */
const LOADING = `${SEPARATOR}(loading)`
/** Stands in a filter for what is active while the program is loaded: it has to be loaded anew. */
const PROGRAM = `program${LOADING}`

/** What is reached while a file is loaded for the first time. */
const FIRST = `first${LOADING}`

const idsOf = (file: string, tests: readonly Collected[]): string[] =>
  tests.map(({ name }, index) => `${file}${SEPARATOR}${index} ${name}`)
const fileOf = (id: string): string => id.slice(0, id.indexOf(SEPARATOR))

const testsBelow = (folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    folder.endsWith('.js')
      ? [folder]
      : readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.test.js'))
          .sort()
          .map((name) => join(folder, name))
  )

const setMutant = (id: string | undefined): void => {
  shared.activeMutant = id
  // For the processes that a test starts.
  if (id === undefined) delete process.env['__STRYKER_ACTIVE_MUTANT__']
  else process.env['__STRYKER_ACTIVE_MUTANT__'] = id
}

type Coverage = Record<string, number>
interface MutantCoverage {
  readonly static: Coverage
  readonly perTest: Record<string, Coverage>
}

/**
 * Stryker would run all tests for what is active while the program is loaded (each function that is a constant, each table).
 * Enough are those that reach anything in the same file.
 */
const withStatic = (coverage: MutantCoverage, sources: readonly string[]): MutantCoverage => {
  const perTest = { ...coverage.perTest, [PROGRAM]: coverage.static }
  for (const source of sources) {
    const code = readFileSync(join('build', source), 'utf8')
    const mutants = [...code.matchAll(/stryMutAct_\w+\("(\d+)"\)/g)].flatMap(([, id]) => id ?? [])
    const loaded = mutants.filter((id) => id in coverage.static)
    for (const reached of Object.values(coverage.perTest)) {
      if (mutants.some((id) => id in reached)) for (const id of loaded) reached[id] ??= 1
    }
  }
  return { static: {}, perTest }
}

const sumOf = (coverage: Coverage = {}): number =>
  Object.values(coverage).reduce((sum, times) => sum + times, 0)

/** What the first loading of a file reached and the second, `id`, did not, is of the program, which is loaded once. */
const moveToStatic = ({ static: ofProgram, perTest }: MutantCoverage, id: string): void => {
  const again = perTest[id] ?? {}
  for (const [mutant, times] of Object.entries(perTest[FIRST] ?? {})) {
    if (times > (again[mutant] ?? 0)) ofProgram[mutant] = (ofProgram[mutant] ?? 0) + times
  }
  delete perTest[FIRST]
}

type Collector = Awaited<ReturnType<typeof createCollector>>

const dryRun = async (collector: Collector, { tests, sources }: Options['purser']) => {
  const coverage: MutantCoverage = { static: {}, perTest: {} }
  const took: Record<string, Spent> = {}
  Object.assign(shared, { mutantCoverage: coverage })
  for (const source of sources) await import(join(process.cwd(), 'build', source))
  const program = { id: PROGRAM, name: PROGRAM, status: 0, timeSpentMs: 100 }
  const results: object[] = [program]
  for (const file of testsBelow(tests)) {
    shared.currentTestId = FIRST
    await collector.collect(file)
    const begun = performance.now()
    shared.currentTestId = `${file}${LOADING}`
    const found = await collector.collect(file)
    moveToStatic(coverage, shared.currentTestId)
    const loading = {
      id: `${file}${LOADING}`,
      name: `${file}${LOADING}`,
      fileName: file,
      status: 0
    }
    results.push({ ...loading, timeSpentMs: performance.now() - begun })
    const ids = idsOf(file, found)
    for (const [index, one] of found.entries()) {
      const id = ids[index] ?? ''
      shared.currentTestId = id
      const start = performance.now()
      const { passed, failure } = await collector.run(one)
      const timeSpentMs = performance.now() - start
      const status = passed ? 0 : 1
      results.push({ id, name: id, fileName: file, timeSpentMs, status, failureMessage: failure })
      took[id] = { ms: timeSpentMs, asked: sumOf(coverage.perTest[id]) }
    }
  }
  shared.currentTestId = undefined
  noteSpent(took)
  const mutantCoverage = withStatic(coverage, sources)
  return { status: 'complete', tests: results, mutantCoverage }
}

const bound = (askedMax: number): void => {
  Object.assign(shared, { asked: 0, askedMax })
}

const endless = (reason: string) => ({ status: 'timeout', reason })

interface Tried {
  readonly status: string
  readonly reason?: string
}

/** Runs what is left of each file by the filter, until one test notices. */
const tryFiles = async (
  collector: Collector,
  files: readonly string[],
  filter: ReadonlySet<string>
): Promise<Tried> => {
  let nrOfTests = 0
  for (const file of files) {
    const killed = (id: string, failureMessage: string) => ({
      ...{ status: 'killed', killedBy: [id], failureMessage, nrOfTests }
    })
    let found: readonly Collected[]
    bound(ASKED_LOADING)
    try {
      found = await collector.collect(file)
    } catch (error) {
      return killed(`${file}${LOADING}`, String(error))
    }
    const ids = idsOf(file, found)
    const wanted = found
      .map((one, index) => ({ one, id: ids[index] ?? '' }))
      .filter(({ id }) => filter.has(id))
    for (const { one, id } of quickestFirst(wanted)) {
      nrOfTests += 1
      const { asked, ms } = boundsOf(id)
      bound(asked)
      const outcome = await Promise.race([collector.run(one), late(ms)])
      if (outcome === undefined) return endless(`it waits for ever: ${id}`)
      if (shared.asked > shared.askedMax) return endless(`it goes round for ever: ${id}`)
      const { passed, failure } = outcome
      if (!passed) return killed(id, failure)
    }
  }
  return { ...{ status: 'survived', nrOfTests } }
}

const mutantRun = async (collector: Collector, tests: readonly string[], asked: MutantRun) => {
  const { activeMutant, testFilter, mutantActivation } = asked
  const about = basename(activeMutant.fileName, '.ts')
  const isAbout = (id: string): boolean => basename(fileOf(id)).startsWith(about)
  const reached = new Set(testFilter)
  const isStatic = reached.delete(PROGRAM) || mutantActivation === 'static'
  const files = testFilter ? new Set([...reached].map(fileOf)) : new Set(testsBelow(tests))
  // What a file does while it is loaded all of its tests may notice.
  const isWanted = (id: string): boolean =>
    testFilter ? reached.has(id) || reached.has(`${fileOf(id)}${LOADING}`) : files.has(fileOf(id))
  const wanted = knownIds().filter(isWanted)
  const tryFor = (ms: number) => {
    const filter = chosen(wanted, isAbout, ms)
    return tryFiles(collector, [...new Set([...filter].map(fileOf))], filter)
  }
  if (!isStatic) {
    collector.reuse()
    await collector.preload([...files])
    setMutant(activeMutant.id)
    const tried = await tryFor(FIRST_MS)
    if (tried.status !== 'survived') return tried
  }
  // What the program found out once and keeps (a schema that is compiled) only a copy of its own finds out with the mutant on.
  collector.renew()
  setMutant(activeMutant.id)
  return await tryFor(isStatic ? FIRST_MS : AGAIN_MS)
}

const createRunner = (options: Options) => {
  let collector: Collector
  return {
    capabilities: () => ({ reloadEnvironment: true }),
    init: async () => {
      collector = await createCollector()
    },
    dryRun: () => dryRun(collector, options.purser),
    mutantRun: async (asked: MutantRun) => {
      const result = await mutantRun(collector, options.purser.tests, asked)
      setMutant(undefined)
      bound(Number.POSITIVE_INFINITY)
      return result
    }
  }
}

createRunner.inject = ['options'] as const
export const strykerPlugins = [
  { kind: 'TestRunner', name: 'purser', factory: createRunner },
  textsIgnorer,
  listingReporter
]
export const strykerValidationSchema = { properties: { purser: { type: 'object' } } }
