/**
 * One store of a configuration, wherever it is written: `purser.yaml` or an imported list. Rule: whatever its kind says
 * of its settings is checked here, and what is only fit for trying things out is refused where it is meant in earnest.
 */
import { type Static, Type } from 'typebox'
import { isLoopback } from '../core/network.ts'
import { checkShape, type Path, type Report } from '../core/shape.ts'
import { catalog, kindOf } from '../kinds/catalog.ts'
import { EventProofs, faultOfProof } from '../kinds/event-proof.ts'
import type { Kind } from '../kinds/kind.ts'
import { Quota } from '../kinds/quota.ts'
import { isStoreName } from '../kinds/references.ts'
import type { EventProof } from '../kinds/shared/notification.ts'
import { faultOfProxy, ProxySetting } from '../kinds/shared/proxy.ts'
import type { StoreSpec } from '../secrets/stores.ts'
import type { Sound } from './rules.ts'
import type { Settings } from './settings.ts'
import { isGuarded } from './together.ts'

export const StoreEntry = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  requireTags: Type.Optional(Type.Record(Type.String(), Type.String(), { minProperties: 1 })),
  quota: Type.Optional(Quota),
  proxy: Type.Optional(ProxySetting),
  events: Type.Optional(EventProofs)
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

const NAME_RULE =
  'must be lower-case letters, digits and hyphens, and no word that starts a reference'

/** Whether the store does not verify its peer. */
export const skipsVerify = ({ settings }: Pick<StoreConfig, 'settings'>): boolean =>
  settings['skipVerify'] === true

/** What is said elsewhere and counts for every store. */
export interface StoreContext {
  /** The environment is pre or pro. */
  readonly guarded: boolean
  /** VAULT_NAMESPACE: of each store of a kind that has namespaces and names none of its own. */
  readonly vaultNamespace?: string | undefined
}

/** Whether secrets travel from the store unencrypted. */
export const travelsInTheClear = ({
  plugin,
  address
}: Pick<StoreConfig, 'plugin' | 'address'>): boolean => {
  const host = plugin.clearHost?.(address)
  return host !== undefined && !isLoopback(host)
}

export const storeContextOf = (settings: Partial<Settings>): StoreContext => ({
  guarded: isGuarded(settings),
  vaultNamespace: settings.VAULT_NAMESPACE
})

/** Reports the faults of the members that an entry of any kind may have. */
const commonFaults = (
  { name, requireTags, proxy }: Sound<Static<typeof StoreEntry>>,
  plugin: Kind
): [member: string, message: string][] => {
  const faults: [string, string][] = []
  if (name !== undefined && !isStoreName(name)) faults.push(['name', NAME_RULE])
  if (requireTags !== undefined && plugin.tags === undefined) {
    faults.push(['requireTags', 'cannot be asked of this kind of store, which has none'])
  }
  if (proxy === undefined) return faults
  const proxyFault =
    plugin.proxies === undefined
      ? 'cannot be asked of this kind of store, which sends nothing anywhere'
      : faultOfProxy(proxy)
  return proxyFault === undefined ? faults : [...faults, ['proxy', proxyFault]]
}

/**
 * What is wrong with settings that have their shape. Throws `Error` with the end of a sentence for the entry as a
 * whole.
 */
const settingFaults = (
  { plugin, settings, address }: Pick<StoreConfig, 'plugin' | 'settings' | 'address'>,
  events: EventProof | undefined,
  guarded: boolean
): [member: string, message: string][] => {
  const faults: [string, string][] = []
  if (guarded && skipsVerify({ settings })) faults.push(['skipVerify', 'is refused in pre and pro'])
  if (guarded && travelsInTheClear({ plugin, address }) && settings['insecure'] !== true) {
    faults.push([
      'address',
      'would send tokens and secrets in the clear: refused in pre and pro, unless insecure: true says that the network is closed'
    ])
  }
  const fault = events && faultOfProof(events, plugin.kind, address)
  return fault === undefined ? faults : [...faults, ['events', fault]]
}

/**
 * The store that the entry describes; undefined if a fault was reported. Of an incomplete entry the members that it has
 * are checked as well: what is missing was reported before.
 */
export const readStore = (
  entry: Sound<Static<typeof StoreEntry>>,
  { guarded, vaultNamespace }: StoreContext,
  at: Path,
  report: Report
): StoreConfig | undefined => {
  const { name, kind, requireTags, quota, proxy, events, ...own } = entry as Record<
    string,
    unknown
  > &
    Partial<Static<typeof StoreEntry>>
  const plugin = kind === undefined ? undefined : kindOf(kind)
  if (plugin === undefined) {
    if (name !== undefined && !isStoreName(name)) report([...at, 'name'], NAME_RULE)
    if (kind !== undefined) {
      report([...at, 'kind'], `must be one of ${catalog.map((known) => known.kind).join(', ')}`)
    }
    return undefined
  }
  const isElsewhere = plugin.namespaced === true && vaultNamespace !== undefined
  const settings = isElsewhere ? { namespace: vaultNamespace, ...own } : own
  const faults = commonFaults(entry, plugin)
  const isShaped = checkShape(plugin.settings, settings, at, report)
  try {
    if (isShaped) {
      const address = plugin.address(settings)
      faults.push(...settingFaults({ plugin, settings, address }, events, guarded))
      if (name !== undefined && faults.length === 0) {
        const tags = new Map(Object.entries(requireTags ?? {}))
        const told = { ...(events && { events }) }
        return { name, plugin, settings, address, requireTags: tags, quota, proxy, ...told }
      }
    }
  } catch (error) {
    report(at, (error as Error).message)
  }
  for (const [member, message] of faults) report([...at, member], message)
  return undefined
}
