/** What many replicas ask of a store over several times to live, and when. */
import { test } from 'tap'
import { demandOf } from '../support/capacity.ts'
import {
  callsByPath,
  mostOver,
  peakPerSecond,
  slowestFetchMs
} from '../support/simulated-replicas.ts'
import { runScenario } from './run-scenario.ts'
import { BOTS, LIVES, TOGETHER } from './scenarios.ts'

/** What is in use is fetched anew before its time is over: by a sixteenth of it, and by as long as its last fetch took. */
const leastGapMs = (ttlSeconds: number): number =>
  (ttlSeconds * 1_000 * 15) / 16 - 1.1 * slowestFetchMs

const lives = runScenario('lives')

test('at 200 replicas a secret costs one call for each time to live, whoever reads it', async (t) => {
  const { secrets, ttlSeconds, ttls } = LIVES
  const { calls, outcomes } = await lives
  const byPath = callsByPath(calls)
  t.equal(byPath.size, secrets)
  const gaps = [...byPath.values()].flatMap((times) =>
    times.slice(1).map((at, i) => at - (times[i] ?? 0))
  )
  const least = Math.min(...gaps)
  t.comment(
    `${calls.length} calls; ${[...outcomes]}; two of one secret ${least.toFixed(0)} ms apart`
  )
  t.ok(least >= leastGapMs(ttlSeconds), 'never two within one time to live')
  t.ok(calls.length >= secrets * (ttls - 1), 'and they are read in each of them')
  t.strictSame(new Set(outcomes.keys()), new Set(['HIT', 'MISS']))
})

test('two hundred simulated replicas take no more than the model promises', async (t) => {
  const { replicas, secrets, ttlSeconds, ttls, perSecond } = LIVES
  const { calls, commands, looks } = await lives
  const demand = demandOf({
    callers: replicas,
    replicas,
    secrets,
    readsPerSecond: perSecond,
    ttlSeconds,
    eventsPerSecond: 0
  })
  const seconds = ttlSeconds * ttls
  const count = (name: 'acquire' | 'release' | 'put' | 'getMany'): number => commands.get(name) ?? 0
  // At the beginning nothing is cached.
  t.ok(calls.length <= demand.callsPerSecond * seconds + secrets)
  t.ok(calls.length > 0.8 * demand.callsPerSecond * seconds, 'and not many fewer')
  t.equal(count('put'), calls.length)
  const fills = looks.found
  t.ok(fills <= demand.fillsPerSecond * seconds + secrets * replicas)
  const waits = count('acquire') - count('release')
  t.comment(`${calls.length} calls, ${fills} fills, ${waits} looks of replicas that waited`)
  t.equal(looks.missing, calls.length)
  // Without a lease, and again with each attempt at one.
  const reads = looks.found + looks.missing + count('acquire')
  // Compared every four seconds, and once at the start.
  const compared = count('getMany') - reads
  t.ok(compared <= replicas * (seconds / 4 + 2), `${compared}`)
})

test('what was fetched all at once and is in use is not fetched all at once again', async (t) => {
  const { secrets } = TOGETHER
  const { first, again, outcomes } = await runScenario('together')
  t.equal(peakPerSecond(first), secrets, 'all at once')
  t.equal(again.length, secrets, 'each once')
  t.comment(`at most ${peakPerSecond(again)} of ${secrets} within a second of the second time`)
  t.ok(peakPerSecond(again) <= secrets / 5)
  t.strictSame(outcomes, new Set(['HIT']), 'and nobody waits')
})

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

test('what ends all at once and is more than the quota is fetched at its rate, and nobody who had it goes without', async (t) => {
  const { replicas, secrets, quota } = BOTS
  const { calls, rounds } = await runScenario('bots')
  for (const seen of rounds) t.comment(JSON.stringify(seen))
  const over = mostOver(calls, quota)
  t.comment(`${calls.length} calls, at most ${over.toFixed(1)} above the rate of the quota`)
  t.ok(over <= quota.burst + replicas, 'a bucket holds a fraction of a call more at each replica')
  const [first, ...later] = rounds
  t.ok((first?.['throttled'] ?? 0) > 0, 'at first there is nothing else to be given')
  for (const { throttled = 0, ...given } of later) {
    t.equal(throttled, 0)
    t.equal(sumOf(given), secrets, 'each is given a value at its first read')
  }
  t.ok(
    later.some(({ STALE = 0 }) => STALE > 0),
    'and where there is no call left for it, the one whose time is over'
  )
})
