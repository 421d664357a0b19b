/**
 * From when on keys may say by which keys they were issued (`via`). Rule: never while a version may still run that
 * refuses a key which says so. On a state that served nobody before, no such version runs: keys say it from the
 * beginning. On any other they say it a day after the first version that reads `via` came, which is longer than an
 * upgrade takes (ADR 14). What keys do not say, entries do.
 */
import { STATE_REST, STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'

export interface ViaFloorOptions {
  readonly state: State
  /** How many replicas there are, this one counted. */
  readonly replicas: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface ViaFloor {
  /** To be called early: what it finds is written down for all replicas. Rejects while the state cannot be reached. */
  readonly learn: () => Promise<void>
  readonly isReached: () => Promise<boolean>
}

const { prefix: ENTRY } = STATE_REST.via
const UPGRADED_WITHIN_MS = 24 * 3_600_000
/** Written with the first use of any key, by every version. */
const { prefix: TRACES } = STATE_SPACES.usage

const wasServed = async (state: State): Promise<boolean> => {
  for await (const _ of state.list(TRACES)) return true
  return false
}

export const createViaFloor = ({ state, replicas, now }: ViaFloorOptions): ViaFloor => {
  let from: number | undefined

  const read = async (): Promise<number | undefined> => {
    const entry = await state.get(ENTRY)
    return entry && Number(entry.toString())
  }

  const learn = async (): Promise<number> => {
    const known = await read()
    if (known !== undefined) return known
    const isFresh = replicas() === 1 && !(await wasServed(state))
    const first = isFresh ? 0 : now() + UPGRADED_WITHIN_MS
    if (await state.compareAndSet(ENTRY, undefined, Buffer.from(String(first)))) return first
    return (await read()) ?? Number.POSITIVE_INFINITY
  }

  return {
    learn: async () => {
      from = await learn()
    },
    isReached: async () => {
      from ??= await learn()
      return now() >= from
    }
  }
}
