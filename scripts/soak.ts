/**
 * Holds four replicas to what they promise while everything around them fails: Redis, stores, disks, clocks, networks, and
 * the replicas themselves, at half of what they can do. Exit code 1 if an invariant is broken.
 *
 * `npm run soak -- [--minutes 30] [--seed N] [--only "Redis killed"]...`: a seed gives the same faults in the same order,
 * at the same replicas, for as long; chance is not in when they meet which request. `--plant betrayal` is for the test that
 * shows that the soak can fail.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { randomFrom } from '../test/support/random.ts'
import { slowness } from '../test/support/stopwatch.ts'
import { within } from './bench/processes.ts'
import { measureCapacity, startCalling } from './soak/callers.ts'
import { readDescription } from './soak/described.ts'
import { FAULTS } from './soak/faults.ts'
import { endAll, lookAtTrails, sweepAll } from './soak/finish.ts'
import { createJudge } from './soak/judge.ts'
import { createLedger, type Ledger } from './soak/ledger.ts'
import type { Chance } from './soak/operations.ts'
import { OPENAPI } from './soak/replica.ts'
import { type Outcome, reportOf } from './soak/report.ts'
import { possibleFaults, runFaults, untilAllReady } from './soak/schedule.ts'
import { startStreams } from './soak/streams.ts'
import { judgeUse } from './soak/use.ts'
import { startWorld, type World } from './soak/world.ts'

const LOOK_EVERY_MS = 5_000
const SAY_EVERY_MS = 30_000
const MEASURE_SECONDS = 5
/** What one machine is asked for at most, so that the trails of half an hour fit on it. */
const MOST_PER_SECOND = 300
const SHARE = 0.5

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    only: { type: 'string', multiple: true, default: [] },
    plant: { type: 'string' }
  }
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)

const began = performance.now()
const say = (line: string): void => {
  const passed = Math.round((performance.now() - began) / 1_000)
  const clock = `${Math.floor(passed / 60)}:${String(passed % 60).padStart(2, '0')}`
  console.log(`${clock} ${line}`)
}

const chanceFrom = (start: number): Chance => {
  const random = randomFrom(start)
  return { random, pick: (all) => all[Math.floor(random() * all.length)] as (typeof all)[number] }
}

/** Looks at trails and memory while the soak runs; `stop` resolves once the last look is over. */
const startWatching = (world: World, ledger: Ledger) => {
  let isOver = false
  let said = performance.now()
  const lag = monitorEventLoopDelay()
  lag.enable()
  const watching = (async () => {
    while (!isOver) {
      await sleep(LOOK_EVERY_MS)
      await lookAtTrails(world)
      for (const replica of world.replicas) replica.sample()
      if (performance.now() - said < SAY_EVERY_MS) continue
      said = performance.now()
      const late = `${(lag.percentile(99) / 1e6).toFixed(0)} ms late at p99`
      lag.reset()
      say(`${ledger.total()} requests, ${ledger.broken()} violations; the soak itself ${late}`)
    }
  })()
  return {
    stop: async (): Promise<void> => {
      isOver = true
      await watching
    }
  }
}

/** How much longer than alone this machine takes, looked at now and then. */
const watchSlowness = () => {
  let now = slowness()
  let at = performance.now()
  return (): number => {
    if (performance.now() - at > LOOK_EVERY_MS) {
      now = slowness()
      at = performance.now()
    }
    return now
  }
}

const soak = (): Promise<Outcome> =>
  within(async (scope) => {
    // Services, disks and peers must not outlive it.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void scope.end().finally(() => process.exit(1)))
    }
    const ledger = createLedger(say)
    const world = await startWorld(scope, ledger)
    if ((await untilAllReady(world)) === 'too long') {
      throw new Error('not all replicas became ready')
    }
    const handles = world.replicas.map(({ descriptors }) => descriptors())
    const describes = readDescription(OPENAPI)
    const judge = createJudge(world, describes, watchSlowness())
    const chance = chanceFrom(seed + 1)
    const capacity = await measureCapacity(world, chance, judge, MEASURE_SECONDS)
    const perSecond = Math.max(1, Math.min(MOST_PER_SECOND, capacity * SHARE))
    const possible = possibleFaults(world)
    const faults = possible.filter(
      ({ name }) => values.only.length === 0 || values.only.includes(name)
    )
    say(`seed ${seed}: ${perSecond.toFixed(0)} requests a second of ${capacity.toFixed(0)}`)

    const calling = startCalling(world, chance, judge, perSecond)
    const streams = startStreams(world, chanceFrom(seed + 2), describes)
    const watching = startWatching(world, ledger)
    if (values.plant === 'betrayal') world.peers.vault.betray()
    const happened = await runFaults(
      { world, chance: chanceFrom(seed), faults, say },
      minutes * 60_000
    )
    await Promise.all([calling.stop(), streams.stop()])
    await watching.stop()
    await sweepAll(world)
    for (const { agent } of world.replicas) agent.destroy()
    await sleep(1_000)
    const used = world.replicas.map((replica, i) => judgeUse(replica, handles[i] ?? 0, ledger))
    await lookAtTrails(world)
    await endAll(world)
    return {
      seed,
      minutes,
      capacity,
      perSecond,
      leftOut: calling.leftOut(),
      happened,
      leftOutFaults: FAULTS.filter((fault) => !possible.includes(fault)).map(({ name }) => name),
      used,
      keys: world.keys.counts(),
      ledger
    }
  })

const outcome = await soak()
console.log(reportOf(outcome))
process.exitCode = outcome.ledger.broken() === 0 ? 0 : 1
