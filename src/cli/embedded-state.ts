/** The embedded state for the length of one command, beside a service that may be running on it. */

import { createEmbeddedState } from '../state/embedded.ts'
import type { State } from '../state/state.ts'
import { Failure } from './failure.ts'

/** Its own errors, which name the folder and the reason, become failures of the command. */
export const withState = async <T>(
  dataDir: string,
  work: (state: State) => Promise<T>
): Promise<T> => {
  let state: State | undefined
  try {
    state = createEmbeddedState(dataDir)
    return await work(state)
  } catch (error) {
    const isOfState = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype
    throw isOfState ? new Failure(`${error.message}.`) : error
  } finally {
    await state?.close()
  }
}
