/**
 * What replicas share and may lose at any moment: short-lived bytes, counters, leases, messages. Rule: a helper, never
 * a crutch. Every call ends by its own short deadline and rejects with `SharedUnavailable` when there is no answer;
 * then the caller does without. Values are sealed and keys are opaque before they come here.
 *
 * Keys are ours, plain ASCII, and begin as namespaces.ts says; a part in braces keeps keys together on one node of a
 * cluster.
 */
export class SharedUnavailable extends Error {
  constructor() {
    super('the shared state does not answer')
    this.name = 'SharedUnavailable'
  }
}

export interface Shared {
  /** False from the first call that got no answer until one does again: callers need not even try. */
  readonly isUp: () => boolean
  /** Commands that are denied to us though they are needed, by name; an empty list also while it is not known yet. */
  readonly denied: () => readonly string[]
  /** Whether what is written was refused for want of room, and has not been taken again. */
  readonly isFull: () => boolean
  /** What stands under each key, in their order. `withinMs` shortens the deadline. */
  readonly getMany: (
    keys: readonly string[],
    withinMs?: number
  ) => Promise<readonly (Buffer | undefined)[]>
  /** Puts the value for so many milliseconds, whatever stood there. */
  readonly put: (key: string, value: Buffer, ttlMs: number) => Promise<void>
  readonly remove: (key: string) => Promise<void>
  /** Adds to each counter (from 0) and lets it live `ttlMs` from now; the new numbers, in their order. */
  readonly add: (
    counters: readonly { readonly key: string; readonly by: number; readonly ttlMs: number }[]
  ) => Promise<readonly number[]>
  /** Puts `owner` if nothing stands there; whether it did. Atomic. */
  readonly acquire: (
    key: string,
    owner: string,
    ttlMs: number,
    withinMs?: number
  ) => Promise<boolean>
  /** Lets it live `ttlMs` from now if it is still this owner's; whether it is. Atomic. */
  readonly renew: (key: string, owner: string, ttlMs: number) => Promise<boolean>
  /** Removes it if it is still this owner's. Atomic. */
  readonly release: (key: string, owner: string) => Promise<void>
  /** To all replicas, this one too. At most once: who is not connected misses it. */
  readonly publish: (topic: string, message: string) => Promise<void>
  /** What a listener throws is logged and goes no further. */
  readonly onMessage: (topic: string, listener: (message: string) => void | Promise<void>) => void
  /**
   * Called each time messages arrive again, the first time too: whatever was published before may have been missed, and
   * whatever could not be put may be tried again.
   */
  readonly onReconnect: (listener: () => void | Promise<void>) => void
  /** No listener hears anything before: to be called once all of them, and what they work on, are there. */
  readonly start: () => void
  readonly close: () => Promise<void>
}
