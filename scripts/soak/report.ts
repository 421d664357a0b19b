/** What the soak says at its end, in Markdown. */
import { INVARIANTS, type Invariant, type Ledger } from './ledger.ts'
import type { Keys } from './revocations.ts'
import type { Happened } from './schedule.ts'
import { GROWTH_MAX_MB, HANDLES_MAX_MORE, RESIDENT_MAX_MB, type Used } from './use.ts'

export interface Outcome {
  readonly seed: number
  readonly minutes: number
  readonly capacity: number
  readonly perSecond: number
  readonly leftOut: number
  readonly happened: readonly Happened[]
  readonly leftOutFaults: readonly string[]
  readonly used: readonly Used[]
  readonly keys: ReturnType<Keys['counts']>
  readonly ledger: Ledger
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

const faultRows = (happened: readonly Happened[]): string[] => {
  const names = new Set(happened.map(({ name }) => name))
  return [...names].map((name) => {
    const all = happened.filter((one) => one.name === name)
    const held = all.reduce((sum, { heldMs }) => sum + heldMs, 0) / all.length
    const ready = all.map(({ readyMs }) => readyMs).filter((ms) => ms !== undefined)
    const others = all.length - ready.length
    const most = ready.length > 0 ? seconds(Math.max(...ready)) : '-'
    return row(name, all.length, seconds(held), most, others)
  })
}

const answerRows = ({ answers }: Ledger): string[] => {
  const byOperation = new Map<string, string[]>()
  for (const [name, count] of [...answers()].sort(([, a], [, b]) => b - a)) {
    const [, operation = '', outcome = ''] = /^(.*?) (\d{3}.*|none.*)$/.exec(name) ?? []
    const told = byOperation.get(operation) ?? []
    byOperation.set(operation, told)
    told.push(`${count} × ${outcome}`)
  }
  return [...byOperation].map(([operation, told]) => row(operation, told.join(', ')))
}

export const reportOf = (outcome: Outcome): string => {
  const { seed, minutes, ledger, happened, used, keys } = outcome
  const { capacity, perSecond, leftOut, leftOutFaults } = outcome
  const isGreen = ledger.broken() === 0
  return [
    `${minutes} minutes, seed ${seed}: \`npm run soak -- --minutes ${minutes} --seed ${seed}\``,
    '',
    `${ledger.total()} requests at ${perSecond.toFixed(0)} a second, of a capacity of ${capacity.toFixed(0)}; ` +
      `${leftOut} left out. ${keys.revoked} keys revoked, ${keys.pending} of them pending, ${keys.lost} lost by failovers.`,
    ...leftOutFaults.map((name) => `Not possible here, and so left out: ${name}.`),
    '',
    row('fault', 'times', 'held, s on average', 'until all are ready, s at most', 'not told'),
    row('---', '---', '---', '---', '---'),
    ...faultRows(happened),
    '',
    row('invariant', 'looked at'),
    row('---', '---'),
    ...Object.entries(INVARIANTS).map(([name, text]) => row(text, ledger.count(name as Invariant))),
    '',
    row(
      'replica',
      'processes',
      `MB at most (bound ${RESIDENT_MAX_MB})`,
      `MB of growth (${GROWTH_MAX_MB})`,
      `descriptors before, after (${HANDLES_MAX_MORE} more)`
    ),
    row('---', '---', '---', '---', '---'),
    ...used.map(({ replica, processes, residentMb, growthMb, handles }) =>
      row(
        replica,
        processes,
        residentMb.toFixed(0),
        growthMb?.toFixed(0) ?? '-',
        handles.join(', ')
      )
    ),
    '',
    row('operation', 'answers'),
    row('---', '---'),
    ...answerRows(ledger),
    '',
    ...ledger.violations().map((line) => `broken: ${line}`),
    `verdict: ${isGreen ? 'all invariants held' : `BROKEN ${ledger.broken()} times`}`
  ].join('\n')
}
