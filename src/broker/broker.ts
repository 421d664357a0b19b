/**
 * The one way to a secret. Rule: the decision comes first, before the cache and before any question of existence; the
 * record of it comes last, and without the record nothing leaves.
 */

import type { CacheEntry, SecretCache } from '../cache/secret-cache.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import { ProviderFault } from '../core/fault.ts'
import type { Policy } from '../core/policy.ts'
import type { Environment, Mode } from '../core/principal.ts'
import { ProblemError, problemOfFault } from '../core/problem.ts'
import {
  formatReference,
  locatorOf,
  parseReference,
  type Reference,
  type ReferenceBook
} from '../core/reference.ts'
import type { Sensitive } from '../core/secret.ts'
import type { Log } from '../providers/provider.ts'
import { type Selection, select } from './content.ts'
import type { Store, Stores } from './stores.ts'

/** On whose behalf, and through which door. */
export interface Caller {
  readonly client: string
  readonly mode: Mode
  readonly keyId?: string
  readonly kid?: string
  /** The route's template, never the URL. */
  readonly route: string
  readonly requestId: string
  readonly address: string
}

/** A reference as it was written, with the version and field that may stand beside it. */
export interface Wanted {
  readonly text: string
  readonly version?: string | undefined
  readonly field?: string | undefined
}

export interface Disclosure {
  readonly reference: Reference
  readonly selection: Selection
  readonly encoding?: 'base64'
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly expiresAt: number
  readonly cache: 'HIT' | 'MISS'
}

/** What a reload replaces as a whole. */
export interface Rules {
  readonly policy: Policy
  readonly book: ReferenceBook
  readonly stores: Stores
}

export interface BrokerOptions {
  readonly environment: Environment
  readonly rules: () => Rules
  readonly cache: SecretCache
  /** Rejects with `audit_unavailable` if the event cannot be recorded. */
  readonly record: (event: AuditEvent) => Promise<void>
  readonly log: Log
}

export type Invalidation = 'all' | { readonly store: string } | { readonly ref: string }

export interface Broker {
  /** Rejects with a ProblemError. */
  readonly readSecret: (caller: Caller, wanted: Wanted) => Promise<Disclosure>
  /** In the order asked; one that fails does not fail the others. */
  readonly readSecrets: (
    caller: Caller,
    wanted: readonly Wanted[]
  ) => Promise<readonly (Disclosure | ProblemError)[]>
  /** Resolves with the new version. Rejects with a ProblemError. */
  readonly writeSecret: (
    caller: Caller,
    wanted: Wanted,
    text: Sensitive<string>
  ) => Promise<{ readonly reference: Reference; readonly version: string }>
  /** Resolves with how many cached secrets were dropped. */
  readonly invalidate: (
    caller: Pick<Caller, 'route' | 'requestId' | 'address'>,
    what: Invalidation
  ) => Promise<number>
}

const toProblem = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (!(error instanceof ProviderFault)) return new ProblemError('internal_error')
  return new ProblemError(problemOfFault[error.reason], { retryAfter: error.retryAfterSeconds })
}

const denied = (reason: string): ProblemError => new ProblemError('access_denied', {}, reason)

const isDecision = (problem: ProblemError): boolean =>
  problem.code === 'access_denied' || problem.code === 'insufficient_mode'

// AWS appends six characters to a secret's name in its ARN: both spellings of one secret are dropped together.
const withoutSuffix = (path: string): string => path.replace(/-[A-Za-z0-9]{6}$/, '')

export const createBroker = (options: BrokerOptions): Broker => {
  const { environment, rules, cache, record, log } = options

  const describe = (caller: Caller, action: AuditEvent['action']): Omit<AuditEvent, 'outcome'> => ({
    action,
    environment,
    client: caller.client,
    ...(caller.keyId !== undefined && { keyId: caller.keyId }),
    ...(caller.kid !== undefined && { kid: caller.kid }),
    route: caller.route,
    requestId: caller.requestId,
    address: caller.address
  })

  const recordFailure = async (
    caller: Caller,
    action: AuditEvent['action'],
    reference: Reference | undefined,
    error: unknown
  ): Promise<ProblemError> => {
    const problem = toProblem(error)
    if (problem.code === 'internal_error') {
      log('error', 'a read failed unexpectedly', { requestId: caller.requestId })
    }
    if (error instanceof ProviderFault && error.reason !== 'not_found') {
      log('warn', 'a store failed', {
        store: reference?.store ?? '',
        reason: error.reason,
        requestId: caller.requestId,
        ...(error.code !== undefined && { code: error.code }),
        ...(error.status !== undefined && { status: error.status })
      })
    }
    const { reason } = problem
    await record({
      ...describe(caller, action),
      outcome: isDecision(problem) ? 'denied' : 'failed',
      code: problem.code,
      ...(reason !== undefined && { reason }),
      ...(reference !== undefined && { reference: formatReference(reference) })
    })
    return problem
  }

  /** The decision. Whoever is refused learns nothing of what exists. */
  const authorize = (
    caller: Caller,
    action: 'read' | 'write',
    reference: Reference | undefined
  ): { reference: Reference; store: Store } => {
    if (!caller.mode.includes(action === 'read' ? 'r' : 'w')) {
      throw new ProblemError('insufficient_mode')
    }
    if (reference === undefined) throw denied('unknown_store')
    const { policy, stores } = rules()
    if (!policy.isAllowed(caller.client, action, reference)) throw denied('no_rule')
    const store = stores.get(reference.store)
    if (store === undefined) throw denied('unknown_store')
    return { reference, store }
  }

  const fetch = async (
    store: Store,
    reference: Reference
  ): Promise<{ entry: CacheEntry; from: 'HIT' | 'MISS' }> => {
    const locator = locatorOf(reference)
    const found = cache.lookup(reference.store, locator)
    if (found.state === 'fresh') {
      const { isCurrent } = store.provider
      if (isCurrent === undefined || isCurrent(locator, found.entry.record.version)) {
        return { entry: found.entry, from: 'HIT' }
      }
    }
    const entry = await cache.load(reference.store, locator, () =>
      store.call((call) => store.provider.read(locator, call))
    )
    return { entry, from: 'MISS' }
  }

  const readSecret = async (caller: Caller, wanted: Wanted): Promise<Disclosure> => {
    let reference: Reference | undefined
    let disclosure: Disclosure
    try {
      reference = parseReference(wanted.text, rules().book, wanted)
      const authorized = authorize(caller, 'read', reference)
      const { entry, from } = await fetch(authorized.store, authorized.reference)
      disclosure = {
        reference: authorized.reference,
        selection: select(entry.record, authorized.reference.field),
        ...(entry.record.encoding !== undefined && { encoding: entry.record.encoding }),
        version: entry.record.version,
        fetchedAt: entry.fetchedAt,
        expiresAt: entry.expiresAt,
        cache: from
      }
    } catch (error) {
      throw await recordFailure(caller, 'secret.read', reference, error)
    }
    await record({
      ...describe(caller, 'secret.read'),
      outcome: 'allowed',
      reference: formatReference(disclosure.reference),
      version: disclosure.version,
      cache: disclosure.cache
    })
    return disclosure
  }

  return {
    readSecret,

    readSecrets: (caller, wanted) =>
      Promise.all(wanted.map((one) => readSecret(caller, one).catch(toProblem))),

    writeSecret: async (caller, wanted, text) => {
      let reference: Reference | undefined
      try {
        reference = parseReference(wanted.text, rules().book, wanted)
        const authorized = authorize(caller, 'write', reference)
        const { store } = authorized
        const { write } = store.provider
        if (write === undefined) throw denied('store_cannot_write')
        const { version: asked, field } = authorized.reference
        if (asked !== undefined || field !== undefined) {
          throw new ProblemError('invalid_reference', {
            detail: 'a write names a whole secret, without version or field'
          })
        }
        // The intent is on record before anything changes, the result after it.
        const event = {
          ...describe(caller, 'secret.write'),
          outcome: 'allowed',
          reference: formatReference(authorized.reference)
        } as const
        await record({ ...event, reason: 'intent' })
        const locator = locatorOf(authorized.reference)
        const { version } = await store.call((call) => write(locator, text, call))
        cache.invalidate({ store: store.spec.name, matches: (path) => path === locator.path })
        await record({ ...event, version })
        return { reference: authorized.reference, version }
      } catch (error) {
        throw await recordFailure(caller, 'secret.write', reference, error)
      }
    },

    invalidate: async (caller, what) => {
      const { route, requestId, address } = caller
      const event = {
        action: 'cache.invalidate',
        outcome: 'allowed',
        environment,
        route,
        requestId,
        address
      } as const
      if (what === 'all') {
        await record(event)
        return cache.invalidate('all')
      }
      if ('store' in what) {
        await record({ ...event, reason: `store ${what.store}` })
        return cache.invalidate({ store: what.store })
      }
      const reference = parseReference(what.ref, rules().book)
      await record({
        ...event,
        ...(reference !== undefined && { reference: formatReference(reference) })
      })
      if (reference === undefined) return 0
      const path = withoutSuffix(reference.path)
      return cache.invalidate({
        store: reference.store,
        matches: (cached) => withoutSuffix(cached) === path
      })
    }
  }
}
