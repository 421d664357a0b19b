/** A shared state on a Redis, ended with its test, with what it logs and how often it reconnected. */
import type { Test } from 'tap'
import { createRedisShared, type RedisSharedOptions } from '../../src/state/redis-shared.ts'
import type { RedisAddress } from '../../src/state/redis-url.ts'
import { type Shared, SharedUnavailable } from '../../src/state/shared.ts'
import { eventually } from './redis.ts'
import { startStopwatch } from './stopwatch.ts'

export interface OpenedShared {
  readonly shared: Shared
  /** JSON of each line. */
  readonly logs: readonly string[]
  readonly reconnects: () => number
  /** Resolves once commands work and messages arrive for the n-th time. */
  readonly whole: (n?: number) => Promise<void>
}

/** For tests of what calls do and not of how long they wait: a busy machine answers later. */
export const PATIENT = { deadlineMs: 10_000 }

export const openShared = (
  t: Test,
  address: RedisAddress,
  options: Pick<RedisSharedOptions, 'deadlineMs'> = {}
): OpenedShared => {
  const logs: string[] = []
  let reconnects = 0
  const shared = createRedisShared({
    address,
    prefix: 'purser:',
    ...options,
    log: (...line) => void logs.push(JSON.stringify(line))
  })
  shared.onReconnect(() => {
    reconnects++
  })
  shared.start()
  t.teardown(() => shared.close())
  return {
    shared,
    logs,
    reconnects: () => reconnects,
    whole: (n = 1) => eventually(() => reconnects >= n)
  }
}

export interface Timed {
  /** `done`, `unavailable`, or the error as a text. */
  readonly outcome: string
  readonly ms: number
}

/** How a call ended and how long it took. */
export const timed = async (call: Promise<unknown>): Promise<Timed> => {
  const passed = startStopwatch()
  const outcome = await call.then(
    () => 'done',
    (error: unknown) => (error instanceof SharedUnavailable ? 'unavailable' : String(error))
  )
  return { outcome, ms: passed() }
}
