/**
 * What must survive a restart or be shared by replicas, behind one small interface: bytes by key, changed only by
 * compare-and-set, so that two writers (a CLI and a service, two replicas) never lose each other's change.
 * Keys are plain text chosen by us, at most 1,900 bytes of UTF-8; values are sealed by their owner before they come here.
 */
export interface StateEntry {
  readonly key: string
  readonly value: Buffer
}

export interface NameCounts {
  readonly moved: number
  /** Damaged, or under an encryption key that is no longer in the key ring: such entries are neither found nor listed. */
  readonly unreadable: number
}

export const MAX_KEY_BYTES = 1_900

/** The bytes of a state key. Throws where it cannot be one. */
export const keyBytes = (key: string): Buffer => {
  const bytes = Buffer.from(key)
  if (bytes.length > 0 && bytes.length <= MAX_KEY_BYTES) return bytes
  throw new Error(`a state key has 1 to ${MAX_KEY_BYTES} bytes, not ${bytes.length}`)
}

export interface State {
  /** The bytes under the key, or undefined. */
  readonly get: (key: string) => Promise<Buffer | undefined>
  /**
   * Puts `next` (or removes the key if `next` is undefined) if what stands there is still `expected` (undefined: nothing).
   * Resolves with whether it did; the change is durable then.
   */
  readonly compareAndSet: (
    key: string,
    expected: Buffer | undefined,
    next: Buffer | undefined
  ) => Promise<boolean>
  /** Entries whose key starts with the prefix, in order of their keys. */
  readonly list: (prefix: string) => AsyncIterable<StateEntry>
  /**
   * The bytes under the key (only the first `length`, if given) at once, as last changed by any process; absent where a
   * kind of state cannot.
   */
  readonly getSync?: (key: string, length?: number) => Buffer | undefined
  /** Where names are sealed (Redis): puts those that stand under a former encryption key under the active one. */
  readonly rewrapNames?: () => Promise<NameCounts>
  /** Where names are sealed: how many cannot be opened, and so are not listed. */
  readonly countUnreadable?: () => Promise<number>
  readonly close: () => Promise<void>
}
