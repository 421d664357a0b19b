/**
 * Reloads in several workers. Rule: each answers, ends, or is told to be late; a worker that ends has taken over the files
 * with its successor.
 */
import type { ConfigFault } from '../config/fault.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import type { Order } from './messages.ts'

/** As long as connecting stores and reading definitions may take in a slow worker. */
const PATIENCE_MS = 30_000

/** A worker, by its number. */
interface Member {
  readonly number: number
  /** Whether it hears. */
  readonly isThere: boolean
}

export interface Reloads<M extends Member = Member> {
  /** Resolves with what the workers did not take over, each fault with its worker. */
  readonly all: (members: readonly M[], by: ReloadedBy) => Promise<readonly ConfigFault[]>
  /** The answer of a worker. */
  readonly done: (member: M, id: number, faults: readonly ConfigFault[]) => void
  /** A worker has ended. */
  readonly gone: (member: M) => void
}

interface Asked<M> {
  readonly member: M
  readonly resolve: (faults: readonly ConfigFault[]) => void
}

const LATE: ConfigFault = { place: 'the configuration', message: 'was not taken over in time' }

export const createReloads = <M extends Member>(
  send: (member: M, order: Order) => void,
  patienceMs = PATIENCE_MS
): Reloads<M> => {
  const asked = new Map<number, Asked<M>>()
  let last = 0

  const ask = (member: M, by: ReloadedBy): Promise<readonly ConfigFault[]> =>
    new Promise((answered) => {
      const id = ++last
      const resolve = (faults: readonly ConfigFault[]): void => {
        clearTimeout(timer)
        asked.delete(id)
        answered(
          faults.map(({ place, message }) => ({
            place: `worker ${member.number}: ${place}`,
            message
          }))
        )
      }
      const timer = setTimeout(() => resolve([LATE]), patienceMs)
      asked.set(id, { member, resolve })
      send(member, { do: 'reload', id, by })
    })

  return {
    all: async (members, by) => {
      // One that does not hear yet has not read the files yet.
      const there = members.filter(({ isThere }) => isThere)
      return (await Promise.all(there.map((member) => ask(member, by)))).flat()
    },
    done: (member, id, faults) => {
      const one = asked.get(id)
      if (one?.member === member) one.resolve(faults)
    },
    gone: (member) => {
      for (const one of [...asked.values()]) if (one.member === member) one.resolve([])
    }
  }
}
