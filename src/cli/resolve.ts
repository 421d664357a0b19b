/**
 * `purser resolve`: reads a reference through the configured stores, to try it. Rule: this is the operator's own right,
 * who holds the configuration; no policy is asked and nothing is kept, but a store's `requireTags` holds here too.
 */

import { createSecretCache } from '../cache/secret-cache.ts'
import { credentialsIn, readConfig } from '../config/config.ts'
import { readDefinitions } from '../config/definitions.ts'
import { locatorOf, parseReference } from '../core/reference.ts'
import type { Locator, SecretRecord, Tags } from '../core/secret.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { connectStores, type Store, type StoresDeps } from '../secrets/stores.ts'
import { createTagGate } from '../secrets/tag-gate.ts'
import { usageFailure } from './failure.ts'
import { printRaw, printSecret, tell } from './io.ts'
import { onRecord } from './on-record.ts'
import { shareEnviron } from './share-environ.ts'
import { withState } from './state.ts'

/** The whole secret, if it has the tags that its store asks for. */
const read = async (store: Store, locator: Locator): Promise<SecretRecord> => {
  const now = Date.now
  const cache = createSecretCache<Tags>({
    ttlMs: 0,
    maxEntries: 0,
    staleMs: 0,
    negativeTtlMs: 0,
    now
  })
  const gate = createTagGate({ cache, negativeTtlMs: 0, now })
  await gate.before(store, locator)
  const record = await store.read(locator, {})
  gate.after(store, record.tags)
  return record
}

export interface ResolveOptions {
  readonly raw?: boolean
}

export const resolve = async (text: string, { raw = false }: ResolveOptions): Promise<void> => {
  const config = readConfig(process.env, process.cwd())
  const { settings } = config
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const sealer = createSealer(keyring)
  const found = await withState(settings, async ({ state, shared }) => {
    const deps: StoresDeps = {
      log: (level, message, fields = {}) => tell(`${level}: ${message} ${JSON.stringify(fields)}`),
      now: Date.now,
      replicas: () => 1,
      state,
      sealer: () => sealer,
      keyring: () => keyring,
      // A login that was refused to the services is not tried again by this command.
      shared,
      environ: credentialsIn(config, shareEnviron(process.cwd())),
      rules: () => ({ book, stores }),
      timeoutMs: settings.UPSTREAM_TIMEOUT_MS
    }
    const { stores: specs, book } = await readDefinitions(config, deps)
    const reference = parseReference(text, book)
    if (reference === undefined) {
      throw usageFailure('The reference leads to no configured store or name.')
    }
    // All stores are connected, since one may keep the credentials of another.
    const { stores } = await connectStores(specs, deps)
    try {
      const store = stores.get(reference.store)
      if (store === undefined) throw new Error('a reference leads to a configured store')
      const record = await onRecord('resolve', settings, state, ({ of }) =>
        of(
          'secret.read',
          reference,
          () => read(store, locatorOf(reference)),
          ({ version }) => ({ version })
        )
      )
      return { record, field: reference.field }
    } finally {
      await stores.close()
    }
  })
  if (raw) await printRaw(found.record, found.field)
  else await printSecret(found.record, found.field)
}
