/**
 * Names for administrators: what stands in a store, without values. Rule: a name is told where policy, and the tags that
 * its store asks for, let the caller read the secret; of the secret itself what this process has cached says the rest, and
 * no store is asked for a value.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { SecretCache } from '../cache/secret-cache.ts'
import type { Caller } from '../core/caller.ts'
import { formatReference, type Prefix } from '../core/reference.ts'
import type { SecretRecord } from '../core/secret.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { parseWantedPrefix } from './decision.ts'
import { unlistedIn } from './list-secrets.ts'
import { authorizeListing, type ListRequest, openWalk, type Walk } from './listing.ts'
import type { Store } from './stores.ts'
import type { TagGate } from './tag-gate.ts'
import type { Rules } from './terms.ts'

export interface NamedSecret {
  readonly path: string
  /** Canonical, without a version. */
  readonly reference: string
  /** What this process has of it; `fetchedAt` in milliseconds since the epoch. */
  readonly cached?: { readonly version: string; readonly fetchedAt: number }
  /** Whether the caller may write a new version. */
  readonly isWritable: boolean
}

export interface Names {
  readonly names: readonly NamedSecret[]
  /** Absent on the last page. */
  readonly cursor?: string
  /** Some folder is not listed for us. */
  readonly isPartial: boolean
}

export interface ListNames {
  /** A page of what stands below a prefix. Rejects with a ProblemError. */
  readonly listNames: (caller: Caller, request: Omit<ListRequest, 'charge'>) => Promise<Names>
}

export interface ListNamesOptions {
  readonly rules: () => Rules
  readonly sealer: () => Sealer
  readonly recorder: Recorder
  readonly cache: Pick<SecretCache<SecretRecord>, 'peek'>
  readonly tagGate: TagGate
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What one look at a store goes by. */
export interface Looking extends ListNamesOptions {
  readonly caller: Caller
  readonly store: Store
  readonly current: Rules
}

const cachedOf = ({ cache, store }: Looking, path: string): SecretRecord | undefined => {
  const found = cache.peek(store.spec.name, { path })
  return 'entry' in found ? found.entry.record : undefined
}

/** What cannot be checked is not passed: its tags may stand with the value, which is not asked for. */
const isTagged = async (looking: Looking, path: string): Promise<boolean> => {
  const { tagGate, store, caller } = looking
  if (store.spec.requireTags.size === 0) return true
  try {
    await tagGate.before(store, { path }, caller.client)
    tagGate.after(store, cachedOf(looking, path)?.tags)
    return true
  } catch {
    return false
  }
}

/** Those of the paths whose tags let the caller read them. */
export const tagged = async (looking: Looking, paths: readonly string[]): Promise<string[]> => {
  const verdicts = await Promise.all(paths.map((path) => isTagged(looking, path)))
  return paths.filter((_path, i) => verdicts[i])
}

const named = ({ current, cache, caller, store }: Looking, path: string): NamedSecret => {
  const { client, mode } = caller
  const { name } = store.spec
  const found = cache.peek(name, { path })
  const isWritable =
    mode.includes('w') &&
    store.write !== undefined &&
    current.policy.isAllowed(client, 'write', { store: name, path })
  return {
    path,
    reference: formatReference({ store: name, path }),
    ...('entry' in found && {
      cached: { version: found.entry.record.version, fetchedAt: found.entry.fetchedAt }
    }),
    isWritable
  }
}

/** A full page or the last one, and where to go on: where tags decide, one more is looked at, as for a listing of values. */
const pageOf = async (
  looking: Looking,
  walk: Walk,
  limit: number
): Promise<{ readonly shown: readonly string[]; readonly cursor: string | undefined }> => {
  const wanted = looking.store.spec.requireTags.size > 0 ? limit + 1 : limit
  const shown: string[] = []
  while (shown.length < wanted) {
    const paths = await walk.take(wanted - shown.length)
    if (paths.length === 0) break
    shown.push(...(await tagged(looking, paths)))
  }
  const given = shown.slice(0, limit)
  const cursor = await walk.cursorAfter(shown.length > limit ? given.at(-1) : undefined)
  return { shown: given, cursor }
}

export const createListNames = (options: ListNamesOptions): ListNames => {
  const { rules, sealer, recorder, now } = options
  const listNames: ListNames['listNames'] = async (
    caller,
    { prefix: text, limit, cursor: from, isOnRecord = false }
  ) => {
    let prefix: Prefix | undefined
    try {
      const current = rules()
      prefix = parseWantedPrefix(current, caller, text)
      const allowed = authorizeListing(current, caller, prefix)
      const walk = openWalk(
        { rules: current, sealer: sealer(), now },
        caller,
        allowed.store,
        allowed.prefix,
        from
      )
      const looking = { ...options, caller, store: allowed.store, current }
      const { shown, cursor } = await pageOf(looking, walk, limit)
      if (!isOnRecord) await recorder.allowed(caller, 'secret.list', prefix)
      const unlisted = await unlistedIn(recorder, caller, { walk, prefix: allowed.prefix })
      return {
        names: shown.map((path) => named(looking, path)),
        ...(cursor !== undefined && { cursor }),
        isPartial: unlisted.length > 0
      }
    } catch (error) {
      throw await recorder.failed(caller, 'secret.list', prefix, error)
    }
  }
  return { listNames }
}
