/** What the replicas use of the machine. Rule: each bound is stated here, and is one of growth, not of speed. */
import type { Ledger } from './ledger.ts'
import type { Life, SoakReplica } from './replica.ts'

export const RESIDENT_MAX_MB = 400
/** From the second third of a process's life to its last, where it lived long enough for that to say something. */
export const GROWTH_MAX_MB = 64
const LONG_ENOUGH = 18
/** More than there were before the first request, once all callers have gone. */
export const HANDLES_MAX_MORE = 24

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

/** Undefined for a life that is too short. */
const growthOf = ({ resident }: Life): number | undefined => {
  if (resident.length < LONG_ENOUGH) return undefined
  const third = Math.floor(resident.length / 3)
  return median(resident.slice(-third)) - median(resident.slice(third, 2 * third))
}

export interface Used {
  readonly replica: number
  readonly processes: number
  readonly residentMb: number
  /** The most of any process that lived long enough. */
  readonly growthMb: number | undefined
  readonly handles: readonly [number, number]
}

export const judgeUse = (
  { index, lives, descriptors }: SoakReplica,
  before: number,
  ledger: Ledger
): Used => {
  const residentMb = Math.max(...lives.flatMap(({ resident }) => resident))
  const growths = lives.map(growthOf).filter((growth) => growth !== undefined)
  const growthMb = growths.length > 0 ? Math.max(...growths) : undefined
  const isFlat = residentMb <= RESIDENT_MAX_MB && (growthMb ?? 0) <= GROWTH_MAX_MB
  const told = `${residentMb.toFixed(0)} MB at most, ${growthMb?.toFixed(0)} MB of growth`
  ledger.judge('memory', isFlat ? undefined : `replica ${index}: ${told}`)
  const after = descriptors()
  const areBack = after <= before + HANDLES_MAX_MORE
  ledger.judge(
    'handles',
    areBack ? undefined : `replica ${index}: ${before} before, ${after} after`
  )
  return { replica: index, processes: lives.length, residentMb, growthMb, handles: [before, after] }
}
