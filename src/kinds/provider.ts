/**
 * The client of a store: what it can do, and what it is given. Rule: it reads; it never caches, never logs a value, and
 * fails only with a `ProviderFault`.
 */
import { type Static, Type } from 'typebox'
import type { ProviderFault } from '../core/fault.ts'
import type { Locator, SecretRecord, Sensitive, Tags } from '../core/secret.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { StateLog } from '../state/log.ts'
import type { State } from '../state/state.ts'
import type { LoginMemory } from './shared/login-memory.ts'
import type { Route } from './shared/proxy.ts'

export interface CallOptions {
  /** Aborts at the call's deadline, when nobody waits any longer: the provider then ends its work. */
  readonly signal: AbortSignal
}

export interface WriteCondition {
  /** Write only if this is still the newest version. */
  readonly ifVersion?: string | undefined
  /** Write only if there is no such secret. */
  readonly ifAbsent?: boolean | undefined
}

export type WriteOptions = CallOptions & WriteCondition

export interface PageRequest {
  readonly limit: number
  /** The cursor of the page before; checked by the provider, since a caller may have made it up. */
  readonly cursor?: string
  /**
   * What the rest is not wanted for; a provider may leave it out, and ask for no folder below which nothing is wanted.
   */
  readonly isWanted?: (path: string) => boolean
  readonly isWantedBelow?: (folder: string) => boolean
}

export interface Listing {
  readonly paths: readonly string[]
  /** Absent on the last page. */
  readonly cursor?: string
  /** Beside a cursor: the next page has a path that is wanted. Absent where that is not known. */
  readonly isMoreWanted?: boolean
  /** Folders that the peer does not list for us, while it lists others. */
  readonly unlisted?: readonly { readonly path: string; readonly fault: ProviderFault }[]
}

/** What Purser is to do at a store, as its configuration says. */
export interface Wanted {
  /** Paths that rules and names name whole; some, where there are many. */
  readonly reads: readonly string[]
  readonly writes: boolean
}

/** In words that follow "may": `list secrets in shop`. */
export interface Rights {
  /** What is wanted and not granted. */
  readonly lacking: readonly string[]
  /** What is granted and not wanted. */
  readonly excess: readonly string[]
}

/** `O`: what each call is given. */
export interface SecretProvider<O = CallOptions> {
  /** Resolves with the record or throws ProviderFault. Never null, never a partial answer. */
  readonly read: (locator: Locator, options: O) => Promise<SecretRecord>
  /** The cheapest call that proves reachability and credentials. Throws ProviderFault. */
  readonly check: (options: O) => Promise<void>
  /** Ends connections and timers. May be called twice. */
  readonly close: () => Promise<void>

  // Further powers are optional: a provider has them or leaves them out, never a stub.

  /**
   * Writes a new version and resolves with its name. Throws ProviderFault; `conflict` if `ifVersion` is given and
   * another version is the newest, or `ifAbsent` and there is one.
   */
  readonly write?: (
    locator: Locator,
    text: Sensitive<string>,
    options: O & WriteCondition
  ) => Promise<{ readonly version: string }>
  /** Whether `write` heeds its conditions; without it such a write is refused before it is tried. */
  readonly comparesVersions?: true
  /** The paths of secrets below a prefix that ends in `/` (or is empty), in a steady order. Throws ProviderFault. */
  readonly list?: (prefix: string, page: PageRequest, options: O) => Promise<Listing>
  /**
   * Reads many secrets in fewer calls than one each; a fault is a result like any other. Only newest versions are asked
   * for. Throws ProviderFault where all of them fail.
   */
  readonly readMany?: (
    locators: readonly Locator[],
    options: O
  ) => Promise<readonly (SecretRecord | ProviderFault)[]>
  /**
   * The secret's tags, for a store that does not tell them with the text. Never the text itself. Throws ProviderFault.
   */
  readonly readTags?: (locator: Locator, options: O) => Promise<Tags>
  /**
   * What the peer's own review says of our rights; they are never tried. Undefined: nothing of what is wanted. Throws
   * ProviderFault.
   */
  readonly review?: (wanted: Wanted, options: O) => Promise<Rights | undefined>
  /**
   * The peer's clock in milliseconds since the epoch, as the Date of an answer has it: to the second. Undefined if it
   * has none. Throws ProviderFault.
   */
  readonly clock?: (options: O) => Promise<number | undefined>
  /**
   * Whether `version` is still what `read` would give, answered at once and without a peer: only for in-process stores.
   */
  readonly isCurrent?: (locator: Locator, version: string) => boolean
}

/** A line for the operator. Fields are short facts of ours; never a value, a header or an upstream text. */
export type Log = StateLog

const Name = Type.String({ minLength: 1, maxLength: 2048 })

/** A secret that a store needs to log in. It never stands in `purser.yaml` itself, only where to find it. */
export const Credential = Type.Union([
  Type.Object(
    { env: Name },
    { additionalProperties: false, description: 'an environment variable' }
  ),
  Type.Object(
    { file: Name },
    { additionalProperties: false, description: 'a file, read anew at each login' }
  ),
  Type.Object(
    { ref: Name },
    { additionalProperties: false, description: 'a reference to another store' }
  )
])
export type Credential = Static<typeof Credential>

export interface ProviderDeps {
  /** The store's configured name, for log lines. */
  readonly store: string
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /**
   * Reads a credential where its setting says, at the time of use, so that a rotated one is taken up without a restart.
   */
  readonly credential: (credential: Credential, options: CallOptions) => Promise<Sensitive<string>>
  /** The proxy of the store, or of what it logs in at; `straight` where it has none. */
  readonly route: Route
  /** What is remembered of this store's refused logins. */
  readonly logins: LoginMemory
  /** For the embedded store only: where it keeps its records, and what seals them. */
  readonly state: State
  readonly sealer: () => Sealer
}
