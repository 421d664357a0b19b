/** A service purges at its start and then each day: what it logs of that, how it ends, and that it does one at a time. */
import { readdirSync } from 'node:fs'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createAnchors, keptAnchors } from '../../../src/audit/anchors.ts'
import { createPurger, type PurgerOptions } from '../../../src/audit/purger.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY } from '../../support/audit-key.ts'
import { openState } from '../../support/embedded.ts'
import { DAY_MS, event, NOON, openDays } from '../../support/trail-of-days.ts'

const RING = createKeyring([AUDIT_ENCRYPTION_KEY])

/** A trail of so many days, and a purger that keeps two. */
const open = async (t: Test, count: number, more: Partial<PurgerOptions> = {}) => {
  const { folder, clock, trail } = await openDays(t, count)
  const logged: string[] = []
  const recorded: string[] = []
  const state = openState(t)
  const purger = createPurger({
    folder,
    days: 2,
    findKey: RING.find,
    everyMs: 3_600_000,
    now: () => clock.time,
    recorder: {
      allowed: async ({ route, requestId }, action, reference, facts) => {
        recorded.push(`${route} ${requestId.length} ${action} ${reference} ${facts?.object}`)
        await trail.append(event({ action, ...facts }))
      }
    },
    state,
    log: (level, message, fields) =>
      logged.push([level, message, ...(fields ? [JSON.stringify(fields)] : [])].join(' ')),
    ...more
  })
  t.teardown(() => purger.close())
  const files = (): string[] => readdirSync(folder).filter((name) => name.startsWith('2026'))
  return { purger, clock, logged, recorded, state, trail, files }
}

test('what goes is on record as done by retention, logged with its size, and its anchors go with it', async (t) => {
  const { purger, logged, recorded, state, trail, files } = await open(t, 6)
  const anchors = createAnchors({ state, log: () => {}, now: () => NOON })
  anchors.note({ instance: 'elsewhere00', seq: 5, head: 'h'.repeat(43) })
  await anchors.close()
  await purger.run()
  t.same(files().length, 3)
  t.same(recorded, [`retention 36 audit.purge undefined audit 2026-03-01..2026-03-04`])
  t.equal(logged.length, 1)
  t.match(logged[0], /^info old audit records are purged \{"files":4,"bytes":\d{4}\}$/)
  t.same(await keptAnchors(state), [], 'as old as what went')
  await purger.run()
  t.equal(recorded.length, 1)
  t.equal(logged.length, 1)
  t.ok(trail.isWritable())
})

test('records stay where no number of days is set', async (t) => {
  const { purger, logged, recorded, files } = await open(t, 6, { days: undefined })
  await purger.run()
  t.same([files().length, logged, recorded], [6, [], []])
})

test('keys that are lost are named in the log, and how much went unchecked', async (t) => {
  const others = createKeyring(['abcdefghijklmnopqrstuv0123456789'])
  const { purger, logged, files } = await open(t, 6, { findKey: others.find })
  await purger.run()
  t.equal(files().length, 3)
  t.equal(logged.length, 2)
  t.match(logged[0], /^warn old audit records went whose MACs could not be checked: /)
  t.ok(logged[0]?.endsWith(`{"encryptionKeys":"${RING.active.kid}"}`))
  t.match(logged[1], /^info .*,"withoutKey":4\}$/)
})

test('why nothing goes is said with its reason, anew once it is another one or was over', async (t) => {
  const { purger, clock, logged, trail, state } = await open(t, 3)
  const anchors = createAnchors({ state, log: () => {}, now: () => NOON })
  anchors.note({ instance: 'elsewhere00', seq: 5, head: 'h'.repeat(43) })
  await anchors.close()
  const runAt = async (time: number): Promise<number> => {
    clock.time = time
    await purger.run()
    return logged.length
  }
  t.equal(await runAt(NOON + 100 * DAY_MS), 1)
  t.match(logged[0], /^error old audit records are not purged \{"why":"the clock says 2026-06-09, /)
  t.equal(await runAt(NOON + 100 * DAY_MS), 1)
  t.equal(await runAt(NOON + 101 * DAY_MS), 2, 'it is another one')
  t.equal(await runAt(NOON + 2 * DAY_MS), 2, 'there is nothing to purge')
  t.equal(await runAt(NOON + 101 * DAY_MS), 3, 'it is said again')
  t.equal((await keptAnchors(state)).length, 1, 'by such a clock no anchor is too old either')
  t.ok(trail.isWritable())
})

test('where it cannot be put on record nothing goes, and what failed is logged without its message', async (t) => {
  const { purger, logged, files } = await open(t, 6, {
    recorder: { allowed: () => Promise.reject(new TypeError('canary')) }
  })
  await purger.run()
  t.equal(files().length, 6)
  t.equal(logged.length, 1)
  t.match(logged[0], /^error the purge of audit records failed \{"name":"TypeError","at":/)
  t.notMatch(logged[0], /canary/)
})

test('it runs at its start and then at intervals, one at a time, until it is closed', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let begun = 0
  let letGo = (): void => {}
  const { purger, files } = await open(t, 6, {
    recorder: {
      allowed: () => {
        begun++
        return new Promise((_, reject) => {
          letGo = () => reject(new Error('x'))
        })
      }
    }
  })
  const reached = async (count: number): Promise<void> => {
    while (begun < count) await turn()
  }
  purger.start()
  await reached(1)
  mock.timers.tick(3_600_000)
  const joined = purger.run()
  t.equal(begun, 1)
  letGo()
  await joined
  mock.timers.tick(3_599_999)
  t.equal(begun, 1)
  mock.timers.tick(1)
  await reached(2)
  let isClosed = false
  const closing = purger.close().then(() => {
    isClosed = true
  })
  await turn()
  t.equal(isClosed, false, 'what is under way comes to its end')
  letGo()
  await closing
  mock.timers.tick(10 * 3_600_000)
  await purger.run()
  t.equal(begun, 2, 'and nothing is begun any more')
  t.equal(files().length, 6)
})

test('once it is closed no entry of the state goes either', async (t) => {
  const none = { name: 'entries', prefix: 'used/', isOver: () => true }
  const { purger, state, recorded } = await open(t, 0, { leftovers: [none] })
  await state.compareAndSet('used/a', undefined, Buffer.from('1'))
  await purger.close()
  await purger.run()
  t.ok(await state.get('used/a'))
  t.same(recorded, [])
})
