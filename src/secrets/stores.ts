/**
 * The configured stores, connected, with what each can do. Rule: a provider is asked through its guard and in no other
 * way; only this file knows which stores stay the same over a reload.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Origin } from '../cache/origin.ts'
import type { ProviderFault } from '../core/fault.ts'
import { inOrder } from '../core/json.ts'
import type { ReferenceBook } from '../core/reference.ts'
import type { Locator } from '../core/secret.ts'
import type { StoreAddress } from '../core/store-address.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Kind, Spellings } from '../kinds/kind.ts'
import type { Log, SecretProvider } from '../kinds/provider.ts'
import type { Quota } from '../kinds/quota.ts'
import { createLoginBoard, type LoginShared } from '../kinds/shared/login-board.ts'
import { createLoginMemory, type LoginMemory } from '../kinds/shared/login-memory.ts'
import type { EventProof } from '../kinds/shared/notification.ts'
import { createRoute, type Mark } from '../kinds/shared/proxy.ts'
import type { State } from '../state/state.ts'
import { digestOfAuthorities } from './authorities.ts'
import { createBucket } from './bucket.ts'
import type { CallMeter, Follow, Powers } from './calls.ts'
import { readCredential } from './credential.ts'
import { createGuard, type Guard, type Operations } from './guard.ts'

/** A store as it is configured. */
export interface StoreSpec {
  readonly name: string
  readonly plugin: Kind
  /** As the plugin's `settings` schema describes them. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly address: StoreAddress
  /** Tags without which a secret of this store is not read; empty: none are asked for. */
  readonly requireTags: ReadonlyMap<string, string>
  /** Absent: that of its kind. */
  readonly quota?: Quota | undefined
  /** The address of its outgoing proxy, with what it takes to be let through, or `environment`. */
  readonly proxy?: string | undefined
  /** How the cloud proves its notifications; undefined: the internal secret has to do. */
  readonly events?: EventProof | undefined
}

export interface Store extends Operations {
  readonly spec: StoreSpec
  readonly origin: Origin
  /** How long a call may take. */
  readonly timeoutMs: number
  readonly guard: Pick<Guard, 'state'>
  /** How the store takes our logins, and what is remembered of those that it refused. */
  readonly logins: Pick<LoginMemory, 'state' | 'forget'>
}

export interface StoresDeps {
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly state: State
  readonly sealer: () => Sealer
  readonly keyring: () => Keyring
  /** How replicas share what they know of logins; undefined: only these stores share it. */
  readonly shared: LoginShared | undefined
  /** How many replicas call the same stores and share their quotas. */
  readonly replicas: () => number
  readonly environ: (name: string) => string | undefined
  /** The references and stores at the time of the call; for credentials that stand in another store. */
  readonly rules: () => { readonly book: ReferenceBook; readonly stores: Stores }
  readonly timeoutMs: number
  /** Told how each read of a store ended. */
  readonly onRead?: (store: string, fault: ProviderFault | undefined) => void
  /** What measures the calls of a store. */
  readonly meterOf?: ((store: string, powers: Powers) => CallMeter) | undefined
  /** What follows the calls of a store. */
  readonly followOf?: ((store: string) => Follow) | undefined
  readonly mark?: Mark | undefined
}

export interface Stores {
  readonly get: (name: string) => Store | undefined
  readonly all: () => readonly Store[]
  readonly close: () => Promise<void>
}

export const NO_STORES: Stores = { get: () => undefined, all: () => [], close: async () => {} }

/** How a change of the secret is told and heard, as its store's kind says. */
export const spellingsIn = (
  stores: Pick<Stores, 'get'>,
  store: string,
  secret: Locator
): Spellings =>
  stores.get(store)?.spec.plugin.spellings?.(secret) ?? {
    told: [secret.path],
    heard: [secret.path]
  }

/** The same in every replica with the same configuration. */
const settingsDigest = ({ plugin }: StoreSpec, what: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([plugin.kind, what], inOrder))
    .digest('base64url')

const originOf = (spec: StoreSpec): Origin => ({
  store: spec.name,
  place: settingsDigest(spec, spec.settings)
})

/** The client of each store, without its guard. */
const connections = new WeakMap<Store, SecretProvider>()
/** With which contents of its authorities' files each client was made. */
const authorities = new WeakMap<SecretProvider, string>()

const guarded = (
  spec: StoreSpec,
  connection: SecretProvider,
  logins: Store['logins'],
  { replicas, log, now, timeoutMs, onRead, meterOf, followOf }: StoresDeps
): Store => {
  const quota = spec.quota ?? spec.plugin.quota
  const guard = createGuard({
    store: spec.name,
    bucket: quota && createBucket({ quota, replicas, now }),
    log,
    timeoutMs,
    onRead: onRead && ((fault) => onRead(spec.name, fault)),
    meter: meterOf?.(spec.name, connection),
    follow: followOf?.(spec.name),
    now
  })
  const operations = guard.protect(connection)
  const store = { ...operations, spec, origin: originOf(spec), timeoutMs, guard, logins }
  connections.set(store, connection)
  return store
}

const connect = async (spec: StoreSpec, deps: StoresDeps): Promise<Store> => {
  const { log, now, state, sealer, shared, keyring } = deps
  const { account = (settings) => settings } = spec.plugin
  const logins = createLoginMemory({
    store: spec.name,
    place: settingsDigest(spec, account(spec.settings)),
    shared,
    fingerprint: (words) => fingerprint(keyring().active, words),
    sealer,
    log,
    now
  })
  // Before they are read: what changes meanwhile is another renewal.
  const digest = digestOfAuthorities(spec.settings)
  const connection = await spec.plugin.connect(spec.settings, {
    store: spec.name,
    log,
    now,
    state,
    sealer,
    credential: readCredential(deps),
    logins,
    route: createRoute(spec.proxy, deps.environ, deps.mark)
  })
  if (digest !== undefined) authorities.set(connection, digest)
  return guarded(spec, connection, logins, deps)
}

/** Whether its authorities were renewed since it was connected; files that are at fault now renew nothing. */
export const isRenewed = (store: Store): boolean => {
  const { settings, plugin } = store.spec
  // What it logged in with is spent: another connection could not.
  if (plugin.spendsCredential?.(settings) === true) return false
  const connection = connections.get(store)
  const now = digestOfAuthorities(settings)
  return now !== undefined && connection !== undefined && authorities.get(connection) !== now
}

const isSame = (store: Store, spec: StoreSpec): boolean =>
  !isRenewed(store) &&
  store.spec.plugin.kind === spec.plugin.kind &&
  store.spec.proxy === spec.proxy &&
  isDeepStrictEqual(store.spec.settings, spec.settings)

/** Keeps the guard too, with its state, unless the quota has changed. */
const takeOver = (known: Store, spec: StoreSpec, deps: StoresDeps): Store => {
  const connection = connections.get(known)
  if (connection === undefined) throw new Error('it was connected here')
  if (!isDeepStrictEqual(known.spec.quota, spec.quota)) {
    return guarded(spec, connection, known.logins, deps)
  }
  const store = { ...known, spec }
  connections.set(store, connection)
  return store
}

/** The stores of `former` whose connections are not among `next`: their names now lead elsewhere or nowhere. */
const withoutThose = (former: readonly Store[], next: readonly Store[]): readonly Store[] => {
  const kept = new Set(next.map((store) => connections.get(store)))
  return former.filter((store) => !kept.has(connections.get(store)))
}

const closeAll = async (stores: readonly Store[]): Promise<void> => {
  await Promise.allSettled(stores.map((store) => store.close()))
}

/**
 * Connects the stores. On a reload, stores of `previous` whose settings are unchanged are taken over with their
 * connections and logins; `retired` are those that are no longer wanted, for the caller to close once nobody uses them.
 */
export const connectStores = async (
  specs: readonly StoreSpec[],
  deps: StoresDeps,
  previous?: Stores
): Promise<{ readonly stores: Stores; readonly retired: readonly Store[] }> => {
  const { shared = createLoginBoard(deps.now) } = deps
  const connected = new Map<string, Store>()
  const fresh: Store[] = []
  const taken: Store[] = []
  try {
    for (const spec of specs) {
      const known = previous?.get(spec.name)
      const isKept = known !== undefined && isSame(known, spec)
      const store = isKept ? takeOver(known, spec, deps) : await connect(spec, { ...deps, shared })
      if (isKept) taken.push(store)
      else fresh.push(store)
      connected.set(spec.name, store)
    }
  } catch (error) {
    // All or none: the stores in use go on, and those connected here are closed.
    await closeAll(fresh)
    throw error
  }
  // A login that was refused may be tried at once: a reload that is taken over says that something was mended.
  for (const { logins } of taken) logins.forget()
  const all = [...connected.values()]
  return {
    stores: { get: (name) => connected.get(name), all: () => all, close: () => closeAll(all) },
    retired: withoutThose(previous?.all() ?? [], all)
  }
}

/**
 * The names of former stores that lead elsewhere now: what was cached from the former ones must be dropped. One that is
 * connected anew, since its authorities were renewed, leads where it led.
 */
export const replacedIn = (former: Stores, next: Stores): readonly string[] =>
  withoutThose(former.all(), next.all())
    .filter(({ spec, origin }) => {
      const now = next.get(spec.name)
      return now?.origin.place !== origin.place || now.spec.proxy !== spec.proxy
    })
    .map(({ spec }) => spec.name)
