/**
 * The last invalidations, in their order, so that a reader who was cut off learns what it missed. Rule: an id is a random
 * word and tells nobody how much goes on; one that is not among the last ones is of no use, and its reader starts anew.
 */
import { randomUUID } from 'node:crypto'
import { familyNames, spelledNames } from '../cache/names.ts'
import type { Notice } from '../cache/secret-cache.ts'
import type { Keyring } from '../crypto/keyring.ts'

export interface Change {
  readonly id: string
  /** The names of what changed; undefined: everything. */
  readonly names: readonly string[] | undefined
}

export interface Changes {
  readonly add: (what: 'all' | Notice) => Change
  readonly newest: () => string
  /** What came after the change of that id; undefined if it is not known. */
  readonly since: (id: string) => readonly Change[] | undefined
  readonly forget: () => void
}

const KEPT = 1_000

// A family's name has no line feed.
const storeName = (store: string): string => `\n${store}`

/**
 * All names by which a change may mean the secret of the path, whichever key of the ring the replica that tells of it names it
 * with: those of the spellings that its watcher listens for, and of its family, which is all that replicas of before tell.
 */
export const namesOf = (
  keyring: Keyring,
  store: string,
  path: string,
  heard: readonly string[]
): readonly string[] => [
  storeName(store),
  ...familyNames(keyring, store, path),
  ...spelledNames(keyring, store, heard)
]

export const createChanges = (): Changes => {
  const start = (): Change[] => [{ id: randomUUID(), names: [] }]
  let last = start()

  const namesIn = (what: 'all' | Notice): readonly string[] | undefined => {
    if (what === 'all') return undefined
    const { store, families, names = families } = what
    return names ?? [storeName(store)]
  }

  return {
    add: (what) => {
      const change = { id: randomUUID(), names: namesIn(what) }
      last.push(change)
      if (last.length > 2 * KEPT) last = last.slice(-KEPT)
      return change
    },
    newest: () => last.at(-1)?.id ?? '',
    since: (id) => {
      const at = last.findIndex((change) => change.id === id)
      return at < 0 ? undefined : last.slice(at + 1)
    },
    forget: () => {
      last = start()
    }
  }
}
