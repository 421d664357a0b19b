/**
 * The one way to a secret. Rule: the decision comes first, before the cache and before any question of existence; the
 * record of it comes last, and without the record nothing leaves.
 */
import { createRecorder, type Recorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Invalidated, InvalidationBus } from '../cache/invalidation.ts'
import { locationIn } from '../cache/origin.ts'
import type { SecretCache } from '../cache/secret-cache.ts'
import type { Arrival, Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { parseReference } from '../core/reference.ts'
import type { SecretRecord, Tags } from '../core/secret.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { readAlone } from './batch.ts'
import { createFetch, type Fetched } from './fetch.ts'
import { createListConfigured, type ListConfigured } from './list-configured.ts'
import { createListNames, type ListNames } from './list-names.ts'
import { createListReach, type ListReach } from './list-reach.ts'
import { createListSecrets, type Page } from './list-secrets.ts'
import type { ListRequest } from './listing.ts'
import { createReading } from './reading.ts'
import { createSeek } from './seek.ts'
import { createTagGate } from './tag-gate.ts'
import type { Rules, Terms, Wanted } from './terms.ts'
import { createTryReads, type TryReads } from './try-reads.ts'
import type { View } from './view.ts'
import { createWriteSecret, type Write, type WriteResult } from './writing.ts'

export interface Disclosure {
  readonly view: View
  readonly cache: Fetched['from']
}

export type Invalidation =
  | 'all'
  | { readonly store: string }
  /** `nativeId`: as a notification names it, beside the reference that goes on record. */
  | { readonly ref: string; readonly nativeId?: string }

export interface BrokerOptions extends RecorderOptions {
  readonly rules: () => Rules
  readonly cache: SecretCache<SecretRecord>
  readonly tagCache: SecretCache<Tags>
  readonly invalidation: Pick<InvalidationBus, 'invalidate'>
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  /** How long a secret is taken for untagged before its store is asked again; milliseconds. */
  readonly negativeTtlMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Broker extends ListConfigured, ListNames, ListReach, TryReads {
  /** Rejects with a ProblemError. */
  readonly readSecret: (caller: Caller, wanted: Wanted, terms?: Terms) => Promise<Disclosure>
  readonly readSecrets: (
    caller: Caller,
    wanted: readonly Wanted[],
    terms?: Terms
  ) => Promise<readonly (Disclosure | ProblemError)[]>
  /** What stands below a path and policy allows, each with a result of its own. Rejects with a ProblemError. */
  readonly listSecrets: (caller: Caller, request: ListRequest, terms?: Terms) => Promise<Page>
  /** Resolves with the new version; `pending` as of an invalidation. Rejects with a ProblemError. */
  readonly writeSecret: (caller: Caller, wanted: Wanted, write: Write) => Promise<WriteResult>
  readonly invalidate: (arrival: Arrival, what: Invalidation) => Promise<Invalidated>
}

/** For invalidations alone: readers get `access_denied` for a store that does not exist. */
const noSuchStore = (): ProblemError =>
  new ProblemError('invalid_request', { detail: 'there is no such store' })

const createInvalidate =
  (
    rules: () => Rules,
    recorder: Recorder,
    invalidation: BrokerOptions['invalidation']
  ): Broker['invalidate'] =>
  async (arrival, what) => {
    if (what === 'all' || 'store' in what) {
      if (what !== 'all' && rules().stores.get(what.store) === undefined) throw noSuchStore()
      const reason = what === 'all' ? 'all' : `store ${what.store}`
      await recorder.allowed(arrival, 'cache.invalidate', undefined, { reason })
      return invalidation.invalidate(what)
    }
    const reference = parseReference(what.ref, rules().book)
    if (reference === undefined) throw noSuchStore()
    await recorder.allowed(arrival, 'cache.invalidate', reference)
    return invalidation.invalidate(locationIn(reference.store, { ...reference, ...what }))
  }

export const createBroker = (options: BrokerOptions): Broker => {
  const { rules, cache, tagCache, invalidation, sealer, negativeTtlMs, now } = options
  const recorder = createRecorder(options)
  const fetch = createFetch({ cache, readAlone, now })
  const tagGate = createTagGate({ cache: tagCache, negativeTtlMs, now })

  const seek = createSeek({ ...options, fetch, tagGate })
  const { readSecret, readSecrets } = createReading({ recorder, seek })

  const naming = { rules, sealer, recorder, cache, tagGate, now }
  const listSecrets = createListSecrets({ rules, sealer, recorder, readSecrets, now })

  return {
    readSecret,

    readSecrets,

    listSecrets,

    ...createListConfigured({ rules, recorder }),

    ...createListNames(naming),

    ...createListReach(naming),

    ...createTryReads({ recorder, seek }),

    writeSecret: createWriteSecret({ rules, tagGate, recorder, invalidation }),

    invalidate: createInvalidate(rules, recorder, invalidation)
  }
}
