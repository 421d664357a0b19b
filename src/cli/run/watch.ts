/**
 * From "something may have changed" to one renewal of the program. Rule: what comes close together is one change; a set is
 * taken only once all of it was read and is another than the present one; until then the program goes on as it is.
 */
import { backOffMs, type Clock } from './clock.ts'
import { type Dealt, type Stamp, stampOf } from './deal.ts'

export interface WatchOptions {
  readonly clock: Clock
  /** Rejects where something of it is not there. */
  readonly read: (signal: AbortSignal) => Promise<Dealt>
  /** Gives the set to the program. Rejects where it could not be, and the program has the former one. */
  readonly take: (next: Dealt, former: Stamp) => Promise<void>
  /** A set was taken. */
  readonly took: (next: Stamp) => void
  readonly tell: (line: string) => void
  /** Reading waits for up to so long, so that not all programs ask and start at one moment. */
  readonly jitterMs: number
  /** How often it is looked without being told; 0 for never. */
  readonly checkEveryMs: number
}

export interface Watching {
  readonly changed: () => void
  /** Until the signal says so. */
  readonly run: (first: Stamp, signal: AbortSignal) => Promise<void>
}

/** For what belongs together. */
const TOGETHER_MS = 100
/** Another replica may not have heard of the change yet when it is asked. */
const SECOND_LOOK_MS = 3_000

const isSame = (a: Stamp, b: Stamp): boolean =>
  a.digestOfVariables === b.digestOfVariables && a.digestOfFiles === b.digestOfFiles

export const createWatching = (options: WatchOptions): Watching => {
  const { clock, read, take, took, tell, jitterMs, checkEveryMs } = options
  let isDirty = false
  let wake = new AbortController()

  const changed = (): void => {
    isDirty = true
    wake.abort()
  }

  /** Until something is said to have changed, or for so long. */
  const rest = async (ms: number, signal: AbortSignal): Promise<void> => {
    wake = new AbortController()
    if (!isDirty) await clock.wait(ms, AbortSignal.any([wake.signal, signal]))
  }

  const pauseMs = (looksAgain: boolean): number => {
    if (looksAgain) return SECOND_LOOK_MS
    return checkEveryMs === 0 ? 2 ** 31 - 1 : checkEveryMs * (0.75 + clock.random() / 2)
  }

  const run = async (first: Stamp, signal: AbortSignal): Promise<void> => {
    let present = first
    let failures = 0
    let looksAgain = false
    while (!signal.aborted) {
      if (failures > 0) await clock.wait(backOffMs(failures, clock), signal)
      else await rest(pauseMs(looksAgain), signal)
      const wasTold = isDirty
      if (wasTold) await clock.wait(TOGETHER_MS + clock.random() * jitterMs, signal)
      if (signal.aborted) return
      isDirty = false
      try {
        const next = await read(signal)
        if (signal.aborted) return
        failures = 0
        looksAgain = wasTold && isSame(next, present)
        if (isSame(next, present)) continue
        await take(next, present)
        present = stampOf(next)
        took(present)
      } catch (error) {
        if (signal.aborted) return
        failures++
        if (failures === 1) tell(`The program keeps what it has: ${(error as Error).message}`)
      }
    }
  }
  return { changed, run }
}
