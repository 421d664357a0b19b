/**
 * Which keys issued which, as entries of the state: one for each key that a key issued, with the ids of its ancestors.
 * Rule: an entry is there before the key's text leaves, so that an id is given once, and whoever revokes a key and then
 * looks for what it issued finds all of it. Where the key itself does not name its ancestors, the entry counts (ADR
 * 14).
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type Static, Type } from 'typebox'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import type { Principal } from '../core/principal.ts'
import { CLOCKS_DIFFER_MS, isLongOver, type Leftovers, passedSurely } from '../state/leftovers.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'
import { entryKeyOf, issuedBy } from './revocations.ts'
import { isOfLogin } from './trust.ts'

const Entry = Type.Object({
  via: Type.Array(Type.String()),
  /** Seconds since the epoch. */
  exp: Type.Optional(Type.Integer())
})
type Entry = Static<typeof Entry>
const shape = fitting(Entry)

export interface Lineage {
  /** Oldest first; none for a key that no key issued. From the key itself, or from its entry. */
  readonly ancestorsOf: (principal: Pick<Principal, 'keyId' | 'via'>) => Promise<readonly string[]>
  /** Enters the key; false if one of its id was entered before. */
  readonly enter: (principal: Principal, via: readonly string[]) => Promise<boolean>
  /**
   * Whether a key with these ancestors may not be given out any more. Asks the state itself, not what this process
   * remembers.
   */
  readonly isCutOff: (via: readonly string[]) => Promise<boolean>
  /** The ids of all that descend from the key, or come from the trust; without those that ended before (milliseconds). */
  readonly descendantsOf: (ancestor: string, endedBefore?: number) => AsyncIterable<string>
}

const { prefix: PREFIX } = STATE_SPACES.issued
/** Entries looked at before others have their turn. */
const STRIDE = 200

const parse = (value: Buffer | undefined): Entry | undefined => {
  if (value === undefined) return undefined
  const entry = asJson(value.toString())
  return shape(entry) ? entry : undefined
}

const endOf = (entry: Entry | undefined): number => (entry?.exp ?? Number.POSITIVE_INFINITY) * 1000

/**
 * Of keys that ended. That of a login is for its revocation alone, since its id is random: it goes once the key has surely
 * ended, so that many logins leave no more behind than those of two days.
 */
export const endedLines: Leftovers = {
  name: 'issued',
  prefix: PREFIX,
  isOver: ({ value }, now) => isLongOver(endOf(parse(value)), now),
  prepare: async (state, at) => {
    const passed = await passedSurely(state, at)
    return {
      ...endedLines,
      isOver: ({ value }, now) => {
        const entry = parse(value)
        const end = endOf(entry)
        return isLongOver(end, now) || (isOfLogin(entry?.via) && end + CLOCKS_DIFFER_MS <= passed)
      }
    }
  }
}

export const createLineage = (state: State): Lineage => {
  return {
    ancestorsOf: async ({ keyId, via }) => via ?? parse(await state.get(PREFIX + keyId))?.via ?? [],

    enter: async ({ keyId, expiresAt }, via) => {
      const entry: Entry = { via: [...via], ...(expiresAt !== undefined && { exp: expiresAt }) }
      return state.compareAndSet(PREFIX + keyId, undefined, Buffer.from(JSON.stringify(entry)))
    },

    isCutOff: async (via) => {
      const names = [...via.map(issuedBy), ...via.slice(-1)]
      const entries = await Promise.all(names.map((name) => state.get(entryKeyOf(name))))
      return entries.some((entry) => entry !== undefined)
    },

    descendantsOf: async function* (ancestor, endedBefore = 0) {
      let seen = 0
      for await (const { key, value } of state.list(PREFIX)) {
        if (++seen % STRIDE === 0) await turn()
        const { via, exp = Number.POSITIVE_INFINITY } = parse(value) ?? { via: [] }
        if (via.includes(ancestor) && exp * 1000 >= endedBefore) yield key.slice(PREFIX.length)
      }
    }
  }
}
