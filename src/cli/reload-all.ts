/**
 * Reloads in several workers. Rule: each answers, ends, or is told to be late; a worker that ends has taken over the files
 * with its successor.
 */
import type { ConfigFault } from '../config/fault.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import { type Asking, createAsking, type Member, type Send } from './ask-all.ts'

/** As long as connecting stores and reading definitions may take in a slow worker. */
const PATIENCE_MS = 30_000

type Faults = readonly ConfigFault[]

export interface Reloads<M extends Member = Member>
  extends Pick<Asking<M, Faults>, 'done' | 'gone'> {
  /** Resolves with what the workers did not take over, each fault with its worker. */
  readonly all: (members: readonly M[], by: ReloadedBy) => Promise<Faults>
}

const LATE: ConfigFault = { place: 'the configuration', message: 'was not taken over in time' }

export const createReloads = <M extends Member>(
  send: Send<M>,
  patienceMs = PATIENCE_MS
): Reloads<M> => {
  const asking = createAsking<M, Faults>(send, { patienceMs, late: [LATE], gone: [] })
  return {
    ...asking,
    // One that does not hear yet has not read the files yet.
    all: async (members, by) => {
      const answers = await asking.all(members, (id) => ({ do: 'reload', id, by }))
      return answers.flatMap(([{ number }, faults]) =>
        faults.map(({ place, message }) => ({ place: `worker ${number}: ${place}`, message }))
      )
    }
  }
}
