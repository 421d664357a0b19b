/**
 * Where a cached secret comes from, and which cached secrets are one. Rule: a store is a name and a place: under a name that
 * leads elsewhere by now nothing of before is found, neither here nor in another replica or after a restart.
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

/** What is dropped elsewhere or told to watchers: a secret by the names that each encryption key gives it, or all of a store. */
export interface InvalidationNotice {
  readonly store: string
  readonly families?: readonly string[]
  /** Of its spellings, for watchers; absent from replicas of before, whose families have to do. */
  readonly names?: readonly string[]
}

/**
 * Paths that are dropped together, in every kind of store: all that may be spellings of one secret, and more, which costs a
 * fetch. Replicas name what they share by it, so that it stays as it is while versions of before and after run side by side.
 * Who is told of a change is decided by what the store's kind says of its spellings (`Kind.spellings`), not by this.
 */
export const familyOf = (path: string): string => path.replace(/-[A-Za-z0-9]{6}$/, '')
