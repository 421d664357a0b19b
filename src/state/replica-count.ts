/**
 * How many replicas there are, for what they divide among them. Rule: each replica announces itself in every window of
 * time, with a proof that it holds an encryption key, so that nobody who may only write to Redis can raise the number.
 * While nothing is shared the last known number stands: an outage makes no replica more or less.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fingerprint, isFingerprint } from '../crypto/fingerprint.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { every, type Loop } from './background.ts'
import { TOPICS } from './namespaces.ts'
import type { Shared } from './shared.ts'

export interface ReplicaCount {
  /** From 1 to 256. The others know of a start at once, and of an end within two windows. */
  readonly current: () => number
  /** Says that it is there. Resolves once it knows the others, or after a second without an answer. */
  readonly start: () => Promise<void>
  readonly close: () => void
}

export interface ReplicaCountOptions {
  /** Undefined: this process is the only one. */
  readonly shared: Shared | undefined
  readonly environment: string
  /** Asked for at each message: the key ring can be reloaded. */
  readonly keyring: () => Keyring
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly everyMs?: number
  readonly windowMs?: number
}

const { topic: TOPIC } = TOPICS.replica
const WINDOW_MS = 15_000
/** Thrice in a window: each message goes to all replicas, so that what Redis delivers grows with the square of their number. */
const EVERY_MS = WINDOW_MS / 3
/**
 * How long a replica that starts waits for the answers of the others. They hold an answer back for half of it, since
 * more replicas may be starting.
 */
const SOON_MS = 50
const PATIENCE_MS = 1_000
/**
 * No more are counted, so that no share gets smaller than this: replicas that end as soon as they start are counted for
 * a while.
 */
const MOST = 256

interface Counting {
  readonly options: ReplicaCountOptions
  readonly me: string
  readonly windowMs: number
  /** By replica, this one too, the last window in which a message of it came. */
  readonly lastSeen: Map<string, number>
  answer: NodeJS.Timeout | undefined
}

const windowNow = ({ options, windowMs }: Counting): number => Math.floor(options.now() / windowMs)

const proofWords = ({ options }: Counting, id: string, window: string): string[] => [
  'replica',
  options.environment,
  id,
  window
]

/** Proven under each key of the ring: a replica in the middle of a rotation may not have the active one. */
const say = async (counting: Counting): Promise<void> => {
  const { options, me } = counting
  const window = String(windowNow(counting))
  const words = proofWords(counting, me, window)
  const proofs = options.keyring().all.map((key) => fingerprint(key, words))
  await options.shared?.publish(TOPIC, [me, window, ...proofs].join(' '))
}
// Without an answer the last number stands.
const sayQuietly = (counting: Counting): Promise<void> => say(counting).catch(() => {})

const answerSoon = (counting: Counting): void => {
  counting.answer ??= setTimeout(() => {
    counting.answer = undefined
    void sayQuietly(counting)
  }, SOON_MS / 2).unref()
}

const isProven = (
  { options }: Counting,
  words: readonly string[],
  proofs: readonly string[]
): boolean =>
  options.keyring().all.some((key) => proofs.some((proof) => isFingerprint(key, words, proof)))

const receive = (counting: Counting, message: string): void => {
  const { me, lastSeen } = counting
  const [id = '', digits = '', ...proofs] = message.split(' ', 6)
  const said = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN
  const window = windowNow(counting)
  // Clocks may differ by a window; an older message was repeated by somebody else.
  if (!(Math.abs(said - window) <= 1)) return
  const before = lastSeen.get(id)
  const last = Math.min(said, window)
  if (before !== undefined && before >= last) return
  if (!isProven(counting, proofWords(counting, id, digits), proofs)) return
  lastSeen.set(id, last)
  if (before === undefined) {
    if (id !== me) answerSoon(counting)
    return
  }
  if (id !== me) return
  // This replica has heard itself in two windows: a replica that it did not hear in either of them is gone.
  for (const [other, seen] of lastSeen) if (seen < before) lastSeen.delete(other)
}

export const createReplicaCount = (options: ReplicaCountOptions): ReplicaCount => {
  const { shared, everyMs = EVERY_MS, windowMs = WINDOW_MS } = options
  const me = randomUUID()
  const counting: Counting = { options, me, windowMs, lastSeen: new Map(), answer: undefined }
  let isClosed = false
  let loop: Loop | undefined
  shared?.onMessage(TOPIC, (message) => receive(counting, message))
  shared?.onReconnect(() => sayQuietly(counting))

  return {
    current: () => Math.min(MOST, Math.max(1, counting.lastSeen.size)),
    start: async () => {
      if (shared === undefined || isClosed) return
      loop = every('word to the other replicas', everyMs, () => sayQuietly(counting))
      await sayQuietly(counting)
      for (let ms = 0; ms < PATIENCE_MS && shared.isUp() && !isClosed; ms += SOON_MS) {
        const wasKnown = counting.lastSeen.has(me)
        await sleep(SOON_MS)
        // This replica has heard itself for that long, and whichever replica was to answer has answered.
        if (wasKnown) return
      }
    },
    close: () => {
      isClosed = true
      loop?.close()
      clearTimeout(counting.answer)
    }
  }
}
