/**
 * Revocations of any number of replicas: a set in memory, so that no request waits. Rule: what is in the set stays in
 * it; it learns of others by their messages, and by a mark that changes with every revocation, for messages that were
 * lost. A message that proves that its sender holds an encryption key is believed before anything was written.
 *
 * Order matters: a revocation is written, then the mark is changed; the mark is read, then the list. So whoever has
 * read a mark has read every revocation before it.
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
import {
  entryKeyOf,
  idIn,
  listRevoked,
  putRevocation,
  type Revocation,
  type Revocations
} from './revocations.ts'

export interface SharedRevocationsOptions {
  readonly state: State
  readonly shared: Shared
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly keyring: () => Keyring
  readonly log: StateLog
  /** Milliseconds of a clock that nobody sets; `performance.now` unless given. */
  readonly clock?: () => number
  readonly lookEveryMs?: number
  /** While something has to be written still. */
  readonly retryEveryMs?: number
}

export interface SharedRevocations extends Revocations {
  /** Resolves once the list was asked for the first time, whether it came or not. */
  readonly asked: Promise<void>
  /** False while the list cannot be read, or what was revoked here cannot be written. */
  readonly isWhole: () => boolean
  /** How many are in force here and not written yet. */
  readonly pending: () => number
  /** For how many milliseconds others may have revoked what is not known here; without an end where the list never came. */
  readonly blindMs: () => number
  readonly close: () => Promise<void>
}

const { topic: TOPIC } = TOPICS.revoked
const { prefix: MARK } = SHARED_KEYS.revocations
/** Far longer than any replica waits before it looks at the mark. */
const MARK_TTL_MS = 86_400_000
const LOOK_EVERY_MS = 2_000
const RETRY_EVERY_MS = 500

const LAST_KNOWN = 'revocations of other replicas cannot be read: the last known list is in force'
const NEVER_READ =
  'the list of revoked keys could not be read yet: only keys that are revoked here are refused'

const wordsOf = (keyId: string): readonly string[] => ['revocation', keyId]

/**
 * A replica that gets the message refuses the key: at once if the message is proven, otherwise once it has seen that
 * the revocation is written.
 */
const tellRevocation = (shared: Shared, keyId: string, keyring?: Keyring): Promise<void> =>
  shared.publish(TOPIC, keyring ? `${keyId} ${fingerprint(keyring.active, wordsOf(keyId))}` : keyId)

/**
 * To be called after the revocation was written. A replica that misses the message sees another mark. Without a key
 * ring the message has no proof.
 */
export const announceRevocation = async (
  shared: Shared,
  keyId: string,
  keyring?: Keyring
): Promise<void> => {
  await shared.put(MARK, Buffer.from(randomUUID()), MARK_TTL_MS)
  await tellRevocation(shared, keyId, keyring)
}

interface RevokedKeys {
  readonly options: SharedRevocationsOptions
  readonly revoked: Set<string>
  /** In force here, and not durable yet: by key id, when it was revoked. */
  readonly pending: Map<string, number>
  readonly clock: () => number
  mark: string | undefined
  hasLoaded: boolean
  /** When the last look began that saw everything. */
  seenAt: number
  isFailing: boolean
  isClosed: boolean
}

/** Undefined where it cannot be read. */
const readMark = (shared: Shared): Promise<string | undefined> =>
  shared.getMany([MARK]).then(
    ([mark]) => String(mark ?? 'never set'),
    () => undefined
  )

const makeDurable = async (
  { options: { state, shared, keyring, log }, pending }: RevokedKeys,
  keyId: string,
  now: number
): Promise<boolean> => {
  pending.set(keyId, now)
  const isNew = await putRevocation(state, keyId, now)
  pending.delete(keyId)
  await announceRevocation(shared, keyId, keyring()).catch(() =>
    log('warn', 'a revocation could not be announced: other replicas learn of it when they look')
  )
  return isNew
}

/** `missed` where something may have been missed, whatever the mark says. Rejects where the list cannot be read. */
const readRevoked = async (known: RevokedKeys, missed: boolean): Promise<void> => {
  const { state, shared } = known.options
  const began = known.clock()
  const mark = await readMark(shared)
  if (missed || !known.hasLoaded || mark === undefined || mark !== known.mark) {
    for (const keyId of await listRevoked(state)) known.revoked.add(keyId)
    known.mark = mark
  }
  known.seenAt = began
}

/** Up to the first that fails: the next look tries again. */
const writePending = async (known: RevokedKeys): Promise<void> => {
  try {
    for (const [keyId, now] of known.pending) await makeDurable(known, keyId, now)
  } catch {
    // It was said when it was revoked.
  }
}

/** Reads before it writes, since a Redis that is full still tells what others have revoked. */
const catchUp = async (known: RevokedKeys, missed: boolean): Promise<void> => {
  const { log } = known.options
  try {
    await readRevoked(known, missed)
  } catch {
    if (!known.isFailing && !known.isClosed) log('warn', known.hasLoaded ? LAST_KNOWN : NEVER_READ)
    known.isFailing = true
    return
  }
  if (!known.hasLoaded || known.isFailing) {
    log('info', 'the list of revoked keys was read', { keys: known.revoked.size })
  }
  known.hasLoaded = true
  known.isFailing = false
  await writePending(known)
}

const receive = ({ options: { state, keyring }, revoked }: RevokedKeys, message: string): void => {
  const [keyId = '', proof = ''] = message.split(' ', 2)
  if (!isKeyId(idIn(keyId))) return
  if (keyring().all.some((key) => isFingerprint(key, wordsOf(keyId), proof))) {
    revoked.add(keyId)
    return
  }
  // Without a proof a message is only a hint: whoever may publish but not write revokes nothing.
  state.get(entryKeyOf(keyId)).then(
    (entry) => entry && revoked.add(keyId),
    () => {}
  )
}

const revoke = async (known: RevokedKeys, keyId: string, now: number): Promise<Revocation> => {
  const { shared, keyring, log } = known.options
  const wasKnown = known.revoked.has(keyId)
  known.revoked.add(keyId)
  try {
    return { isNew: await makeDurable(known, keyId, now), isDurable: true }
  } catch {
    log('warn', 'a revocation is not durable yet: it is in force here, and tried again')
    // A Redis that is full takes messages still.
    await tellRevocation(shared, keyId, keyring()).catch(() => {})
    return { isNew: !wasKnown, isDurable: false }
  }
}

export const createSharedRevocations = (options: SharedRevocationsOptions): SharedRevocations => {
  const { shared, clock = () => performance.now() } = options
  const { lookEveryMs = LOOK_EVERY_MS, retryEveryMs = RETRY_EVERY_MS } = options
  const known: RevokedKeys = {
    options,
    revoked: new Set(),
    pending: new Map(),
    mark: undefined,
    clock,
    hasLoaded: false,
    seenAt: Number.NEGATIVE_INFINITY,
    isFailing: false,
    isClosed: false
  }
  let last: Promise<void> = Promise.resolve()
  /** One look after the other. */
  const look = (missed: boolean): Promise<void> => {
    last = last.then(() => (known.isClosed ? undefined : catchUp(known, missed)))
    return last
  }

  const asked = look(true)
  const waitMs = (): number => (known.pending.size > 0 ? retryEveryMs : lookEveryMs)
  const loop = every('look for revocations', waitMs, () => look(false))
  shared.onMessage(TOPIC, (message) => receive(known, message))
  shared.onReconnect(() => void look(true))

  return {
    asked,
    isRevoked: (keyId) => known.revoked.has(keyId),
    revoke: (keyId, now) => revoke(known, keyId, now),
    isWhole: () => known.hasLoaded && !known.isFailing && known.pending.size === 0,
    pending: () => known.pending.size,
    blindMs: () => clock() - known.seenAt,
    close: async () => {
      known.isClosed = true
      loop.close()
    }
  }
}
