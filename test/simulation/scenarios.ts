/**
 * What happens in each simulation, and what is told of it: nothing but data. Rule: whatever comes by chance comes from the
 * simulation's seed.
 */
import {
  type Fleet,
  namesOf,
  readFor,
  startFleet,
  type UpstreamCall
} from '../support/simulated-replicas.ts'
import type { SimulatedTime } from '../support/simulated-time.ts'

const seconds = (count: number): number => count * 1_000

const readAll = (fleet: Fleet, paths: readonly string[]) =>
  Promise.all(fleet.replicas.flatMap(({ read }) => paths.map((path) => read(path))))

/** Two hundred replicas, forty secrets, five times to live: a few are in use everywhere, most now and then. */
export const LIVES = { replicas: 200, secrets: 40, ttlSeconds: 30, ttls: 5, perSecond: 300 }
const lives = async (time: SimulatedTime) => {
  const { replicas, secrets, ttlSeconds, ttls, perSecond } = LIVES
  const fleet = await startFleet(time, { count: replicas, ttlSeconds })
  const readers = { paths: namesOf(secrets), perSecond, seconds: ttlSeconds * ttls }
  const outcomes = await readFor(time, fleet, readers)
  const looks = { found: 0, missing: 0 }
  for (const replica of fleet.replicas) {
    const { found = 0, missing = 0 } = replica.looks() ?? {}
    looks.found += found
    looks.missing += missing
  }
  return { calls: fleet.calls, outcomes, commands: fleet.network.calls, looks }
}

/** All that is in use is fetched in one moment, and its time comes again. */
export const TOGETHER = { replicas: 10, secrets: 200, ttlSeconds: 600 }
const together = async (time: SimulatedTime) => {
  const { replicas, secrets, ttlSeconds } = TOGETHER
  const fleet = await startFleet(time, { count: replicas, ttlSeconds })
  const paths = namesOf(secrets)
  const began = time.passed()
  // So often that each replica has each of them in use.
  for (let round = 0; round < 17; round++) await readAll(fleet, paths)
  const first = [...fleet.calls]
  const outcomes = new Set<string>()
  await time.sleep((seconds(ttlSeconds) * 15) / 16 - seconds(2) - (time.passed() - began))
  while (time.passed() - began < seconds(ttlSeconds + 1)) {
    for (const { as } of await readAll(fleet, paths)) outcomes.add(as)
    await time.sleep(seconds(1))
  }
  return { first, again: fleet.calls.slice(first.length), outcomes }
}

/** Bots that start at one moment and read at the end of each time to live, of a store that takes few calls. */
export const BOTS = {
  replicas: 10,
  secrets: 300,
  ttlSeconds: 60,
  quota: { perSecond: 10, burst: 20 }
}
const bots = async (time: SimulatedTime) => {
  const { replicas, secrets, ttlSeconds, quota } = BOTS
  const fleet = await startFleet(time, { count: replicas, ttlSeconds, quota })
  const paths = namesOf(secrets)
  const rounds: Record<string, number>[] = []
  for (let round = 0; round < 4; round++) {
    const seen: Record<string, number> = {}
    const until = time.passed() + seconds(ttlSeconds)
    let waiting = paths
    while (time.passed() < until) {
      const answers = await Promise.all(
        waiting.map(async (path, i) => ({
          path,
          ...(await fleet.replicas[i % replicas]?.read(path))
        }))
      )
      for (const { as = '' } of answers) seen[as] = (seen[as] ?? 0) + 1
      waiting = answers.filter(({ version }) => version === undefined).map(({ path }) => path)
      await time.sleep(seconds(1))
    }
    rounds.push(seen)
  }
  return { calls: fleet.calls, rounds }
}

/** Redis goes away for a while and comes back empty, after something had been invalidated or not. */
export const FAILOVER = {
  replicas: 50,
  secrets: 150,
  ttlSeconds: 60,
  quota: { perSecond: 20, burst: 100 },
  awaySeconds: 10
}
const failover = (hasInvalidated: boolean) => async (time: SimulatedTime) => {
  const { replicas, secrets, ttlSeconds, quota, awaySeconds } = FAILOVER
  const fleet = await startFleet(time, { count: replicas, ttlSeconds, quota })
  const paths = namesOf(secrets)
  // As fast as the quota gives, of which each replica has its share.
  for (const [i, path] of paths.entries()) {
    await fleet.replicas[i % replicas]?.read(path)
    await time.sleep(100)
  }
  await readAll(fleet, paths)
  if (hasInvalidated) await fleet.replicas[3]?.invalidate('app/another')
  // The end of the first secrets' time falls into the outage.
  await time.sleep(seconds(ttlSeconds - 5) - time.passed())
  const failedAt = time.passed()
  fleet.network.fail()
  const readers = { paths, perSecond: 200 }
  const during = await readFor(time, fleet, { ...readers, seconds: awaySeconds })
  const backAt = time.passed()
  fleet.network.recover({ hasLost: true })
  const after = await readFor(time, fleet, { ...readers, seconds: 40 })
  const dropped = fleet.replicas.map((replica) => replica.droppedStores())
  return { calls: fleet.calls, failedAt, backAt, during, after, dropped }
}

/** Each of ten thousand secrets has a new version, and its cloud says so; readers go on. */
export const ROTATION = {
  replicas: 30,
  secrets: 10_000,
  withinSeconds: 20,
  quota: { perSecond: 60, burst: 100 },
  perSecond: 300
}
const rotation = async (time: SimulatedTime) => {
  const { replicas, secrets, withinSeconds, quota, perSecond } = ROTATION
  const fleet = await startFleet(time, { count: replicas, ttlSeconds: 600, quota })
  const paths = namesOf(secrets)
  // What is read now and then is cached here and there.
  await readFor(time, fleet, { paths, perSecond, seconds: 20 })
  const before = fleet.calls.length
  const invalidatedAt = new Map<string, number>()
  const rotate = async (path: string, i: number): Promise<void> => {
    await time.sleep((i * seconds(withinSeconds)) / secrets)
    fleet.rotate([path])
    await fleet.replicas[Math.floor(time.random() * replicas)]?.invalidate(path)
    invalidatedAt.set(path, time.passed())
  }
  const rotated = Promise.all(paths.map(rotate))
  const outcomes = await readFor(time, fleet, { paths, perSecond, seconds: withinSeconds + 10 })
  await rotated
  const old: string[] = []
  for (const path of paths.slice(0, 200)) {
    const { version } = (await fleet.replicas[0]?.read(path)) ?? {}
    if (version === '1') old.push(path)
  }
  const calls: readonly UpstreamCall[] = fleet.calls.slice(before)
  const dropped = fleet.replicas.map((replica) => replica.droppedStores())
  return { calls, invalidatedAt, outcomes, old, dropped, commands: fleet.network.calls }
}

export const SCENARIOS = {
  lives,
  together,
  bots,
  failover: failover(false),
  failoverWithCounts: failover(true),
  rotation
}
