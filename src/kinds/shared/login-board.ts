/**
 * Shares refused logins with other replicas, or among the stores of this process. Rule: entries are sealed, under names
 * that tell nothing; they may be gone at any moment, and then each replica finds out by itself.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultReason } from '../../core/fault.ts'
import type { Sealer } from '../../crypto/sealer.ts'
import { SHARED_KEYS } from '../../state/namespaces.ts'
import type { Shared } from '../../state/shared.ts'
import type { CallOptions } from '../provider.ts'

export type LoginShared = Pick<
  Shared,
  'isUp' | 'getMany' | 'put' | 'remove' | 'acquire' | 'release'
>

export interface Refusal {
  readonly attempts: number
  readonly since: number
  readonly until: number
  readonly reason: FaultReason
  readonly code?: string | undefined
  readonly status?: number | undefined
}

/** How long a refusal is remembered beyond the time of its next try. */
const KEEP_MS = 3_600_000
/** Longer than a login may take. */
const LEASE_MS = 12_000
const BUDGET_MS = 50
const PATIENCE_MS = 3_000
const LOOK_MS = 50

const refusalKey = (name: string): string => `${SHARED_KEYS.login.prefix}{${name}}:refused`
const leaseOf = (name: string): string => `${SHARED_KEYS.login.prefix}{${name}}:lease`
const refusalContext = (name: string): string[] => ['refused login', name]

/**
 * The part of `Shared` that is needed here, in memory, for a process without replicas. Entries that have ended are
 * dropped.
 */
export const createLoginBoard = (now: () => number): LoginShared => {
  const held = new Map<string, { readonly value: Buffer; readonly until: number }>()

  const at = (key: string): Buffer | undefined => {
    const { value, until } = held.get(key) ?? { until: 0 }
    return now() < until ? value : undefined
  }
  const put = (key: string, value: Buffer, ttlMs: number): void => {
    for (const one of held.keys()) if (at(one) === undefined) held.delete(one)
    held.set(key, { value, until: now() + ttlMs })
  }

  return {
    isUp: () => true,
    getMany: async (keys) => keys.map(at),
    put: async (key, value, ttlMs) => put(key, value, ttlMs),
    remove: async (key) => void held.delete(key),
    acquire: async (key, owner, ttlMs) => {
      if (at(key) !== undefined) return false
      put(key, Buffer.from(owner), ttlMs)
      return true
    },
    release: async (key, owner) => {
      if (at(key)?.toString() === owner) held.delete(key)
    }
  }
}

/** The shared refusals of credentials, by their names. */
export const createRefusals = (
  shared: LoginShared | undefined,
  sealer: () => Pick<Sealer, 'seal' | 'open'>,
  random: () => number
) => {
  /** The names of refusals that are shared, as far as we know. */
  const told = new Set<string>()

  return {
    /** `over`: a refusal that we know of is gone, so it was taken back. Undefined: nothing is known. */
    find: async (name: string): Promise<Refusal | 'over' | undefined> => {
      if (shared?.isUp() !== true) return undefined
      try {
        const [envelope] = await shared.getMany([refusalKey(name)], BUDGET_MS)
        const text = envelope && sealer().open('cache', envelope, refusalContext(name))?.toString()
        if (text === undefined) return told.delete(name) ? 'over' : undefined
        told.add(name)
        return JSON.parse(text)
      } catch {
        return undefined
      }
    },

    /** `waitMs`: how long the refusal is in force. */
    tell: async (name: string, refusal: Refusal, waitMs: number): Promise<void> => {
      told.delete(name)
      if (shared === undefined) return
      const text = Buffer.from(JSON.stringify(refusal))
      const envelope = sealer().seal('cache', text, refusalContext(name))
      await shared.put(refusalKey(name), envelope, waitMs + KEEP_MS).then(
        () => told.add(name),
        () => {}
      )
    },

    remove: (name: string): void => {
      told.delete(name)
      shared?.remove(refusalKey(name)).catch(() => {})
    },

    /**
     * Waits for a turn to use the credential; the function that it returns ends the turn. Undefined if no turn can be
     * had.
     */
    takeTurn: async (name: string, { signal }: CallOptions): Promise<(() => void) | undefined> => {
      if (shared?.isUp() !== true) return undefined
      const owner = randomUUID()
      const giveUpAt = performance.now() + PATIENCE_MS
      while (!signal.aborted && performance.now() < giveUpAt) {
        try {
          if (await shared.acquire(leaseOf(name), owner, LEASE_MS, BUDGET_MS)) {
            return () => void shared.release(leaseOf(name), owner).catch(() => {})
          }
        } catch {
          return undefined
        }
        await sleep(LOOK_MS * (0.5 + random()))
      }
      return undefined
    }
  }
}
