/**
 * Whether a key ring holds the encryption keys that something kept needs. Rule: a key under which something is sealed
 * that nobody else has does not leave the ring unnoticed: a start, a reload and `config check` refuse, and say how much
 * it is and what can be done. What comes back by itself (uses of keys, the cache) holds nobody up.
 */

import type { Keyring } from '../crypto/keyring.ts'
import { countSealed, isIrreplaceable, type SealedCounts } from '../integrations/sealed-count.ts'
import type { StateLog } from '../state/log.ts'
import type { State } from '../state/state.ts'
import { ConfigError, type ConfigFault } from './fault.ts'

/** A start does not wait longer, and logs what was not looked at by then. */
const WITHIN_MS = 10_000

const WORDS: readonly [keyof SealedCounts, string][] = [
  ['secrets', 'secrets of local stores'],
  ['objects', 'bots, providers and channels of run time'],
  ['names', 'names in Redis'],
  ['others', 'other entries']
]

const faultOf = (kid: string, counts: SealedCounts): ConfigFault => {
  const left = WORDS.filter(([what]) => counts[what] > 0)
    .map(([what, words]) => `${counts[what]} ${words}`)
    .join(', ')
  return {
    place: 'ENCRYPTION_KEYS',
    message: `lacks the key ${kid}, under which stand ${left}: put it back before the active one and run \`purser store rewrap\` before it goes; if it is lost, \`purser store rewrap --discard ${kid}\` gives them up`
  }
}

export interface KeptKeys {
  readonly faults: readonly ConfigFault[]
  /** False where not all could be looked at in time. */
  readonly isWhole: boolean
}

/** What the ring lacks. Rejects where the state cannot be read. */
export const lookForKeys = async (
  state: State,
  { find }: Pick<Keyring, 'find'>
): Promise<KeptKeys> => {
  const { byKey, isWhole } = await countSealed(state, performance.now() + WITHIN_MS)
  const lacking = [...byKey].filter(
    ([kid, counts]) => find(kid) === undefined && isIrreplaceable(counts)
  )
  return { faults: lacking.map(([kid, counts]) => faultOf(kid, counts)), isWhole }
}

export interface StartDeps {
  readonly state: State
  readonly keyring: Pick<Keyring, 'find'>
  /** Whether a start is refused; otherwise it is an error in the log. */
  readonly refuses: boolean
  readonly log: StateLog
}

/** Before a start. Throws ConfigError for what the ring lacks; what could not be looked at is said. */
export const requireKeys = async ({ state, keyring, refuses, log }: StartDeps): Promise<void> => {
  const found = await lookForKeys(state, keyring).catch(() => undefined)
  if (found === undefined || !found.isWhole) {
    log('warn', 'whether ENCRYPTION_KEYS holds every key that something kept needs is not known')
  }
  if (found === undefined || found.faults.length === 0) return
  if (refuses) throw new ConfigError(found.faults)
  for (const { place, message } of found.faults) log('error', `${place} ${message}`)
}

/**
 * Before a reload: throws ConfigError for keys that would leave the ring while something stands under them, and where
 * that cannot be known, since this is the last who has them. What was lacking before stops nobody from changing a
 * policy.
 */
export const requireKeysThatLeave = async (
  state: State,
  former: Keyring,
  next: Pick<Keyring, 'find'>
): Promise<void> => {
  const leaving = former.kids.filter((kid) => next.find(kid) === undefined)
  if (leaving.length === 0) return
  const active = former.active.kid
  if (leaving.includes(active)) {
    // A write at this moment still seals under that key, and may end only after everything was counted.
    const message = `takes away the active key ${active}: put the new one behind it and reload, and take it out with a later reload`
    throw new ConfigError([{ place: 'ENCRYPTION_KEYS', message }])
  }
  const isStaying = (kid: string) => (leaving.includes(kid) ? undefined : former.active)
  const found = await lookForKeys(state, { find: isStaying }).catch(() => undefined)
  if (found === undefined || !found.isWhole) {
    const message = `whether something still needs ${leaving.join(', ')} cannot be looked up now: try again`
    throw new ConfigError([{ place: 'ENCRYPTION_KEYS', message }])
  }
  if (found.faults.length > 0) throw new ConfigError(found.faults)
}
