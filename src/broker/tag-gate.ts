/**
 * `requireTags`: a secret of such a store is read only if it is tagged for the broker. Rule: a secret without the tags is
 * denied exactly like a forbidden one, and what cannot be checked is not passed.
 */
import type { SecretCache } from '../cache/secret-cache.ts'
import { ProviderFault } from '../core/fault.ts'
import type { Locator, Tags } from '../core/secret.ts'
import { denied } from './decision.ts'
import type { Store } from './stores.ts'

export interface TagGate {
  /** Before a read: for stores that tell tags apart from the text, so that what is not tagged is not even fetched. */
  readonly before: (store: Store, locator: Locator) => Promise<void>
  /** After a read: for stores that tell them together. */
  readonly after: (store: Store, tags: Tags | undefined) => void
}

/** Never worth a retry, and an outage that may pass stays what it is. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ProviderFault && (error.reason === 'denied' || error.reason === 'misconfigured')

const check = ({ spec: { requireTags } }: Store, tags: Tags | undefined): void => {
  if (tags === undefined) throw denied('tags_unreadable')
  for (const [name, value] of requireTags) {
    if (tags.get(name) !== value) throw denied('not_tagged')
  }
}

export const createTagGate = (cache: SecretCache<Tags>): TagGate => ({
  before: async (store, { path, nativeId }) => {
    const { spec, provider, call } = store
    const { readTags } = provider
    if (spec.requireTags.size === 0 || readTags === undefined) return
    // Tags belong to a secret, not to one of its versions.
    const secret = { path, ...(nativeId !== undefined && { nativeId }) }
    const found = cache.lookup(spec.name, secret)
    if (found.state === 'fresh') return check(store, found.entry.record)
    try {
      const entry = await cache.load(spec.name, secret, () =>
        call((options) => readTags(secret, options))
      )
      check(store, entry.record)
    } catch (error) {
      throw isRefusal(error) ? denied('tags_unreadable') : error
    }
  },

  after: (store, tags) => {
    if (store.spec.requireTags.size > 0 && store.provider.readTags === undefined) check(store, tags)
  }
})
