/**
 * Runs the checks. Rule: each has its deadline, and one that fails or is late says that nothing is known: neither keeps
 * the others from being told.
 */
import type { ConfigFault } from '../config/fault.ts'
import type { Examined, Status, Told } from '../core/doctor-report.ts'
import { withDeadline } from '../state/deadline.ts'
import { type Check, type Finding, fail, failInEarnest, untold, warn } from './check.ts'
import type { Installation } from './installation.ts'
import { MEND_FIRST, NotKnown } from './not-known.ts'

const sentence = ({ place, message }: ConfigFault): string => `${place}: ${message}`

const isAt = ({ places }: Check, { place }: ConfigFault, { envFile }: Installation): boolean =>
  places === 'the file of settings'
    ? place === envFile.label
    : places?.some((name) => place === name) === true

/** A fault is shown by one check: by what it says, by its place, or else with the configuration. */
const isOf = (check: Check, all: readonly Check[], on: Installation) => {
  const takesRest = check.topics?.includes('configuration') === true
  return (fault: ConfigFault): boolean => {
    const bySaying = all.find(({ says }) => says?.includes(fault.message))
    if (bySaying !== undefined) return bySaying === check
    return takesRest ? !all.some((one) => isAt(one, fault, on)) : isAt(check, fault, on)
  }
}

const ofConfiguration = (check: Check, all: readonly Check[], on: Installation): Finding[] => {
  const isIts = isOf(check, all, on)
  const { faults, faultsInEarnest, warnings, config } = on
  const asksAll = check.topics?.some((topic) => topic !== 'configuration') === true
  return [
    ...faults.filter(isIts).map((one) => fail(sentence(one))),
    ...faultsInEarnest.filter(isIts).map((one) => failInEarnest(sentence(one))),
    ...warnings
      .filter(({ about }) => check.topics?.includes(about) === true)
      .map(({ message }) => warn(message)),
    // Only a whole configuration has warnings.
    ...(asksAll && config === undefined ? [untold(MEND_FIRST)] : [])
  ]
}

const late = (): Error => new Error('late')

/** Whatever goes wrong: what an error says may quote a peer. */
const outcomeOf = async (
  { run }: Check,
  on: Installation,
  withinMs: number
): Promise<readonly Finding[]> => {
  if (run === undefined) return []
  let isLate = false
  const giveUp = (): Error => {
    isLate = true
    return late()
  }
  try {
    return await withDeadline(withinMs, async () => run(on), giveUp)
  } catch (error) {
    if (error instanceof NotKnown) return [untold(error.message)]
    const seconds = Math.ceil(withinMs / 1000)
    return [untold(isLate ? `no answer within ${seconds} s` : 'the check itself failed')]
  }
}

const toldOf = ({ level, message, told }: Finding, isEarnest: boolean): Told => {
  if (level !== 'earnest') return { status: level, message, told }
  return isEarnest
    ? { status: 'fail', message, told }
    : { status: 'warn', message: `would fail in pro: ${message}`, told }
}

const gravest = (findings: readonly Told[]): Status => {
  const has = (status: Status): boolean => findings.some((one) => one.status === status)
  return has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok'
}

/** In the order of the checks; they run side by side. `withinMs` is for each of them. */
export const examine = (
  on: Installation,
  checks: readonly Check[],
  withinMs: number
): Promise<readonly Examined[]> =>
  Promise.all(
    checks.map(async (check) => {
      const { id, title } = check
      const known = ofConfiguration(check, checks, on)
      const idle = known.length === 0 ? check.idle?.(on) : undefined
      const looked = idle === undefined ? await outcomeOf(check, on, withinMs) : []
      const findings = [...known, ...looked].map((one) => toldOf(one, on.isEarnest))
      return { id, title, status: gravest(findings), ...(idle && { idle }), findings }
    })
  )
