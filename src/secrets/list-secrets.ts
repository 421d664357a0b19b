/**
 * A listing as it is given: what the caller may read below a path, each secret read like any other. Rule: a secret that
 * turns out to lack a required tag when it is read is left out, like one that policy denies.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { formatReference, type Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Broker, Disclosure } from './broker.ts'
import { parseWantedPrefix } from './decision.ts'
import { authorizeListing, type ListRequest, openWalk, type Walk } from './listing.ts'
import type { Rules, Terms } from './terms.ts'

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

interface ListItem extends PageResult {
  readonly path: string
}

const isForbidden = ({ result }: ListItem): boolean =>
  result instanceof ProblemError && result.code === 'access_denied'

const readEach = async (
  readSecrets: Broker['readSecrets'],
  caller: Caller,
  store: string,
  paths: readonly string[],
  terms: Terms | undefined
): Promise<ListItem[]> => {
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

const open = (
  { rules, sealer, now }: ListSecretsOptions,
  caller: Caller,
  { cursor }: ListRequest,
  wanted: Prefix | undefined
): Opened => {
  const current = rules()
  const { store, prefix } = authorizeListing(current, caller, wanted)
  const walk = openWalk({ rules: current, sealer: sealer(), now }, caller, store, prefix, cursor)
  return { walk, prefix, hasTags: store.spec.requireTags.size > 0 }
}

/** An item, and a record, for each folder that the store does not list for us. */
export const unlistedIn = (
  recorder: Recorder,
  caller: Caller,
  { walk, prefix: { store } }: Pick<Opened, 'walk' | 'prefix'>
): Promise<PageResult[]> =>
  Promise.all(
    walk.unlisted().map(async ({ path, fault }) => {
      const part = { store, path }
      const result = await recorder.failed(caller, 'secret.list', part, fault)
      return { ref: formatReference(part), result }
    })
  )

export const createListSecrets = (options: ListSecretsOptions): Broker['listSecrets'] => {
  const { rules, recorder, readSecrets } = options
  return async (caller, request, terms) => {
    const { limit, charge } = request
    let prefix: Prefix | undefined
    let opened: Opened
    let paths: readonly string[]
    try {
      prefix = parseWantedPrefix(rules(), caller, request.prefix)
      opened = open(options, caller, request, prefix)
      // Where tags decide, only reading one secret more tells whether another page follows.
      paths = await opened.walk.take(opened.hasTags ? limit + 1 : limit)
      // A secret that is left out for want of tags is not charged: the caller could count such secrets by its limit.
      const limited = opened.hasTags ? undefined : charge(paths.length)
      if (limited !== undefined) {
        return Promise.reject(await recorder.failed(caller, 'secret.list', prefix, limited))
      }
    } catch (error) {
      throw await recorder.failed(caller, 'secret.list', prefix, error)
    }
    if (!request.isOnRecord) await recorder.allowed(caller, 'secret.list', prefix)
    const { walk, hasTags } = opened
    const { store } = opened.prefix
    const shown: ListItem[] = []
    const show = async (): Promise<void> => {
      const items = await readEach(readSecrets, caller, store, paths, terms)
      shown.push(...items.filter((item) => !isForbidden(item)))
    }
    await show()
    while (hasTags && shown.length <= limit && paths.length > 0) {
      paths = await walk.take(limit + 1 - shown.length)
      await show()
    }
    const given = shown.slice(0, limit)
    const limited = hasTags ? charge(given.length) : undefined
    if (limited !== undefined) return Promise.reject(limited)
    const cursor = await walk.cursorAfter(shown.length > limit ? given.at(-1)?.path : undefined)
    const results = given.map(({ ref, result }) => ({ ref, result }))
    return {
      results: [...results, ...(await unlistedIn(recorder, caller, opened))],
      ...(cursor !== undefined && { cursor })
    }
  }
}
