/**
 * `purser store`: the local store from the command line, also while services run on it. Rule: only stores of kind
 * `local`; values come from standard input and go to stdout.
 */
import { createInvalidation, markLifetimeMs } from '../cache/invalidation.ts'
import { type Config, readConfig } from '../config/config.ts'
import { formatReference, parseReference, type Reference } from '../core/reference.ts'
import { decodePath, ESCAPE_RULE } from '../core/reference-text.ts'
import { Sensitive } from '../core/secret.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import {
  deleteSecret,
  type LocalStore,
  listSecrets,
  putSecret,
  readSecret
} from '../kinds/local/store.ts'
import type { OpenedState } from '../state/open-state.ts'
import { SharedUnavailable } from '../state/shared.ts'
import type { State } from '../state/state.ts'
import { CommandFailure, usageFailure } from './failure.ts'
import { print, printRaw, printSecret, readInput } from './io.ts'
import { type OnRecord, onRecord } from './on-record.ts'
import { announceToServices, withState } from './state.ts'

/** The embedded stores of the configuration by name, on that state. */
export const localStores = (
  { stores, settings }: Config,
  state: State
): Map<string, LocalStore> => {
  const sealer = createSealer(createKeyring(settings.ENCRYPTION_KEYS))
  const names = stores.filter(({ plugin }) => plugin.kind === 'local').map(({ name }) => name)
  return new Map(names.map((name) => [name, { name, state, sealer: () => sealer, now: Date.now }]))
}

const configuration = (): Config => {
  const config = readConfig(process.env, process.cwd())
  if (config.stores.every(({ plugin }) => plugin.kind !== 'local')) {
    throw new CommandFailure('purser.yaml has no store of kind local.')
  }
  return config
}

const localReference = (text: string, config: Config): Reference => {
  const reference = parseReference(text, config.book)
  const store = config.stores.find(({ name }) => name === reference?.store)
  if (reference === undefined || store?.plugin.kind !== 'local') {
    throw usageFailure('The reference leads to no configured store of kind local.')
  }
  return reference
}

/** After a secret was changed, services on the same Redis drop what they have of it. */
const tellServices = (
  opened: OpenedState,
  { settings }: Config,
  { store, path }: Reference
): Promise<void> =>
  announceToServices(opened, async (shared) => {
    const keyring = createKeyring(settings.ENCRYPTION_KEYS)
    const bus = createInvalidation({
      drop: () => 0,
      shared,
      keyring: () => keyring,
      stores: () => [store],
      lifetimeMs: markLifetimeMs(settings)
    })
    const { pending } = await bus.invalidate({ store, path })
    bus.close()
    if (pending) throw new SharedUnavailable()
  })

interface SecretPlace {
  readonly store: LocalStore
  readonly reference: Reference
  readonly record: OnRecord
  readonly tellServices: () => Promise<void>
}

/** Runs the work on the store that the reference leads to. */
const withSecret = <T>(
  command: string,
  text: string,
  part: 'whole' | 'any',
  work: (place: SecretPlace) => Promise<T>
): Promise<T> => {
  const config = configuration()
  const reference = localReference(text, config)
  if (part === 'whole' && (reference.version ?? reference.field) !== undefined) {
    throw usageFailure('Name the whole secret here, without version or field.')
  }
  return withState(config.settings, (opened) => {
    const store = localStores(config, opened.state).get(reference.store)
    if (store === undefined) throw new Error('a local reference leads to a local store')
    const tellAll = () => tellServices(opened, config, reference)
    return onRecord(`store ${command}`, config.settings, opened.state, (record) =>
      work({ store, reference, record, tellServices: tellAll })
    )
  })
}

export const put = (text: string): Promise<void> =>
  withSecret('put', text, 'whole', async ({ store, reference, record, tellServices }) => {
    const value = new Sensitive(await readInput('the value'))
    await record.intent('secret.write', reference)
    const { version } = await record.of(
      'secret.write',
      reference,
      () => putSecret(store, reference.path, value),
      (written) => ({ version: written.version })
    )
    await tellServices()
    await print(formatReference({ ...reference, version }))
  })

export interface GetOptions {
  readonly raw?: boolean
}

export const get = (text: string, { raw = false }: GetOptions): Promise<void> =>
  withSecret('get', text, 'any', async ({ store, reference, record }) => {
    const { path, version, field } = reference
    const found = await record.of(
      'secret.read',
      reference,
      () => readSecret(store, path, version),
      (read) => ({ version: read.version })
    )
    if (raw) await printRaw(found, field)
    else await printSecret(found, field)
  })

export const remove = (text: string): Promise<void> =>
  withSecret('delete', text, 'whole', async ({ store, reference, record, tellServices }) => {
    await record.intent('secret.delete', reference)
    await record.of('secret.delete', reference, async () => {
      if (await deleteSecret(store, reference.path)) return
      throw new CommandFailure('There is no such secret.')
    })
    await tellServices()
    await print(`${formatReference(reference)} is deleted, with all its versions`)
  })

export const list = async (prefix = ''): Promise<void> => {
  const config = configuration()
  const colon = prefix.indexOf(':')
  const wanted = colon < 0 ? undefined : prefix.slice(0, colon)
  if (prefix !== '' && wanted === undefined) {
    throw usageFailure('A prefix begins with the name of a store and a colon.')
  }
  const path = decodePath(prefix.slice(colon + 1))
  if (path === undefined)
    throw usageFailure(`The prefix is written as a reference: ${ESCAPE_RULE}.`)
  await withState(config.settings, async ({ state }) => {
    const stores = localStores(config, state)
    if (wanted !== undefined && !stores.has(wanted)) {
      throw usageFailure('The prefix names no configured store of kind local.')
    }
    for (const [name, store] of stores) {
      if (wanted !== undefined && name !== wanted) continue
      for (const secret of await listSecrets(store, path)) {
        const { version, createdAt = 'cannot be opened' } = secret
        const text = formatReference({ store: name, path: secret.path })
        await print([text, version, createdAt].join('\t'))
      }
    }
  })
}
