/**
 * Listing vaults, one after the other in the order of their names. Rule: what is listed is what a reference can name
 * and a read would take: a title that is one item's alone, and the id of an item that has no such title.
 */
import { ProviderFault } from '../../core/fault.ts'
import type { CallOptions, Listing, PageRequest } from '../provider.ts'
import { startListed } from '../shared/listed.ts'
import { type ItemOverview, isId, type Vault } from './answer.ts'
import type { Api } from './api.ts'
import { findVault } from './find.ts'
import { paths as alphabet } from './forms.ts'

/** A vault is a call: pages are shorter where there are many, so as to end before the deadline. */
const MAX_CALLS = 32

/** After all that is in a vault, which need not be listed again then. */
const END = '\uffff'

/** By their names, where each is the only one's and no id; otherwise by their ids. */
const namesOf = <T extends Vault | ItemOverview>(
  things: readonly T[],
  nameOf: (thing: T) => string,
  isFit: (name: string) => boolean
): ReadonlyMap<string, T> => {
  const counts = new Map<string, number>()
  for (const thing of things) counts.set(nameOf(thing), (counts.get(nameOf(thing)) ?? 0) + 1)
  return new Map(
    things.map((thing) => {
      const name = nameOf(thing)
      const isName = counts.get(name) === 1 && !isId(name) && isFit(name)
      return [isName ? name : thing.id, thing]
    })
  )
}

interface Folder {
  /** The vault as paths begin with it. */
  readonly name: string
  readonly id: string
}

/** The vaults in which something may stand below the prefix. */
const foldersBelow = async (
  api: Api,
  allowed: readonly string[] | undefined,
  prefix: string,
  options: CallOptions
): Promise<readonly Folder[]> => {
  if (prefix !== '') {
    const name = prefix.slice(0, prefix.indexOf('/'))
    if (allowed?.includes(name) === false) {
      throw new ProviderFault('misconfigured', { code: 'vault' })
    }
    try {
      return [{ name, id: await findVault(api, name, options) }]
    } catch (error) {
      if (error instanceof ProviderFault && error.reason === 'not_found') return []
      throw error
    }
  }
  const vaults = await api.vaults(options)
  const named = namesOf(
    vaults,
    ({ name = '' }) => name,
    (name) => !name.includes('/') && alphabet.accepts(`${name}/item`)
  )
  const folders = [...named].map(([name, { id }]) => ({ name, id }))
  if (allowed === undefined) return folders
  // Named as the setting has them, which is how references have to name them.
  return folders.flatMap(({ name, id }) => {
    const written = [name, id].find((one) => allowed.includes(one))
    return written === undefined ? [] : [{ name: written, id }]
  })
}

/** What stands in the vault, in order; nothing if it is not there. */
const pathsIn = async (api: Api, { name, id }: Folder, options: CallOptions): Promise<string[]> => {
  try {
    const titles = namesOf(
      await api.entries(id, options),
      ({ title = '' }) => title,
      (title) => alphabet.accepts(`${name}/${title}`)
    )
    return [...titles.keys()].map((title) => `${name}/${title}`).sort()
  } catch (error) {
    if (error instanceof ProviderFault && error.reason === 'not_found') return []
    throw error
  }
}

/**
 * The wanted paths below the prefix after `cursor`, which is only compared, and never sent. A vault that our token may
 * not read is no reason not to list the others. Throws ProviderFault.
 */
export const listItems = async (
  api: Api,
  allowed: readonly string[] | undefined,
  prefix: string,
  { limit, cursor = '', isWanted = () => true, isWantedBelow = () => true }: PageRequest,
  options: CallOptions
): Promise<Listing> => {
  const folders = await foldersBelow(api, allowed, prefix, options)
  const waiting = folders
    .filter(({ name }) => isWantedBelow(`${name}/`) && `${name}/${END}` > cursor)
    .sort((a, b) => (`${a.name}/` < `${b.name}/` ? -1 : 1))
  const { paths, deny, pageTo, lastPage } = startListed()
  let calls = 0
  let done = cursor
  for (const folder of waiting) {
    if (calls === MAX_CALLS) return pageTo(done)
    calls++
    try {
      for (const path of await pathsIn(api, folder, options)) {
        if (!path.startsWith(prefix) || path <= cursor || !isWanted(path)) continue
        // One path more than wanted proves that there is another page.
        if (paths.length === limit) return pageTo(done)
        paths.push(path)
        done = path
      }
    } catch (error) {
      const isOfVault = error instanceof ProviderFault && error.reason === 'denied'
      if (!isOfVault || error.isRefusal) throw error
      deny(`${folder.name}/`, error)
    }
    done = `${folder.name}/${END}`
  }
  return lastPage(calls)
}
