/**
 * What stands below a path. Rule: a caller sees the paths that policy lets it read, and nothing tells of the others: no
 * count, no cursor, no folder. So a page is full of what the caller may read or is the last one, however many pages of the
 * store that takes; it is shorter only if the store took too long, which says nothing of what is in it.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Caller } from '../core/caller.ts'
import { ProviderFault } from '../core/fault.ts'
import { denied, ProblemError } from '../core/problem.ts'
import type { Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Listing, Page } from '../kinds/provider.ts'
import type { Rules } from './caller.ts'
import { mayKnowStore } from './decision.ts'
import type { Store } from './stores.ts'

export interface ListRequest {
  /** `<store>:[<path>/]` */
  readonly prefix: string
  readonly limit: number
  readonly cursor?: string | undefined
  /** Counts the reads that the page is made of against the caller. Throws `rate_limited`. */
  readonly charge: (reads: number) => void
}

/** A part of what was asked for that the store does not list. */
export interface Unlisted {
  /** Its own folder, if the caller may read whatever stands in it; otherwise what was asked for. */
  readonly path: string
  readonly fault: ProviderFault
}

export interface Walk {
  /** The next paths in the store's order, so many unless there are no more. Rejects with a ProviderFault. */
  readonly take: (count: number) => Promise<readonly string[]>
  /** Goes on after a path that was taken, or after all of them; undefined if nothing is left for the caller. */
  readonly cursorAfter: (path?: string) => Promise<string | undefined>
  readonly unlisted: () => readonly Unlisted[]
}

/** Where a listing goes on: in which page of the store, and after which path of it. */
interface Position {
  readonly token?: string | undefined
  readonly after?: string | undefined
}

const STORE_PAGE = 100
/** So much is asked of a store for one page of ours. */
const STORE_PAGES_MAX = 64
const LONGEST_MS = 5_000

/** All cursors are equally long, but for those of a store whose own are longer than this. */
const CURSOR_BYTES = 2_304

const digestOf = (path: string): string =>
  createHash('sha256').update(path).digest('base64url').slice(0, 22)

/** A store's cursor may be the name of a secret that the caller must not know: it travels sealed, for this caller and prefix. */
const contextOf = ({ client }: Caller, { store, path }: Prefix): string[] => [
  'listing',
  client,
  store,
  path
]

const sealCursor = (sealer: Sealer, { token, after }: Position, context: string[]): string => {
  const text = Buffer.from(JSON.stringify({ token, after: after && digestOf(after) }))
  const padded = Buffer.alloc(Math.ceil(text.length / CURSOR_BYTES) * CURSOR_BYTES, ' ')
  text.copy(padded)
  return sealer.seal('cache', padded, context).toString('base64url')
}

/** `after` is a digest. Throws `invalid_request`. */
const openCursor = (sealer: Sealer, text: string, context: string[]): Position => {
  const opened = sealer.open('cache', Buffer.from(text, 'base64url'), context)
  if (opened !== undefined) return JSON.parse(opened.toString()) as Position
  throw new ProblemError('invalid_request', {
    errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }]
  })
}

/** Throws `insufficient_mode` or `access_denied`. */
export const authorizeListing = (
  rules: Rules,
  caller: Caller,
  prefix: Prefix | undefined
): { readonly store: Store; readonly prefix: Prefix } => {
  if (!caller.mode.includes('r')) throw new ProblemError('insufficient_mode')
  const store = prefix && rules.stores.get(prefix.store)
  if (prefix === undefined || store === undefined) throw denied('unknown_store')
  if (!mayKnowStore(rules, caller.client, prefix.store)) throw denied('no_rule')
  return { store, prefix }
}

export interface WalkOptions {
  readonly rules: Rules
  readonly sealer: Sealer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Throws ProblemError. Where policy lets the caller read nothing, the store is not asked: that takes no time, whatever is there. */
export const openWalk = (
  { rules: { policy }, sealer, now }: WalkOptions,
  caller: Caller,
  store: Store,
  prefix: Prefix,
  cursor: string | undefined
): Walk => {
  const { list } = store
  if (list === undefined) throw denied('store_cannot_list')
  const context = contextOf(caller, prefix)
  const at = (path: string) => ({ store: prefix.store, path })
  const isWanted = (path: string): boolean => policy.isAllowed(caller.client, 'read', at(path))
  const isWantedBelow = (path: string): boolean => policy.mayReadBelow(caller.client, at(path))
  /** Whether whatever stands in the folder is the caller's to read, so that the folder is no news. */
  const mayKnow = (folder: string): boolean => isWanted(folder + randomUUID())

  let next: Position | undefined
  let skipTo: string | undefined
  if (cursor !== undefined) {
    const { token, after } = openCursor(sealer, cursor, context)
    next = { token }
    skipTo = after
  } else if (isWantedBelow(prefix.path)) next = {}
  const found: { readonly path: string; readonly position: Position }[] = []
  const positions = new Map<string, Position>()
  const unlisted = new Map<string, Unlisted>()
  const until = now() + LONGEST_MS
  let pages = 0
  let isStopped = false

  const read = async (token: string | undefined): Promise<Listing | undefined> => {
    const page: Page = {
      limit: STORE_PAGE,
      isWanted,
      isWantedBelow,
      ...(token !== undefined && { cursor: token })
    }
    try {
      return await list(prefix.path, page, { client: caller.client })
    } catch (error) {
      // What was found before a failure is given: the next page will meet it.
      if (positions.size === 0 || !(error instanceof ProviderFault)) throw error
      isStopped = true
      return undefined
    }
  }

  /** What of the page the caller does not have yet; all of it if the last that it has is gone. */
  const rest = (paths: readonly string[]): readonly string[] => {
    const last = paths.findIndex((path) => digestOf(path) === skipTo)
    return skipTo === undefined ? paths : paths.slice(last + 1)
  }

  const isMore = async (): Promise<boolean> => {
    while (found.length === 0 && next !== undefined && !isStopped) {
      if (pages === STORE_PAGES_MAX || (pages > 0 && now() >= until)) return false
      pages++
      const { token } = next
      const listing = await read(token)
      if (listing === undefined) return false
      const { paths, cursor: following, unlisted: parts = [] } = listing
      for (const path of rest(paths).filter(isWanted)) {
        const isLast = path === paths.at(-1)
        const position =
          isLast && following !== undefined ? { token: following } : { token, after: path }
        found.push({ path, position })
      }
      for (const { path: folder, fault } of parts) {
        const path = mayKnow(folder) ? folder : prefix.path
        unlisted.set(path, { path, fault })
      }
      skipTo = undefined
      next = following === undefined ? undefined : { token: following }
    }
    return found.length > 0
  }

  return {
    take: async (count) => {
      const taken: string[] = []
      while (taken.length < count && (await isMore())) {
        const one = found.shift()
        if (one === undefined) break
        taken.push(one.path)
        positions.set(one.path, one.position)
      }
      return taken
    },

    cursorAfter: async (path) => {
      const last = [...positions.keys()].at(-1)
      const from = positions.get(path ?? last ?? '')
      if (path !== undefined && path !== last) return from && sealCursor(sealer, from, context)
      if (await isMore()) return from && sealCursor(sealer, from, context)
      return next && sealCursor(sealer, next, context)
    },

    unlisted: () => [...unlisted.values()]
  }
}
