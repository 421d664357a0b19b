/**
 * Measures what each shape of a read costs. Rounds alternate between servers, so that a noisy machine is noisy for all;
 * ratios are taken within a round, and medians are shown. The processor time of a request, of all threads of the
 * server, is the steadiest figure, since the client's time is not in it.
 */
import { cpus } from 'node:os'
import { BY_REFERENCE, CASES, type Case } from './cases.ts'
import { measureStarts, STARTS } from './cold-start.ts'
import { compare, showCompared } from './compare.ts'
import { bareLike, missingFor, openBao, purserFor } from './contestants.ts'
import { EVENTS, measureEvents } from './events.ts'
import { guard, record } from './guard.ts'
import { measureMemory } from './memory.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { type Scope, within } from './processes.ts'

const compareReference = (options: Options): Promise<void> =>
  within(async (scope) => {
    const { against } = options
    const own = await purserFor(scope, BY_REFERENCE)
    const bare = await bareLike(scope, own)
    const other = against === undefined ? [] : [await purserFor(scope, BY_REFERENCE, against)]
    const bao = await openBao(scope)
    console.log('\nRatios to the first row:')
    showCompared()
    await compare([...bare, own, ...other, ...(bao === undefined ? [] : [bao])], options, true)
    if (bao === undefined) console.log('\nskipped: OpenBao, which `npm run peers` installs')
  })

/** Of a case: beside a read by reference, or beside the other version. */
const contestantsOf = async (scope: Scope, one: Case, against: string | undefined) =>
  against === undefined
    ? [await purserFor(scope, BY_REFERENCE), await purserFor(scope, one)]
    : [await purserFor(scope, one), await purserFor(scope, one, against)]

const compareCases = async (cases: readonly Case[], options: Options): Promise<void> => {
  const { against } = options
  const first = against === undefined ? `\`${BY_REFERENCE.name}\`` : 'the first row of the case'
  console.log(`\nRatios to ${first}, measured in the same rounds:`)
  showCompared()
  const skipped: string[] = []
  for (const one of cases) {
    const missing = missingFor(one)
    if (missing !== undefined) {
      skipped.push(`skipped: ${one.name}: ${missing}`)
      continue
    }
    await within(async (scope) =>
      compare(await contestantsOf(scope, one, against), options, against !== undefined)
    )
  }
  for (const line of skipped) console.log(`\n${line}`)
}

const run = async (options: Options): Promise<void> => {
  const { rate, rounds, seconds } = options
  const isChosen = (name: string): boolean => options.cases.some((text) => name.includes(text))
  const chosen = CASES.filter(({ name }) => isChosen(name))
  if (![BY_REFERENCE.name, EVENTS, STARTS].some(isChosen) && chosen.length === 0) {
    throw new Error(`no case is named so: ${options.cases.join(', ')}`)
  }
  const pace = rate === undefined ? '' : `, ${rate} requests/s`
  console.log(`${rounds} rounds of ${seconds} s each${pace}, medians`)
  if (isChosen(BY_REFERENCE.name)) await compareReference(options)
  if (chosen.length > 0) await compareCases(chosen, options)
  if (isChosen(EVENTS)) await measureEvents(options)
  if (isChosen(STARTS)) await measureStarts(options)
}

const main = async (): Promise<boolean> => {
  const options = parseOptions(process.argv.slice(2))
  if (options.isHelp) {
    process.stdout.write(HELP)
    return true
  }
  console.log(`Node ${process.version}, ${cpus().length} cores`)
  if (options.isRecord) await record()
  else if (options.isGuard) return guard()
  else if (options.isMemory) await measureMemory(options)
  else await run(options)
  return true
}

// For whoever is told to leave, so that peers hear of it.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
