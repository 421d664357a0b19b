/**
 * Folders in DATA_DIR that only a restore makes, and takes away at its end. Rule: while one of them is there, nobody opens
 * or begins a state beside it: it would be an empty one, in which no key is revoked.
 */
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Whole and checked: its parts are being put in place. */
const RESTORED = 'restored'
/** Being copied and checked. */
const STAGING = /^restore\.[0-9a-f-]{36}$/

export const restoredIn = (dataDir: string): string => join(dataDir, RESTORED)

export const newStagingIn = (dataDir: string): string => join(dataDir, `restore.${randomUUID()}`)

const namesIn = (dataDir: string): readonly string[] => {
  try {
    return readdirSync(dataDir)
  } catch {
    // Whoever needs the folder will say what is wrong with it.
    return []
  }
}

/** What restores left that ended half way, before they had put anything in place. */
export const stagingsIn = (dataDir: string): readonly string[] =>
  namesIn(dataDir)
    .filter((name) => STAGING.test(name))
    .map((name) => join(dataDir, name))

/** Whether a restore is under way, or was cut off. */
export const hasRestore = (dataDir: string): boolean =>
  namesIn(dataDir).some((name) => name === RESTORED || STAGING.test(name))

/** Throws an `Error` that says what to do, as a sentence without its end. */
export const requireNoRestore = (dataDir: string): void => {
  if (!hasRestore(dataDir)) return
  throw new Error(
    `DATA_DIR: a restore into ${dataDir} is under way or was cut off: run \`purser restore\` again with the same backup, which ends it`
  )
}
