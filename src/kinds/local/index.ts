/**
 * The local store that Purser brings along: sealed secrets in its own state. Rule: the sealing encryption keys are
 * those of this process alone; whoever reads the data directory learns paths and version numbers, but no value.
 */
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { ANY_VERSION, SEGMENT_RULE, segments } from '../../core/reference-grammar.ts'
import { STATE_SPACES } from '../../state/namespaces.ts'
import { defineKind } from '../kind.ts'
import type { Log } from '../provider.ts'
import { createIsCurrent, type LocalStore, listPaths, putSecret, readSecret } from './store.ts'

const StoreSettings = Type.Object({}, { additionalProperties: false })

/** What went wrong below, as a fault and a line for the operator: the state's own errors name its folder. */
const asFault = (error: unknown, log: Log, store: string): ProviderFault => {
  if (!(error instanceof ProviderFault)) {
    const message = error instanceof Error ? error.message : 'unknown'
    log('error', 'the local store cannot be used', { store, reason: message })
    return new ProviderFault('unavailable')
  }
  if (error.reason === 'misconfigured') {
    log('error', 'a secret cannot be opened: damaged, or its encryption key is gone', { store })
  }
  return error
}

export const local = defineKind({
  kind: 'local',
  settings: StoreSettings,
  // As in Vault, so that either can take the other's place; its 1,024 bytes leave room in a key of LMDB.
  paths: segments(1, SEGMENT_RULE),
  versions: ANY_VERSION,
  forms: [],
  quota: undefined,
  address: (_settings: Static<typeof StoreSettings>) => ({ kind: 'local' }) as const,

  connect: async (_settings, { store: name, state, sealer, now, log }) => {
    const store: LocalStore = { name, state, sealer, now }
    const { peekSync } = state

    const told = <T>(work: Promise<T>): Promise<T> =>
      work.catch((error: unknown) => {
        throw asFault(error, log, name)
      })

    return {
      read: ({ path, version }) => told(readSecret(store, path, version)),
      write: ({ path }, text, conditions) => told(putSecret(store, path, text, conditions)),
      comparesVersions: true,
      list: (prefix, page) => told(listPaths(store, prefix, page)),
      check: async () => {
        await told(state.get(STATE_SPACES.store.prefix + name))
      },
      ...(peekSync !== undefined && { isCurrent: createIsCurrent(store, peekSync) }),
      // The state outlives its stores: whoever opened it closes it.
      close: async () => {}
    }
  }
})
