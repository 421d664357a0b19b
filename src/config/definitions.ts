/**
 * Reads the definitions of stores that are themselves kept in a store, when the service starts and on a reload. Rule:
 * all of them or none, each under the deadline of a read; of one that cannot be read or used its place and the sort of
 * failure are told, and nothing of what its store said or holds.
 */
import { ProviderFault } from '../core/fault.ts'
import { withoutMark } from '../core/file-text.ts'
import { asJson } from '../core/json.ts'
import { locatorOf, parseReference } from '../core/reference.ts'
import type { SecretRecord } from '../core/secret.ts'
import { checkShape, type Report } from '../core/shape.ts'
import { createReferenceBook } from '../kinds/references.ts'
import { createLoginBoard } from '../kinds/shared/login-board.ts'
import { connectStores, type StoresDeps } from '../secrets/stores.ts'
import type { Config } from './config.ts'
import { ConfigError, type ConfigFault } from './fault.ts'
import { Definition, MEMBER_NAMES, vaultSettingsOf } from './hashicorp-form.ts'
import { readStore, type StoreConfig, type StoreContext, storeContextOf } from './store.ts'

type Where = NonNullable<StoreConfig['definition']>

const read = async ({ source, ref }: Where, deps: StoresDeps): Promise<SecretRecord> => {
  const reference = parseReference(ref, createReferenceBook([source], new Map()))
  if (reference === undefined) throw new Error('the reference was checked with the configuration')
  const { stores } = await connectStores([source], deps)
  try {
    const store = stores.get(source.name)
    if (store === undefined) throw new Error('a store that was asked for is connected')
    return await store.read(locatorOf(reference), {})
  } finally {
    await stores.close()
  }
}

/** Besides a fault of the store, a file that its settings name may be unreadable. */
const failure = (error: unknown): string => {
  const { reason, code, status } =
    error instanceof ProviderFault ? error : new ProviderFault('misconfigured')
  const facts = [code, status].filter((fact) => fact !== undefined).join(', ')
  return facts === '' ? reason : `${reason} (${facts})`
}

const parse = ({ text, encoding }: SecretRecord): unknown =>
  encoding === undefined ? asJson(withoutMark(text.reveal())) : undefined

const NAMES: ReadonlySet<unknown> = new Set(Object.keys(Definition.properties))

/** The store with the settings of the definition; undefined if a fault was reported. */
const complete = (
  { name, plugin, settings }: StoreConfig,
  definition: unknown,
  context: StoreContext,
  fault: (message: string) => void
): StoreConfig | undefined => {
  // A member that is not known here has a name of the operator's, which is not repeated.
  const report: Report = ([member], message) =>
    fault(
      member === undefined || NAMES.has(member)
        ? ['its definition:', member, message].filter((word) => word !== undefined).join(' ')
        : 'its definition has a member that is not known'
    )
  if (!checkShape(Definition, definition, [], report)) return undefined
  const given = vaultSettingsOf(definition as Parameters<typeof vaultSettingsOf>[0])
  const entry = { ...settings, ...given, name, kind: plugin.kind }
  return readStore(entry, context, [], ([member, ...rest], message) =>
    report(member === undefined ? [] : [MEMBER_NAMES.get(member) ?? member, ...rest], message)
  )
}

/** The configuration as it is to be served, with every definition read. Throws ConfigError. */
export const readDefinitions = async (config: Config, deps: StoresDeps): Promise<Config> => {
  const faults: ConfigFault[] = []
  const context = storeContextOf(config.settings)
  // Several definitions may be read by the same account, which should not be refused once for each of them.
  const { shared = createLoginBoard(deps.now) } = deps
  const stores = await Promise.all(
    config.stores.map(async (store): Promise<StoreConfig> => {
      const { definition } = store
      if (definition === undefined) return store
      const fault = (message: string) => faults.push({ place: definition.place, message })
      try {
        const record = await read(definition, { ...deps, shared })
        return complete(store, parse(record), context, fault) ?? store
      } catch (error) {
        fault(`its definition could not be read: ${failure(error)}`)
        return store
      }
    })
  )
  if (faults.length > 0) throw new ConfigError(faults)
  return { ...config, stores, book: createReferenceBook(stores, config.book.names) }
}
