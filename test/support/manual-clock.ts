/** The clock of `purser run` in a test's hand. Rule: nothing is slept; time passes when the test says so. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/cli/run/clock.ts'

export interface ManualClock extends Clock {
  /** Lets so many milliseconds pass, one waiter after the other, and what they do. */
  readonly advance: (ms: number) => Promise<void>
  /** What is waited for, in milliseconds from now. */
  readonly waits: () => number[]
}

/** Enough for answers of a server in this process. */
export const settle = async (turns = 20): Promise<void> => {
  for (let i = 0; i < turns; i++) await turn()
}

export const createManualClock = (random: () => number = () => 0.5): ManualClock => {
  let now = 0
  const waiting = new Set<{ readonly at: number; readonly done: () => void }>()
  return {
    now: () => now,
    random,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const one = {
          at: now + ms,
          done: () => {
            waiting.delete(one)
            resolve()
          }
        }
        waiting.add(one)
        signal?.addEventListener('abort', one.done, { once: true })
      }),
    waits: () => [...waiting].map(({ at }) => at - now).sort((a, b) => a - b),
    advance: async (ms) => {
      const until = now + ms
      await settle()
      for (;;) {
        const next = [...waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        now = next.at
        next.done()
        await settle()
      }
      now = until
    }
  }
}
