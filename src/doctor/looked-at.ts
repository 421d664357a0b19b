/** The configured stores, each asked whether it answers, what time it is there and what we may do. */
import { type Config, credentialsIn } from '../config/config.ts'
import { readDefinitions } from '../config/definitions.ts'
import { ConfigError, type ConfigFault } from '../config/fault.ts'
import { ProviderFault } from '../core/fault.ts'
import { locatorOf, parseReference } from '../core/reference.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import type { Rights, Wanted } from '../kinds/provider.ts'
import { sideBySide } from '../kinds/shared/side-by-side.ts'
import { connectStores, NO_STORES, type Store, type StoresDeps } from '../secrets/stores.ts'
import type { OpenedState } from '../state/open-state.ts'

export interface LookedAt {
  readonly name: string
  readonly kind: string
  /** Why its check failed. */
  readonly fault?: ProviderFault
  /** How far its clock is before ours, in milliseconds. */
  readonly skewMs?: number | undefined
  /** Absent: its kind has no review, or it did not answer. */
  readonly rights?: Rights
}

const MOST_READS = 50

/** What the rules and names say of a store: only references without signs of patterns name one secret. */
const wantedOf = ({ policies, book }: Config, store: string): Wanted => {
  const texts = [...policies.flatMap(({ read = [] }) => read), ...book.names.values()]
  const paths = texts
    .filter((text) => !/[*?{[]/.test(text.replace(/\?version=[^#]*/, '')))
    .flatMap((text) => {
      try {
        const reference = parseReference(text, book)
        return reference?.store === store ? [locatorOf(reference).path] : []
      } catch {
        return []
      }
    })
  const writes = policies.some(({ write = [] }) =>
    write.some((pattern) => pattern.startsWith(`${store}:`) || pattern.startsWith('*'))
  )
  return { reads: [...new Set(paths)].slice(0, MOST_READS), writes }
}

const lookAtStore = async (store: Store, config: Config, now: () => number): Promise<LookedAt> => {
  const { name, plugin } = store.spec
  const told = { name, kind: plugin.kind }
  try {
    await store.check({})
  } catch (error) {
    return {
      ...told,
      fault: error instanceof ProviderFault ? error : new ProviderFault('unavailable')
    }
  }
  const asked = now()
  const there = await store.clock?.({}).catch(() => undefined)
  // A Date has seconds, of which half have passed on the average.
  const skewMs = there === undefined ? undefined : there + 500 - (asked + now()) / 2
  const rights = await store.review?.(wantedOf(config, name), {}).catch(() => undefined)
  return { ...told, skewMs, ...(rights !== undefined && { rights }) }
}

const STORES_AT_ONCE = 16

/** `state` is only read. Definitions that cannot be read are faults, and their stores left out. */
export const lookAtStores = async (
  config: Config,
  { state, shared }: Pick<OpenedState, 'state' | 'shared'>,
  now: () => number
) => {
  const keyring = createKeyring(config.settings.ENCRYPTION_KEYS)
  const sealer = createSealer(keyring)
  let rules: ReturnType<StoresDeps['rules']> = { book: config.book, stores: NO_STORES }
  const deps: StoresDeps = {
    log: () => {},
    now,
    replicas: () => 1,
    state,
    sealer: () => sealer,
    keyring: () => keyring,
    // A login that was refused to the services is not tried again by this command.
    shared,
    environ: credentialsIn(config, config.environ),
    rules: () => rules,
    timeoutMs: config.settings.UPSTREAM_TIMEOUT_MS
  }
  let faults: readonly ConfigFault[] = []
  const defined = await readDefinitions(config, deps).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error
    faults = error.faults
    return { ...config, stores: config.stores.filter(({ definition }) => definition === undefined) }
  })
  const { stores } = await connectStores(defined.stores, deps)
  rules = { book: defined.book, stores }
  try {
    const found = new Map<string, LookedAt>()
    await sideBySide(stores.all(), STORES_AT_ONCE, async (store) => {
      found.set(store.spec.name, await lookAtStore(store, defined, now))
    })
    const all = stores.all().flatMap(({ spec }) => found.get(spec.name) ?? [])
    return { faults, all }
  } finally {
    await stores.close()
  }
}
