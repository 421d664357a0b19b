/** What is over its time: found, on record and gone, by a clock that can be believed. */
import { type Test, test } from 'tap'
import { ENDED, leftoversOf } from '../../../src/app/leftovers.ts'
import { createPurger, type PurgerOptions } from '../../../src/audit/purger.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createSealedEnds } from '../../../src/integrations/sealed-ends.ts'
import { createUsedStates } from '../../../src/integrations/used-states.ts'
import { createLineage } from '../../../src/keys/lineage.ts'
import { putRevocation, sessionNamed } from '../../../src/keys/revocations.ts'
import { createKeyUsage } from '../../../src/keys/usage.ts'
import {
  countLeftovers,
  prepared,
  removeLeftovers,
  whyNotByClock
} from '../../../src/state/leftovers.ts'
import type { State } from '../../../src/state/state.ts'
import { createDirectory, openState } from '../../support/embedded.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000

const keysIn = async (state: State): Promise<string[]> => {
  const keys: string[] = []
  for await (const { key } of state.list('')) keys.push(key)
  return keys
}

/** One of each kind that is over after 500 days, and one of each that is not. */
const fill = async (state: State) => {
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  const usage = createKeyUsage({
    state,
    sealer: () => sealer,
    now: () => NOON,
    onFailure: () => {}
  })
  const later = NOON + 500 * DAY_MS
  const seconds = (ms: number): number => Math.floor(ms / 1000)
  const lineage = createLineage(state)
  const used = createUsedStates({ state, now: () => NOON })
  const ends = createSealedEnds({ state, now: () => NOON })
  for (const [keyId, at] of [
    ['a', NOON],
    ['b', later]
  ] as const) {
    usage.note({ ...PRINCIPAL, keyId }, at)
    await lineage.enter({ ...PRINCIPAL, keyId, expiresAt: seconds(at + DAY_MS) }, ['x'])
    await used.take(keyId, seconds(at + 600_000))
    await ends.note(`kid-${keyId}`, seconds(at + 600_000))
    await putRevocation(state, sessionNamed(keyId), at)
    await state.compareAndSet(`sessions/${seconds(at)}/${keyId}`, undefined, Buffer.from('1'))
  }
  const { expiresAt: _, ...endless } = { expiresAt: 0, ...PRINCIPAL, keyId: 'c' }
  await lineage.enter(endless, ['x'])
  await state.compareAndSet('revoked/a', undefined, Buffer.from('1'))
  await usage.close()
  return { later, leftovers: leftoversOf(() => sealer) }
}

const purgerOn = (
  t: Test,
  state: State,
  leftovers: NonNullable<PurgerOptions['leftovers']>,
  record: (line: string) => Promise<void> = async () => {}
) => {
  const clock = { time: NOON }
  const logged: string[] = []
  const purger = createPurger({
    folder: createDirectory(t),
    findKey: () => undefined,
    days: 90,
    everyMs: 3_600_000,
    now: () => clock.time,
    recorder: {
      allowed: (_who, action, _reference, facts) =>
        record(`${action} ${facts?.object} ${facts?.reason}`)
    },
    state,
    leftovers,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`)
  })
  return { purger, clock, logged }
}

test('what is over its time is purged once that is on record, and nothing else is', async (t) => {
  const state = openState(t)
  const { later, leftovers } = await fill(state)
  const before = await keysIn(state)
  const recorded: string[] = []
  const { purger, clock, logged } = purgerOn(t, state, leftovers, async (line) => {
    recorded.push(`${line} of ${(await keysIn(state)).length}`)
  })
  await purger.run()
  t.same(recorded, [], 'nothing is over yet')
  // A service that runs asks each day.
  for (clock.time = NOON; clock.time < later; clock.time += DAY_MS) {
    await whyNotByClock(state, clock.time)
  }
  clock.time = later
  await purger.run()
  t.same(recorded, [
    'state.purge state usage 1 entries of 15',
    'state.purge state issued 1 entries of 14',
    'state.purge state used 1 entries of 13',
    'state.purge state states 1 entries of 12',
    'state.purge state sessions 1 entries of 11',
    'state.purge state register 1 entries of 10'
  ])
  t.same(logged, [
    'info what was over its time is purged {"usage":1,"issued":1,"used":1,"states":1,"sessions":1,"register":1}'
  ])
  const left = await keysIn(state)
  const gone = before.filter((key) => !left.includes(key))
  t.same(
    gone.map((key) => key.replace(/\d{10,12}/, 'end')),
    ['issued/a', 'revoked/a/session', 'sessions/end/a', 'states/kid-a', 'usage/a', 'used/end/a']
  )
  await purger.close()
})

test('nothing goes without a record, and the log says so once a run', async (t) => {
  const state = openState(t)
  const { later, leftovers } = await fill(state)
  const before = await keysIn(state)
  const { purger, clock, logged } = purgerOn(t, state, leftovers, async () => {
    throw new Error('no record')
  })
  clock.time = later
  await purger.run()
  t.same(await keysIn(state), [...before, 'retention/clock'].sort())
  t.equal(logged.length, 1)
  t.match(logged[0], /^error the purge of what is over its time failed /)
})

test('a clock that was set is believed from the next day on, and till then nothing goes', async (t) => {
  const state = openState(t)
  const { later, leftovers } = await fill(state)
  const { purger, clock, logged } = purgerOn(t, state, leftovers)
  await purger.run()
  const before = await keysIn(state)
  clock.time = later
  await purger.run()
  await purger.run()
  t.same(await keysIn(state), before)
  t.equal(logged.length, 1, 'said once')
  t.match(logged[0], /^error what is over its time is not purged .*2027-07-14.*2026-03-01/)
  clock.time = NOON + DAY_MS
  await purger.run()
  t.same(await keysIn(state), before, 'backwards neither')
  clock.time = later
  await purger.run()
  clock.time += DAY_MS
  await purger.run()
  t.ok((await keysIn(state)).length < before.length)
})

test('a jump of the clock that is believed ends nothing that lives once the clock is put right', async (t) => {
  const state = openState(t)
  const midnight = Date.parse('2026-03-01T00:00:00.000Z')
  const { purger, clock } = purgerOn(t, state, ENDED)
  const soon = Math.floor(midnight / 1000) + 1
  await createLineage(state).enter({ ...PRINCIPAL, keyId: 'a', expiresAt: soon }, ['x'])
  await createUsedStates({ state, now: () => midnight }).take('a', soon)
  await createSealedEnds({ state, now: () => midnight }).note('a', soon)
  clock.time = midnight
  await purger.run()
  const before = await keysIn(state)
  clock.time = midnight + 15 * DAY_MS - 1
  await purger.run()
  const after = (await keysIn(state)).filter((key) => key !== 'retention/clock')
  t.same(
    after,
    before.filter((key) => key !== 'retention/clock')
  )
  t.equal(after.length, 3)
  t.equal(await whyNotByClock(state, clock.time, { isDryRun: true }), undefined, 'it was believed')
  // As of a service that runs: the same entries go later.
  clock.time += 2 * DAY_MS
  await purger.run()
  t.same(await keysIn(state), ['retention/clock'])
})

test('a dry run counts, and leaves nothing behind, not even that it was made', async (t) => {
  const state = openState(t)
  const { later, leftovers } = await fill(state)
  const before = await keysIn(state)
  t.equal(await whyNotByClock(state, later, { isDryRun: true }), undefined)
  for (const one of leftovers) t.equal(await countLeftovers(state, one, later), 1, one.name)
  t.same(await keysIn(state), before)
})

test('many entries go a page at a time, others have their turn, and a stop is heeded', async (t) => {
  const state = openState(t)
  for (let n = 0; n < 1_000; n++) {
    await state.compareAndSet(`used/000000000001/${n}`, undefined, Buffer.from([1]))
  }
  const [, , used] = leftoversOf(() => {
    throw new Error('not asked')
  })
  if (used === undefined) throw new Error('it is the third')
  let turns = 0
  const count = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns++
      pending = count()
    })
  let pending = count()
  let gone = 0
  t.equal(await removeLeftovers(state, used, NOON, () => gone++ >= 300), 300)
  t.equal(await removeLeftovers(state, used, NOON), 700)
  clearImmediate(pending)
  t.ok(turns >= 5, `${turns} turns`)
})

test('uses under a lost encryption key go when it has been lost for as long as uses are kept, on record', async (t) => {
  const state = openState(t)
  const [lost, kept] = [newEncryptionKey(), newEncryptionKey()]
  const noteUse = async (key: string, keyId: string, at: number): Promise<void> => {
    const sealer = createSealer(createKeyring([key]))
    const usage = createKeyUsage({ state, sealer: () => sealer, now: () => at, onFailure: t.fail })
    usage.note({ ...PRINCIPAL, keyId }, at)
    await usage.close()
  }
  await noteUse(lost, 'lost', NOON)
  await noteUse(kept, 'kept', NOON + 300 * DAY_MS)
  const recorded: string[] = []
  const ring = { keys: [kept] }
  const leftovers = leftoversOf(() => createSealer(createKeyring(ring.keys)))
  const { purger, clock } = purgerOn(t, state, leftovers, async (line) => void recorded.push(line))
  const runOn = async (day: number, keys: readonly string[]): Promise<void> => {
    ring.keys = [...keys]
    // A service that runs asks each day.
    for (; clock.time < NOON + day * DAY_MS; clock.time += DAY_MS) {
      await whyNotByClock(state, clock.time)
    }
    await purger.run()
  }
  const uses = async () => (await keysIn(state)).filter((key) => key.startsWith('usage/'))
  await runOn(10, [kept])
  await runOn(20, [lost, kept])
  await runOn(30, [kept])
  await runOn(429, [kept])
  t.same(await uses(), ['usage/kept', 'usage/lost'], 'it was back in between, and so not lost')
  const would = async (isDryRun: boolean) => {
    const [use] = await prepared(state, leftovers, clock.time + 2 * DAY_MS, { isDryRun })
    return use && (await countLeftovers(state, use, clock.time + 2 * DAY_MS))
  }
  t.equal(await would(true), 1, 'a dry run shows it')
  t.same(recorded, [])
  await runOn(431, [kept])
  t.same(recorded, ['state.purge state usage 1 entries'])
  t.same(await uses(), ['usage/kept'])
  await runOn(432, [kept])
  t.notOk((await keysIn(state)).includes('retention/lost'), 'nothing is lost any more')
  await purger.close()
})

test('a dry run notes no encryption key as lost', async (t) => {
  const state = openState(t)
  const others = createSealer(createKeyring([newEncryptionKey()]))
  await fill(state)
  const before = await keysIn(state)
  await prepared(
    state,
    leftoversOf(() => others),
    NOON,
    { isDryRun: true }
  )
  t.same(await keysIn(state), before)
  await prepared(
    state,
    leftoversOf(() => others),
    NOON
  )
  t.same(await keysIn(state), [...before, 'retention/lost'].sort())
})
