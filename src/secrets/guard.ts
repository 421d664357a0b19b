/**
 * Stands before a store's peer: nobody can use up the peer's quota, a failing peer is left alone, and no call outlasts
 * its deadline, whatever an SDK does with its signal. Rule: every operation passes here, and a refused one costs the
 * peer nothing. Replicas share the quota; each has a breaker of its own, so that a replica which is wrong about a store
 * harms no other.
 */
import { type FaultReason, ProviderFault, QUOTA } from '../core/fault.ts'
import type { CallOptions, Log, SecretProvider } from '../kinds/provider.ts'
import { LOGIN_REFUSED } from '../kinds/shared/login-memory.ts'
import { withDeadline } from '../state/deadline.ts'
import { type Breaker, type BreakerState, createBreaker, mayPass } from './breaker.ts'
import type { Bucket } from './bucket.ts'
import { type Call, type CallMeter, type Follow, OPERATIONS, type StoreOperation } from './calls.ts'

const alone: Follow = (_operation, call) => call()

export interface GuardState extends Readonly<Record<StoreOperation, BreakerState>> {
  /** What is left of the quota, below 1 if nothing is left; absent if the store has no quota. */
  readonly tokens?: number
  /** How much of the quota is taken, from 0; above 1 on credit. */
  readonly used?: number
}

/** On whose behalf a store is asked, and until when. */
export interface Asking {
  /** The client whose share of the quota pays for the call; undefined: Purser's own. */
  readonly client?: string | undefined
  /** A deadline that several calls share, instead of one for this call alone. */
  readonly signal?: AbortSignal
}

/** What a store can do. Every call ends at its deadline and fails only with a ProviderFault. */
export type Operations = SecretProvider<Asking>

export interface Guard {
  /** The provider's operations, each of them guarded; `check` is never refused. */
  readonly protect: (provider: SecretProvider) => Operations
  readonly state: () => GuardState
}

export interface GuardOptions {
  /** The store's configured name, for log lines. */
  readonly store: string
  /** The quota of the store; undefined: no bound. */
  readonly bucket: Bucket | undefined
  readonly log: Log
  /** The time for a call that shares no deadline with others. */
  readonly timeoutMs: number
  /** Called at the end of each read for which the peer was asked. */
  readonly onRead?: ((fault: ProviderFault | undefined) => void) | undefined
  readonly meter?: CallMeter | undefined
  readonly follow?: Follow | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random?: () => number
}

interface GuardContext extends GuardOptions {
  readonly breakers: Readonly<Record<StoreOperation, Breaker>>
  /** When the log said last that the quota is used up. */
  toldAt: number
}

const TELL_EVERY_MS = 60_000

const asFault = (error: unknown): ProviderFault =>
  error instanceof ProviderFault ? error : new ProviderFault('unavailable')

const late = (): ProviderFault => new ProviderFault('timeout')

/** The fault of a read of many: if any result is not a failure of the peer, the peer works. */
const faultOfMany = (
  results: Awaited<ReturnType<NonNullable<SecretProvider['readMany']>>>
): ProviderFault | undefined => {
  const faults = results.filter((result) => result instanceof ProviderFault)
  return faults.length === results.length && faults.every(mayPass) ? faults[0] : undefined
}

const breakerOf = (
  { store, log, now, random = Math.random }: GuardOptions,
  operation: StoreOperation
): Breaker =>
  createBreaker({
    now,
    random,
    changed: ({ state, reason = '', until = 0 }) => {
      if (state === 'closed') log('info', 'the store is asked again', { store, operation })
      else {
        const seconds = Math.ceil((until - now()) / 1000)
        log('warn', 'the store is left alone', { store, operation, reason, seconds })
      }
    }
  })

const charge = (
  guarding: GuardContext,
  operation: StoreOperation,
  cost: number,
  client: string | undefined
): void => {
  const { bucket, store, log, meter, now } = guarding
  const retryAfterSeconds = bucket?.take(cost, client)
  if (retryAfterSeconds === undefined) return
  meter?.refused(operation, 'quota')
  if (now() - guarding.toldAt >= TELL_EVERY_MS) {
    guarding.toldAt = now()
    log('warn', 'the quota of the store is used up', { store })
  }
  throw new ProviderFault('throttled', { code: QUOTA, retryAfterSeconds, isRefusal: true })
}

/** Logs a fault each time that the peer was asked; not found is an answer like any other. */
const logFault = (
  { store, log }: GuardContext,
  operation: StoreOperation,
  { reason, code, status }: ProviderFault
): void => {
  if (reason === 'not_found' || reason === 'conflict' || code === LOGIN_REFUSED) return
  log('warn', 'a store failed', {
    store,
    operation,
    reason,
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status })
  })
}

/** Runs the provider's work with a signal, and ends it at the deadline. Rejects with a ProviderFault. */
const ending = async <A extends Asking, T>(
  { timeoutMs, meter, follow = alone }: GuardContext,
  operation: Call,
  asking: A,
  work: (options: A & CallOptions) => Promise<T>
): Promise<T> => {
  const began = performance.now()
  let outcome: 'ok' | FaultReason = 'ok'
  try {
    const deadline = asking.signal ?? timeoutMs
    return await follow(operation, () =>
      withDeadline(deadline, (signal) => work({ ...asking, signal }), late)
    )
  } catch (error) {
    const fault = asFault(error)
    outcome = fault.reason
    throw fault
  } finally {
    meter?.called(operation, outcome, performance.now() - began)
  }
}

const run = async <A extends Asking, T>(
  guarding: GuardContext,
  operation: StoreOperation,
  cost: number,
  asking: A,
  work: (options: A & CallOptions) => Promise<T>,
  faultIn: (result: T) => ProviderFault | undefined = () => undefined
): Promise<T> => {
  // The deadline passed before the peer was asked, which says nothing of the peer.
  if (asking.signal?.aborted) throw late()
  const breaker = guarding.breakers[operation]
  const refusal = breaker.refusal()
  if (refusal !== undefined) {
    guarding.meter?.refused(operation, 'breaker')
    throw refusal
  }
  charge(guarding, operation, cost, asking.client)
  const leave = breaker.enter()
  const settle = (fault: ProviderFault | undefined): void => {
    leave(fault, asking.signal)
    if (operation === 'read') guarding.onRead?.(fault)
  }
  try {
    const result = await ending(guarding, operation, asking, work)
    settle(faultIn(result))
    return result
  } catch (error) {
    const fault = error as ProviderFault
    settle(fault)
    logFault(guarding, operation, fault)
    throw fault
  }
}

const protect = (guarding: GuardContext, provider: SecretProvider): Operations => {
  const { read, readMany, readTags, list, write, check, review, clock, ...others } = provider
  return {
    ...others,
    read: (locator, asking) =>
      run(guarding, 'read', 1, asking, (options) => read(locator, options)),
    check: async (asking) => {
      await ending(guarding, 'check', asking, check)
      for (const operation of OPERATIONS) guarding.breakers[operation].hasten()
    },
    ...(review && {
      review: (wanted, asking) =>
        ending(guarding, 'review', asking, (options) => review(wanted, options))
    }),
    ...(clock && { clock: (asking) => ending(guarding, 'clock', asking, clock) }),
    // Counted as that many single reads, since it may fall back to them.
    ...(readMany && {
      readMany: (locators, asking) =>
        run(
          guarding,
          'read',
          locators.length,
          asking,
          (options) => readMany(locators, options),
          faultOfMany
        )
    }),
    ...(readTags && {
      readTags: (locator, asking) =>
        run(guarding, 'read', 1, asking, (options) => readTags(locator, options))
    }),
    ...(list && {
      list: (prefix, page, asking) =>
        run(guarding, 'list', 1, asking, (options) => list(prefix, page, options))
    }),
    ...(write && {
      write: (locator, text, asking) =>
        run(guarding, 'write', 1, asking, (options) => write(locator, text, options))
    })
  }
}

export const createGuard = (options: GuardOptions): Guard => {
  const breakers = {
    read: breakerOf(options, 'read'),
    list: breakerOf(options, 'list'),
    write: breakerOf(options, 'write')
  }
  const guarding = { ...options, breakers, toldAt: Number.NEGATIVE_INFINITY }
  const { bucket } = options
  return {
    protect: (provider) => protect(guarding, provider),
    state: () => ({
      read: breakers.read.state(),
      list: breakers.list.state(),
      write: breakers.write.state(),
      ...(bucket && { tokens: Math.floor(bucket.tokens()), used: bucket.used() })
    })
  }
}
