/** How often an issuer is asked for its keys, whoever sends tokens, and how long its last answer is good. */
import { test } from 'tap'
import type { IssuerKeys } from '../../../src/crypto/workload-token.ts'
import { FRESH_MS, holdIssuerKeys, KEPT_MS, UNKNOWN_MS } from '../../../src/keys/issuer-keys.ts'

const keysWith = (...kids: string[]): IssuerKeys => ({
  has: (kid) => kids.includes(kid),
  find: (() => undefined) as never,
  count: kids.length,
  countFor: () => kids.length
})

const setUp = () => {
  const clock = { now: 1_000_000_000_000 }
  const issuer = { keys: keysWith('a'), isAway: false, asked: 0 }
  const failures: unknown[] = []
  const held = holdIssuerKeys({
    load: async () => {
      issuer.asked++
      if (issuer.isAway) throw new Error(`away ${issuer.asked}`)
      return issuer.keys
    },
    onFailure: (error) => failures.push(error),
    now: () => clock.now
  })
  const outcome = async (kid = 'a'): Promise<string> => {
    try {
      return (await held.forKey(kid)).has(kid) ? 'there' : 'not there'
    } catch (error) {
      return (error as Error).message
    }
  }
  return { clock, issuer, failures, outcome }
}

test('keys are asked for once for all who wait, and again after ten minutes, also where the clock was set back', async (t) => {
  const { clock, issuer, outcome } = setUp()
  t.same(await Promise.all([outcome(), outcome(), outcome()]), ['there', 'there', 'there'])
  t.equal(issuer.asked, 1)
  t.same([FRESH_MS, UNKNOWN_MS, KEPT_MS], [600_000, 30_000, 86_400_000])
  clock.now += FRESH_MS - 1
  await outcome()
  t.equal(issuer.asked, 1)
  clock.now += 1
  await outcome()
  t.equal(issuer.asked, 2)
  clock.now -= FRESH_MS
  await outcome()
  t.equal(issuer.asked, 3)
})

test('a key that the issuer did not have is asked for every half minute, however many ask', async (t) => {
  const { clock, issuer, outcome } = setUp()
  await outcome()
  issuer.keys = keysWith('a', 'b')
  clock.now += UNKNOWN_MS - 1
  t.equal(await outcome('b'), 'not there')
  t.equal(issuer.asked, 1)
  clock.now += 1
  t.equal(await outcome('a'), 'there', 'one that is known asks nothing')
  t.equal(issuer.asked, 1)
  t.equal(await outcome('b'), 'there')
  t.same([await outcome('c'), await outcome('d')], ['not there', 'not there'])
  t.equal(issuer.asked, 2)
})

test('an issuer that does not answer is asked ever more seldom, up to a minute, and at once often again', async (t) => {
  const { clock, issuer, failures, outcome } = setUp()
  issuer.isAway = true
  t.equal(await outcome(), 'away 1')
  for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    clock.now += seconds * 1_000 - 1
    t.equal(await outcome(), `away ${index + 1}`, 'not asked')
    clock.now += 1
    t.equal(await outcome(), `away ${index + 2}`)
  }
  t.equal(failures.length, 9)
  issuer.isAway = false
  clock.now += 60_000
  t.equal(await outcome(), 'there')
  issuer.isAway = true
  clock.now += FRESH_MS
  await outcome()
  clock.now += 1_000
  const { asked } = issuer
  await outcome()
  t.equal(issuer.asked, asked + 1, 'a second after its first failure')
})

test('what was known stays good for a day while the issuer does not answer', async (t) => {
  const { clock, issuer, outcome } = setUp()
  await outcome()
  issuer.isAway = true
  clock.now += KEPT_MS - 1
  t.equal(await outcome(), 'there')
  t.equal(issuer.asked, 2)
  clock.now += 1
  t.equal(await outcome(), 'away 2')
  clock.now += 1_000
  t.equal(await outcome(), 'away 3')
  issuer.isAway = false
  clock.now += 2_000
  t.equal(await outcome(), 'there')
})
