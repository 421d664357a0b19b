/**
 * Where a cached secret comes from, and which cached secrets are one. Rule: a store is a name and a place. Once a name
 * leads to another place, nothing that was cached for the former one is found under it, neither here nor in another
 * replica or after a restart.
 */
import type { Locator } from '../core/secret.ts'

export interface Origin {
  /** The store's name in the configuration. */
  readonly store: string
  /** What its name leads to: a digest of kind and settings. */
  readonly place: string
}

/** A secret in its store, whatever its version. */
export interface SecretLocation {
  readonly store: string
  readonly path: string
  readonly nativeId?: string
}

export const locationIn = (store: string, { path, nativeId }: Locator): SecretLocation => ({
  store,
  path,
  ...(nativeId !== undefined && { nativeId })
})

/** Which cached secrets an invalidation means. A path stands for all versions and spellings of its secret. */
export type InvalidationTarget =
  | 'all'
  | SecretLocation
  | { readonly store: string; readonly path?: undefined }

/**
 * What is dropped elsewhere or told to watchers: a secret by the names that each encryption key gives it, or all of a
 * store.
 */
export interface InvalidationNotice {
  readonly store: string
  readonly families?: readonly string[]
  /**
   * The names of the secret's spellings, for watchers; replicas of an older version send none, and watchers go by the
   * families then.
   */
  readonly names?: readonly string[]
}

/**
 * Paths that are dropped together, in every kind of store: all that may be spellings of one secret, and more, which
 * costs a fetch. Replicas name what they share by the family, so this rule never changes: older and newer versions run
 * side by side during an upgrade. Who is told of a change is decided by what the store's kind says of its spellings
 * (`Kind.spellings`), not by this.
 */
export const familyOf = (path: string): string => path.replace(/-[A-Za-z0-9]{6}$/, '')
