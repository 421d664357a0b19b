/**
 * Whether references could be read now, for administrators who look at what is configured. Rule: nothing of a value leaves
 * here; and it is on record as what it is, the look of an administrator, since nobody was given anything.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { createBatchReader } from './batch.ts'
import type { Seek, Sought } from './seek.ts'
import type { Grant, Wanted } from './terms.ts'

export interface TryReads {
  /** Of each why it could not be read as one text, in the order of asking. Rejects where that cannot be recorded. */
  readonly tryReads: (
    caller: Caller,
    wanted: readonly Wanted[],
    grant: Grant
  ) => Promise<readonly (ProblemError | undefined)[]>
}

export interface TryReadsOptions {
  readonly recorder: Recorder
  readonly seek: Seek
}

/** What needs it takes one text. */
const faultOf = (sought: Sought): unknown => {
  if ('error' in sought) return sought.error
  return 'value' in sought.view.selection ? undefined : new ProblemError('field_required')
}

export const createTryReads = ({ recorder, seek }: TryReadsOptions): TryReads => ({
  tryReads: async (caller, wanted, grant) => {
    const readFrom = createBatchReader(caller.client)
    const object = grant.by
    const tryOne = async (one: Wanted): Promise<ProblemError | undefined> => {
      const sought = await seek(caller, one, readFrom, { grant })
      const fault = faultOf(sought)
      if (fault === undefined) {
        await recorder.allowed(caller, 'admin.read', sought.reference, { object })
        return undefined
      }
      return recorder.failed(caller, 'admin.read', sought.reference, fault, { object })
    }
    return Promise.all(wanted.map(tryOne))
  }
})
