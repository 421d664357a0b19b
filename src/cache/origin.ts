/**
 * Where a cached secret comes from, and which cached secrets are one. Rule: a store is a name and a place: under a name that
 * leads elsewhere by now nothing of before is found, neither here nor in another replica or after a restart.
 */
export interface Origin {
  /** The store's name in the configuration. */
  readonly store: string
  /** What its name leads to: a digest of kind and settings. */
  readonly place: string
}

/** Which cached secrets an invalidation means. A path stands for all versions and spellings of its secret. */
export type Invalidation = 'all' | { readonly store: string; readonly path?: string }

/** AWS appends six characters to a secret's name in its ARN: both spellings of one secret belong together. */
export const familyOf = (path: string): string => path.replace(/-[A-Za-z0-9]{6}$/, '')
