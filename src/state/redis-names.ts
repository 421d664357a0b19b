/**
 * How an entry of the state is named in Redis. Rule: what an operator or a caller chose (stores, paths, bots) is not to
 * be read there: the field is a fingerprint of the key, and the key itself stands sealed beside it, bound to that
 * field. Only what is a UUID anyway stays plain.
 *
 * A fingerprint depends on the encryption key: an entry is looked for under each of the ring and written under the
 * active.
 */
import { fingerprint } from '../crypto/fingerprint.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { createSealer, type Sealer } from '../crypto/sealer.ts'
import { STATE_SPACES } from './namespaces.ts'

const REST = 'rest'

export type Space = keyof typeof STATE_SPACES | typeof REST

const SPACES = Object.keys(STATE_SPACES) as (keyof typeof STATE_SPACES)[]
const PLAIN: ReadonlySet<Space> = new Set(
  SPACES.filter((space) => STATE_SPACES[space].name === 'plain')
)

export const spaceOf = (key: string): Space =>
  SPACES.find((space) => key.startsWith(STATE_SPACES[space].prefix)) ?? REST

/** The spaces in which keys with that prefix can stand. */
export const spacesUnder = (prefix: string): readonly Space[] => {
  const space = spaceOf(prefix)
  if (space !== REST) return [space]
  return [...SPACES.filter((one) => STATE_SPACES[one].prefix.startsWith(prefix)), REST]
}

/** In braces: both stand on one node of a cluster, and one script may change both. */
export const hashesOf = (prefix: string, space: Space): { names: string; values: string } => ({
  names: `${prefix}{state:${space}}:names`,
  values: `${prefix}{state:${space}}:values`
})

export interface EntryNames {
  /** Where the key is looked for, in this order; the first is where it is written. */
  readonly fieldsOf: (key: string) => readonly [string, ...string[]]
  /** What stands beside the field to get back to the key. */
  readonly labelOf: (key: string, field: string) => Buffer
  /** The key; undefined if the label cannot be opened. */
  readonly keyOf: (space: Space, field: string, label: Buffer) => string | undefined
  /** Whether the label stands under the active encryption key, or needs none. */
  readonly isCurrent: (space: Space, label: Buffer) => boolean
}

const contextOf = (field: string): readonly string[] => ['name in Redis', field]

export const createEntryNames = (keyring: () => Keyring): EntryNames => {
  let ring: Keyring | undefined
  let current: Sealer | undefined
  /** A reload puts another key ring in force. */
  const sealer = (): Sealer => {
    if (current === undefined || ring !== keyring()) {
      ring = keyring()
      current = createSealer(ring)
    }
    return current
  }
  const isPlain = (key: string): boolean => PLAIN.has(spaceOf(key))

  return {
    fieldsOf: (key) => {
      if (isPlain(key)) return [key]
      const [active, ...former] = keyring().all
      const fieldUnder = (one: typeof active): string => fingerprint(one, ['state', key])
      return [fieldUnder(active), ...former.map(fieldUnder)]
    },
    labelOf: (key, field) =>
      isPlain(key) ? Buffer.alloc(0) : sealer().seal('store', Buffer.from(key), contextOf(field)),
    keyOf: (space, field, label) =>
      PLAIN.has(space) ? field : sealer().open('store', label, contextOf(field))?.toString(),
    isCurrent: (space, label) => PLAIN.has(space) || sealer().isUnderActiveKey(label)
  }
}
