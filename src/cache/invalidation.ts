/**
 * Invalidations, here and in all replicas. Rule: in force here at once; shared by marks that every read of the shared tier
 * compares, so that a lost message costs nothing there; and told to the other replicas, which notice by a count when they
 * missed one and then drop all of the store. What cannot be shared now is shared when that is possible again.
 */
import { randomUUID } from 'node:crypto'
import { asJson, isObject } from '../core/json.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { every } from '../state/background.ts'
import { TOPICS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import { epochKey, familyNames, generationKey, markKey, spelledNames } from './names.ts'
import type { InvalidationTarget, SecretLocation } from './origin.ts'
import type { InvalidationNotice } from './secret-cache.ts'

export interface Invalidated {
  readonly dropped: number
  /** The other replicas do not know yet: they will in a while, or once the shared state answers again. */
  readonly pending?: true
}

export interface InvalidationOptions {
  /** Drops in this process; gives how many entries. */
  readonly drop: (what: InvalidationTarget | InvalidationNotice) => number
  /**
   * Called for each invalidation, by this replica or another one. A read that begins after the call gets no value that was
   * cached before the invalidation.
   */
  readonly onInvalidated?: (what: 'all' | InvalidationNotice) => void
  /** Undefined: there are no replicas. */
  readonly shared: Shared | undefined
  readonly keyring: () => Keyring
  /** Under which spellings a change of the secret is told, as its store's kind says; absent: its path. */
  readonly spellings?: (secret: SecretLocation) => readonly string[]
  /** The names of the configured stores. */
  readonly stores: () => readonly string[]
  /** How long an envelope may live, in milliseconds: a mark has to live longer. */
  readonly lifetimeMs: number
}

export interface InvalidationBus {
  readonly invalidate: (what: InvalidationTarget) => Promise<Invalidated>
  /**
   * A fetch brought another value than was known. It is shared already: the other replicas only drop what they have in memory.
   * In the background; who misses it has the old value until its time is over.
   */
  readonly changed: (what: SecretLocation) => void
  /** False while something waits to be shared. */
  readonly isWhole: () => boolean
  readonly close: () => void
}

/** Tags are kept so many times as long as secrets: they change seldom, and asking for them costs a call of its own. */
export const TAG_TTLS = 6

export interface Lifetimes {
  readonly CACHE_TTL_SECONDS: number
  readonly STALE_IF_ERROR_SECONDS: number
}

/** Longer than any envelope, for whoever shares an invalidation; milliseconds. */
export const markLifetimeMs = ({ CACHE_TTL_SECONDS, STALE_IF_ERROR_SECONDS }: Lifetimes): number =>
  (TAG_TTLS * CACHE_TTL_SECONDS + STALE_IF_ERROR_SECONDS + 60) * 1000

const { topic: TOPIC } = TOPICS.invalidate
/** What waits to be shared is tried at each beat; the counts are compared every five seconds. */
const BEAT_MS = 1_000
const RECONCILE_BEATS = 5
const COUNT_LIVES_MS = 30 * 24 * 3_600_000
type One = Exclude<InvalidationTarget, 'all'>

/** Above so many that wait to be shared, whole stores wait instead. */
const LONGEST_WAIT_LIST = 1_000

interface Message {
  readonly from: string
  /** The store, as its epoch is named under each key of the sender's ring: no name is to be read in Redis. */
  readonly epochs: readonly string[]
  readonly families?: readonly string[]
  readonly names?: readonly string[]
  /** Whether it is one of those that are counted. */
  readonly counts?: boolean
}

const isMessage = (value: unknown): value is Message => {
  if (!isObject(value)) return false
  const { from, epochs, families = [], names = [], counts = true } = value
  const areNames = (list: unknown): boolean =>
    Array.isArray(list) && list.every((name) => typeof name === 'string')
  return (
    typeof from === 'string' &&
    areNames(epochs) &&
    areNames(families) &&
    areNames(names) &&
    typeof counts === 'boolean'
  )
}

const parseMessage = (text: string): Message | undefined => {
  const value = asJson(text)
  return isMessage(value) ? value : undefined
}

export const createInvalidation = (options: InvalidationOptions): InvalidationBus => {
  const { drop, onInvalidated = () => {}, shared, keyring, stores, lifetimeMs } = options
  const { spellings = ({ path }) => [path] } = options
  /** Replicas in the middle of a rotation name things by different keys: all of them are meant. */
  const namesOf = (one: One): Pick<InvalidationNotice, 'families' | 'names'> => {
    if (one.path === undefined) return {}
    const { store, path } = one
    return {
      families: familyNames(keyring(), store, path),
      names: spelledNames(keyring(), store, spellings(one))
    }
  }
  const tell = (what: InvalidationTarget | InvalidationNotice): void => {
    const isOne = what !== 'all' && 'path' in what
    onInvalidated(isOne ? { store: what.store, ...namesOf(what) } : what)
  }
  const dropAndTell = (what: InvalidationTarget | InvalidationNotice): number => {
    const dropped = drop(what)
    tell(what)
    return dropped
  }
  if (shared === undefined) {
    return {
      invalidate: async (what) => ({ dropped: dropAndTell(what) }),
      changed: tell,
      isWhole: () => true,
      close: () => {}
    }
  }
  const me = randomUUID()
  /** By store, how many invalidations this process knows of: those it was told, from where the count stood. */
  const known = new Map<string, number>()
  let waiting: One[] = []

  const epochsOf = (store: string): string[] => keyring().all.map((key) => epochKey(key, store))
  /** Undefined for a store that this replica does not have: another one may be configured otherwise. */
  const storeOf = (epochs: readonly string[]): string | undefined =>
    stores().find((store) => epochsOf(store).some((epoch) => epochs.includes(epoch)))

  const publish = (message: Omit<Message, 'from'>): Promise<void> =>
    shared.publish(TOPIC, JSON.stringify({ from: me, ...message }))

  /**
   * False if the message was lost: the others learn of it by the count. Counted again it would be another invalidation, and one
   * each second where Redis lets us count and not publish.
   */
  const share = async (one: One): Promise<boolean> => {
    const { store } = one
    const named = namesOf(one)
    const epochs = epochsOf(store)
    const marks = named.families?.map(markKey) ?? epochs
    const counts = keyring().all.map((key) => generationKey(key, store))
    await shared.add([
      ...marks.map((key) => ({ key, by: 1, ttlMs: lifetimeMs })),
      ...counts.map((key) => ({ key, by: 1, ttlMs: COUNT_LIVES_MS }))
    ])
    return publish({ epochs, ...named }).then(
      () => true,
      () => false
    )
  }

  const shareLater = (one: One): void => {
    waiting.push(one)
    if (waiting.length > LONGEST_WAIT_LIST) {
      waiting = [...new Set(waiting.map(({ store }) => store))].map((store) => ({ store }))
    }
  }

  const tryToShare = async (one: One): Promise<boolean> => {
    try {
      return await share(one)
    } catch {
      shareLater(one)
      return false
    }
  }

  const reconcile = async (): Promise<void> => {
    const late = waiting
    waiting = []
    await Promise.all(late.map(tryToShare))
    const names = stores()
    const { active } = keyring()
    const counts = await shared.getMany(names.map((store) => generationKey(active, store)))
    names.forEach((store, i) => {
      const count = Number(counts[i]?.toString() ?? 0)
      if ((known.get(store) ?? 0) !== count) dropAndTell({ store })
      known.set(store, count)
    })
  }
  // Whatever fails is tried again with the next reconnect, or in a while.
  const reconcileSoon = (): Promise<void> => reconcile().catch(() => {})

  shared.onMessage(TOPIC, (text) => {
    const message = parseMessage(text)
    if (message === undefined) return
    const { from, epochs, families, names, counts = true } = message
    const store = storeOf(epochs)
    if (store === undefined) return
    if (counts) known.set(store, (known.get(store) ?? 0) + 1)
    if (from === me) return
    dropAndTell({ store, ...(families && { families }), ...(names && { names }) })
  })
  shared.onReconnect(reconcileSoon)
  let beats = 0
  const loop = every('comparing of invalidations', BEAT_MS, async () => {
    beats++
    const isTime = waiting.length > 0 || beats % RECONCILE_BEATS === 0
    if (shared.isUp() && isTime) await reconcileSoon()
  })

  return {
    invalidate: async (what) => {
      const dropped = drop(what)
      const each: One[] = what === 'all' ? stores().map((store) => ({ store })) : [what]
      const shares = await Promise.all(each.map(tryToShare))
      // Until the marks had changed, a read here could still take the old envelope and keep it.
      dropAndTell(what)
      return { dropped, ...(!shares.every(Boolean) && { pending: true as const }) }
    },
    changed: (what) => {
      tell(what)
      publish({ epochs: epochsOf(what.store), ...namesOf(what), counts: false }).catch(() => {})
    },
    isWhole: () => waiting.length === 0,
    close: loop.close
  }
}
