/**
 * What is cached and outlives its process: an LMDB environment of its own under the data directory, beside the state. Rule:
 * it is no part of the state. It goes into no backup and counts for no encryption key, and whoever wants none of it takes it
 * away.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { latest, openDatabase, writeError } from './lmdb.ts'

/** `value` undefined: nothing is to stand there. */
export interface CacheChange {
  readonly name: string
  readonly value: Buffer | undefined
}

export interface EmbeddedCache {
  readonly get: (name: string) => Buffer | undefined
  /** Of all that stands there: how it begins, `bytes` of it, and how long it is. */
  readonly heads: (
    bytes: number
  ) => Iterable<{ readonly name: string; readonly head: Buffer; readonly length: number }>
  /** All or none of them, on the disk once it resolves. Rejects with an `Error` that names the folder. */
  readonly write: (changes: readonly CacheChange[]) => Promise<void>
  readonly close: () => Promise<void>
}

const folderIn = (dataDir: string): string => join(dataDir, 'cache')

/** Throws an `Error` that names the folder if it cannot be used. */
export const openEmbeddedCache = (dataDir: string): EmbeddedCache => {
  const folder = folderIn(dataDir)
  const database = openDatabase(folder)
  return {
    get: (name) => latest(database).getBinary(Buffer.from(name)),

    heads: function* (bytes) {
      for (const key of latest(database).getKeys()) {
        const value = database.getBinary(key)
        if (value === undefined) continue
        const head = Buffer.from(value.subarray(0, bytes))
        yield { name: (key as Buffer).toString(), head, length: value.length }
      }
    },

    write: async (changes) => {
      try {
        await database.transaction(() => {
          for (const { name, value } of changes) {
            // Inside the transaction both are done when they return; their promises say nothing more.
            if (value === undefined) void database.remove(Buffer.from(name))
            else void database.put(Buffer.from(name), value)
          }
        })
      } catch (error) {
        throw await writeError(folder, error)
      }
    },

    close: () => database.close()
  }
}

/** What a process with other settings left. */
export const removeEmbeddedCache = (dataDir: string): void =>
  rmSync(folderIn(dataDir), { recursive: true, force: true })
