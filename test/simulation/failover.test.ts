/** Redis away for ten seconds under readers, and back without what it held. */
import { test } from 'tap'
import { callsByPath, mostOver } from '../support/simulated-replicas.ts'
import { runScenario } from './run-scenario.ts'
import { FAILOVER } from './scenarios.ts'

const { replicas, secrets, ttlSeconds, quota } = FAILOVER
/** Until the last replica has found out that Redis is back, and what it began before has ended. */
const SETTLED_MS = 1_000
const GIVEN = ['HIT', 'MISS', 'STALE']

for (const name of ['failover', 'failoverWithCounts'] as const) {
  const hasCounts = name === 'failoverWithCounts'
  test(`a failover of Redis ${hasCounts ? 'that loses counts' : 'with nothing to lose'} makes no herd at the store`, async (t) => {
    const { calls, failedAt, backAt, during, after, dropped } = await runScenario(name)
    const away = calls.filter(({ at }) => at >= failedAt && at < backAt)
    const back = calls.filter(({ at }) => at >= backAt)
    t.comment(`away: ${away.length} calls for ${[...during]}`)
    t.comment(`back: ${back.length} calls for ${[...after]}`)
    t.ok(away.length > 0, 'each replica asks for itself')
    const over = mostOver(calls, quota)
    t.ok(over <= quota.burst + replicas, `${over} above the rate, of ${quota.burst}`)
    const settled = back.filter(({ at }) => at >= backAt + SETTLED_MS)
    const most = Math.max(...[...callsByPath(settled).values()].map((times) => times.length))
    t.equal(most, 1, 'each secret once again, whatever the number of replicas')
    t.ok(settled.length <= secrets)
    t.ok(ttlSeconds > 40, 'within one time to live')
    t.strictSame(new Set(dropped), new Set([Number(hasCounts)]))
    // What was dropped, since something may have been missed, comes back at the rate of the quota.
    const failures = [...during.keys(), ...after.keys()].filter((as) => !GIVEN.includes(as))
    t.strictSame(failures, hasCounts ? ['throttled'] : [])
  })
}
