/**
 * `purser store rewrap`: puts everything that is kept under the active encryption key, so that the former ones may go.
 * Rule: everything, also secrets of local stores that the configuration no longer has; what cannot be opened is counted
 * and left as it is, unless it is given up by the name of its encryption key.
 */

import { readConfig } from '../config/config.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { rewrapResources } from '../integrations/resource-entries.ts'
import { sealedUnder } from '../integrations/sealed-count.ts'
import { rewrapUses } from '../keys/usage.ts'
import { deleteSecret, rewrapSecrets } from '../kinds/local/store.ts'
import type { RewrapCounts, State } from '../state/state.ts'
import { CommandFailure, usageFailure } from './failure.ts'
import { print } from './io.ts'
import { withState } from './state.ts'

const UNREADABLE =
  'What is unreadable is damaged or under an encryption key that ENCRYPTION_KEYS no longer holds.'

/** The names of local stores: those of the configuration, in its order, then others that still have entries. */
const storeNames = async (state: State, configured: readonly string[]): Promise<Set<string>> => {
  const names = new Set(configured)
  for await (const { space, key } of state.heads?.() ?? []) {
    const name = space === 'store' ? key?.split('/')[1] : undefined
    if (name !== undefined) names.add(name)
  }
  return names
}

const rewrapAll = async (): Promise<void> => {
  const config = readConfig(process.env, process.cwd())
  await withState(config.settings, async ({ state }) => {
    let unreadable = 0
    const report = (what: string, counts: RewrapCounts): Promise<void> => {
      unreadable += counts.unreadable
      return print(`${what}, ${counts.rewrapped} rewrapped, ${counts.unreadable} unreadable`)
    }
    const ring = createSealer(createKeyring(config.settings.ENCRYPTION_KEYS))
    const sealer = () => ring
    const local = config.stores.filter(({ plugin }) => plugin.kind === 'local')
    const configured = local.map(({ name }) => name)
    const names = await storeNames(state, configured)
    for (const name of names) {
      const counts = await rewrapSecrets({ name, state, sealer, now: Date.now })
      const where = configured.includes(name) ? '' : ' (not in the configuration)'
      if (where === '' || counts.total > 0)
        await report(`${name}${where}: ${counts.total} secrets`, counts)
    }
    const resources = await rewrapResources({ state, sealer })
    if (resources.total > 0 || names.size === 0) {
      await report(`run time: ${resources.total} bots, providers and channels`, resources)
    }
    const uses = await rewrapUses({ state, sealer })
    if (uses > 0) await print(`last uses of keys: ${uses} rewrapped`)
    const moved = await state.rewrapNames?.()
    if (moved !== undefined) {
      unreadable += moved.unreadable
      await print(`names: ${moved.moved} rewrapped, ${moved.unreadable} unreadable`)
    }
    const dropped = (await state.dropFormerCache?.()) ?? 0
    if (dropped > 0) await print(`cache: ${dropped} under former keys dropped`)
    if (unreadable > 0) throw new CommandFailure(UNREADABLE)
  })
}

const discard = async (kid: string): Promise<void> => {
  const { settings } = readConfig(process.env, process.cwd())
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  if (keyring.find(kid) !== undefined) {
    throw usageFailure('That key is in ENCRYPTION_KEYS: what stands under it can be opened.')
  }
  const sealer = createSealer(keyring)
  await withState(settings, async ({ state }) => {
    let discarded = 0
    for await (const { key, space } of sealedUnder(state, kid)) {
      const [, name = '', ...path] = key.split('/')
      if (space === 'store') {
        // The number of the secret's last version stays.
        const store = { name, state, sealer: () => sealer, now: Date.now }
        if (await deleteSecret(store, path.join('/'))) discarded++
      } else if (await state.compareAndSet(key, await state.get(key), undefined)) discarded++
    }
    discarded += (await state.discardNames?.(kid)) ?? 0
    await print(`${discarded} entries under ${kid} are given up`)
  })
}

export interface RewrapOptions {
  readonly discard?: string
}

export const rewrap = ({ discard: kid }: RewrapOptions): Promise<void> =>
  kid === undefined ? rewrapAll() : discard(kid)
