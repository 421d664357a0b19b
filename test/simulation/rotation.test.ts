/** Ten thousand secrets rotated within seconds, each told to another replica: what they drop, and what they ask the store. */
import { test } from 'tap'
import { callsByPath, mostOver } from '../support/simulated-replicas.ts'
import { runScenario } from './run-scenario.ts'
import { ROTATION } from './scenarios.ts'

test('a mass rotation costs a call for each secret that is read, at the rate of the quota', async (t) => {
  const { replicas, quota } = ROTATION
  const { calls, invalidatedAt, outcomes, old, dropped } = await runScenario('rotation')
  t.equal(invalidatedAt.size, ROTATION.secrets)
  const after = calls.filter(({ path, at }) => at > (invalidatedAt.get(path) ?? 0))
  const counts = [...callsByPath(after).values()].map((times) => times.length)
  const most = Math.max(...counts)
  t.comment(
    `${calls.length} calls, ${after.length} after; ${[...outcomes]}; ${counts.filter((n) => n > 1).length} twice`
  )
  t.equal(most, 1)
  const over = mostOver(calls, quota)
  t.ok(over <= quota.burst + replicas, `${over} above the rate, of ${quota.burst}`)
  t.ok(outcomes.has('throttled'), 'and more was wanted')
  t.strictSame(old, [], 'nothing of before is given out')
  t.strictSame(new Set(dropped), new Set([0]), 'and nothing else is dropped')
})
