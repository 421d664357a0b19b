/**
 * Invalidations, here and in all replicas. Rule: an invalidation is in force in this process at once, and whoever
 * watches is told of it only when no read can bring back what was cached before. How replicas share it:
 * `invalidation-sharing.ts`.
 */
import type { Keyring } from '../crypto/keyring.ts'
import type { Shared } from '../state/shared.ts'
import {
  createInvalidationSharing,
  type SingleTarget,
  type TargetNames
} from './invalidation-sharing.ts'
import { familyNames, spelledNames } from './names.ts'
import type { InvalidationNotice, InvalidationTarget, SecretLocation } from './origin.ts'

export interface Invalidated {
  readonly dropped: number
  /** The other replicas do not know yet: they will in a while, or once the shared state answers again. */
  readonly pending?: true
}

export interface InvalidationOptions {
  /** Drops in this process; gives how many entries. */
  readonly drop: (what: InvalidationTarget | InvalidationNotice) => number
  /** Resolves once what was dropped is dropped for good; absent: it is at once. */
  readonly settled?: (() => Promise<void>) | undefined
  /**
   * Called for each invalidation, by this replica or another one. A read that begins after the call gets no value that
   * was cached before the invalidation.
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
   * To be called when a fetch brought another value than was known. The shared tier has the new value already; the
   * other replicas drop what they have in memory. In the background: a replica that misses it has the old value until
   * its time is over.
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

export const createInvalidation = (options: InvalidationOptions): InvalidationBus => {
  const { drop, onInvalidated = () => {}, shared, keyring, stores } = options
  const { spellings = ({ path }) => [path] } = options
  /** Replicas in the middle of a rotation name things by different keys: all of them are meant. */
  const namesOf = (target: SingleTarget): TargetNames => {
    if (target.path === undefined) return {}
    const { store, path } = target
    return {
      families: familyNames(keyring(), store, path),
      names: spelledNames(keyring(), store, spellings(target))
    }
  }
  const tell = (what: InvalidationTarget | InvalidationNotice): void => {
    const isSecret = what !== 'all' && 'path' in what
    onInvalidated(isSecret ? { store: what.store, ...namesOf(what) } : what)
  }
  const dropAndTell = (what: InvalidationTarget | InvalidationNotice): number => {
    const dropped = drop(what)
    tell(what)
    return dropped
  }
  const sharing =
    shared && createInvalidationSharing({ ...options, shared, namesOf, onRemote: dropAndTell })

  return {
    invalidate: async (what) => {
      if (sharing === undefined) {
        const dropped = dropAndTell(what)
        await options.settled?.()
        return { dropped }
      }
      const dropped = drop(what)
      const targets: SingleTarget[] = what === 'all' ? stores().map((store) => ({ store })) : [what]
      const shares = await Promise.all(targets.map(sharing.share))
      // Until the marks had changed, a read here could still take the old envelope and keep it.
      dropAndTell(what)
      return { dropped, ...(!shares.every(Boolean) && { pending: true as const }) }
    },
    changed: (what) => {
      tell(what)
      sharing?.publishChange(what.store, namesOf(what))
    },
    isWhole: () => sharing?.isWhole() ?? true,
    close: () => sharing?.close()
  }
}
