/**
 * Deadlines that a busy process does not miss for the peer: when one has passed, the event loop gets one more turn, so
 * that an answer which has been lying there is taken first.
 */
import { setMaxListeners } from 'node:events'

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

const untilAborted = <T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error
): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = (): void => reject(late())
    if (signal.aborted) return giveUp()
    // As many wait for it as there are calls, and stop waiting with them: nothing that Node would have to warn of.
    setMaxListeners(0, signal)
    signal.addEventListener('abort', giveUp, { once: true })
    void work(signal)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp))
  })

/**
 * The outcome of the work, or the rejection that `late` makes as soon as the time is up, whatever the work still waits
 * for. `time`: so many milliseconds, or until a signal aborts that others share; where that has aborted, nothing is
 * begun.
 */
export const withDeadline = <T>(
  time: number | AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error
): Promise<T> => {
  if (typeof time !== 'number') return untilAborted(time, work, late)
  const controller = new AbortController()
  const cancel = after(time, () => controller.abort())
  return untilAborted(controller.signal, work, late).finally(cancel)
}

/** However long the event loop stands still, it takes one of these, and what was finished meanwhile is heard before the next. */
const PARTS = 4

/** Calls back so many milliseconds after it was made or wound up again last. */
export type WindUp = (callBack: () => void, ms: number) => { readonly refresh: () => void }

const windUp: WindUp = (callBack, ms) => {
  const timer = setTimeout(callBack, ms).unref()
  return { refresh: () => void timer.refresh() }
}

/**
 * For work of several steps, one piece at a time: what its outcome is, or `late` if there is none after so many milliseconds
 * in which this process was awake. Its timer is wound up again for each: a timer and a race of promises for each write of the
 * audit trail took as long as a line of it.
 */
export const createPatience = <L>(
  ms: number,
  late: L,
  wind = windUp
): (<T>(outcome: Promise<T>) => Promise<T | L>) => {
  let giveUp = (_late: L): void => {}
  let left = 0
  const timer = wind(() => {
    left--
    if (left > 0) timer.refresh()
    else giveUp(late)
  }, ms / PARTS)
  return (outcome) =>
    new Promise((resolve) => {
      giveUp = resolve
      left = PARTS
      timer.refresh()
      void outcome.then(resolve)
    })
}
