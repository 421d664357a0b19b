/**
 * `requireTags`: a secret of such a store is read only if it is tagged for the broker. Rule: a secret without the tags
 * is denied exactly like a forbidden one, and what cannot be checked is not passed.
 */

import type { SecretCache } from '../cache/secret-cache.ts'
import { denied } from '../core/problem.ts'
import type { Locator, Tags } from '../core/secret.ts'
import type { Store } from './stores.ts'

export interface TagGate {
  /** Before a read: for stores with a call of its own for tags, so that an untagged secret is not even fetched. */
  readonly before: (store: Store, locator: Locator, client?: string) => Promise<void>
  /** After a read: for stores that give tags together with the text. */
  readonly after: (store: Store, tags: Tags | undefined) => void
}

const isTagged = ({ spec: { requireTags } }: Store, tags: Tags): boolean =>
  [...requireTags].every(([name, value]) => tags.get(name) === value)

const check = (store: Store, tags: Tags | undefined): void => {
  if (tags === undefined) throw denied('tags_unreadable')
  if (!isTagged(store, tags)) throw denied('not_tagged')
}

export interface TagGateOptions {
  readonly cache: SecretCache<Tags>
  /** How long a secret is taken for untagged before its store is asked again; milliseconds. */
  readonly negativeTtlMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const createTagGate = ({ cache, negativeTtlMs, now }: TagGateOptions): TagGate => ({
  before: async (store, { path, nativeId }, client) => {
    const { spec, readTags } = store
    if (spec.requireTags.size === 0 || readTags === undefined) return
    // Tags belong to a secret, not to one of its versions.
    const secret = { path, ...(nativeId !== undefined && { nativeId }) }
    const read = (): Promise<Tags> => readTags(secret, { client })
    const found = cache.lookup(spec.name, secret)
    if (found.state === 'negative') throw found.fault
    // A fault is thrown as it is, since it is ours or the store's and not the caller's; the secret is not let through.
    if (found.state === 'miss' || (found.state === 'stale' && found.isDue)) {
      const { entry } = await cache.load(store.origin, secret, read)
      return check(store, entry.record)
    }
    const { record, fetchedAt } = found.entry
    const isRecent = now() < fetchedAt + negativeTtlMs
    if (found.state === 'stale' || isTagged(store, record) || isRecent) return check(store, record)
    const again = await cache.load(store.origin, secret, read, { notBefore: fetchedAt + 1 })
    check(store, again.entry.record)
  },

  after: (store, tags) => {
    if (store.spec.requireTags.size > 0 && store.readTags === undefined) check(store, tags)
  }
})
