/**
 * What must survive a restart or be shared by replicas, behind one small interface: bytes by key, changed only by
 * compare-and-set, so that two writers (a CLI and a service, two replicas) never lose each other's change. Keys are
 * plain text chosen by us, at most 1,900 bytes of UTF-8; values are sealed by their owner before they come here.
 */
export interface StateEntry {
  readonly key: string
  readonly value: Buffer
}

/** Of entries that were to be sealed anew under the active encryption key. */
export interface RewrapCounts {
  readonly total: number
  readonly rewrapped: number
  /** Left as they are: damaged, or under an encryption key that is no longer in the key ring. */
  readonly unreadable: number
}

export interface NameCounts {
  readonly moved: number
  /** Damaged, or under an encryption key that has left the key ring: such entries are neither found nor listed. */
  readonly unreadable: number
}

/** How an entry begins: enough to tell under which encryption key it is sealed, without moving the whole of it. */
export interface StateHead {
  /** What stands before the first slash of its key; `shared` for what replicas share for a while. */
  readonly space: string
  /** Undefined where the name cannot be opened, or names nothing of `State`. */
  readonly key: string | undefined
  /** Of its value, HEAD_BYTES at most. */
  readonly value: Buffer
  /** Of its name, where names are sealed. */
  readonly name?: Buffer
}

export const HEAD_BYTES = 16

const MAX_KEY_BYTES = 1_900

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
   * Puts `next` (or removes the key if `next` is undefined) if what stands there is still `expected` (undefined:
   * nothing). Resolves with whether it did; the change is durable then.
   */
  readonly compareAndSet: (
    key: string,
    expected: Buffer | undefined,
    next: Buffer | undefined
  ) => Promise<boolean>
  /**
   * Entries whose key starts with the prefix, in order of their keys; if `after` is given, only those whose key comes
   * after it.
   */
  readonly list: (prefix: string, after?: string) => AsyncIterable<StateEntry>
  /** The bytes under the key at once, as last changed by any process; absent where a kind of state cannot. */
  readonly getSync?: (key: string) => Buffer | undefined
  /**
   * The same for whoever takes from the bytes what it wants and does not keep them: what is read next overwrites them. The
   * key as `keyBytes` gives it, so that who asks often makes it once.
   */
  readonly peekSync?: <T>(key: Buffer, take: (bytes: Buffer) => T) => T | undefined
  /** Of everything that is kept, a page at a time, with turns for others in between. */
  readonly heads?: () => AsyncIterable<StateHead>
  /** Where names are sealed: gives up the entries whose names stand under that encryption key and cannot be opened. */
  readonly discardNames?: (kid: string) => Promise<number>
  /** Where replicas share (Redis): drops what is sealed for a while under other encryption keys than the active one. */
  readonly dropFormerCache?: () => Promise<number>
  /** Where names are sealed (Redis): puts those that stand under a former encryption key under the active one. */
  readonly rewrapNames?: () => Promise<NameCounts>
  /** Where names are sealed: how many cannot be opened, and so are not listed. */
  readonly countUnreadable?: () => Promise<number>
  /**
   * Where the state is a file here (LMDB): writes it as it is at one moment, while others go on, into a folder of its own
   * that is there and empty.
   */
  readonly copyTo?: (folder: string) => Promise<void>
  readonly close: () => Promise<void>
}
