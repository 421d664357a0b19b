/**
 * The format in which the state is kept, as a number in it; without one it is 1. Rule: a version raises the number before
 * it writes what the one before cannot read, and only once no such version is left; whoever finds a greater number than
 * it knows works on nothing, so that nothing is lost.
 */
import { STATE_SPACES } from './namespaces.ts'
import type { State } from './state.ts'

const FORMAT = 1

const ENTRY = `${STATE_SPACES.state.prefix}format`

/** Its message is a sentence without its end. */
export class LaterFormat extends Error {}

/** Throws LaterFormat where a later version has taken the state over; rejects where it cannot be read. */
export const requireKnownFormat = async (state: Pick<State, 'get'>): Promise<void> => {
  const entry = await state.get(ENTRY)
  if (entry === undefined) return
  const text = entry.toString()
  if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= FORMAT) return
  const number = /^\d{1,9}$/.test(text) ? text : 'unknown'
  throw new LaterFormat(
    `the state was taken over by a later version of Purser (its format is ${number}, this version knows ${FORMAT}): run that version, or restore a backup from before`
  )
}
