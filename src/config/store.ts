/**
 * One store of a configuration, wherever it is written: `purser.yaml` or an imported list. Rule: whatever its kind says of
 * its settings is checked here, and what is only fit for trying things out is refused where it is meant in earnest.
 */
import { type Static, Type } from 'typebox'
import { EventProof, faultOfProof } from '../broker/events/proof.ts'
import type { StoreSpec } from '../broker/stores.ts'
import { isStoreName } from '../core/reference.ts'
import { checkShape, type Path, type Report } from '../core/shape.ts'
import type { StoreAddress } from '../core/store-address.ts'
import { catalog, pluginOf } from '../providers/catalog.ts'
import { faultOfProxy, ProxySetting } from '../providers/proxy.ts'
import { Quota } from '../providers/quotas.ts'
import { isGuarded } from './env.ts'
import { isLoopback } from './network.ts'
import type { Settings } from './settings.ts'

export const Store = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  requireTags: Type.Optional(Type.Record(Type.String(), Type.String(), { minProperties: 1 })),
  quota: Type.Optional(Quota),
  proxy: Type.Optional(ProxySetting),
  events: Type.Optional(EventProof)
})

export interface StoreConfig extends StoreSpec {
  /** A secret of another store which holds what the settings lack: it is read when the service starts. */
  readonly definition?: {
    /** Where the configuration says so. */
    readonly place: string
    readonly source: StoreConfig
    /** Leads into the source. */
    readonly ref: string
  }
}

/** Whether the store takes whoever answers for its peer. */
export const skipsVerify = ({ settings }: Pick<StoreConfig, 'settings'>): boolean =>
  settings['skipVerify'] === true

/** What is said elsewhere and counts for every store. */
export interface StoreSurroundings {
  /** The environment is pre or pro. */
  readonly guarded: boolean
  /** VAULT_NAMESPACE: of each Vault store that names none of its own. */
  readonly vaultNamespace?: string | undefined
}

/** Whether what is read from the store could be read along with. Only a Vault may have such an address. */
export const travelsInTheClear = (address: StoreAddress): boolean =>
  address.kind === 'vault' &&
  address.origin.startsWith('http:') &&
  !isLoopback(new URL(address.origin).hostname)

export const surroundingsOf = (settings: Partial<Settings>): StoreSurroundings => ({
  guarded: isGuarded(settings),
  vaultNamespace: settings.VAULT_NAMESPACE
})

/** The store that the entry describes; undefined if a fault was reported. */
export const readStore = (
  entry: Static<typeof Store>,
  { guarded, vaultNamespace }: StoreSurroundings,
  at: Path,
  report: Report
): StoreConfig | undefined => {
  const { name, kind, requireTags, quota, proxy, events, ...own } = entry as Record<
    string,
    unknown
  > &
    Static<typeof Store>
  const isElsewhere = kind === 'vault' && vaultNamespace !== undefined
  const settings = isElsewhere ? { namespace: vaultNamespace, ...own } : own
  if (!isStoreName(name)) {
    report(
      [...at, 'name'],
      'must be lower-case letters, digits and hyphens, and no word that starts a reference'
    )
    return undefined
  }
  const plugin = pluginOf(kind)
  if (plugin === undefined) {
    report([...at, 'kind'], `must be one of ${catalog.map((known) => known.kind).join(', ')}`)
    return undefined
  }
  if (requireTags !== undefined && plugin.tags === undefined) {
    report([...at, 'requireTags'], 'cannot be asked of this kind of store, which has none')
  }
  const proxyFault =
    proxy !== undefined && plugin.proxies === undefined
      ? 'cannot be asked of this kind of store, which sends nothing anywhere'
      : proxy && faultOfProxy(proxy)
  if (proxyFault) {
    report([...at, 'proxy'], proxyFault)
    return undefined
  }
  if (!checkShape(plugin.settings, settings, at, report)) return undefined
  if (guarded && skipsVerify({ settings })) {
    report([...at, 'skipVerify'], 'is refused in pre and pro')
    return undefined
  }
  try {
    const tags = new Map(Object.entries(requireTags ?? {}))
    const address = plugin.address(settings)
    if (guarded && travelsInTheClear(address) && settings['insecure'] !== true) {
      report(
        [...at, 'address'],
        'would send tokens and secrets in the clear: refused in pre and pro, unless insecure: true says that the network is closed'
      )
      return undefined
    }
    const fault = events && faultOfProof(events, address)
    if (fault !== undefined) {
      report([...at, 'events'], fault)
      return undefined
    }
    return {
      name,
      plugin,
      settings,
      address,
      requireTags: tags,
      quota,
      proxy,
      ...(events && { events })
    }
  } catch (error) {
    report(at, (error as Error).message)
    return undefined
  }
}
