/**
 * Time as it passed for this process. Rule: what a busy machine kept it from running does not count, so that a bound means
 * the same beside other work; a bound on computing is one on the time of the processor.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'

const TICK_MS = 5

/** For how long ticks have come later than they were to come, since the module was loaded. */
let late = 0
let ticked = performance.now()

const overdue = (): number => Math.max(0, performance.now() - ticked - TICK_MS)

setInterval(() => {
  late += overdue()
  ticked = performance.now()
}, TICK_MS).unref()

/** What it gives tells how many milliseconds have passed since. */
export const startStopwatch = (): (() => number) => {
  const since = performance.now() - late - overdue()
  return () => performance.now() - late - overdue() - since
}

/** How many milliseconds of the processor have been used since, by all threads of this process. */
export const startCpuWatch = (): (() => number) => {
  const since = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(since)
    return (user + system) / 1_000
  }
}

/** How much of a processor has to be used before its share says something, in milliseconds. */
const SAMPLE_MS = 40

/**
 * How many times longer than alone on the machine a process takes to compute: 1 on a quiet one. For bounds on what other
 * processes do.
 */
export const slowness = (): number => {
  const since = performance.now()
  const used = startCpuWatch()
  while (used() < SAMPLE_MS);
  return Math.max(1, (performance.now() - since) / used())
}

/**
 * Lets so many milliseconds pass, a turn of the event loop for each of them at least: what waits in this process for less has
 * happened then, also where the machine let it run late.
 */
export const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed++) {
    await sleep(1)
    await turn()
  }
}

/** Time that stands where every window of the limits begins: none ends within a test. */
const WINDOWS_START = Math.ceil(Date.now() / 3_600_000) * 3_600_000
export const frozen = (): number => WINDOWS_START
