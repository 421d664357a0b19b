/** What replicas share, in the memory of one test: several replicas connect to it, and it goes away and comes back when told to. */
import { type Shared, SharedUnavailable } from '../../src/state/shared.ts'

interface Held {
  readonly value: Buffer
  readonly until: number
}

export interface MemoryShared {
  /** One replica's connection. */
  readonly connect: () => Shared
  /** Away: every call is refused and no message arrives. Back: every replica is told. */
  readonly away: () => void
  readonly back: () => void
  /** What stands there, for a test to look at or to change. */
  readonly values: Map<string, Held>
  /** What was counted, by key. */
  readonly counters: () => ReadonlyMap<string, number>
  /** Calls so far, refused ones too. */
  readonly calls: () => number
}

export const createMemoryShared = (now: () => number = Date.now): MemoryShared => {
  const values = new Map<string, Held>()
  const topics = new Map<string, ((message: string) => void)[]>()
  const reconnects: (() => void)[] = []
  let isAway = false
  let calls = 0

  const at = (key: string): Buffer | undefined => {
    const held = values.get(key)
    return held !== undefined && now() < held.until ? held.value : undefined
  }
  const ask = async <T>(work: () => T): Promise<T> => {
    calls++
    if (isAway) throw new SharedUnavailable()
    const result = work()
    // An answer takes a turn of the event loop, as over a connection.
    await new Promise((resolve) => setImmediate(resolve))
    return result
  }
  const isOwn = (key: string, owner: string): boolean => at(key)?.toString() === owner
  const put = (key: string, value: Buffer, ttlMs: number): void => {
    values.set(key, { value, until: now() + ttlMs })
  }

  const connect = (): Shared => ({
    isUp: () => !isAway,
    denied: () => [],
    isFull: () => false,
    getMany: (keys) => ask(() => keys.map(at)),
    put: (key, value, ttlMs) => ask(() => put(key, value, ttlMs)),
    remove: (key) => ask(() => void values.delete(key)),
    add: (counters) =>
      ask(() =>
        counters.map(({ key, by, ttlMs }) => {
          const sum = Number(at(key)?.toString() ?? 0) + by
          put(key, Buffer.from(String(sum)), ttlMs)
          return sum
        })
      ),
    acquire: (key, owner, ttlMs) =>
      ask(() => {
        if (at(key) !== undefined) return false
        put(key, Buffer.from(owner), ttlMs)
        return true
      }),
    renew: (key, owner, ttlMs) =>
      ask(() => {
        if (!isOwn(key, owner)) return false
        put(key, Buffer.from(owner), ttlMs)
        return true
      }),
    release: (key, owner) =>
      ask(() => {
        if (isOwn(key, owner)) values.delete(key)
      }),
    publish: (topic, message) =>
      ask(() => {
        for (const listener of topics.get(topic) ?? []) setImmediate(listener, message)
      }),
    onMessage: (topic, listener) => {
      topics.set(topic, [...(topics.get(topic) ?? []), listener])
    },
    onReconnect: (listener) => {
      reconnects.push(listener)
      setImmediate(listener)
    },
    start: () => {},
    close: async () => {}
  })

  return {
    connect,
    away: () => {
      isAway = true
    },
    back: () => {
      isAway = false
      for (const listener of reconnects) setImmediate(listener)
    },
    values,
    counters: () => new Map([...values].map(([key, { value }]) => [key, Number(value.toString())])),
    calls: () => calls
  }
}
