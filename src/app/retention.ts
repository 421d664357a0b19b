/** The end of what is over its time: one process of a service purges for all of them. */
import { join } from 'node:path'
import { createPurger } from '../audit/purger.ts'
import { createRecorder } from '../audit/recorder.ts'
import type { Ground } from './ground.ts'
import { ENDED, leftoversOf } from './leftovers.ts'

const MINUTE_MS = 60_000

export const createRetention = (ground: Ground, dataDir: string): void => {
  const { parts, settings, overrides, trail, recording, state, sealer, keyring, now, log } = ground
  const { number } = overrides.worker ?? { number: 1 }
  if (number !== 1) return
  const isPurging = settings.RETENTION_PURGE_ENABLED
  parts.add(
    createPurger({
      folder: join(dataDir, 'audit'),
      days: isPurging ? settings.AUDIT_RETENTION_DAYS : undefined,
      findKey: (kid) => keyring().find(kid),
      everyMs: settings.RETENTION_PURGE_INTERVAL_MINUTES * MINUTE_MS,
      now,
      // Also where answers do without a record, records do not go without one.
      recorder: createRecorder({ ...recording, record: trail.append }),
      state,
      leftovers: isPurging ? leftoversOf(sealer) : ENDED,
      log
    })
  )
}
