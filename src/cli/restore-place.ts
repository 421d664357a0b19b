/**
 * How a restored copy takes its place in DATA_DIR. Rule: one renaming decides; before it nothing is in place, after it the
 * copy is the state, and whoever is cut off while its parts are moved leaves what the next `purser restore` ends. Until
 * then no state is opened there (state/restoring.ts).
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../files/copy.ts'
import { readFileBytes } from '../files/read.ts'
import { restoredIn } from '../state/restoring.ts'
import { MANIFEST } from './backup-form.ts'
import { CommandFailure } from './failure.ts'

export const PARTS = ['audit', 'state'] as const

/** Whether a copy is decided on, and not all of it in place. */
export const isCutOff = (dataDir: string): boolean => existsSync(restoredIn(dataDir))

const moveParts = async (dataDir: string): Promise<void> => {
  const restored = restoredIn(dataDir)
  for (const part of PARTS.filter((one) => existsSync(join(restored, one)))) {
    const place = join(dataDir, part)
    if (existsSync(place)) {
      throw new CommandFailure(
        `${place} came about while the restore was cut off: move it away, and run this again.`
      )
    }
    renameSync(join(restored, part), place)
  }
  await syncFolder(dataDir)
  rmSync(restored, { recursive: true })
  await syncFolder(dataDir)
}

/** `staging` is whole and checked, with the manifest of its backup beside its parts. */
export const putInPlace = async (staging: string, dataDir: string): Promise<void> => {
  for (const part of PARTS) await syncFolder(join(staging, part))
  await syncFolder(staging)
  renameSync(staging, restoredIn(dataDir))
  await syncFolder(dataDir)
  await moveParts(dataDir)
}

/** `manifest` as it stands in the backup that is asked for now: another one than was begun with is refused. */
export const endCutOff = async (dataDir: string, manifest: Buffer): Promise<void> => {
  const restored = restoredIn(dataDir)
  const begun = await readFileBytes(join(restored, MANIFEST)).catch(() => undefined)
  // Without a manifest all parts are in place, and the folder was being taken away.
  if (begun !== undefined && !begun.equals(manifest)) {
    throw new CommandFailure(
      `A restore of another backup was cut off here: run this with that one, or move away ${restored} and what is in place of ${PARTS.join(' and ')}.`
    )
  }
  await moveParts(dataDir)
}
