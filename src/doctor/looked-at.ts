/** The configured stores, each asked whether it answers, what time it is there and what we may do. */

import { refsIn } from '../config/chain.ts'
import { type Config, credentialsIn } from '../config/config.ts'
import { readDefinitions } from '../config/definitions.ts'
import { ConfigError, type ConfigFault } from '../config/fault.ts'
import { skewOf } from '../core/clock-skew.ts'
import { ProviderFault } from '../core/fault.ts'
import { locatorOf, parseReference } from '../core/reference.ts'
import { sideBySide } from '../core/side-by-side.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import type { Rights, Wanted } from '../kinds/provider.ts'
import { createLoginBoard } from '../kinds/shared/login-board.ts'
import {
  connectStores,
  NO_STORES,
  type Store,
  type Stores,
  type StoresDeps
} from '../secrets/stores.ts'
import type { OpenedState } from '../state/open-state.ts'

export interface LookedAt {
  readonly name: string
  readonly kind: string
  /** Where its rights can be looked at by hand, as its kind says it. */
  readonly rightsAt?: string | undefined
  /** Not asked: its login would use up a credential that the service needs. */
  readonly isSpared?: true
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

/** A Date has no more than seconds. */
const DATE_CUT_MS = 1_000

const lookAtStore = async (store: Store, config: Config, now: () => number): Promise<LookedAt> => {
  const { name, plugin } = store.spec
  const told = { name, kind: plugin.kind, rightsAt: plugin.rightsAt }
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
  const skewMs = there === undefined ? undefined : skewOf(there, DATE_CUT_MS, asked, now())
  const rights = await store.review?.(wantedOf(config, name), {}).catch(() => undefined)
  return { ...told, skewMs, ...(rights !== undefined && { rights }) }
}

/** The stores whose login would use up a credential, and those whose own credential stands in one of them. */
const sparedIn = ({ stores, book }: Config): ReadonlySet<string> => {
  const spared = new Set(
    stores
      .filter(({ plugin, settings }) => plugin.spendsCredential?.(settings as never) === true)
      .map(({ name }) => name)
  )
  const needs = ({ settings }: Config['stores'][number]): boolean =>
    refsIn(settings).some((text) => spared.has(parseReference(text, book)?.store ?? ''))
  for (let before = -1; before < spared.size; ) {
    before = spared.size
    for (const store of stores.filter(needs)) spared.add(store.name)
  }
  return spared
}

const UNCONNECTED = new ProviderFault('misconfigured')

/** Each by itself: one that cannot be connected, as for a file that is not there, is a finding and no end. */
const connectEach = async (config: Config, deps: StoresDeps) => {
  const connected = new Map<string, Store>()
  for (const spec of config.stores) {
    const { stores } = await connectStores([spec], deps).catch(() => ({ stores: NO_STORES }))
    const store = stores.get(spec.name)
    if (store !== undefined) connected.set(spec.name, store)
  }
  const all = (): Store[] => [...connected.values()]
  const stores: Stores = {
    get: (name) => connected.get(name),
    all,
    close: async () => void (await Promise.allSettled(all().map((store) => store.close())))
  }
  return stores
}

/** Without those that cannot be read, whose faults are told. */
const defined = async (config: Config, deps: StoresDeps) => {
  try {
    return { whole: await readDefinitions(config, deps), faults: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const stores = config.stores.filter(({ definition }) => definition === undefined)
    return { whole: { ...config, stores }, faults: error.faults }
  }
}

const STORES_AT_ONCE = 16

/** `state` is only read. Definitions that cannot be read are faults, and their stores left out. */
export const lookAtStores = async (
  config: Config,
  { state, shared }: Pick<OpenedState, 'state' | 'shared'>,
  now: () => number
): Promise<{ readonly faults: readonly ConfigFault[]; readonly all: readonly LookedAt[] }> => {
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
    shared: shared ?? createLoginBoard(now),
    environ: credentialsIn(config, config.environ),
    rules: () => rules,
    timeoutMs: config.settings.UPSTREAM_TIMEOUT_MS
  }
  const { whole, faults } = await defined(config, deps)
  const spared = sparedIn(whole)
  const stores = await connectEach(whole, deps)
  rules = { book: whole.book, stores }
  try {
    const found = new Map<string, LookedAt>()
    await sideBySide(whole.stores, STORES_AT_ONCE, async ({ name, plugin: { kind } }) => {
      const store = stores.get(name)
      if (spared.has(name)) found.set(name, { name, kind, isSpared: true })
      else if (store === undefined) found.set(name, { name, kind, fault: UNCONNECTED })
      else found.set(name, await lookAtStore(store, whole, now))
    })
    return { faults, all: whole.stores.flatMap(({ name }) => found.get(name) ?? []) }
  } finally {
    await stores.close()
  }
}
