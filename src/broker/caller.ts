/** On whose behalf the broker acts, and what is asked of it. */
import type { Policy } from '../core/policy.ts'
import type { Mode } from '../core/principal.ts'
import type { ReferenceBook } from '../core/reference.ts'
import type { Stores } from './stores.ts'

/** Which door a request came through. */
export interface Door {
  /** The route's template, never the URL. */
  readonly route: string
  readonly requestId: string
  readonly address: string
}

export interface Caller extends Door {
  readonly client: string
  readonly mode: Mode
  readonly keyId?: string
  readonly kid?: string
  /** The bot or channel in whose configuration the reference stands: the right to use it is the right to read that. */
  readonly grantedBy?: { readonly kind: 'bot' | 'channel'; readonly name: string }
}

/** A reference as it was written, with the version and field that may stand beside it. */
export interface Wanted {
  readonly text: string
  readonly version?: string | undefined
  readonly field?: string | undefined
}

/** What decides, and what a reload replaces as a whole. */
export interface Rules {
  readonly policy: Policy
  readonly book: ReferenceBook
  readonly stores: Stores
}
