/**
 * The first tier: the slots of this process, by secret and version. Rule: it judges by the clock alone what of a slot may be
 * given out, and fetches nothing.
 */
import { createHash } from 'node:crypto'
import type { Locator } from '../core/secret.ts'
import { createKeptMap } from './kept-map.ts'
import { createNameIndex } from './name-index.ts'
import { familyOf, type InvalidationNotice, type InvalidationTarget } from './origin.ts'
import { endOf, isFresh, judge, type Lookup, MISS, type Retention, type Slot } from './slot.ts'

export interface FirstTierOptions extends Retention {
  readonly maxEntries: number
  /** By which name replicas drop a secret; undefined: there are no replicas. */
  readonly familyOf?: ((store: string, path: string) => string) | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Known {
  /** How long the fetch of it took; 0 if not given. */
  readonly tookMs?: number
  /** What `familyOf` says of it, where that was asked already. */
  readonly family?: string | undefined
}

export interface FirstTier<T> {
  readonly lookup: (key: string) => Lookup<T>
  /** What `lookup` would say, to somebody who reads nothing. */
  readonly peek: (key: string) => Lookup<T>
  readonly slotOf: (key: string) => Slot<T> | undefined
  readonly keep: (key: string, slot: Slot<T>, known?: Known) => void
  readonly delete: (key: string) => void
  /** Which keys an invalidation means. */
  readonly matcherOf: (what: InvalidationTarget | InvalidationNotice) => Matcher
  /** Gives how many slots it dropped. What is said of one secret costs no look at the others. */
  readonly drop: (what: InvalidationTarget | InvalidationNotice) => number
  readonly sweep: () => void
  readonly size: () => number
}

type Matcher = (key: string, family?: string) => boolean

/** A slot in this process, with how it is used. The answer to a look-up is kept, so that a look-up makes nothing but its key. */
interface Kept<T> {
  readonly slot: Slot<T>
  readonly fresh: Lookup<T> | undefined
  readonly family: string | undefined
  /** Under which it is found again by whoever drops it. */
  readonly names: readonly string[]
  readonly tookMs: number
  /** Worked out once it is in use, since most secrets are not. */
  dueAt: number | undefined
  uses: number
  /** Whether a reader was already told to ask the failing store again. What that reader fetches is kept as a new slot. */
  isRetried: boolean
}

/**
 * So many reads make a secret one that is waited for: it is fetched anew before its time is over, by as long as its last
 * fetch took and a sixteenth of its time, which costs as much more in fetches. All others wait for their store once in their
 * time.
 */
const HOT_USES = 16
const AHEAD = 1 / 16
const EARLIEST = 3 / 4

interface Keyed {
  readonly store: string
  readonly key: string
}

/** A decision that is remembered has its locator for as long: then the key of its reads is made once. */
const keyed = new WeakMap<Locator, Keyed>()

// References are one line of text, so a line feed tells the parts apart.
export const keyOf = (store: string, locator: Locator): string => {
  const known = keyed.get(locator)
  if (known?.store === store) return known.key
  const { path, version = '', nativeId = '' } = locator
  const key = `${store}\n${version}\n${nativeId}\n${path}`
  keyed.set(locator, { store, key })
  return key
}

const partsOf = (key: string): { store: string; path: string } => ({
  store: key.slice(0, key.indexOf('\n')),
  path: key.slice(key.lastIndexOf('\n') + 1)
})

/** A secret by its family here; what replicas call it is a word of base64url, and so never the same. */
const localName = (store: string, path: string): string => `${store}\n${familyOf(path)}`

/** The names of what an invalidation means; undefined: it means more than one secret. */
const namesIn = (what: InvalidationTarget | InvalidationNotice): readonly string[] | undefined => {
  if (what === 'all') return undefined
  if ('path' in what && what.path !== undefined) return [localName(what.store, what.path)]
  return 'families' in what ? what.families : undefined
}

/** From 0 to 1, the same in every replica. */
const chanceOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32

/**
 * How long before its end a secret that is in use is fetched anew. Secrets that were fetched all at once are not fetched all
 * at once again: each fetch has its time by chance, nearly the same in all replicas, or of many the first would always come
 * at the earliest one. Nor do all replicas ask at once.
 */
const aheadMs = (key: string, fetchedAt: number, ttlMs: number, tookMs: number): number => {
  const chance = (3 * chanceOf(`${key}\n${fetchedAt}`) + Math.random()) / 4
  return Math.min(1.1 * tookMs + ttlMs * AHEAD * (0.5 + chance / 2), ttlMs * EARLIEST)
}

const matcherOf = (
  what: InvalidationTarget | InvalidationNotice,
  nameOf: FirstTierOptions['familyOf']
): Matcher => {
  if (what === 'all') return () => true
  const start = `${what.store}\n`
  if ('path' in what && what.path !== undefined) {
    const family = familyOf(what.path)
    return (key) => key.startsWith(start) && familyOf(partsOf(key).path) === family
  }
  if ('families' in what && what.families !== undefined) {
    const named = new Set(what.families)
    return (key, family = nameOf?.(what.store, partsOf(key).path) ?? '') =>
      key.startsWith(start) && named.has(family)
  }
  return (key) => key.startsWith(start)
}

/** What a slot gives, whose use is counted. */
const use = <T>(
  key: string,
  found: Kept<T>,
  time: number,
  { ttlMs, staleMs }: Retention
): Lookup<T> => {
  const { slot, fresh } = found
  if (fresh === undefined || !isFresh(slot.entry, time)) {
    const judged = judge(slot, time, staleMs)
    if (judged.state !== 'stale' || !judged.isDue) return judged
    const isDue = !found.isRetried
    found.isRetried = true
    return { ...judged, isDue }
  }
  found.uses++
  if (found.uses < HOT_USES || slot.entry === undefined) return fresh
  const { fetchedAt, expiresAt } = slot.entry
  found.dueAt ??= expiresAt - aheadMs(key, fetchedAt, ttlMs, found.tookMs)
  if (time < found.dueAt) return fresh
  found.uses = 0
  return { state: 'fresh', entry: slot.entry, isDue: true }
}

export const createFirstTier = <T>(options: FirstTierOptions): FirstTier<T> => {
  const { staleMs, maxEntries, now } = options
  // Times are ours, not the library's.
  const index = createNameIndex()
  const kept = createKeptMap<Kept<T>>(
    maxEntries,
    ({ slot }) => slot.entry !== undefined,
    (key, { names }) => {
      for (const name of names) index.remove(name, key)
    }
  )

  const dropWhere = (isDropped: (key: string, one: Kept<T>) => boolean): number => {
    const dropped = kept.entries().filter(([key, one]) => isDropped(key, one))
    for (const [key] of dropped) kept.delete(key)
    return dropped.length
  }

  const drop: FirstTier<T>['drop'] = (what) => {
    const matches = matcherOf(what, options.familyOf)
    const names = namesIn(what)
    if (names === undefined) return dropWhere((key, { family }) => matches(key, family))
    const meant = new Set(names.flatMap(index.keysOf))
    const dropped = [...meant].filter((key) => matches(key, kept.peek(key)?.family))
    for (const key of dropped) kept.delete(key)
    return dropped.length
  }

  return {
    lookup: (key) => {
      const found = kept.get(key)
      return found === undefined ? MISS : use(key, found, now(), options)
    },
    peek: (key) => {
      const slot = kept.peek(key)?.slot
      return slot === undefined ? MISS : judge(slot, now(), staleMs)
    },
    slotOf: (key) => kept.get(key)?.slot,
    keep: (key, slot, known = {}) => {
      const { entry } = slot
      const { store, path } = partsOf(key)
      const family = known.family ?? options.familyOf?.(store, path)
      const names = [localName(store, path), ...(family === undefined ? [] : [family])]
      kept.set(key, {
        slot,
        fresh: entry && { state: 'fresh', entry, isDue: false },
        family,
        names,
        tookMs: known.tookMs ?? 0,
        dueAt: undefined,
        uses: 0,
        isRetried: false
      })
      for (const name of names) index.add(name, key)
    },
    delete: kept.delete,
    matcherOf: (what) => matcherOf(what, options.familyOf),
    drop,
    sweep: () => {
      const time = now()
      dropWhere((_key, { slot }) => endOf(slot, options) <= time)
    },
    size: kept.size
  }
}
