/**
 * Deadlines that a busy process does not miss for the peer: when one has passed, the event loop gets one more turn, so that
 * an answer which has been lying there is taken first.
 */

/** Calls back after so many milliseconds; what it gives cancels that. */
export const after = (ms: number, callBack: () => void): (() => void) => {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    immediate = setImmediate(callBack)
  }, ms)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}

/** The outcome, or the rejection that `late` makes once the time has passed; what comes later is of no interest then. */
export const within = <T>(ms: number, outcome: Promise<T>, late: () => Error): Promise<T> =>
  new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(late()))
    outcome.then(resolve, reject).finally(cancel)
  })
