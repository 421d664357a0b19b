/**
 * Writing a new version of a secret. Rule: the intent is on record before anything changes, and the outcome afterwards;
 * whatever the outcome, no value that was read before the write is given out after it.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Invalidated, InvalidationBus } from '../cache/invalidation.ts'
import { locationIn } from '../cache/origin.ts'
import type { Caller } from '../core/caller.ts'
import { denied, ProblemError } from '../core/problem.ts'
import type { Reference } from '../core/reference.ts'
import type { Locator, Sensitive } from '../core/secret.ts'
import { readAlone } from './batch.ts'
import { type Allowed, decide } from './decision.ts'
import type { Store } from './stores.ts'
import type { TagGate } from './tag-gate.ts'
import type { Rules, Wanted } from './terms.ts'

export interface Write {
  readonly text: Sensitive<string>
  /** Write only if this is still the newest version. */
  readonly ifVersion?: string | undefined
  /** Write only if there is no such secret. */
  readonly ifAbsent?: boolean | undefined
}

export interface WriteResult extends Pick<Invalidated, 'pending'> {
  readonly reference: Reference
  readonly version: string
}

export interface WritingOptions {
  readonly rules: () => Rules
  readonly tagGate: TagGate
  readonly recorder: Recorder
  readonly invalidation: Pick<InvalidationBus, 'invalidate'>
}

/** The store's `write`. Throws ProblemError if the store cannot write, or cannot write on the condition asked for. */
const writeOf = (
  { store, reference }: Allowed,
  { ifVersion, ifAbsent }: Write
): NonNullable<Store['write']> => {
  const { write, comparesVersions } = store
  if (write === undefined) throw denied('store_cannot_write')
  if (reference.version !== undefined || reference.field !== undefined) {
    throw new ProblemError('invalid_reference', {
      detail: 'a write names a whole secret, without version or field'
    })
  }
  if (ifVersion !== undefined && comparesVersions !== true) {
    throw new ProblemError('invalid_request', {
      detail: 'the store cannot compare versions',
      errors: [{ pointer: '/headers/if-match', rule: 'unsupported' }]
    })
  }
  if (ifAbsent === true && comparesVersions !== true) {
    throw new ProblemError('invalid_request', {
      detail: 'the store cannot create a secret on the condition that there is none'
    })
  }
  return write
}

export const createWriteSecret = ({ rules, tagGate, recorder, invalidation }: WritingOptions) => {
  /** A write passes the same gate as a read: the broker may not change a secret that is not tagged for it. */
  const checkTags = async (store: Store, locator: Locator, client: string): Promise<void> => {
    if (store.spec.requireTags.size === 0) return
    await tagGate.before(store, locator, client)
    if (store.readTags === undefined) {
      tagGate.after(store, (await readAlone(store, locator, client)).tags)
    }
  }

  /** Resolves with the new version; `pending` as of an invalidation. Rejects with a ProblemError. */
  return async (caller: Caller, wanted: Wanted, asked: Write): Promise<WriteResult> => {
    let reference: Reference | undefined
    try {
      const decision = decide(rules(), caller, 'write', wanted)
      reference = decision.reference
      if ('refusal' in decision) throw decision.refusal
      const { store, locator } = decision
      const write = writeOf(decision, asked)
      await checkTags(store, locator, caller.client)
      await recorder.allowed(caller, 'secret.write', reference, { reason: 'intent' })
      const { text, ...conditions } = asked
      const writing = write(locator, text, { client: caller.client, ...conditions })
      // Also after a fault: a write that was not answered may have been carried out.
      await Promise.allSettled([writing])
      const location = locationIn(store.spec.name, decision.reference)
      const { pending } = await invalidation.invalidate(location)
      const { version } = await writing
      await recorder.allowed(caller, 'secret.write', reference, { version })
      return { reference: decision.reference, version, ...(pending && { pending }) }
    } catch (error) {
      throw await recorder.failed(caller, 'secret.write', reference, error)
    }
  }
}
