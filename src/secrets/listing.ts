/**
 * What stands below a path. Rule: a caller sees the paths that policy lets it read, and nothing tells of the others: no
 * count, no cursor, no folder. So a page is full or the last one, however many pages of the store it takes. It is
 * shorter only if the store took too long, which tells nothing of the store's secrets.
 */
import { randomUUID } from 'node:crypto'
import type { Caller } from '../core/caller.ts'
import { ProviderFault } from '../core/fault.ts'
import { denied, ProblemError } from '../core/problem.ts'
import type { Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Listing } from '../kinds/provider.ts'
import { cursorContext, openCursor, type Position, pathDigest, sealCursor } from './cursor.ts'
import { mayKnowStore } from './decision.ts'
import type { Store } from './stores.ts'
import type { Rules } from './terms.ts'

export interface ListRequest {
  /** `<store>:[<path>/]` */
  readonly prefix: string
  readonly limit: number
  readonly cursor?: string | undefined
  /** Another page of the same request has been put on record: a request is one listing. */
  readonly isOnRecord?: true
  /** Counts the reads that the page is made of against the caller. Gives `rate_limited` back. */
  readonly charge: (reads: number) => ProblemError | undefined
}

/** A part of what was asked for that the store does not list. */
export interface Unlisted {
  /**
   * The folder that is not listed, if the caller may read everything in it; otherwise the prefix that was asked for.
   */
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

const STORE_PAGE = 100
/** How many pages of a store are asked for at most for one page of ours. */
const STORE_PAGES_MAX = 64
const LONGEST_MS = 5_000

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
  /** Another client who has to be allowed to read what is found. */
  readonly alsoFor?: string | undefined
  readonly sealer: Sealer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface WalkState {
  /** Asks the store for the page under its cursor. */
  readonly list: (token: string | undefined) => Promise<Listing>
  readonly isWanted: (path: string) => boolean
  /** What was asked for. */
  readonly prefix: string
  readonly now: () => number
  /** When to stop, in milliseconds since the epoch. */
  readonly until: number
  /** The next page of the store to ask for; undefined after the last one. */
  next: Position | undefined
  /** The digest of the path that the caller was given last. */
  skipTo: string | undefined
  /** Not taken yet. */
  readonly found: { readonly path: string; readonly position: Position }[]
  /** The positions of paths that were taken. */
  readonly positions: Map<string, Position>
  readonly unlisted: Map<string, Unlisted>
  /** The store said that its next page has something for the caller. */
  isMoreWanted: boolean
  pages: number
  /** The store failed after something was found. */
  isStopped: boolean
}

const askNext = async (
  state: WalkState,
  token: string | undefined
): Promise<Listing | undefined> => {
  try {
    return await state.list(token)
  } catch (error) {
    // What was found before the failure is given: the next page meets the failure again.
    if (state.positions.size === 0 || !(error instanceof ProviderFault)) throw error
    state.isStopped = true
    return undefined
  }
}

/** The paths of the page that the caller does not have yet; all of them if the last path that it has is gone. */
const restOf = (paths: readonly string[], skipTo: string | undefined): readonly string[] =>
  skipTo === undefined
    ? paths
    : paths.slice(paths.findIndex((path) => pathDigest(path) === skipTo) + 1)

const takeIn = (
  state: WalkState,
  { paths, cursor, isMoreWanted = false, unlisted = [] }: Listing
): void => {
  const { isWanted, found, prefix } = state
  for (const path of restOf(paths, state.skipTo).filter(isWanted)) {
    const isLast = path === paths.at(-1)
    const position =
      isLast && cursor !== undefined ? { token: cursor } : { token: state.next?.token, after: path }
    found.push({ path, position })
  }
  for (const { path: folder, fault } of unlisted) {
    // A client that may read everything in the folder may know its name.
    const path = isWanted(folder + randomUUID()) ? folder : prefix
    state.unlisted.set(path, { path, fault })
  }
  state.skipTo = undefined
  state.next = cursor === undefined ? undefined : { token: cursor }
  state.isMoreWanted = isMoreWanted
}

const isMore = async (state: WalkState): Promise<boolean> => {
  const { found, now, until } = state
  while (found.length === 0 && state.next !== undefined && !state.isStopped) {
    if (state.pages === STORE_PAGES_MAX || (state.pages > 0 && now() >= until)) return false
    state.pages++
    const listing = await askNext(state, state.next.token)
    if (listing === undefined) return false
    takeIn(state, listing)
  }
  return found.length > 0
}

const take = async (state: WalkState, count: number): Promise<readonly string[]> => {
  const taken: string[] = []
  while (taken.length < count && (await isMore(state))) {
    const one = state.found.shift()
    if (one === undefined) break
    taken.push(one.path)
    state.positions.set(one.path, one.position)
  }
  return taken
}

const positionAfter = async (state: WalkState, path?: string): Promise<Position | undefined> => {
  const { positions } = state
  const last = [...positions.keys()].at(-1)
  const from = positions.get(path ?? last ?? '')
  if (path !== undefined && path !== last) return from
  // Then the page after need not be asked for to know that it is worth a cursor.
  if (state.found.length === 0 && state.isMoreWanted) return from
  return (await isMore(state)) ? from : state.next
}

/**
 * Throws ProblemError. If policy lets the caller read nothing, the store is not asked, so that the time of the answer
 * tells nothing.
 */
export const openWalk = (
  { rules: { policy }, alsoFor, sealer, now }: WalkOptions,
  caller: Caller,
  store: Store,
  prefix: Prefix,
  cursor: string | undefined
): Walk => {
  const { list } = store
  if (list === undefined) throw denied('store_cannot_list')
  const { client } = caller
  const context = cursorContext(caller, prefix)
  const at = (path: string) => ({ store: prefix.store, path })
  const readers = [client, ...(alsoFor === undefined ? [] : [alsoFor])]
  const isWanted = (path: string): boolean =>
    readers.every((reader) => policy.isAllowed(reader, 'read', at(path)))
  const isWantedBelow = (path: string): boolean =>
    readers.every((reader) => policy.mayReadBelow(reader, at(path)))
  const began = cursor === undefined ? undefined : openCursor(sealer, cursor, context)
  const first = isWantedBelow(prefix.path) ? {} : undefined
  const wanted = { limit: STORE_PAGE, isWanted, isWantedBelow }

  const state: WalkState = {
    list: (token) =>
      list(prefix.path, { ...wanted, ...(token !== undefined && { cursor: token }) }, { client }),
    isWanted,
    prefix: prefix.path,
    now,
    until: now() + LONGEST_MS,
    next: began === undefined ? first : { token: began.token },
    skipTo: began?.after,
    found: [],
    positions: new Map(),
    unlisted: new Map(),
    isMoreWanted: false,
    pages: 0,
    isStopped: false
  }
  return {
    take: (count) => take(state, count),
    cursorAfter: async (path) => {
      const position = await positionAfter(state, path)
      return position && sealCursor(sealer, position, context)
    },
    unlisted: () => [...state.unlisted.values()]
  }
}
