/**
 * Which sealed states were opened already, for as long as they could be opened again. Rule: a state is taken before
 * what it holds is given out, by one opener alone, on every replica and after a restart.
 */
import { isLongOver, type Leftovers } from '../state/leftovers.ts'
import { SHARED_KEYS, STATE_REST } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import type { State } from '../state/state.ts'

export interface UsedStates {
  /** Whether this was the first to take it. Rejects if that cannot be written down. */
  readonly take: (id: string, expiresAtSeconds: number) => Promise<boolean>
}

export interface UsedStatesOptions {
  readonly state: State
  /** Where there are replicas. */
  readonly shared?: Shared | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Kept beyond the expiry, for replicas whose clocks differ. */
const MARGIN_SECONDS = 60

const { prefix: PREFIX } = STATE_REST.used
const IN_USE = Buffer.from([1])

/** With its end, so that what may go is told by its name. */
const keyOf = (id: string, untilSeconds: number): string =>
  `${PREFIX}${String(untilSeconds).padStart(12, '0')}/${id}`

const untilOf = (key: string): number => Number(key.slice(PREFIX.length, PREFIX.length + 12))

/** Of states that could not be opened any more. */
export const endedUses: Leftovers = {
  name: 'used',
  prefix: PREFIX,
  isOver: ({ key }, now) => isLongOver(untilOf(key) * 1000, now)
}

export const createUsedStates = (options: UsedStatesOptions): UsedStates => {
  const { state, shared, now } = options
  if (shared === undefined) {
    return {
      take: (id, expiresAtSeconds) =>
        state.compareAndSet(keyOf(id, expiresAtSeconds + MARGIN_SECONDS), undefined, IN_USE)
    }
  }
  return {
    take: (id, expiresAtSeconds) => {
      const leftMs = (expiresAtSeconds + MARGIN_SECONDS) * 1000 - now()
      return shared.acquire(SHARED_KEYS.used.prefix + id, 'opened', Math.max(leftMs, 1))
    }
  }
}
