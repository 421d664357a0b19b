/**
 * What a client may read, by names: for administrators who ask about somebody else. Rule: a name is told where both the
 * client and whoever asks may read the secret; and only so many of them, of stores that can list, within a time.
 */
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { formatReference } from '../core/reference.ts'
import { mayKnowStore } from './decision.ts'
import { type ListNamesOptions, type Looking, tagged } from './list-names.ts'
import { openWalk } from './listing.ts'

export interface ReachedNames {
  /** Canonical references. */
  readonly names: readonly string[]
  /** There may be more than were found. */
  readonly isPartial: boolean
}

export interface ListReach {
  /** Of all stores. Rejects with a ProblemError. */
  readonly listReach: (caller: Caller, client: string) => Promise<ReachedNames>
}

/** So many are told of one client; whoever wants more lists store by store. */
const REACH_MAX = 500
/** After that no further store is asked. */
const REACH_MS = 5_000
/** Of one client's names at once: each may ask all stores. */
const REACH_TOGETHER_MAX = 2
const STEP = 100

/** Of one store, at most so many. */
const reachIn = async (looking: Looking, client: string, most: number): Promise<ReachedNames> => {
  const { current, sealer, recorder, caller, store, now } = looking
  const prefix = { store: store.spec.name, path: '' }
  const object = `client ${client}`
  try {
    const walk = openWalk(
      { rules: current, alsoFor: client, sealer: sealer(), now },
      caller,
      store,
      prefix,
      undefined
    )
    const names: string[] = []
    for (let paths = [...(await walk.take(STEP))]; paths.length > 0; ) {
      names.push(...(await tagged(looking, paths)))
      paths = names.length > most ? [] : [...(await walk.take(STEP))]
    }
    const isMore = names.length > most || (await walk.cursorAfter()) !== undefined
    await recorder.allowed(caller, 'secret.list', prefix, { object })
    return {
      names: names.slice(0, most).map((path) => formatReference({ ...prefix, path })),
      isPartial: isMore || walk.unlisted().length > 0 || store.spec.requireTags.size > 0
    }
  } catch (error) {
    const { code, reason } = await recorder.failed(caller, 'secret.list', prefix, error, { object })
    // Without a record nothing is told, also not what was found before.
    if (code === 'audit_unavailable') throw new ProblemError(code, {}, reason)
    return { names: [], isPartial: true }
  }
}

export const createListReach = (options: ListNamesOptions): ListReach => {
  let underWay = 0
  const list = async (caller: Caller, client: string): Promise<ReachedNames> => {
    const current = options.rules()
    if (!caller.mode.includes('r')) throw new ProblemError('insufficient_mode')
    const until = options.now() + REACH_MS
    const names: string[] = []
    let isPartial = false
    for (const store of current.stores.all()) {
      if (!mayKnowStore(current, client, store.spec.name)) continue
      const isAsked = mayKnowStore(current, caller.client, store.spec.name) && store.list
      if (!isAsked || options.now() >= until) {
        isPartial = true
        continue
      }
      const looking = { ...options, caller, store, current }
      const found = await reachIn(looking, client, REACH_MAX - names.length)
      names.push(...found.names)
      isPartial ||= found.isPartial
    }
    return { names, isPartial }
  }
  const listReach: ListReach['listReach'] = async (caller, client) => {
    if (underWay >= REACH_TOGETHER_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
    underWay++
    try {
      return await list(caller, client)
    } finally {
      underWay--
    }
  }
  return { listReach }
}
