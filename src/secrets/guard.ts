/**
 * Stands before a store's peer: nobody can use up its quota, and while it fails it is left alone. Rule: every operation
 * passes here, whatever brought it about, and one that is refused costs the peer nothing. Replicas share the quota; each has
 * a breaker of its own, so that one that is wrong about a store wrongs nobody else.
 */
import { ProviderFault, QUOTA } from '../core/fault.ts'
import type { CallOptions, Log, SecretProvider } from '../kinds/provider.ts'
import { settleBySignal } from '../kinds/shared/fault-of.ts'
import { LOGIN_REFUSED } from '../kinds/shared/login-memory.ts'
import { type BreakerState, createBreaker, mayPass } from './breaker.ts'
import type { Bucket } from './bucket.ts'

/** They fail apart: a listing that takes too long, or a write that is throttled, is no reason not to read. */
const OPERATIONS = ['read', 'list', 'write'] as const
type Operation = (typeof OPERATIONS)[number]

export interface GuardState extends Readonly<Record<Operation, BreakerState>> {
  /** What is left of the quota, less than 1 if nothing is; absent where the store has none. */
  readonly tokens?: number
}

export interface Guard {
  /** The provider, with every operation guarded but `check`, which is never refused. */
  readonly protect: (provider: SecretProvider) => SecretProvider
  readonly state: () => GuardState
}

export interface GuardOptions {
  /** The store's configured name, for log lines. */
  readonly store: string
  /** What may be asked of it; undefined: no bound. */
  readonly bucket: Bucket | undefined
  readonly log: Log
  /** Told how each read ended that the peer was asked for. */
  readonly onRead?: ((fault: ProviderFault | undefined) => void) | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random?: () => number
}

const TELL_EVERY_MS = 60_000

const asFault = (error: unknown): ProviderFault =>
  error instanceof ProviderFault ? error : new ProviderFault('unavailable')

/** Of many answers one that is none of the peer's failing shows that it works. */
const faultOfMany = (
  results: Awaited<ReturnType<NonNullable<SecretProvider['readMany']>>>
): ProviderFault | undefined => {
  const faults = results.filter((result) => result instanceof ProviderFault)
  return faults.length === results.length && faults.every(mayPass) ? faults[0] : undefined
}

export const createGuard = ({
  store,
  bucket,
  log,
  onRead = () => {},
  now,
  random = Math.random
}: GuardOptions): Guard => {
  let toldAt = Number.NEGATIVE_INFINITY

  const breakerOf = (operation: Operation) =>
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
  const breakers = { read: breakerOf('read'), list: breakerOf('list'), write: breakerOf('write') }

  const charge = (cost: number, client: string | undefined): void => {
    const retryAfterSeconds = bucket?.take(cost, client)
    if (retryAfterSeconds === undefined) return
    if (now() - toldAt >= TELL_EVERY_MS) {
      toldAt = now()
      log('warn', 'the quota of the store is used up', { store })
    }
    throw new ProviderFault('throttled', { code: QUOTA, retryAfterSeconds, isRefusal: true })
  }

  /** Once for each time that the peer was asked; not found is an answer like any other. */
  const logFault = (operation: Operation, { reason, code, status }: ProviderFault): void => {
    if (reason === 'not_found' || reason === 'conflict' || code === LOGIN_REFUSED) return
    log('warn', 'a store failed', {
      store,
      operation,
      reason,
      ...(code !== undefined && { code }),
      ...(status !== undefined && { status })
    })
  }

  const run = async <T>(
    operation: Operation,
    cost: number,
    options: CallOptions,
    work: () => Promise<T>,
    faultIn: (result: T) => ProviderFault | undefined = () => undefined
  ): Promise<T> => {
    // Too late to be asked, which says nothing of the peer.
    if (options.signal.aborted) throw new ProviderFault('timeout')
    const breaker = breakers[operation]
    const refusal = breaker.refusal()
    if (refusal !== undefined) throw refusal
    charge(cost, options.client)
    const leave = breaker.enter()
    const settle = (fault: ProviderFault | undefined): void => {
      leave(fault, options.signal)
      if (operation === 'read') onRead(fault)
    }
    try {
      const result = await settleBySignal(options, work)
      settle(faultIn(result))
      return result
    } catch (error) {
      const fault = asFault(error)
      settle(fault)
      logFault(operation, fault)
      throw error
    }
  }

  return {
    protect: (provider) => {
      const { readMany, readTags, list, write } = provider
      return {
        ...provider,
        read: (locator, options) => run('read', 1, options, () => provider.read(locator, options)),
        check: async (options) => {
          await provider.check(options)
          for (const operation of OPERATIONS) breakers[operation].hasten()
        },
        // Counted like the reads that it stands for, since it may fall back to them.
        ...(readMany && {
          readMany: (locators, options) =>
            run('read', locators.length, options, () => readMany(locators, options), faultOfMany)
        }),
        ...(readTags && {
          readTags: (locator, options) => run('read', 1, options, () => readTags(locator, options))
        }),
        ...(list && {
          list: (prefix, page, options) =>
            run('list', 1, options, () => list(prefix, page, options))
        }),
        ...(write && {
          write: (locator, text, options) =>
            run('write', 1, options, () => write(locator, text, options))
        })
      }
    },

    state: () => ({
      read: breakers.read.state(),
      list: breakers.list.state(),
      write: breakers.write.state(),
      ...(bucket && { tokens: Math.floor(bucket.tokens()) })
    })
  }
}
