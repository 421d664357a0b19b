/** What replicas share, in this process: several of them may be given the same, and it can be made to give no answer. */
import { type Shared, SharedUnavailable } from '../../src/state/shared.ts'

export interface TestShared {
  readonly shared: Shared
  /** What was added, by key. */
  readonly counters: ReadonlyMap<string, number>
  /** How often anything was asked. */
  readonly calls: () => number
  readonly setDown: (isDown: boolean) => void
}

export const createTestShared = (): TestShared => {
  const counters = new Map<string, number>()
  const values = new Map<string, Buffer>()
  const listeners = new Map<string, ((message: string) => void)[]>()
  const onReconnect: (() => void)[] = []
  let isDown = false
  let calls = 0

  const answer = async <T>(work: () => T): Promise<T> => {
    calls++
    await new Promise((resolve) => setImmediate(resolve))
    if (isDown) throw new SharedUnavailable()
    return work()
  }
  const isOwner = (key: string, owner: string): boolean => values.get(key)?.toString() === owner

  const shared: Shared = {
    isUp: () => !isDown,
    getMany: (keys) => answer(() => keys.map((key) => values.get(key))),
    put: (key, value) => answer(() => void values.set(key, value)),
    remove: (key) => answer(() => void values.delete(key)),
    add: (all) =>
      answer(() =>
        all.map(({ key, by }) => {
          const sum = (counters.get(key) ?? 0) + by
          counters.set(key, sum)
          return sum
        })
      ),
    acquire: (key, owner) =>
      answer(() => !values.has(key) && values.set(key, Buffer.from(owner)) !== undefined),
    renew: (key, owner) => answer(() => isOwner(key, owner)),
    release: (key, owner) => answer(() => void (isOwner(key, owner) && values.delete(key))),
    publish: (topic, message) =>
      answer(() => {
        for (const listener of listeners.get(topic) ?? []) listener(message)
      }),
    onMessage: (topic, listener) =>
      void listeners.set(topic, [...(listeners.get(topic) ?? []), listener]),
    onReconnect: (listener) => void onReconnect.push(listener),
    close: async () => {}
  }
  return {
    shared,
    counters,
    calls: () => calls,
    setDown: (down) => {
      const returns = isDown && !down
      isDown = down
      if (returns) for (const listener of onReconnect) listener()
    }
  }
}
