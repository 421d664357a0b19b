// The key that a run asks with: logins, their renewal, and outages.
import { test } from 'tap'
import { sessionByFile, sessionByLogin } from '../../../../src/cli/run/session.ts'
import { Unread } from '../../../../src/cli/run/unread.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { purserOf, startFakePurser } from '../../../support/fake-purser.ts'
import { createManualClock } from '../../../support/manual-clock.ts'

const createLogins = (random?: () => number) => {
  const clock = createManualClock(random)
  const told: string[] = []
  const at: number[] = []
  const state = { fails: false }
  const session = sessionByLogin({
    clock,
    tell: (line) => told.push(line),
    login: async () => {
      at.push(clock.now())
      if (state.fails) throw new Unread([{ what: undefined, code: 'unreachable', why: 'x' }])
      return { key: new Sensitive(`key ${at.length}`), lifeMs: 900_000 }
    }
  })
  const key = async () => (await session.key()).reveal()
  return { clock, told, at, state, session, key }
}

test('a login is used until it is near its end, and one is under way at a time', async (t) => {
  const { clock, at, key } = createLogins()
  t.strictSame(await Promise.all([key(), key(), key()]), ['key 1', 'key 1', 'key 1'])
  await clock.advance(897_000)
  t.equal(await key(), 'key 1')
  await clock.advance(2_000)
  t.equal(await key(), 'key 2')
  t.equal(at.length, 2)
})

test('a key is renewed before it ends, not by all at the same moment', async (t) => {
  const times: number[] = []
  for (const random of [0, 0.5, 0.999]) {
    const { clock, at, session, key } = createLogins(() => random)
    const over = new AbortController()
    await key()
    const kept = session.keep(over.signal)
    await clock.advance(899_000)
    t.equal(at.length, 2)
    times.push(at[1] ?? 0)
    over.abort()
    await kept
    t.strictSame(clock.waits(), [])
  }
  t.ok(times[0]! >= 540_000 && times[2]! <= 720_000, String(times))
  t.equal(new Set(times).size, 3)
})

test('a service that is away is asked ever more seldom, told of once, and asked in vain for no longer than that', async (t) => {
  const { clock, at, told, state, session, key } = createLogins()
  await key()
  const over = new AbortController()
  const kept = session.keep(over.signal)
  state.fails = true
  await clock.advance(3_600_000)
  const gaps = at.slice(2).map((one, i) => one - (at[i + 1] ?? 0))
  t.ok(gaps.length > 40 && gaps.length < 120, `${gaps.length} attempts in an hour`)
  t.ok(gaps.slice(0, 5).every((gap, i, all) => i === 0 || gap > (all[i - 1] ?? 0)))
  t.ok(Math.max(...gaps) <= 60_000)
  t.equal(told.length, 1)
  state.fails = false
  await clock.advance(60_000)
  t.match(await key(), /^key/)
  over.abort()
  await kept
})

test('a key that the service refuses is asked for anew, once', async (t) => {
  const fake = await startFakePurser(t)
  fake.secrets.set('a:x', 'v')
  const { session, at } = createLogins()
  const purser = await purserOf(fake, session)
  const path = '/v1/secrets/batch?ref=a:x'
  const { signal } = new AbortController()
  fake.keys = new Set(['key 2'])
  t.equal((await purser.ask({ path, signal })).status, 200)
  t.strictSame(
    fake.asked.map(({ key }) => key),
    ['key 1', 'key 2']
  )
  fake.keys = new Set()
  await t.rejects(purser.ask({ path, signal }), { isKeyRefused: true, message: /invalid_api_key/ })
  t.equal(at.length, 3)
})

test('a key from a file is the one that stands there now', async (t) => {
  const fake = await startFakePurser(t)
  fake.secrets.set('a:x', 'v')
  let key = 'old'
  const session = sessionByFile(async () => new Sensitive(key))
  const purser = await purserOf(fake, session)
  const path = '/v1/secrets/batch?ref=a:x'
  const { signal } = new AbortController()
  await purser.ask({ path, signal })
  key = 'new'
  await purser.ask({ path, signal })
  t.strictSame(
    fake.asked.map((one) => one.key),
    ['old', 'new']
  )
})
