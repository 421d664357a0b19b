/** A local store in a state of its own, at noon, with a key ring that can be exchanged. */
import type { Test } from 'tap'
import { ProviderFault } from '../../src/core/fault.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer, type Sealer } from '../../src/crypto/sealer.ts'
import { local } from '../../src/kinds/local/index.ts'
import { type LocalStore, readSecret } from '../../src/kinds/local/store.ts'
import type { SecretProvider } from '../../src/kinds/provider.ts'
import type { State } from '../../src/state/state.ts'
import { openState } from './embedded.ts'
import { createDeps, type RecordedDeps } from './provider-deps.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')

export const sealerOf = (...keys: string[]): Sealer => createSealer(createKeyring(keys))

export interface Opened {
  readonly store: LocalStore
  readonly state: State
  readonly provider: SecretProvider
  readonly deps: RecordedDeps
  /** From now on this key ring is in force. */
  readonly reload: (sealer: Sealer) => void
}

export const openLocal = async (t: Test, keys = [newEncryptionKey()]): Promise<Opened> => {
  let sealer = sealerOf(...keys)
  const state = openState(t)
  const deps = createDeps({}, { state, sealer: () => sealer, now: () => NOON })
  const store = { name: deps.store, state, sealer: deps.sealer, now: deps.now }
  const reload = (next: Sealer): void => {
    sealer = next
  }
  return { store, state, deps, reload, provider: await local.connect({}, deps) }
}

export const within = { signal: AbortSignal.timeout(60_000) }
export const secret = (text: string): Sensitive<string> => new Sensitive(text)

export const textOf = async (store: LocalStore, path: string, version?: string): Promise<string> =>
  (await readSecret(store, path, version)).text.reveal()

export const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof ProviderFault ? error.reason : String(error))
  )

export const keyOf = (path: string): string => `store/tested/${path}`
