/** What is asked of the broker, on which terms, and what decides it. */
import type { Policy } from '../core/policy.ts'
import type { ReferenceBook } from '../core/reference.ts'
import type { Stores } from './stores.ts'

/** Where references were made of something shorter: below a path of a store, or the names of `secrets:`. */
export type Within =
  | { readonly kind: 'names' }
  | { readonly kind: 'below'; readonly store: string; readonly path: string }

/** A reference as it was written, with the version and field that may stand beside it. */
export interface Wanted {
  readonly text: string
  readonly version?: string | undefined
  readonly field?: string | undefined
  /** The caller did not write all of the text, and may not know of this place. */
  readonly within?: Within | undefined
}

/** A caller's demand for an answer that is not too old (RFC 9111, 5.2.1). */
export interface Freshness {
  /** 0 means that the store is asked. */
  readonly maxAgeMs: number
  /** Counts the read against the caller, once it is clear that the read costs a call. Rejects with `rate_limited`. */
  readonly charge: () => Promise<void>
}

/** What decides on a read; a reload replaces it as a whole. */
export interface Rules {
  readonly policy: Policy
  readonly book: ReferenceBook
  readonly stores: Stores
}

/** What allows a read instead of a rule for the client: a configured object that the client may use. */
export interface Grant {
  /** For the record: `bot sample-bot`. */
  readonly by: string
}

/** On what terms a secret is read, beyond what policy says. */
export interface Terms {
  readonly grant?: Grant | undefined
  readonly freshness?: Freshness | undefined
  /** The value as its store has it: a whole secret is its text, also if it is an object of one field. */
  readonly raw?: boolean | undefined
}
