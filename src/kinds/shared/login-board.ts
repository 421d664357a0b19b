/**
 * What stores of one process share of their logins where there are no replicas to share it with. Rule: the same as of `Shared`,
 * of which it is as much as `login-memory.ts` needs; what has ended is let go of.
 */
import type { Shared } from '../../state/shared.ts'

export type LoginShared = Pick<
  Shared,
  'isUp' | 'getMany' | 'put' | 'remove' | 'acquire' | 'release'
>

/** `now` in milliseconds since the epoch. */
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
