/**
 * The tier that replicas share: sealed slots, and a lease on each fetch, so that of any number of replicas one asks the
 * store. Rule: it saves calls, nothing else. Whatever goes wrong with it (no answer, a lost lease, a bad envelope)
 * means that this process fetches by itself. A replica without the lease waits until the value is there, not until the
 * lease is free.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Locator } from '../core/secret.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { every } from '../state/background.ts'
import type { Shared } from '../state/shared.ts'
import { type Codec, type Invalidations, type NoSlot, openSlot, sealSlot } from './envelope.ts'
import { type CacheName, createNamesOf, familyName, type SharedNames } from './names.ts'
import type { Origin } from './origin.ts'
import type { Slot } from './slot.ts'

export interface SharedTierOptions<T> {
  readonly shared: Shared
  readonly cacheName: CacheName
  readonly codec: Codec<T>
  readonly environment: string
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  /** How long a fetch may take, in milliseconds: whoever waits for another replica's waits a little longer. */
  readonly fetchMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Claim<T> {
  /** By what name replicas tell each other of the secret. */
  readonly family: string
  /** What the replicas know, if anything. */
  readonly slot: Slot<T> | undefined
  /** Whether this process is to fetch; otherwise the slot is what was wanted. */
  readonly mayFetch: boolean
  /**
   * Ends the claim, with what is to be shared and until when (milliseconds since the epoch). In the background: nobody
   * waits for it, and it never fails.
   */
  readonly settle: (result?: { readonly slot: Slot<T>; readonly endsAt: number }) => void
}

export interface SharedTier<T> {
  /** Undefined where there is nothing to be had from it at present. */
  readonly claim: (
    origin: Origin,
    locator: Locator,
    isWanted: (slot: Slot<T>) => boolean
  ) => Promise<Claim<T> | undefined>
  /** By what name replicas tell each other of a secret. */
  readonly familyOf: (store: string, path: string) => string
  /** So many envelopes were damaged, moved, foreign or put back after their end, since this process began. */
  readonly refused: () => number
  /** So many were of another format, as replicas of a later version write it. */
  readonly unfamiliar: () => number
  /** How often what was wanted was there, and how often it was not, since this process began. */
  readonly looks: () => Looks
}

export interface Looks {
  readonly found: number
  readonly missing: number
}

/** How long a read may wait for a slow shared state, in milliseconds. */
const BUDGET_MS = 50
/** A holder that died or stands still is taken over after so long. */
const LEASE_MS = 500
const RENEW_EVERY_MS = 150
const FIRST_WAIT_MS = 5
const LONGEST_WAIT_MS = 100
/** For the result of a fetch that ended at its deadline: time to put it, and to see it with the next look. */
const GRACE_MS = 250

interface Hold {
  readonly isHeld: () => boolean
  readonly letGo: () => void
}

/** Keeps the lease alive while its fetch is under way. */
const holdLease = (shared: Shared, lease: string, owner: string): Hold => {
  let heldUntil = performance.now() + LEASE_MS
  const renewal = every('renewal of a lease', RENEW_EVERY_MS, () => {
    const asked = performance.now()
    // Not waited for: a slow answer is no reason for the next one to come later.
    shared.renew(lease, owner, LEASE_MS).then(
      (isOurs) => {
        heldUntil = isOurs ? asked + LEASE_MS : 0
      },
      () => {}
    )
  })
  return { isHeld: () => performance.now() < heldUntil, letGo: renewal.close }
}

const textOf = (bytes: Buffer | undefined): string => bytes?.toString() ?? ''

/** What stands in the shared tier under the names of one secret. */
interface Found<T> {
  readonly slot: Slot<T> | undefined
  readonly invalidations: Invalidations
}

const read = async <T>(
  { shared, sealer, codec, now }: SharedTierOptions<T>,
  names: SharedNames,
  onNone: (why: NoSlot) => void
): Promise<Found<T>> => {
  // At one moment, but for the epoch in a Cluster.
  const [envelope, mark, epoch] = await shared.getMany(
    [names.envelope, names.mark, names.epoch],
    BUDGET_MS
  )
  const invalidations = { mark: textOf(mark), epoch: textOf(epoch) }
  if (envelope === undefined) return { slot: undefined, invalidations }
  const opened = openSlot(sealer(), codec, names.context, envelope, invalidations, now())
  if (typeof opened !== 'string') return { slot: opened, invalidations }
  onNone(opened)
  return { slot: undefined, invalidations }
}

const release = (shared: Shared, names: SharedNames, owner: string): void => {
  shared.release(names.lease, owner).catch(() => {})
}

/** The claim of the replica that has the lease. */
const claimWithLease = <T>(
  options: SharedTierOptions<T>,
  names: SharedNames,
  owner: string,
  { slot: known, invalidations }: Found<T>
): Claim<T> => {
  const { shared, sealer, codec, now } = options
  const hold = holdLease(shared, names.lease, owner)
  return {
    family: names.family,
    slot: known,
    mayFetch: true,
    settle: (result) => {
      hold.letGo()
      // A replica that lost the lease may be late: what another replica fetched since is newer.
      const lifetimeMs = Math.ceil((result?.endsAt ?? 0) - now())
      if (result !== undefined && lifetimeMs > 0 && hold.isHeld()) {
        const { slot, endsAt } = result
        const envelope = sealSlot(sealer(), codec, names.context, slot, invalidations, endsAt)
        shared.put(names.envelope, envelope, lifetimeMs).catch(() => {})
      }
      release(shared, names, owner)
    }
  }
}

export const createSharedTier = <T>(options: SharedTierOptions<T>): SharedTier<T> => {
  const { shared, cacheName, environment, keyring, fetchMs } = options
  const namesOf = createNamesOf(cacheName, environment)
  const looks = { found: 0, missing: 0 }
  const none: Record<NoSlot, number> = { outdated: 0, unfamiliar: 0, refused: 0 }
  const onNone = (why: NoSlot): void => {
    none[why]++
  }

  const servedBy = (slot: Slot<T>, { family }: SharedNames): Claim<T> => {
    looks.found++
    return { family, slot, mayFetch: false, settle: () => {} }
  }

  /** Nobody has what is wanted: whoever gets the lease brings it. */
  const queue = async (
    names: SharedNames,
    isWanted: (slot: Slot<T>) => boolean
  ): Promise<Claim<T>> => {
    const owner = randomUUID()
    const giveUpAt = performance.now() + fetchMs + GRACE_MS
    let waitMs = FIRST_WAIT_MS
    for (;;) {
      // In this order in one round trip: whoever gets the lease sees what its last holder left.
      const [hasLease, found] = await Promise.all([
        shared.acquire(names.lease, owner, LEASE_MS, BUDGET_MS),
        // What could not be used was counted at the first look.
        read(options, names, () => {})
      ])
      const { slot } = found
      if (slot !== undefined && isWanted(slot)) {
        if (hasLease) release(shared, names, owner)
        return servedBy(slot, names)
      }
      const isOver = performance.now() >= giveUpAt
      if (hasLease || isOver) looks.missing++
      if (hasLease) return claimWithLease(options, names, owner, found)
      if (isOver) {
        // Longer than any fetch takes: nobody is left to let go of the lease.
        shared.remove(names.lease).catch(() => {})
        return { family: names.family, slot, mayFetch: true, settle: () => {} }
      }
      await sleep(waitMs * (0.75 + Math.random() / 2))
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
    }
  }

  const claim: SharedTier<T>['claim'] = async (origin, locator, isWanted) => {
    if (!shared.isUp()) return undefined
    const names = namesOf(keyring().active, origin, locator)
    try {
      // Nearly always another replica has it, and nobody needs a lease.
      const { slot } = await read(options, names, onNone)
      if (slot !== undefined && isWanted(slot)) return servedBy(slot, names)
      return await queue(names, isWanted)
    } catch {
      return undefined
    }
  }

  return {
    claim,
    familyOf: (store, path) => familyName(keyring().active, store, path),
    refused: () => none.refused,
    unfamiliar: () => none.unfamiliar,
    looks: () => looks
  }
}
