/**
 * From a path to a vault and an item: `<vault>/<item>`, each by its name or by its id. Rule: a name means exactly
 * itself, whatever a filter takes for equal, and what several have means none of them.
 */
import { ProviderFault } from '../../core/fault.ts'
import type { CallOptions } from '../provider.ts'
import { isId } from './answer.ts'
import type { Api } from './api.ts'

export interface Place {
  /** A name or an id. */
  readonly vault: string
  /** A title, in which slashes are letters like others, or an id. */
  readonly item: string
}

/** Throws ProviderFault `misconfigured` for what is no path of this store. */
export const placeOf = (path: string, allowed: readonly string[] | undefined): Place => {
  const slash = path.indexOf('/')
  const [vault, item] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
  if (vault === '' || item === '') throw new ProviderFault('misconfigured', { code: 'path' })
  if (allowed?.includes(vault) === false) {
    throw new ProviderFault('misconfigured', { code: 'vault' })
  }
  return { vault, item }
}

const onlyOne = <T>(found: readonly T[], what: 'vault' | 'title'): T => {
  const [first, ...others] = found
  if (first === undefined) throw new ProviderFault('not_found', { code: `no_such_${what}` })
  if (others.length > 0) throw new ProviderFault('misconfigured', { code: `ambiguous_${what}` })
  return first
}

/** The vault's id. Throws ProviderFault. */
export const findVault = async (api: Api, name: string, options: CallOptions): Promise<string> => {
  if (isId(name)) return name
  const vaults = await api.vaults(options, name)
  return onlyOne(
    vaults.filter((vault) => vault.name === name),
    'vault'
  ).id
}

/** The ids of vault and item. Throws ProviderFault. */
export const findItem = async (
  api: Api,
  { vault, item }: Place,
  options: CallOptions
): Promise<{ readonly vault: string; readonly id: string }> => {
  const within = await findVault(api, vault, options)
  if (isId(item)) return { vault: within, id: item }
  const entries = await api.entries(within, options, item)
  const named = entries.filter(({ title }) => title === item)
  return { vault: within, id: onlyOne(named, 'title').id }
}
