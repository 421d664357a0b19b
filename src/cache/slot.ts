/**
 * What is known of one secret: its value, the failure that its store gave last, or both. Rule: a time is never extended. A
 * value ends TTL and stale bound after its fetch began, whatever was tried since; a failure ends by itself.
 */
import { isTransient, ProviderFault, QUOTA } from '../core/fault.ts'

export interface CacheEntry<T> {
  readonly record: T
  /** Milliseconds since the epoch at which the fetch began: the value is at least as new. */
  readonly fetchedAt: number
  /** Milliseconds since the epoch; from then on it is given out only while its store fails. */
  readonly expiresAt: number
  /** From when on nobody is given it, where that does not follow from `expiresAt` and the stale bound. */
  readonly endsAt?: number
}

export interface Failure {
  readonly fault: ProviderFault
  /** Milliseconds since the epoch; until then the store is not asked again. */
  readonly until: number
}

export interface Slot<T> {
  readonly entry?: CacheEntry<T>
  readonly failure?: Failure
  /** When its store last said that there is nothing to be had: no value fetched before is given out any more, by anyone. */
  readonly refusedAt?: number
}

/** A want of quota, which is the want of whoever began the fetch. */
export const isOfOneClient = (error: unknown): boolean =>
  error instanceof ProviderFault && error.code === QUOTA && error.isRefusal === true

/** In milliseconds. */
export interface Retention {
  /** 0: nothing is kept, and concurrent loads still share a fetch. */
  readonly ttlMs: number
  /** How long past its time a value may be given out while its store fails. */
  readonly staleMs: number
}

export type Lookup<T> =
  /** `isDue`: it is in use and ends soon, so that now is the time to fetch it anew; said once. */
  | { readonly state: 'fresh'; readonly entry: CacheEntry<T>; readonly isDue: boolean }
  /** Past its time, but its store is failing. `isDue`: it may be asked again, by someone that nobody waits for; said once. */
  | { readonly state: 'stale'; readonly entry: CacheEntry<T>; readonly isDue: boolean }
  | { readonly state: 'negative'; readonly fault: ProviderFault }
  | { readonly state: 'miss' }

/** How long a store that did not answer is left alone, in milliseconds. */
const BACK_OFF_MS = 1_000
const LONGEST_BACK_OFF_MS = 300_000
/**
 * So long after that, a store which failed is taken to be failing still: nobody who can have a stale value waits for an
 * attempt. Longer than attempts take that end at their deadline.
 */
const DOUBT_MS = 10_000

/** Up to a tenth shorter, so that what failed together is not tried again together. */
const jittered = (ms: number): number => ms * (1 - Math.random() / 10)

/** How long the fault is remembered, by its class. A store that said when to come again is taken at its word. */
const failureOf = (fault: ProviderFault, now: number, negativeTtlMs: number): Failure => {
  const { retryAfterSeconds } = fault
  if (!isTransient(fault)) {
    // What the store has against us it keeps in mind itself (`kinds/shared/login.ts`), and hears soon that it is mended.
    const forMs = fault.isRefusal ? Math.min(BACK_OFF_MS, negativeTtlMs) : negativeTtlMs
    return { fault, until: now + jittered(forMs) }
  }
  const asked = retryAfterSeconds === undefined ? 0 : retryAfterSeconds * 1000
  const backOff = Math.min(Math.max(asked, jittered(BACK_OFF_MS)), LONGEST_BACK_OFF_MS)
  return { fault, until: now + backOff }
}

/** The fault as it is now: what remains of the wait that the store asked for. */
export const faultAt = ({ fault, until }: Failure, now: number): ProviderFault =>
  fault.retryAfterSeconds === undefined
    ? fault
    : new ProviderFault(fault.reason, {
        ...fault,
        retryAfterSeconds: Math.ceil((until - now) / 1000)
      })

/** A clock that was set back must not make an entry live longer. */
export const isFresh = (entry: CacheEntry<unknown> | undefined, now: number): boolean =>
  entry !== undefined && entry.fetchedAt <= now && now < entry.expiresAt

export const isInForce = (failure: Failure | undefined, now: number): boolean =>
  failure !== undefined && now < failure.until

const endOfEntry = ({ expiresAt, endsAt }: CacheEntry<unknown>, staleMs: number): number =>
  endsAt ?? expiresAt + staleMs

/** Whether the value may be given out while its store fails. */
export const isWithinBound = (
  entry: CacheEntry<unknown> | undefined,
  now: number,
  staleMs: number
): boolean =>
  entry !== undefined && staleMs > 0 && entry.fetchedAt <= now && now < endOfEntry(entry, staleMs)

export const MISS = { state: 'miss' } as const

export const judge = <T>({ entry, failure }: Slot<T>, now: number, staleMs: number): Lookup<T> => {
  if (entry !== undefined && isFresh(entry, now)) return { state: 'fresh', entry, isDue: false }
  if (failure === undefined || now >= failure.until + DOUBT_MS) return MISS
  const isDue = now >= failure.until
  if (entry !== undefined && isTransient(failure.fault) && isWithinBound(entry, now, staleMs)) {
    return { state: 'stale', entry, isDue }
  }
  return isDue ? MISS : { state: 'negative', fault: faultAt(failure, now) }
}

/** The slot with whichever value is newer, unless that was refused since. */
export const withNewest = <T>(slot: Slot<T>, other: CacheEntry<T> | undefined): Slot<T> => {
  const newest = Math.max(
    slot.entry?.fetchedAt ?? Number.NEGATIVE_INFINITY,
    slot.refusedAt ?? Number.NEGATIVE_INFINITY
  )
  return other === undefined || newest >= other.fetchedAt ? slot : { ...slot, entry: other }
}

/** What stands after a fetch that failed: after an answer nothing of before, otherwise what was known. */
export const slotAfter = <T>(
  fault: ProviderFault,
  known: Slot<T> | undefined,
  now: number,
  negativeTtlMs: number
): Slot<T> => {
  const failure = failureOf(fault, now, negativeTtlMs)
  return isTransient(fault) ? { ...known, failure } : { failure, refusedAt: now }
}

/** From then on neither the slot nor what it puts an end to may be given out by anyone. */
export const endOf = (
  { entry, failure, refusedAt = 0 }: Slot<unknown>,
  { ttlMs, staleMs }: Retention
): number =>
  Math.max(
    entry === undefined ? 0 : endOfEntry(entry, staleMs),
    failure?.until ?? 0,
    refusedAt + ttlMs + staleMs
  )
