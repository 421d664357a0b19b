/**
 * Listing Vault's folders, one after the other and depth first, so that paths come in the order of their characters.
 * Rule: a page costs a bounded number of calls, and what the server names is checked before it becomes part of a path
 * again.
 *
 * KV 2 lists what has metadata: a deleted secret is there until its metadata is, and a read says that it is not found.
 */
import { ProviderFault } from '../../core/fault.ts'
import type { CallOptions, Listing, PageRequest } from '../provider.ts'
import { startListed } from '../shared/listed.ts'
import { parseListAnswer } from './answer.ts'
import type { VaultApi } from './api.ts'
import { foldersBelow, isSegment, locateFolder, type Mount, metadataPath } from './mounts.ts'

/** A folder is a call. Where there are more folders than paths, pages are shorter, so as to end before the deadline. */
const MAX_CALLS = 32

/** After all that is in a folder, which need not be listed again then. */
const END = '\uffff'

const isFolder = (path: string): boolean => path.endsWith('/')

/** What stands in a folder, in reverse order; nothing if it does not exist. Throws ProviderFault. */
const readFolder = async (
  api: VaultApi,
  mounts: readonly Mount[],
  folder: string,
  options: CallOptions
): Promise<string[]> => {
  try {
    // Not the method LIST, which some proxies do not let through. The slash: policies are matched on it.
    const place = locateFolder(mounts, folder)
    const names = parseListAnswer(await api.get(`${metadataPath(place)}?list=true`, options))
    return names
      .filter((name) => isSegment(isFolder(name) ? name.slice(0, -1) : name))
      .map((name) => folder + name)
      .sort()
      .reverse()
  } catch (error) {
    if (error instanceof ProviderFault && error.reason === 'not_found') return []
    throw error
  }
}

/**
 * The wanted paths below the prefix after `cursor`, which is the last that was looked at for the page before: it is
 * only compared, never sent, so one that a caller made up leads nowhere. A folder that our token may not list is no
 * reason not to list the others. Throws ProviderFault, `misconfigured` for a prefix that is in no mount.
 */
export const listSecrets = async (
  api: VaultApi,
  mounts: readonly Mount[],
  prefix: string,
  { limit, cursor = '', isWanted = () => true, isWantedBelow = () => true }: PageRequest,
  options: CallOptions
): Promise<Listing> => {
  const isAhead = (path: string): boolean =>
    path > cursor || (isFolder(path) && cursor.startsWith(path) && cursor !== path + END)
  const { paths, deny, pageTo, lastPage } = startListed()
  // The next one last.
  const waiting = foldersBelow(mounts, prefix).sort().reverse()
  let calls = 0
  let done = cursor
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!isAhead(next) || !(isFolder(next) ? isWantedBelow : isWanted)(next)) continue
    // One path more than wanted proves that there is another page.
    if (!isFolder(next) && paths.length === limit) return pageTo(done)
    if (isFolder(next) && calls === MAX_CALLS) {
      // The page after this one has to walk down to it again.
      const isTooDeep = next.slice(prefix.length).split('/').length > MAX_CALLS
      if (isTooDeep) throw new ProviderFault('misconfigured', { code: 'too_deep' })
      return pageTo(done)
    }
    done = next
    if (!isFolder(next)) {
      paths.push(next)
      continue
    }
    calls++
    try {
      // One at a time: a folder may hold more names than a call takes arguments.
      for (const path of await readFolder(api, mounts, next, options)) waiting.push(path)
    } catch (error) {
      if (!(error instanceof ProviderFault) || error.reason !== 'denied') throw error
      deny(next, error)
      done = next + END
    }
  }
  return lastPage(calls)
}
