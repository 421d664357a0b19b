/**
 * How many replicas there are, for what they divide among them. Rule: each says in every window of time that it is there, with
 * a proof that it holds an encryption key, so that nobody who only may write to Redis makes them more; and the last number that was
 * known stands while nothing is shared: an outage makes no replica more or less.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fingerprint, isFingerprint } from '../crypto/fingerprint.ts'
import type { EncryptionKey, Keyring } from '../crypto/keyring.ts'
import { every, type Loop } from './background.ts'
import { TOPICS } from './namespaces.ts'
import type { Shared } from './shared.ts'

export interface ReplicaCount {
  /** From 1 to 64. The others know of a start at once, and of an end within two windows. */
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
const EVERY_MS = 1_000
const WINDOW_MS = 15_000
/** How long whoever starts gives the others to answer, and how long an answer is held back for further ones who start. */
const SOON_MS = 50
const PATIENCE_MS = 1_000
/** A share is never smaller, whatever is counted: replicas that end as soon as they start leave their places for a while. */
const MOST = 64

export const createReplicaCount = (options: ReplicaCountOptions): ReplicaCount => {
  const { shared, environment, keyring, now, everyMs = EVERY_MS, windowMs = WINDOW_MS } = options
  const me = randomUUID()
  /** By replica, this one too, the window in which it was heard of last. */
  const heard = new Map<string, number>()
  /** The window before the last one in which this replica heard itself: who was not heard of since is gone. */
  let former = Number.NEGATIVE_INFINITY
  const windowNow = (): number => Math.floor(now() / windowMs)
  const wordsOf = (id: string, window: string): string[] => ['replica', environment, id, window]

  /** Proven under each key of the ring: a replica in the middle of a rotation may not have the active one. */
  const say = async (): Promise<void> => {
    const window = String(windowNow())
    const proofs = keyring().all.map((key) => fingerprint(key, wordsOf(me, window)))
    await shared?.publish(TOPIC, [me, window, ...proofs].join(' '))
  }
  // Without an answer the last number stands.
  const sayQuietly = (): Promise<void> => say().catch(() => {})

  let soon: NodeJS.Timeout | undefined
  const saySoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined
      void sayQuietly()
    }, SOON_MS / 2).unref()
  }

  const isProven = (words: readonly string[], proofs: readonly string[]): boolean =>
    keyring().all.some((key: EncryptionKey) =>
      proofs.some((proof) => isFingerprint(key, words, proof))
    )
  const hear = (message: string): void => {
    const [id = '', digits = '', ...proofs] = message.split(' ', 6)
    const said = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN
    const window = windowNow()
    // Clocks may differ by a window; what is older was said again by somebody else.
    if (!(Math.abs(said - window) <= 1)) return
    const before = heard.get(id)
    const last = Math.min(said, window)
    if ((before !== undefined && before >= last) || !isProven(wordsOf(id, digits), proofs)) return
    heard.set(id, last)
    if (id !== me) {
      if (before === undefined) saySoon()
      return
    }
    if (before === undefined) return
    former = before
    for (const [other, last] of heard) if (last < former) heard.delete(other)
  }
  shared?.onMessage(TOPIC, hear)
  shared?.onReconnect(sayQuietly)

  let isClosed = false
  let loop: Loop | undefined

  return {
    current: () => Math.min(MOST, Math.max(1, heard.size)),
    start: async () => {
      if (shared === undefined || isClosed) return
      loop = every('word to the other replicas', everyMs, sayQuietly)
      await sayQuietly()
      for (let ms = 0; ms < PATIENCE_MS && shared.isUp() && !isClosed; ms += SOON_MS) {
        const wasKnown = heard.has(me)
        await sleep(SOON_MS)
        // It has heard itself for that long, and whoever else was to answer.
        if (wasKnown) return
      }
    },
    close: () => {
      isClosed = true
      loop?.close()
      clearTimeout(soon)
    }
  }
}
