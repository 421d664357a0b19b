/**
 * Revocations of any number of replicas: a set in memory, so that no request waits. Rule: what is in the set stays in it;
 * it learns of others by their messages, and by a mark that changes with every revocation, for messages that were lost. A
 * message that proves that its sender holds an encryption key is believed before anything was written.
 *
 * Order matters: a revocation is written, then the mark is changed; the mark is read, then the list. So whoever has read a
 * mark has read every revocation before it.
 */
import { randomUUID } from 'node:crypto'
import { fingerprint, isFingerprint } from '../crypto/fingerprint.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { every } from '../state/background.ts'
import type { StateLog } from '../state/log.ts'
import { SHARED_KEYS, TOPICS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import type { State } from '../state/state.ts'
import { isKeyId } from './key-id.ts'
import { entryKeyOf, keyIdIn, listRevoked, putRevocation, type Revocations } from './revocations.ts'

export interface SharedRevocationsOptions {
  readonly state: State
  readonly shared: Shared
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly keyring: () => Keyring
  readonly log: StateLog
}

export interface SharedRevocations extends Revocations {
  /** Resolves once the list was asked for the first time, whether it came or not. */
  readonly asked: Promise<void>
  /** False while the list cannot be read, or what was revoked here cannot be written. */
  readonly isWhole: () => boolean
  readonly close: () => Promise<void>
}

const { topic: TOPIC } = TOPICS.revoked
const { prefix: MARK } = SHARED_KEYS.revocations
/** Far longer than anybody waits to look at it. */
const MARK_TTL_MS = 86_400_000
const LOOK_EVERY_MS = 2_000
/** While something has to be written still. */
const RETRY_EVERY_MS = 500

const LAST_KNOWN = 'revocations of other replicas cannot be read: the last known list is in force'
const NEVER_READ =
  'the list of revoked keys could not be read yet: only keys that are revoked here are refused'

const wordsOf = (keyId: string): readonly string[] => ['revocation', keyId]

/** Who hears it refuses the key: at once if it is proven, otherwise once it has seen that it is written. */
const tellRevocation = (shared: Shared, keyId: string, keyring?: Keyring): Promise<void> =>
  shared.publish(TOPIC, keyring ? `${keyId} ${fingerprint(keyring.active, wordsOf(keyId))}` : keyId)

/** After it was written; who does not hear of it sees another mark. The key ring is for a proof, and can be done without. */
export const announceRevocation = async (
  shared: Shared,
  keyId: string,
  keyring?: Keyring
): Promise<void> => {
  await shared.put(MARK, Buffer.from(randomUUID()), MARK_TTL_MS)
  await tellRevocation(shared, keyId, keyring)
}

export const createSharedRevocations = (options: SharedRevocationsOptions): SharedRevocations => {
  const { state, shared, keyring, log } = options
  const revoked = new Set<string>()
  /** In force here, and not durable yet: by key id, when it was revoked. */
  const pending = new Map<string, number>()
  let knownMark: string | undefined
  let hasLoaded = false
  let isFailing = false
  let isClosed = false
  let running: Promise<void> | undefined

  /** Undefined where it cannot be read. */
  const readMark = (): Promise<string | undefined> =>
    shared.getMany([MARK]).then(
      ([mark]) => String(mark ?? 'never set'),
      () => undefined
    )

  const tell = (keyId: string): Promise<void> =>
    announceRevocation(shared, keyId, keyring()).catch(() =>
      log('warn', 'a revocation could not be announced: other replicas learn of it when they look')
    )

  const makeDurable = async (keyId: string, now: number): Promise<boolean> => {
    pending.set(keyId, now)
    const isNew = await putRevocation(state, keyId, now)
    pending.delete(keyId)
    await tell(keyId)
    return isNew
  }

  const catchUp = async (missed: boolean): Promise<void> => {
    const mark = await readMark()
    try {
      for (const [keyId, now] of pending) await makeDurable(keyId, now)
      if (!missed && hasLoaded && mark !== undefined && mark === knownMark) return
      for (const keyId of await listRevoked(state)) revoked.add(keyId)
    } catch {
      if (!isFailing && !isClosed) log('warn', hasLoaded ? LAST_KNOWN : NEVER_READ)
      isFailing = true
      return
    }
    if (!hasLoaded || isFailing) {
      log('info', 'the list of revoked keys was read', { keys: revoked.size })
    }
    knownMark = mark
    hasLoaded = true
    isFailing = false
  }
  /** One after the other; `missed` where something may have been, whatever the mark says. */
  const look = (missed: boolean): Promise<void> => {
    const before = running ?? Promise.resolve()
    const next = before.then(() => (isClosed ? undefined : catchUp(missed)))
    running = next
    return next
  }

  const asked = look(true)
  const waitMs = (): number => (pending.size > 0 ? RETRY_EVERY_MS : LOOK_EVERY_MS)
  const loop = every('look for revocations', waitMs, () => look(false))
  // Without a proof it is only a hint: whoever may publish but not write revokes nothing.
  const confirm = async (keyId: string): Promise<void> => {
    const entry = await state.get(entryKeyOf(keyId)).catch(() => undefined)
    if (entry !== undefined) revoked.add(keyId)
  }
  shared.onMessage(TOPIC, (message) => {
    const [keyId = '', proof = ''] = message.split(' ', 2)
    if (!isKeyId(keyIdIn(keyId))) return
    if (keyring().all.some((key) => isFingerprint(key, wordsOf(keyId), proof))) revoked.add(keyId)
    else void confirm(keyId)
  })
  shared.onReconnect(() => void look(true))

  return {
    asked,
    isRevoked: (keyId) => revoked.has(keyId),
    revoke: async (keyId, now) => {
      const wasKnown = revoked.has(keyId)
      revoked.add(keyId)
      try {
        return { isNew: await makeDurable(keyId, now), isDurable: true }
      } catch {
        log('warn', 'a revocation is not durable yet: it is in force here, and tried again')
        // A Redis that is full takes messages still.
        await tellRevocation(shared, keyId, keyring()).catch(() => {})
        return { isNew: !wasKnown, isDurable: false }
      }
    },
    isWhole: () => hasLoaded && !isFailing && pending.size === 0,
    close: async () => {
      isClosed = true
      loop.close()
    }
  }
}
