/** All that stays behind in `State` and is of no use any more, by the parts that put it there. */
import type { Sealer } from '../crypto/sealer.ts'
import { pastEnds } from '../integrations/sealed-ends.ts'
import { endedUses } from '../integrations/used-states.ts'
import { endedLines } from '../keys/lineage.ts'
import { endedSessions } from '../keys/revocations.ts'
import { unseenSessions } from '../keys/session-register.ts'
import { oldUses } from '../keys/usage.ts'
import type { Leftovers } from '../state/leftovers.ts'

/** What has ended, and nobody can want to keep. */
export const ENDED: readonly Leftovers[] = [
  endedLines,
  endedUses,
  pastEnds,
  endedSessions,
  unseenSessions
]

export const leftoversOf = (sealer: () => Sealer): readonly Leftovers[] => [
  oldUses(sealer),
  ...ENDED
]
