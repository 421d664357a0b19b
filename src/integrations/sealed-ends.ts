/**
 * Until when a state that was sealed under an encryption key may come back (sealed states are in other people's hands,
 * and cannot be counted). Rule: the end is noted before the state leaves, at most once a minute for each key, and
 * always a little later than the true one.
 */
import { isLongOver, type Leftovers } from '../state/leftovers.ts'
import { STATE_REST } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'

export interface SealedEndsOptions {
  readonly state: State
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface SealedEnds {
  /** Resolves once the end is noted, or could not be: sealing goes on while `State` is away. */
  readonly note: (kid: string, expiresAtSeconds: number) => Promise<void>
  /** By kid, in seconds since the epoch; only what is still to come. */
  readonly all: () => Promise<ReadonlyMap<string, number>>
}

const { prefix: PREFIX } = STATE_REST.states
const NOTED_EVERY_SECONDS = 60
const ATTEMPTS = 3

const endIn = (value: Buffer | undefined): number => Number(value?.toString() ?? 0) || 0

/** Of encryption keys under which no state can come back any more. */
export const pastEnds: Leftovers = {
  name: 'states',
  prefix: PREFIX,
  isOver: ({ value }, now) => isLongOver(endIn(value) * 1000, now)
}

export const createSealedEnds = ({ state, now }: SealedEndsOptions): SealedEnds => {
  const noted = new Map<string, number>()

  const write = async (kid: string, end: number): Promise<void> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const former = await state.get(PREFIX + kid)
      if (endIn(former) >= end) return
      if (await state.compareAndSet(PREFIX + kid, former, Buffer.from(String(end)))) return
    }
    throw new Error('contended')
  }

  return {
    note: async (kid, expiresAt) => {
      if ((noted.get(kid) ?? 0) >= expiresAt) return
      const end = expiresAt + NOTED_EVERY_SECONDS
      try {
        await write(kid, end)
        noted.set(kid, Math.max(end, noted.get(kid) ?? 0))
      } catch {
        // The next state that is sealed tries again.
      }
    },

    all: async () => {
      const ends = new Map<string, number>()
      for await (const { key, value } of state.list(PREFIX)) {
        const end = endIn(value)
        if (end * 1000 > now()) ends.set(key.slice(PREFIX.length), end)
      }
      return ends
    }
  }
}
