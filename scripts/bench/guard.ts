/**
 * Whether a read has become slower: by reference, against a bare Fastify route that answers with the same body and
 * headers, compared with what was recorded. Rule: a busy machine is no reason to fail. Both take turns in short rounds,
 * a ratio is taken within a round, of rounds and fresh starts the median counts, a loss has to show twice, and requests
 * a second are compared only where hardly anything else ran.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { BY_REFERENCE } from './cases.ts'
import { bareLike, type Contestant, purserFor } from './contestants.ts'
import {
  bestOf,
  lossesOf,
  median,
  medianRatios,
  NOT_COMPARED,
  type Ratios,
  ratioTo,
  verdictOf
} from './figures.ts'
import { within } from './processes.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { HERE } from './service.ts'

const RECORDED = join(HERE, 'scripts', 'bench', 'recorded.json')
const STARTS = 3
const RECORD_STARTS = 9
const ROUNDS = 5
/** So many that both have as much to do in each turn of their loops, however fast the client is. */
const PACE = { connections: 64, seconds: 0.4 }
/** Until what runs often has been compiled. */
const WARM_UP_SECONDS = 1.5
/** What others may have of the processors where requests a second are to mean something. */
const QUIET = 0.1

interface Recorded extends Ratios {
  /** Of the machine; the client has one too, so that requests a second depend on them. */
  readonly cores: number
  /** Microseconds of processor time that a request to the bare route took. */
  readonly bare: number
}

interface Measured extends Ratios {
  /** The part of all processor time that others had. */
  readonly others: number
  readonly bare: number
}

/** Milliseconds of processor time that the whole machine has used. */
const usedByAll = (): number =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)

/** Runs the work, and says which part of all processor time others than the bench had meanwhile. */
const watchOthers = async <T>(
  contestants: readonly Contestant[],
  work: () => Promise<T>
): Promise<readonly [T, number]> => {
  const own = async (): Promise<number> => {
    const { user, system } = process.cpuUsage()
    const used = await Promise.all(contestants.map((one) => one.used()))
    return used.reduce((sum, { processor }) => sum + processor, user + system) / 1_000
  }
  const [ownBefore, allBefore, began] = [await own(), usedByAll(), performance.now()]
  const result = await work()
  const spent = usedByAll() - allBefore
  const elapsed = (performance.now() - began) * cpus().length
  return [result, (spent - ((await own()) - ownBefore)) / elapsed]
}

/** Of one fresh start of both. */
const measureStart = (): Promise<Measured> =>
  within(async (scope) => {
    const purser = await purserFor(scope, { ...BY_REFERENCE, stored: 0 })
    const [, bare] = await bareLike(scope, purser)
    const both = [bare, purser]
    await warmUp(both, { ...PACE, seconds: WARM_UP_SECONDS })
    const [[first = [], own = []], others] = await watchOthers(both, () =>
      measureRounds(both, PACE, ROUNDS)
    )
    return {
      requests: ratioTo(first, own, ({ requestsPerSecond }) => requestsPerSecond),
      processor: ratioTo(first, own, ({ processor }) => processor),
      bare: median(first.map(({ processor }) => processor)),
      others
    }
  })

const format = ({ requests, processor }: Ratios): string =>
  [
    `${processor.toFixed(3)} times the processor time`,
    ...(requests === NOT_COMPARED ? [] : [`${requests.toFixed(3)} of the requests a second`])
  ].join(', ')

const measure = async (starts: number): Promise<Measured> => {
  const runs: Measured[] = []
  for (let n = 0; n < starts; n++) {
    const run = await measureStart()
    const others = `others had ${(run.others * 100).toFixed(0)} % of the processors`
    console.log(`start ${n + 1}: ${format(run)}; ${others}; bare ${run.bare.toFixed(1)} µs`)
    runs.push(run)
  }
  const ratios = medianRatios(runs)
  console.log(`median: ${format(ratios)}`)
  const middleOf = (of: (run: Measured) => number) => median(runs.map(of))
  return { ...ratios, others: middleOf((run) => run.others), bare: middleOf((run) => run.bare) }
}

/** Writes down what later runs of the guard are held to. */
export const record = async (): Promise<void> => {
  const { requests, processor, others, bare } = await measure(RECORD_STARTS)
  if (others > QUIET) console.log('the machine is busy: requests a second are not recorded')
  const recorded: Recorded = {
    requests: others > QUIET ? NOT_COMPARED : Number(requests.toFixed(3)),
    processor: Number(processor.toFixed(3)),
    cores: cpus().length,
    bare: Number(bare.toFixed(1))
  }
  await writeFile(RECORDED, `${JSON.stringify(recorded, undefined, 2)}\n`)
}

/** Whether a read is as fast as it was recorded, within the tolerance. */
export const guard = async (): Promise<boolean> => {
  const { cores, bare, ...recorded }: Recorded = JSON.parse(await readFile(RECORDED, 'utf8'))
  console.log(`a read by reference, to a bare Fastify route; recorded: ${format(recorded)}`)
  const losses = ({ others, bare: _, ...ratios }: Measured): readonly string[] => {
    if (cores === cpus().length && others <= QUIET) return lossesOf(ratios, recorded)
    console.log('on this machine, or while it is busy, requests a second are not compared')
    return lossesOf(ratios, { ...recorded, requests: NOT_COMPARED })
  }
  const first = await measure(STARTS)
  let found = losses(first)
  let second: Measured | undefined
  if (found.length > 0) {
    console.log('slower than recorded; once more')
    second = await measure(STARTS)
    found = losses({ ...second, ...bestOf(first, second) })
  }
  for (const loss of found) console.log(`a read seems slower. ${loss}`)
  const runs = second === undefined ? [first] : [first, second]
  const verdict = verdictOf(found, {
    others: Math.min(...runs.map((run) => run.others)),
    slowdown: Math.min(...runs.map((run) => run.bare)) / bare
  })
  console.log(`verdict: ${verdict}`)
  return verdict !== 'SLOWER'
}
