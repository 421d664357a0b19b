/** What is over its time and would go, of the trail and of `State`: a look at it, before anything goes. */
import { countLeftovers, type Leftovers, prepared, whyNotByClock } from '../state/leftovers.ts'
import type { State } from '../state/state.ts'
import { type PurgeOptions, type PurgePlan, planPurge } from './retention.ts'

export interface Over {
  readonly leftovers: Leftovers
  readonly count: number
}

export interface PurgeLook {
  readonly plan: PurgePlan
  /** What has nothing that is over its time is not listed. */
  readonly over: readonly Over[]
  /** Why nothing would go, as a sentence. */
  readonly refusal: string | undefined
}

export interface PurgeLookOptions extends PurgeOptions {
  readonly state: State
  readonly leftovers: readonly Leftovers[]
  /** It leaves nothing behind, not even that it was made. */
  readonly isDryRun: boolean
}

export const lookAtPurge = async (options: PurgeLookOptions): Promise<PurgeLook> => {
  const { state, leftovers, now, isDryRun } = options
  const plan = await planPurge(options)
  const doubt = await whyNotByClock(state, now, { isDryRun })
  const refusal = plan.refusal ?? doubt
  if (refusal !== undefined) return { plan, over: [], refusal }
  const over: Over[] = []
  for (const one of await prepared(state, leftovers, now, { isDryRun })) {
    const count = await countLeftovers(state, one, now)
    if (count > 0) over.push({ leftovers: one, count })
  }
  return { plan, over, refusal }
}
