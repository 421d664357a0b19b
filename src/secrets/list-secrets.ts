/**
 * A listing as it is given: what the caller may read below a path, each secret read like any other. Rule: what turns out not
 * to be the caller's when it is read, for want of a tag, is left out like what policy leaves out.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { formatReference, type Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Broker, Disclosure } from './broker.ts'
import type { Rules, Terms } from './caller.ts'
import { parseWantedPrefix } from './decision.ts'
import { authorizeListing, type ListRequest, openWalk, type Walk } from './listing.ts'

export interface PageResult {
  readonly ref: string
  readonly result: Disclosure | ProblemError
}

export interface Page {
  readonly results: readonly PageResult[]
  /** Absent on the last page. */
  readonly cursor?: string
}

export interface ListSecretsOptions {
  readonly rules: () => Rules
  readonly sealer: () => Sealer
  readonly recorder: Recorder
  readonly readSecrets: Broker['readSecrets']
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Opened {
  readonly walk: Walk
  readonly prefix: Prefix
  readonly hasTags: boolean
}

interface Item extends PageResult {
  readonly path: string
}

const isForbidden = ({ result }: Item): boolean =>
  result instanceof ProblemError && result.code === 'access_denied'

export const createListSecrets = (options: ListSecretsOptions): Broker['listSecrets'] => {
  const { rules, sealer, recorder, readSecrets, now } = options

  const readEach = async (
    caller: Caller,
    { store }: Prefix,
    paths: readonly string[],
    terms: Terms | undefined
  ): Promise<Item[]> => {
    const refs = paths.map((path) => formatReference({ store, path }))
    const results = await readSecrets(
      caller,
      refs.map((text) => ({ text })),
      terms
    )
    return paths.flatMap((path, i) => {
      const [ref, result] = [refs[i], results[i]]
      return ref === undefined || result === undefined ? [] : [{ path, ref, result }]
    })
  }

  const open = (caller: Caller, request: ListRequest, prefix: Prefix | undefined): Opened => {
    const current = rules()
    const allowed = authorizeListing(current, caller, prefix)
    return {
      walk: openWalk(
        { rules: current, sealer: sealer(), now },
        caller,
        allowed.store,
        allowed.prefix,
        request.cursor
      ),
      prefix: allowed.prefix,
      hasTags: allowed.store.spec.requireTags.size > 0
    }
  }

  /** Parts that the store does not list, each an item of its own and on record. */
  const unlisted = (caller: Caller, { walk, prefix }: Opened): Promise<PageResult[]> =>
    Promise.all(
      walk.unlisted().map(async ({ path, fault }) => {
        const part = { store: prefix.store, path }
        const result = await recorder.failed(caller, 'secret.list', part, fault)
        return { ref: formatReference(part), result }
      })
    )

  return async (caller, request, terms) => {
    const { limit, charge } = request
    let prefix: Prefix | undefined
    let opened: Opened
    let paths: readonly string[]
    try {
      prefix = parseWantedPrefix(rules(), caller, request.prefix)
      opened = open(caller, request, prefix)
      // Whether another one follows that the caller may read is only known, where tags decide, once that is read too.
      paths = await opened.walk.take(opened.hasTags ? limit + 1 : limit)
      // What is left out for want of tags is not paid for: it would be counted on the caller's limit.
      if (!opened.hasTags) charge(paths.length)
    } catch (error) {
      throw await recorder.failed(caller, 'secret.list', prefix, error)
    }
    await recorder.allowed(caller, 'secret.list', prefix)
    const { walk, hasTags } = opened
    const items = await readEach(caller, opened.prefix, paths, terms)
    let shown = items.filter((item) => !isForbidden(item))
    while (hasTags && shown.length <= limit && paths.length > 0) {
      paths = await walk.take(limit + 1 - shown.length)
      const more = await readEach(caller, opened.prefix, paths, terms)
      shown = [...shown, ...more.filter((item) => !isForbidden(item))]
    }
    const isCut = shown.length > limit
    shown = shown.slice(0, limit)
    if (hasTags) charge(shown.length)
    const cursor = await walk.cursorAfter(isCut ? shown.at(-1)?.path : undefined)
    const results = shown.map(({ ref, result }) => ({ ref, result }))
    return {
      results: [...results, ...(await unlisted(caller, opened))],
      ...(cursor !== undefined && { cursor })
    }
  }
}
