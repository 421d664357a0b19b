/** A table of what is measured: a row for each case and number of connections, with ratios within the same rounds. */
import type { Contestant } from './contestants.ts'
import { median, ratioTo } from './figures.ts'
import type { Options } from './options.ts'
import { measureRounds, type Round, warmUp } from './rounds.ts'
import { showHead, showRow } from './table.ts'

const COLUMNS = [
  'connections',
  'requests/s',
  'ratio',
  'secrets/s',
  'ratio',
  'processor µs/request',
  'ratio',
  'p50 ms',
  'p99 ms',
  'RSS MB'
]

export const showCompared = (): void => showHead('case', ...COLUMNS)

const show = (
  { name, secrets }: Contestant,
  connections: number,
  rounds: readonly Round[],
  first: readonly Round[]
): void => {
  const figure = (of: keyof Round, digits: number): string =>
    median(rounds.map((round) => round[of])).toFixed(digits)
  const ratio = (of: keyof Round): string => ratioTo(first, rounds, (round) => round[of]).toFixed(2)
  const ofSecrets =
    secrets === 0 ? ['', ''] : [figure('secretsPerSecond', 0), ratio('secretsPerSecond')]
  showRow(
    name,
    `${connections}`,
    figure('requestsPerSecond', 0),
    ratio('requestsPerSecond'),
    ...ofSecrets,
    figure('processor', 1),
    ratio('processor'),
    figure('p50', 2),
    figure('p99', 2),
    figure('rss', 0)
  )
}

/** All ratios are to the first of the contestants, which has a row too if it `isShown`. */
export const compare = async (
  contestants: readonly Contestant[],
  { connections: counts, seconds, rate, rounds }: Options,
  isShown: boolean
): Promise<void> => {
  for (const connections of counts) {
    const pace = { connections, seconds, rate }
    await warmUp(contestants, pace)
    const rows = await measureRounds(contestants, pace, rounds)
    for (const [i, one] of contestants.entries()) {
      if (i > 0 || isShown) show(one, connections, rows[i] ?? [], rows[0] ?? [])
    }
  }
}
