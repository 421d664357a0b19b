/**
 * The faults in their time: every ten seconds the next one of a shuffled deck, so that each comes as often as any other.
 * Rule: a fault has ended and all replicas are ready again before the next one begins.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { slowness } from '../../test/support/stopwatch.ts'
import { type Begun, FAULTS, type Fault } from './faults.ts'
import { readinessOf } from './links.ts'
import type { Chance } from './operations.ts'
import type { World } from './world.ts'

const EVERY_MS = 10_000
const [SHORTEST_MS, LONGEST_MS] = [2_000, 6_000]
/** On a quiet machine; breakers and back-offs of stores and Redis take most of it. */
const READY_WITHIN_MS = 30_000

export interface Happened {
  readonly name: string
  readonly heldMs: number
  /** Undefined: they were not in time, or the machine had none. */
  readonly readyMs: number | undefined
}

/** The networks stand in this process: later than that, and Redis is late for who gives it 50 ms. */
const LATE_MS = 20
/** Longer is not waited for a machine that has no time for this process: the next fault comes. */
const BUSY_MS = 60_000

type Wait = { readonly ms: number } | 'too long' | 'too busy'

/** Until each replica says that it is well. */
export const untilAllReady = async ({ replicas }: World): Promise<Wait> => {
  const since = performance.now()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let slow = 1
  for (;;) {
    const said = await Promise.all(replicas.map(readinessOf))
    const passed = performance.now() - since
    if (said.every(({ status }) => status === 'ok')) return { ms: passed }
    slow = Math.max(slow, slowness())
    const isLate = delay.percentile(90) / 1e6 > LATE_MS
    if (passed > READY_WITHIN_MS * slow && !isLate) return 'too long'
    if (passed > BUSY_MS && isLate) return 'too busy'
    await sleep(500)
  }
}

const notReady = async ({ replicas }: World): Promise<string> => {
  const said = await Promise.all(replicas.map(readinessOf))
  return said.map((one, i) => `${i}: ${JSON.stringify(one)} ${replicas[i]?.said()}`).join('\n')
}

/** Without an end, each round in another order. */
function* shuffled<T>(all: readonly T[], { random }: Chance): Generator<T, never> {
  for (;;) {
    const deck = [...all]
    while (deck.length > 0) yield deck.splice(Math.floor(random() * deck.length), 1)[0] as T
  }
}

export interface Faulting {
  readonly world: World
  readonly chance: Chance
  readonly faults: readonly Fault[]
  readonly say: (line: string) => void
}

const happen = async (fault: Fault, { world, chance, say }: Faulting): Promise<Happened> => {
  const holdMs = SHORTEST_MS + chance.random() * (LONGEST_MS - SHORTEST_MS)
  const since = performance.now()
  const begun: Begun = await fault.begin(world, chance)
  await sleep(holdMs)
  await begun.end()
  const heldMs = performance.now() - since
  const waited = await untilAllReady(world)
  const late = waited === 'too long' ? await notReady(world) : undefined
  if (waited !== 'too busy') {
    world.ledger.judge('ready', late && `after ${fault.name} ${begun.detail}: ${late}`)
  }
  const readyMs = typeof waited === 'string' ? undefined : waited.ms
  const ready =
    readyMs === undefined ? `NOT ready: ${waited}` : `ready ${(readyMs / 1000).toFixed(1)} s later`
  const name = `${fault.name} ${begun.detail}`.trim()
  say(`${name}: ${(heldMs / 1000).toFixed(1)} s, all ${ready}`)
  return { name: fault.name, heldMs, readyMs }
}

/** One after the other until the time is over; resolves with what happened. */
export const runFaults = async (faulting: Faulting, ms: number): Promise<readonly Happened[]> => {
  const { faults, chance } = faulting
  const until = performance.now() + ms
  const deck = shuffled(faults, chance)
  const happened: Happened[] = []
  while (performance.now() < until) {
    const next = performance.now() + EVERY_MS
    happened.push(await happen(deck.next().value, faulting))
    const left = Math.min(next, until) - performance.now()
    if (left > 0) await sleep(left)
  }
  return happened
}

export const possibleFaults = (world: World): readonly Fault[] =>
  FAULTS.filter(({ isPossible }) => isPossible?.(world) ?? true)
