/**
 * The state of a single machine: one LMDB environment under the data directory. Rule: several processes work on it at
 * once (a CLI writes while the service runs), so every read sees what was last committed by anyone, and every change is
 * compared and made inside one write transaction, on disk before it is reported.
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { DATA_FILE, type Database, latest, messageOf, openDatabase, writeError } from './lmdb.ts'
import { requireNoRestore } from './restoring.ts'
import { HEAD_BYTES, keyBytes, type State, type StateEntry, type StateHead } from './state.ts'

/** Entries read at a time by `list`: no read transaction stays open while the caller works on them. */
const PAGE = 50
/** Sorts after every byte that can stand in UTF-8. */
const AFTER_ALL = Buffer.of(0xff)

const isSameValue = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.equals(b)

/** Shows the library's own buffer, which its next answer overwrites. */
const peek = <T>(database: Database, key: Buffer, take: (bytes: Buffer) => T): T | undefined => {
  const bytes = latest(database).getBinaryFast(key)
  return bytes === undefined ? undefined : take(bytes)
}

const copyHead = (bytes: Buffer): Buffer => Buffer.from(bytes.subarray(0, HEAD_BYTES))

const compareAndSet = async (
  database: Database,
  key: Buffer,
  expected: Buffer | undefined,
  next: Buffer | undefined
): Promise<boolean> =>
  latest(database).transaction((): boolean => {
    if (!isSameValue(database.getBinary(key), expected)) return false
    // Inside the transaction both are done when they return; their promises say nothing more.
    if (next === undefined) void database.remove(key)
    else void database.put(key, next)
    return true
  })

const entriesIn = (
  database: Database,
  start: Buffer,
  end: Buffer,
  exclusiveStart: boolean
): StateEntry[] =>
  [...latest(database).getRange({ start, end, exclusiveStart, limit: PAGE })].map(
    ({ key, value }) => ({ key: (key as Buffer).toString(), value })
  )

const headsAfter = (database: Database, start: Buffer | undefined): StateHead[] => {
  const range = start === undefined ? {} : { start, exclusiveStart: true }
  const keys = [...latest(database).getKeys({ ...range, limit: PAGE })]
  return keys.map((bytes) => {
    const key = (bytes as Buffer).toString()
    const value = peek(database, bytes as Buffer, copyHead) ?? Buffer.alloc(0)
    return { space: key.slice(0, Math.max(key.indexOf('/'), 0)), key, value }
  })
}

/**
 * Opens or creates `<directory>/state`. Throws an `Error` that names the folder if it cannot be written, or a restore
 * into it has not ended. To be called once for a folder that is in use in this process: as it is opened, LMDB lets this
 * thread wait for the writer, and the writer may be waiting for this thread, for ever.
 */
export const createEmbeddedState = (directory: string): State => {
  requireNoRestore(directory)
  const folder = join(directory, 'state')
  const opened = openDatabase(folder)
  let closing: Promise<void> | undefined
  const database = (): Database => {
    if (closing !== undefined) throw new Error('the state is closed')
    return opened
  }
  const getSync = (key: string): Buffer | undefined => latest(database()).getBinary(keyBytes(key))

  return {
    get: async (key) => getSync(key),
    getSync,
    peekSync: (key, take) => peek(database(), key, take),

    compareAndSet: async (key, expected, next) => {
      const bytes = keyBytes(key)
      try {
        return await compareAndSet(database(), bytes, expected, next)
      } catch (error) {
        throw await writeError(folder, error)
      }
    },

    list: async function* (prefix, after) {
      const start = Buffer.from(prefix)
      const end = Buffer.concat([start, AFTER_ALL])
      let last = after === undefined ? undefined : keyBytes(after)
      while (true) {
        // A key before all of them is no place in the range.
        const place = last !== undefined && Buffer.compare(last, start) >= 0 ? last : undefined
        const entries = entriesIn(database(), place ?? start, end, place !== undefined)
        yield* entries
        const next = entries.at(-1)
        if (next === undefined || entries.length < PAGE) return
        last = Buffer.from(next.key)
        // Others have their turn, however much there is.
        await turn()
      }
    },

    heads: async function* () {
      let heads = headsAfter(database(), undefined)
      while (heads.length > 0) {
        yield* heads
        await turn()
        heads = headsAfter(database(), Buffer.from(heads.at(-1)?.key ?? ''))
      }
    },

    copyTo: async (to) => {
      try {
        // Compacting leaves out what was freed, in which deleted entries may still stand.
        await database().backup(to, true)
        chmodSync(join(to, DATA_FILE), 0o600)
      } catch (error) {
        throw new Error(`the state cannot be copied to ${to}: ${messageOf(error)}`, {
          cause: error
        })
      }
    },

    close: () => {
      closing ??= opened.close()
      return closing
    }
  }
}
