/**
 * A configuration by one word, for the record: which one was in force before a reload and after it. Rule: whatever
 * decides is in it; of a secret only that it is set, and of the encryption keys their ids.
 */
import { createHash } from 'node:crypto'
import { inOrder } from '../core/json.ts'
import type { Config } from './config.ts'
import { effectiveConfig } from './effective.ts'

/** `kids`: of the encryption keys. */
export const configDigest = (config: Config, kids: readonly string[]): string => {
  const { settings, doors } = effectiveConfig(config)
  const { stores, policies, delegations, trusts, book, bots, providers, channels } = config
  const specs = stores.map(({ plugin, ...spec }) => ({ ...spec, kind: plugin.kind }))
  const rights = { policies, delegations, trusts, names: book.names }
  const all = { settings, kids, doors, specs, ...rights, bots, providers, channels }
  return `sha256:${createHash('sha256').update(JSON.stringify(all, inOrder)).digest('base64url')}`
}
