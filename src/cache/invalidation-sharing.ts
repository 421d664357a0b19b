/**
 * Invalidations among replicas. Rule: an invalidation changes marks that every read of the shared tier compares, so
 * that a lost message costs nothing there; it has a number, so that a replica which missed its message notices that, and
 * drops all of the store; and what cannot be shared now is shared when that is possible again.
 */
import { randomUUID } from 'node:crypto'
import { asJson, isObject } from '../core/json.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { every } from '../state/background.ts'
import { TOPICS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import { createHeard, type Heard } from './heard.ts'
import { epochKey, generationKey, markKey } from './names.ts'
import type { InvalidationNotice, InvalidationTarget } from './origin.ts'

/** One secret, or all of one store. */
export type SingleTarget = Exclude<InvalidationTarget, 'all'>
export type TargetNames = Pick<InvalidationNotice, 'families' | 'names'>

export interface SharingOptions {
  readonly shared: Shared
  readonly keyring: () => Keyring
  /** The names of the configured stores. */
  readonly stores: () => readonly string[]
  /** How long an envelope may live, in milliseconds: a mark has to live longer. */
  readonly lifetimeMs: number
  readonly namesOf: (target: SingleTarget) => TargetNames
  /** Called for what another replica invalidated, and for a store of which a message was missed. */
  readonly onRemote: (notice: InvalidationNotice) => void
}

export interface InvalidationSharing {
  /** Resolves with whether the other replicas know; if not, they will in a while. */
  readonly share: (target: SingleTarget) => Promise<boolean>
  /** Only has the other replicas drop what they have in memory, in the background. */
  readonly publishChange: (store: string, names: TargetNames) => void
  /** False while something waits to be shared. */
  readonly isWhole: () => boolean
  readonly close: () => void
}

const { topic: TOPIC } = TOPICS.invalidate
/**
 * What waits to be shared is tried at each beat. The counts are compared every four seconds, and what seems to be missed
 * then once more a beat later.
 */
const BEAT_MS = 1_000
const RECONCILE_BEATS = 4
const COUNT_LIVES_MS = 30 * 24 * 3_600_000
/** Above so many that wait to be shared, whole stores wait instead. */
const LONGEST_WAIT_LIST = 1_000

interface Message extends TargetNames {
  readonly from: string
  /** The store, as its epoch is named under each key of the sender's ring: no name is to be read in Redis. */
  readonly epochs: readonly string[]
  /** Whether the invalidation is one of those that are counted. */
  readonly counts?: boolean
  /** Its number under each key of the sender's ring; absent from replicas of an older version. */
  readonly numbers?: readonly number[]
}

const isMessage = (value: unknown): value is Message => {
  if (!isObject(value)) return false
  const { from, epochs, families = [], names = [], counts = true, numbers = [] } = value
  const areNames = (list: unknown): boolean =>
    Array.isArray(list) && list.every((name) => typeof name === 'string')
  return (
    typeof from === 'string' &&
    areNames(epochs) &&
    areNames(families) &&
    areNames(names) &&
    typeof counts === 'boolean' &&
    Array.isArray(numbers) &&
    numbers.every((number) => Number.isSafeInteger(number))
  )
}

interface Sharing {
  readonly options: SharingOptions
  readonly me: string
  /** By store. */
  readonly heard: Map<string, Heard>
  waiting: SingleTarget[]
}

const epochsOf = ({ options }: Sharing, store: string): string[] =>
  options.keyring().all.map((key) => epochKey(key, store))

/** Undefined for a store that this replica does not have: another one may be configured otherwise. */
const storeOf = (sharing: Sharing, epochs: readonly string[]): string | undefined =>
  sharing.options
    .stores()
    .find((store) => epochsOf(sharing, store).some((epoch) => epochs.includes(epoch)))

const heardOf = ({ heard }: Sharing, store: string): Heard => {
  const known = heard.get(store) ?? createHeard()
  heard.set(store, known)
  return known
}

const publish = ({ options, me }: Sharing, message: Omit<Message, 'from'>): Promise<void> =>
  options.shared.publish(TOPIC, JSON.stringify({ from: me, ...message }))

/**
 * False if the message was lost: the others learn of it by the count. Counted again it would be another invalidation,
 * and one each second where Redis lets us count and not publish.
 */
const shareNow = async (sharing: Sharing, target: SingleTarget): Promise<boolean> => {
  const { shared, keyring, lifetimeMs, namesOf } = sharing.options
  const { store } = target
  const names = namesOf(target)
  const epochs = epochsOf(sharing, store)
  const marks = names.families?.map(markKey) ?? epochs
  const counts = keyring().all.map((key) => generationKey(key, store))
  const sums = await shared.add([
    ...marks.map((key) => ({ key, by: 1, ttlMs: lifetimeMs })),
    ...counts.map((key) => ({ key, by: 1, ttlMs: COUNT_LIVES_MS }))
  ])
  const numbers = sums.slice(marks.length)
  return publish(sharing, { epochs, ...names, numbers }).then(
    () => true,
    () => false
  )
}

const shareLater = (sharing: Sharing, target: SingleTarget): void => {
  sharing.waiting.push(target)
  if (sharing.waiting.length <= LONGEST_WAIT_LIST) return
  const stores = new Set(sharing.waiting.map(({ store }) => store))
  sharing.waiting = [...stores].map((store) => ({ store }))
}

const share = async (sharing: Sharing, target: SingleTarget): Promise<boolean> => {
  try {
    return await shareNow(sharing, target)
  } catch {
    shareLater(sharing, target)
    return false
  }
}

/** `isDoubtful`: messages may have been lost. */
const reconcile = async (sharing: Sharing, isDoubtful: boolean): Promise<void> => {
  const { options, waiting } = sharing
  const { shared, keyring, stores, onRemote } = options
  sharing.waiting = []
  await Promise.all(waiting.map((target) => share(sharing, target)))
  const { active } = keyring()
  const asked = stores().map((store) => {
    const heard = heardOf(sharing, store)
    return { store, heard, before: heard.upTo() }
  })
  const counts = await shared.getMany(asked.map(({ store }) => generationKey(active, store)))
  asked.forEach(({ store, heard, before }, i) => {
    const count = Number(counts[i]?.toString() ?? 0)
    if (heard.isMissing(count, before, isDoubtful)) onRemote({ store })
  })
}

/** Under the key by which this replica asks for the count: another one may not even be counted there. */
const numberIn = ({ options }: Sharing, store: string, message: Message): number | undefined =>
  message.numbers?.[message.epochs.indexOf(epochKey(options.keyring().active, store))]

const receive = (sharing: Sharing, text: string): void => {
  const message = asJson(text)
  if (!isMessage(message)) return
  const { from, epochs, families, names, counts = true, numbers } = message
  const { options, me } = sharing
  const store = storeOf(sharing, epochs)
  if (store === undefined) return
  const number = numberIn(sharing, store, message)
  if (counts && (number !== undefined || numbers === undefined)) {
    heardOf(sharing, store).hear(number)
  }
  if (from === me) return
  options.onRemote({ store, ...(families && { families }), ...(names && { names }) })
}

export const createInvalidationSharing = (options: SharingOptions): InvalidationSharing => {
  const { shared } = options
  const sharing: Sharing = { options, me: randomUUID(), heard: new Map(), waiting: [] }
  // Whatever fails is tried again with the next reconnect, or in a while.
  const reconcileQuietly = (isDoubtful: boolean): Promise<void> =>
    reconcile(sharing, isDoubtful).catch(() => {})
  const isSuspicious = (): boolean =>
    [...sharing.heard.values()].some((heard) => heard.isSuspicious())

  shared.onMessage(TOPIC, (text) => receive(sharing, text))
  shared.onReconnect(() => reconcileQuietly(true))
  let beats = 0
  const loop = every('comparing of invalidations', BEAT_MS, async () => {
    beats++
    const isTime = sharing.waiting.length > 0 || isSuspicious() || beats % RECONCILE_BEATS === 0
    if (shared.isUp() && isTime) await reconcileQuietly(false)
  })

  return {
    share: (target) => share(sharing, target),
    publishChange: (store, names) => {
      const epochs = epochsOf(sharing, store)
      publish(sharing, { epochs, ...names, counts: false }).catch(() => {})
    },
    isWhole: () => sharing.waiting.length === 0,
    close: loop.close
  }
}
