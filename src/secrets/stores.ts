/**
 * The configured stores, connected. Rule: every call to a store ends at the deadline, whatever its SDK does, and fails
 * only with a ProviderFault.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Origin } from '../cache/origin.ts'
import { ProviderFault, UNFIT_CREDENTIAL } from '../core/fault.ts'
import { wordOfFile } from '../core/file-text.ts'
import { isObject } from '../core/json.ts'
import { locatorOf, parseReference, type ReferenceBook } from '../core/reference.ts'
import { type Locator, Sensitive } from '../core/secret.ts'
import type { StoreAddress } from '../core/store-address.ts'
import { fingerprint } from '../crypto/fingerprint.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { readFileBytes, UnfitFile } from '../files/read.ts'
import type { Kind, Spellings } from '../kinds/kind.ts'
import type { CallOptions, Log, ProviderDeps, SecretProvider } from '../kinds/provider.ts'
import type { Quota } from '../kinds/quota.ts'
import { createLoginBoard, type LoginShared } from '../kinds/shared/login-board.ts'
import { createLoginMemory, type LoginMemory } from '../kinds/shared/login-memory.ts'
import type { EventProof } from '../kinds/shared/notification.ts'
import { createRoute } from '../kinds/shared/proxy.ts'
import type { State } from '../state/state.ts'
import { createBucket } from './bucket.ts'
import { select } from './content.ts'
import { createGuard, type Guard } from './guard.ts'

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

export interface Store {
  readonly spec: StoreSpec
  readonly origin: Origin
  /** Guarded: its quota and its breaker stand before every operation. */
  readonly provider: SecretProvider
  /** The provider without its guard: by this stores are told apart over a reload, and nothing is asked of it. */
  readonly connection: SecretProvider
  readonly guard: Pick<Guard, 'state'>
  /** How the store takes our logins, and what is remembered of those that it refused. */
  readonly logins: Pick<LoginMemory, 'state' | 'forget'>
  /** Runs one call under the total deadline; whatever it throws becomes a ProviderFault. */
  readonly call: <T>(work: (options: CallOptions) => Promise<T>) => Promise<T>
}

export interface StoresDeps {
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly state: State
  readonly sealer: () => Sealer
  readonly keyring: () => Keyring
  /** What is shared of logins; undefined: these stores share it among themselves. */
  readonly shared: LoginShared | undefined
  /** How many there are that call the same stores, and share their quotas. */
  readonly replicas: () => number
  readonly environ: (name: string) => string | undefined
  /** As they are at the time of asking; for credentials that stand in another store. */
  readonly rules: () => { readonly book: ReferenceBook; readonly stores: Stores }
  readonly timeoutMs: number
  /** Told how each read of a store ended. */
  readonly onRead?: (store: string, fault: ProviderFault | undefined) => void
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

const missing = (): ProviderFault =>
  new ProviderFault('misconfigured', { code: 'credential_missing' })

/** There is something that nobody should wait for or read to its end, an SDK as little as we. */
const unfit = (): ProviderFault => new ProviderFault('misconfigured', { code: UNFIT_CREDENTIAL })

/** A credential that another store keeps is read anew each time: a rotated one is taken up, and nothing is cached here. */
const readFromStore = async (
  { rules }: StoresDeps,
  text: string,
  options: CallOptions
): Promise<Sensitive<string>> => {
  const { book, stores } = rules()
  const reference = parseReference(text, book)
  const provider = reference && stores.get(reference.store)?.provider
  if (reference === undefined || provider === undefined) throw missing()
  const record = await provider.read(locatorOf(reference), options)
  const selection = select(record, reference.field)
  if ('data' in selection) throw missing()
  return selection.value
}

const readCredential =
  (deps: StoresDeps): ProviderDeps['credential'] =>
  async (credential, options) => {
    if ('ref' in credential) {
      return readFromStore(deps, credential.ref, options).catch((error: unknown) => {
        throw error instanceof ProviderFault ? error : missing()
      })
    }
    const text =
      'env' in credential
        ? deps.environ(credential.env)?.replace(/\r?\n$/, '')
        : await readFileBytes(credential.file, options.signal)
            .then(wordOfFile)
            .catch((error: unknown) => (error instanceof UnfitFile ? unfit() : missing()))
    if (text instanceof ProviderFault) throw text
    if (text === undefined || text === '') throw missing()
    return new Sensitive(text)
  }

/** Runs the work under a deadline of its own, and answers at the deadline even if the work does not. */
const underDeadline = async <T>(
  timeoutMs: number,
  work: (options: CallOptions) => Promise<T>
): Promise<T> => {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort(new ProviderFault('timeout'))
      reject(new ProviderFault('timeout'))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work({ signal: controller.signal }), deadline])
  } catch (error) {
    throw error instanceof ProviderFault ? error : new ProviderFault('unavailable')
  } finally {
    clearTimeout(timer)
  }
}

/** The same in every replica with the same configuration, in whatever order its members stand. */
const sorted = (_name: string, value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

const digestOf = ({ plugin }: StoreSpec, what: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([plugin.kind, what], sorted))
    .digest('base64url')

const originOf = (spec: StoreSpec): Origin => ({
  store: spec.name,
  place: digestOf(spec, spec.settings)
})

const guarded = (
  spec: StoreSpec,
  { connection, logins }: Pick<Store, 'connection' | 'logins'>,
  deps: StoresDeps
): Store => {
  const { replicas, log, now, timeoutMs, onRead } = deps
  const quota = spec.quota ?? spec.plugin.quota
  const bucket = quota && createBucket({ quota, replicas, now })
  const guard = createGuard({
    store: spec.name,
    bucket,
    log,
    onRead: onRead && ((fault) => onRead(spec.name, fault)),
    now
  })
  return {
    spec,
    origin: originOf(spec),
    provider: guard.protect(connection),
    connection,
    guard,
    logins,
    call: (work) => underDeadline(timeoutMs, work)
  }
}

const connect = async (spec: StoreSpec, deps: StoresDeps): Promise<Store> => {
  const { log, now, state, sealer, shared, keyring } = deps
  const { account = (settings) => settings } = spec.plugin
  const logins = createLoginMemory({
    store: spec.name,
    place: digestOf(spec, account(spec.settings)),
    shared,
    fingerprint: (words) => fingerprint(keyring().active, words),
    sealer,
    log,
    now
  })
  const connection = await spec.plugin.connect(spec.settings, {
    store: spec.name,
    log,
    now,
    state,
    sealer,
    credential: readCredential(deps),
    logins,
    route: createRoute(spec.proxy, deps.environ)
  })
  return guarded(spec, { connection, logins }, deps)
}

const isSame = (store: Store, spec: StoreSpec): boolean =>
  store.spec.plugin.kind === spec.plugin.kind &&
  store.spec.proxy === spec.proxy &&
  isDeepStrictEqual(store.spec.settings, spec.settings)

/** With its guard too, and what that has learnt, unless the quota is another one now. */
const takeOver = (known: Store, spec: StoreSpec, deps: StoresDeps): Store =>
  isDeepStrictEqual(known.spec.quota, spec.quota) ? { ...known, spec } : guarded(spec, known, deps)

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
  try {
    for (const spec of specs) {
      const known = previous?.get(spec.name)
      if (known !== undefined && isSame(known, spec)) {
        connected.set(spec.name, takeOver(known, spec, deps))
        continue
      }
      const store = await connect(spec, { ...deps, shared })
      fresh.push(store)
      connected.set(spec.name, store)
    }
  } catch (error) {
    // All or none: what is in use goes on, and what was connected for this is not left behind.
    await Promise.allSettled(fresh.map(({ provider }) => provider.close()))
    throw error
  }
  const taken = [...connected.values()].filter((store) => !fresh.includes(store))
  // A login that was refused may be tried at once: a reload that is taken over says that something was mended.
  for (const { logins } of taken) logins.forget()
  const kept = new Set([...connected.values()].map((store) => store.connection))
  return {
    stores: {
      get: (name) => connected.get(name),
      all: () => [...connected.values()],
      close: async () => {
        await Promise.allSettled([...connected.values()].map((store) => store.provider.close()))
      }
    },
    retired: (previous?.all() ?? []).filter((store) => !kept.has(store.connection))
  }
}
