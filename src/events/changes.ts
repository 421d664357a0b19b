/**
 * The last invalidations, in their order, so that a reader who was cut off learns what it missed. Rule: an id is
 * another word each time it is given out, and so tells nobody whether or how much changes. A reader whose id is of none
 * of the last changes starts anew.
 */
import { familyNames, spelledNames } from '../cache/names.ts'
import type { InvalidationNotice } from '../cache/origin.ts'
import { createKeyring, type Keyring, newEncryptionKey } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'

/** The names of what changed; undefined: everything. */
export type Change = readonly string[] | undefined

export interface Changes {
  readonly add: (what: 'all' | InvalidationNotice) => Change
  /** An id for whoever was told all that there was. */
  readonly newId: () => string
  /** What came after that id was told; undefined if it is not known. */
  readonly since: (id: string) => readonly Change[] | undefined
  readonly forget: () => void
}

const KEPT = 1_000

// A family's name has no line feed.
const storeName = (store: string): string => `\n${store}`

/**
 * All names by which a notice may mean the secret of the path, under each key of the ring, since the replica that sends
 * the notice may use any of them: the names of the spellings that the watcher listens for, and of the family, which is
 * all that replicas of an older version send.
 */
export const watchedNames = (
  keyring: Keyring,
  store: string,
  path: string,
  heard: readonly string[]
): readonly string[] => [
  storeName(store),
  ...familyNames(keyring, store, path),
  ...spelledNames(keyring, store, heard)
]

const CONTEXT = ['changes']
const COUNT_BYTES = 6

export const createChanges = (): Changes => {
  // Ids are sealed counts. Their key is this list's own, since they mean nothing elsewhere.
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  let last: Change[] = []
  /** How many changes there were before those in `last`. */
  let before = 0

  const namesIn = (what: 'all' | InvalidationNotice): Change => {
    if (what === 'all') return undefined
    const { store, families, names = families } = what
    return names ?? [storeName(store)]
  }

  return {
    add: (what) => {
      const change = namesIn(what)
      last.push(change)
      if (last.length > 2 * KEPT) {
        before += last.length - KEPT
        last = last.slice(-KEPT)
      }
      return change
    },
    newId: () => {
      const count = Buffer.alloc(COUNT_BYTES)
      count.writeUIntBE(before + last.length, 0, COUNT_BYTES)
      return sealer.seal('cache', count, CONTEXT).toString('base64url')
    },
    since: (id) => {
      const count = sealer.open('cache', Buffer.from(id, 'base64url'), CONTEXT)
      if (count === undefined) return undefined
      const seen = count.readUIntBE(0, COUNT_BYTES)
      return seen < before ? undefined : last.slice(seen - before)
    },
    forget: () => {
      // One more than there were, so that no id of before is known.
      before += last.length + 1
      last = []
    }
  }
}
