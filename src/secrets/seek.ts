/**
 * What a caller is to have of a secret, or why it has nothing: everything of a read but its record. Rule: the decision comes
 * first, before the cache and before any question of existence. What is at hand is given at once, since promises for
 * each secret cost more than all else of a batch.
 */
import type { Caller } from '../core/caller.ts'
import type { Reference } from '../core/reference.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { ReadFrom } from './batch.ts'
import type { Disclosure } from './broker.ts'
import { type Allowed, createDecideRead } from './decision.ts'
import type { Fetch, Fetched } from './fetch.ts'
import type { TagGate } from './tag-gate.ts'
import type { Rules, Terms, Wanted } from './terms.ts'
import { viewOf } from './view.ts'

export interface Found extends Disclosure {
  readonly reference: Reference
}

/** With the reference for the record, if there is one. */
export interface Failed {
  readonly reference: Reference | undefined
  readonly error: unknown
}

export type Sought = Found | Failed

/** Never throws or rejects. */
export type Seek = (
  caller: Caller,
  wanted: Wanted,
  readFrom: ReadFrom,
  terms: Terms
) => Sought | Promise<Sought>

export interface SeekOptions {
  readonly rules: () => Rules
  readonly keyring: () => Keyring
  readonly fetch: Fetch
  readonly tagGate: TagGate
}

export const createSeek = ({ rules, keyring, fetch, tagGate }: SeekOptions): Seek => {
  const decideRead = createDecideRead()

  const show = ({ reference }: Allowed, { entry, from }: Fetched, raw: boolean): Found => {
    return { reference, view: viewOf(entry, reference, keyring().active, raw), cache: from }
  }

  /** Where tags decide as well. */
  const fetchTagged = async (
    allowed: Allowed,
    readFrom: ReadFrom,
    { freshness }: Terms,
    client: string
  ): Promise<Fetched> => {
    const { store, locator } = allowed
    await tagGate.before(store, locator, client)
    const fetched = await fetch(allowed, readFrom, freshness, client)
    tagGate.after(store, fetched.entry.record.tags)
    return fetched
  }

  return (caller, wanted, readFrom, terms) => {
    const { grant, freshness, raw = false } = terms
    let reference: Reference | undefined
    try {
      const decision = decideRead(rules(), caller, wanted, grant)
      reference = decision.reference
      if ('refusal' in decision) return { reference, error: decision.refusal }
      const { client } = caller
      const fetched =
        decision.store.spec.requireTags.size > 0
          ? fetchTagged(decision, readFrom, terms, client)
          : fetch(decision, readFrom, freshness, client)
      return fetched instanceof Promise
        ? fetched
            .then((one) => show(decision, one, raw))
            .catch((error: unknown) => ({ reference: decision.reference, error }))
        : show(decision, fetched, raw)
    } catch (error) {
      return { reference, error }
    }
  }
}
