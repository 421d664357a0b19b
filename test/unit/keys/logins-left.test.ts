/** What logins leave behind in the state, and for how long, by a clock that is handed in. */
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createLineage, endedLines } from '../../../src/keys/lineage.ts'
import { originOf } from '../../../src/keys/trust.ts'
import { createKeyUsage, oldUses } from '../../../src/keys/usage.ts'
import {
  passedSurely,
  prepared,
  removeLeftovers,
  whyNotByClock
} from '../../../src/state/leftovers.ts'
import { openState } from '../../support/embedded.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const LIFE_MS = 15 * MINUTE_MS
const ORIGIN = originOf('prod-cluster')

const setUp = (t: Test) => {
  const state = openState(t)
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  const lineage = createLineage(state)
  const clock = { now: NOON }
  const usage = createKeyUsage({
    state,
    sealer: () => sealer,
    now: () => clock.now,
    onFailure: () => t.fail('it is written')
  })
  const leftovers = [endedLines, oldUses(() => sealer)]
  /** As a service does each hour, by the clock of a replica that is ahead by so much. */
  const purge = async (ahead = 0): Promise<string | undefined> => {
    const at = clock.now + ahead
    const refusal = await whyNotByClock(state, at)
    if (refusal !== undefined) return refusal
    for (const one of await prepared(state, leftovers, at)) await removeLeftovers(state, one, at)
    return undefined
  }
  const issue = async (via: readonly string[], lifeMs = LIFE_MS): Promise<string> => {
    const keyId = randomUUID()
    const expiresAt = Math.floor((clock.now + lifeMs) / 1000)
    const principal = { ...PRINCIPAL, keyId, via, expiresAt }
    await lineage.enter(principal, via)
    usage.note(principal, clock.now)
    await usage.close()
    return keyId
  }
  const entries = async (): Promise<{ readonly key: string; readonly value: Buffer }[]> => {
    const found = []
    for await (const entry of state.list('')) {
      if (/^(?:issued|usage)\//.test(entry.key)) found.push(entry)
    }
    return found
  }
  const inForce = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const id of lineage.descendantsOf(ORIGIN, clock.now)) found.push(id)
    return found
  }
  return { state, clock, purge, issue, entries, inForce }
}

test('logins leave no more behind than those of two days and an hour, however long they go on', async (t) => {
  const { clock, purge, issue, entries, inForce } = setUp(t)
  const everyMs = HOUR_MS
  let most = 0
  for (const end = NOON + 6 * DAY_MS; clock.now < end; clock.now += everyMs) {
    const id = await issue([ORIGIN])
    t.equal(await purge(), undefined)
    t.same(await inForce(), [id], 'what a revocation has to find is there')
    most = Math.max(most, (await entries()).length)
  }
  const bound = (2 * (2 * DAY_MS + 2 * HOUR_MS + LIFE_MS)) / everyMs
  t.ok(most <= bound, `${most} entries, ${bound} at most`)
  const all = await entries()
  const bytes = (prefix: string): number =>
    Math.max(
      ...all
        .filter(({ key }) => key.startsWith(prefix))
        .map(({ key, value }) => key.length + value.length)
    )
  t.ok(bytes('issued/') <= 100, `${bytes('issued/')} bytes for what was issued`)
  t.ok(bytes('usage/') <= 600, `${bytes('usage/')} bytes for its use`)
  clock.now += 3 * DAY_MS
  await purge()
  clock.now += DAY_MS
  await purge()
  t.same(await entries(), [], 'and nothing once there are none')
})

test('a key that a key issued keeps its entry for 15 days and its use for 400', async (t) => {
  const { clock, purge, issue, entries } = setUp(t)
  await issue([randomUUID()])
  const left = async (): Promise<string[]> =>
    (await entries()).map(({ key }) => key.split('/')[0] ?? '')
  for (let day = 0; day < 15; day++) {
    await purge()
    t.same(await left(), ['issued', 'usage'])
    clock.now += DAY_MS
  }
  clock.now += HOUR_MS
  await purge()
  t.same(await left(), ['usage'])
})

test('a clock that is ahead takes nothing of a key that is in force', async (t) => {
  const { state, clock, purge, issue, inForce } = setUp(t)
  await purge()
  clock.now += DAY_MS
  await purge()
  const id = await issue([ORIGIN], DAY_MS)
  t.equal(await purge(10 * DAY_MS), undefined, 'so far it is believed')
  t.same(await inForce(), [id])
  t.match(await purge(), /that is so/, 'the right one is not, after that')
  t.equal(await purge(10 * DAY_MS), undefined)
  t.same(await inForce(), [id], 'but keeps the other one from what it would take')
  clock.now += 23 * HOUR_MS
  await purge()
  await purge(10 * DAY_MS)
  t.same(await inForce(), [id])
  t.equal(await passedSurely(openState(t), NOON), Number.NEGATIVE_INFINITY, 'on its first day')
  t.ok((await passedSurely(state, clock.now + 10 * DAY_MS)) <= clock.now)
})
