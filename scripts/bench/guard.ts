/**
 * Whether a read has become slower: by reference, against a bare Fastify route that answers with the same body and
 * headers, compared with what was recorded. Rule: a busy machine is no reason to fail. Both take turns in short rounds,
 * a ratio is taken within a round, of rounds and fresh starts the median counts, and a loss has to show twice.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { BY_REFERENCE } from './cases.ts'
import { bareLike, purserFor } from './contestants.ts'
import { bestOf, lossesOf, medianRatios, type Ratios, ratioTo } from './figures.ts'
import { within } from './processes.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { HERE } from './service.ts'

const RECORDED = join(HERE, 'scripts', 'bench', 'recorded.json')
const STARTS = 3
const RECORD_STARTS = 9
const ROUNDS = 5
const PACE = { connections: 16, seconds: 0.4 }
/** Until what runs often has been compiled. */
const WARM_UP_SECONDS = 1.5

interface Recorded extends Ratios {
  /** Of the machine; the client has one too, so that requests a second depend on them. */
  readonly cores: number
}

/** Of one fresh start of both. */
const measureStart = (): Promise<Ratios> =>
  within(async (scope) => {
    const purser = await purserFor(scope, { ...BY_REFERENCE, stored: 0 })
    const [, bare] = await bareLike(scope, purser)
    const both = [bare, purser]
    await warmUp(both, { ...PACE, seconds: WARM_UP_SECONDS })
    const [first = [], own = []] = await measureRounds(both, PACE, ROUNDS)
    return {
      requests: ratioTo(first, own, ({ requestsPerSecond }) => requestsPerSecond),
      processor: ratioTo(first, own, ({ processor }) => processor)
    }
  })

const format = ({ requests, processor }: Ratios): string =>
  `${requests.toFixed(3)} of the requests a second, ${processor.toFixed(3)} times the processor time`

const measure = async (starts: number): Promise<Ratios> => {
  const runs: Ratios[] = []
  for (let n = 0; n < starts; n++) {
    const run = await measureStart()
    console.log(`start ${n + 1}: ${format(run)}`)
    runs.push(run)
  }
  const ratios = medianRatios(runs)
  console.log(`median: ${format(ratios)}`)
  return ratios
}

/** Writes down what later runs of the guard are held to. */
export const record = async (): Promise<void> => {
  // Where others use the processors too, the bare route loses more than a read.
  console.log(`load ${loadavg()[0]?.toFixed(1)}: record on a quiet machine, a busy one flatters`)
  const { requests, processor } = await measure(RECORD_STARTS)
  const recorded: Recorded = {
    requests: Number(requests.toFixed(3)),
    processor: Number(processor.toFixed(3)),
    cores: cpus().length
  }
  await writeFile(RECORDED, `${JSON.stringify(recorded, undefined, 2)}\n`)
}

/** What can be asked for on this machine. */
const readRecorded = async (): Promise<Ratios> => {
  const recorded: Recorded = JSON.parse(await readFile(RECORDED, 'utf8'))
  console.log(`a read by reference, to a bare Fastify route; recorded: ${format(recorded)}`)
  if (recorded.cores === cpus().length) return recorded
  console.log(`recorded with ${recorded.cores} cores: only processor time is compared`)
  return { ...recorded, requests: 0 }
}

/** Whether a read is as fast as it was recorded, within the tolerance. */
export const guard = async (): Promise<boolean> => {
  const recorded = await readRecorded()
  const first = await measure(STARTS)
  let losses = lossesOf(first, recorded)
  if (losses.length > 0) {
    console.log('slower than recorded; once more')
    losses = lossesOf(bestOf(first, await measure(STARTS)), recorded)
  }
  for (const loss of losses) console.log(`a read has become slower. ${loss}`)
  console.log(losses.length === 0 ? 'verdict: as fast as recorded' : 'verdict: SLOWER')
  return losses.length === 0
}
