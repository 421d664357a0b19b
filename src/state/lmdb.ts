/**
 * LMDB as Purser uses it: one environment a folder, raw bytes, durable when it says so. Rule: what the library would end the
 * process for is refused before.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Key, open, type RootDatabase } from 'lmdb'
import { makeFolderSync } from '../files/folder.ts'

/** The file of the state, in its folder. */
export const DATA_FILE = 'data.mdb'

export type Database = RootDatabase<Buffer, Key>

const OPTIONS = {
  encoding: 'binary',
  // Raw bytes: the order of keys is that of their UTF-8.
  keyEncoding: 'binary',
  // Not in the library's types; its default is 0664.
  permissionsMode: 0o600,
  // A commit then waits for the disk: "resolved" and "durable" are the same moment.
  overlappingSync: false,
  // With batching, a commit that fails (full disk) rejects a promise that nobody holds, which ends the process.
  eventTurnBatching: false
} as const

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'unknown'

const { R_OK, W_OK, X_OK } = constants
// In each of LMDB's two meta pages (`MDB_MAGIC` in its source), after the header of the page.
const MAGIC = 0xbeefc0de
const MAGIC_START = 24

const startOf = (file: string): Buffer => {
  const descriptor = openSync(file, 'r')
  try {
    const start = Buffer.alloc(MAGIC_START + 4)
    return start.subarray(0, readSync(descriptor, start))
  } finally {
    closeSync(descriptor)
  }
}

const isDatabase = (start: Buffer): boolean =>
  start.length > MAGIC_START &&
  (start.readUInt32LE(MAGIC_START) === MAGIC || start.readUInt32BE(MAGIC_START) === MAGIC)

/**
 * The library ends the process (segmentation fault) where LMDB refuses a file, so the refusal has to come first. The
 * lock file is not opened: closing it would give up the locks that this process may hold on it (fcntl).
 */
const requireUsable = (folder: string): void => {
  accessSync(folder, R_OK | W_OK | X_OK)
  for (const name of [DATA_FILE, 'lock.mdb']) {
    const file = join(folder, name)
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) continue
    accessSync(file, R_OK | W_OK)
    const isOurs =
      stat.isFile() && (name === 'lock.mdb' || stat.size === 0 || isDatabase(startOf(file)))
    if (!isOurs) throw new Error(`${name} is not a database`)
  }
}

/** Opens or creates the database of the folder. Throws an `Error` that names it if it cannot be used. */
export const openDatabase = (folder: string): Database => {
  try {
    makeFolderSync(folder)
    requireUsable(folder)
    return open<Buffer, Key>(folder, OPTIONS)
  } catch (error) {
    throw new Error(`DATA_DIR: the folder ${folder} cannot be used: ${messageOf(error)}`, {
      cause: error
    })
  }
}

/** The library keeps the reason of a failed commit in a promise on the error, which ends the process if left alone. */
export const writeError = async (folder: string, error: unknown): Promise<Error> => {
  const commitError = (error as { commitError?: Promise<unknown> }).commitError
  const reason = await Promise.resolve(commitError ?? error).catch((why: unknown) => why)
  return new Error(`the folder ${folder} cannot be written: ${messageOf(reason)}`, {
    cause: error
  })
}

/** The database whose snapshot was taken since this code was called: nobody can have waited for anything since. */
let latestOf: Database | undefined
const forgetLatest = (): void => {
  latestOf = undefined
}

/**
 * LMDB answers from the snapshot of the present turn of the event loop unless it is told to take the latest. What is read in
 * a row, such as the secrets of a batch, is read from one snapshot: to take one costs more than to read.
 */
export const latest = (database: Database): Database => {
  if (latestOf !== database) {
    database.resetReadTxn()
    latestOf = database
    queueMicrotask(forgetLatest)
  }
  return database
}
