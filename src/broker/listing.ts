/**
 * What stands below a path. Rule: a caller sees the paths that policy lets it read, and nothing tells of the others: not a
 * count, not a cursor.
 */
import { ProblemError } from '../core/problem.ts'
import { formatReference, type Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Listing } from '../providers/provider.ts'
import type { Caller, Rules, Wanted } from './caller.ts'
import { denied } from './decision.ts'
import type { Store } from './stores.ts'

export interface ListRequest {
  /** `<store>:[<path>/]` */
  readonly prefix: string
  readonly limit: number
  readonly cursor?: string | undefined
  /** Counts the reads that the page is made of against the caller. Throws `rate_limited`. */
  readonly charge: (reads: number) => void
}

export interface Listed {
  /** What there is to read, in the store's order; a page may hold less than its limit, or nothing. */
  readonly wanted: readonly Wanted[]
  /** Absent on the last page. */
  readonly cursor?: string
}

/** A store's cursor may be the name of a secret that the caller must not know: it travels sealed, for this caller and prefix. */
const contextOf = ({ client }: Caller, { store, path }: Prefix): string[] => [
  'cursor',
  client,
  store,
  path
]

const openCursor = (sealer: Sealer, text: string, context: string[]): string => {
  const opened = sealer.open('cache', Buffer.from(text, 'base64url'), context)
  if (opened !== undefined) return opened.toString()
  throw new ProblemError('invalid_request', {
    errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }]
  })
}

/** Throws `insufficient_mode` or `access_denied`. */
export const authorizeListing = (
  { policy, stores }: Rules,
  caller: Caller,
  prefix: Prefix | undefined
): { readonly store: Store; readonly prefix: Prefix } => {
  if (!caller.mode.includes('r')) throw new ProblemError('insufficient_mode')
  const store = prefix && stores.get(prefix.store)
  if (prefix === undefined || store === undefined) throw denied('unknown_store')
  const { read } = policy.grantsOf(caller.client)
  if (!read.some((pattern) => pattern.startsWith(`${prefix.store}:`))) throw denied('no_rule')
  return { store, prefix }
}

export const listPage = async (
  { policy }: Rules,
  sealer: Sealer,
  caller: Caller,
  store: Store,
  prefix: Prefix,
  { limit, cursor }: ListRequest
): Promise<Listed> => {
  const { list } = store.provider
  if (list === undefined) throw denied('store_cannot_list')
  const context = contextOf(caller, prefix)
  const page = {
    limit,
    ...(cursor !== undefined && { cursor: openCursor(sealer, cursor, context) })
  }
  const listing: Listing = await store.call((options) => list(prefix.path, page, options))
  const wanted = listing.paths
    .map((path) => ({ store: prefix.store, path }))
    .filter((reference) => policy.isAllowed(caller.client, 'read', reference))
    .map((reference) => ({ text: formatReference(reference) }))
  if (listing.cursor === undefined) return { wanted }
  const sealed = sealer.seal('cache', Buffer.from(listing.cursor), context)
  return { wanted, cursor: sealed.toString('base64url') }
}
