/**
 * Runs a scenario in a thread of its own, for two reasons: its time is simulated for all code that runs there, and tap, which
 * looks at every promise of a test's thread, takes as long again as the simulation.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { simulate } from '../support/simulated-time.ts'
import { SCENARIOS } from './scenarios.ts'

type Scenarios = typeof SCENARIOS

/** What the scenario tells. Rejects with what it threw. */
export const runScenario = async <N extends keyof Scenarios>(
  name: N,
  seed = 1
): Promise<Awaited<ReturnType<Scenarios[N]>>> => {
  const thread = new Worker(new URL(import.meta.url), { workerData: { name, seed }, execArgv: [] })
  const [told] = await once(thread, 'message')
  return told
}

if (!isMainThread) {
  const { name, seed } = workerData as { name: keyof Scenarios; seed: number }
  parentPort?.postMessage(await simulate<unknown>(seed, SCENARIOS[name]))
  process.exit()
}
