/** When an issuer is asked for its keys, and for how long they are good: whatever tokens come. */
import { type Test, test } from 'tap'
import { type IssuerKeys, issuerKeysIn } from '../../../src/crypto/workload-token.ts'
import { FRESH_MS, holdIssuerKeys, KEPT_MS, UNKNOWN_MS } from '../../../src/keys/issuer-keys.ts'
import { createWorkloadIssuer } from '../../support/workload-issuer.ts'

const { jwks } = await createWorkloadIssuer()
const keysOf = (...kids: readonly string[]): IssuerKeys => {
  const [rsa] = jwks.keys
  const keys = issuerKeysIn({ keys: kids.map((kid) => ({ ...rsa, kid })) }, 'sig')
  if (keys === undefined) throw new Error('they are some')
  return keys
}

const setUp = (kids: readonly string[] = ['one']) => {
  const issuer = { kids, isDown: false, asked: 0, answers: Promise.resolve() }
  const clock = { now: 1_000_000 }
  const held = holdIssuerKeys({
    load: async () => {
      issuer.asked++
      await issuer.answers
      if (issuer.isDown) throw new Error('down')
      return keysOf(...issuer.kids)
    },
    now: () => clock.now
  })
  const has = async (kid: string) => (await held.forKey(kid)).has(kid)
  return { issuer, clock, held, has }
}

test('one asks for all who wait, and what came is used without asking', async (t) => {
  const { issuer, has, clock } = setUp()
  let answer = (): void => {}
  issuer.answers = new Promise((resolve) => {
    answer = resolve
  })
  const all = Promise.all(Array.from({ length: 50 }, () => has('one')))
  answer()
  t.same(new Set(await all), new Set([true]))
  clock.now += FRESH_MS - 1
  t.equal(await has('one'), true)
  t.equal(issuer.asked, 1)
  clock.now += 1
  t.equal(await has('one'), true)
  t.equal(issuer.asked, 2)
})

test('a new key is seen within half a minute, and unknown ones make nobody ask more often', async (t) => {
  const { issuer, has, clock } = setUp()
  t.equal(await has('one'), true)
  issuer.kids = ['one', 'two']
  for (let i = 0; i < 100; i++) t.equal(await has(`k${i}`), false)
  t.equal(issuer.asked, 1)
  clock.now += UNKNOWN_MS
  t.equal(await has('two'), true)
  for (let i = 0; i < 100; i++) await has(`k${i}`)
  t.equal(issuer.asked, 2)
})

test('a key that the issuer took back is good for ten minutes at most', async (t) => {
  const { issuer, has, clock } = setUp(['one', 'two'])
  t.equal(await has('two'), true)
  issuer.kids = ['one']
  clock.now += FRESH_MS
  t.equal(await has('two'), false)
})

const isRefused = async (t: Test, has: (kid: string) => Promise<boolean>): Promise<void> => {
  await t.rejects(has('one'), { message: 'down' })
}

test('an issuer that is down is asked ever more seldom, however many come', async (t) => {
  const { issuer, has, clock } = setUp()
  issuer.isDown = true
  for (let i = 0; i < 100; i++) await isRefused(t, has)
  t.equal(issuer.asked, 1)
  const waits: number[] = []
  for (let asked = 1, since = clock.now; waits.length < 9; clock.now += 500) {
    await isRefused(t, has)
    if (issuer.asked === asked) continue
    waits.push(clock.now - since)
    since = clock.now
    asked = issuer.asked
  }
  t.same(
    waits,
    [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000)
  )
  issuer.isDown = false
  clock.now += 60_000
  t.equal(await has('one'), true)
})

test('known keys outlast an outage of nearly a day, and not longer', async (t) => {
  const { issuer, has, clock } = setUp()
  t.equal(await has('one'), true)
  issuer.isDown = true
  for (let hour = 1; hour < 24; hour++) {
    clock.now += 3_600_000
    t.equal(await has('one'), true, `${hour} hours`)
  }
  t.ok(issuer.asked <= 24)
  clock.now = 1_000_000 + KEPT_MS
  await isRefused(t, has)
  issuer.isDown = false
  clock.now += 60_000
  t.equal(await has('one'), true)
})

test('while an issuer fails, nobody whose key is known waits for it; whose key is not does', async (t) => {
  const { issuer, has, clock } = setUp()
  t.equal(await has('one'), true)
  issuer.isDown = true
  clock.now += FRESH_MS
  t.equal(await has('one'), true)
  let answer = (): void => {}
  issuer.answers = new Promise((resolve) => {
    answer = resolve
  })
  issuer.isDown = false
  issuer.kids = ['two']
  clock.now += 60_000
  t.equal(await has('one'), true, 'at once')
  t.equal(await has('one'), true)
  t.equal(issuer.asked, 3, 'and it was asked, once')
  const isThere = has('two')
  answer()
  t.equal(await isThere, true)
  t.equal(await has('one'), false, 'what it took back meanwhile is gone with its answer')
})

test('a clock that was set back does not make old keys new', async (t) => {
  const { issuer, has, clock } = setUp()
  t.equal(await has('one'), true)
  clock.now -= KEPT_MS
  t.equal(await has('one'), true)
  t.equal(issuer.asked, 2)
})
