/**
 * Which sealed states were opened already, for as long as they could be opened again. Rule: a state is taken before
 * what it holds is given out, by one opener alone, on every replica and after a restart.
 */
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
const PURGE_EVERY_MS = 60_000
const PURGED_AT_ONCE = 10_000

const { prefix: PREFIX } = STATE_REST.used
const IN_USE = Buffer.from([1])

/** In the order of their ends, so that what may go stands first. */
const keyOf = (id: string, untilSeconds: number): string =>
  `${PREFIX}${String(untilSeconds).padStart(12, '0')}/${id}`

const untilOf = (key: string): number => Number(key.slice(PREFIX.length, PREFIX.length + 12))

const createEmbedded = ({ state, now }: UsedStatesOptions): UsedStates => {
  let purgedAt = Number.NEGATIVE_INFINITY

  const purge = async (): Promise<void> => {
    let seen = 0
    for await (const { key, value } of state.list(PREFIX)) {
      if (untilOf(key) * 1000 > now() || seen++ >= PURGED_AT_ONCE) return
      await state.compareAndSet(key, value, undefined)
    }
  }

  return {
    take: async (id, expiresAtSeconds) => {
      const key = keyOf(id, expiresAtSeconds + MARGIN_SECONDS)
      const isFirst = await state.compareAndSet(key, undefined, IN_USE)
      if (now() - purgedAt >= PURGE_EVERY_MS) {
        purgedAt = now()
        // What cannot be removed now can be later.
        void purge().catch(() => {})
      }
      return isFirst
    }
  }
}

export const createUsedStates = (options: UsedStatesOptions): UsedStates => {
  const { shared, now } = options
  if (shared === undefined) return createEmbedded(options)
  return {
    take: (id, expiresAtSeconds) => {
      const leftMs = (expiresAtSeconds + MARGIN_SECONDS) * 1000 - now()
      return shared.acquire(SHARED_KEYS.used.prefix + id, 'opened', Math.max(leftMs, 1))
    }
  }
}
