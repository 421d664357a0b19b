// What retention will take, as the page is told: the same as goes, and nothing of it goes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createRetentionLook } from '../../../src/console/retention.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'
import { DAY_MS, openDays } from '../../support/trail-of-days.ts'

const keptIn = async (folder: string, state: State): Promise<Record<string, string>> => {
  const kept: Record<string, string> = {}
  for (const name of readdirSync(folder).sort())
    kept[name] = readFileSync(join(folder, name), 'utf8')
  for await (const { key, value } of state.list('')) kept[`state ${key}`] = value.toString('latin1')
  return kept
}

const setUp = async (t: Test, days: number) => {
  const { folder, clock, ...trail } = await openDays(t, days)
  const state = openState(t)
  const look = createRetentionLook({
    folder,
    days: 3,
    everyMinutes: 60,
    findKey: () => undefined,
    state,
    leftovers: [{ name: 'some', prefix: 'some/', isOver: ({ key }) => key.endsWith('over') }],
    now: () => clock.time
  })
  return { folder, clock, state, look, ...trail }
}

test('what is over its time is told by days, lines and entries, and is still there', async (t) => {
  const { folder, clock, state, look } = await setUp(t, 6)
  for (const name of ['some/over', 'some/more-over', 'some/other']) {
    await state.compareAndSet(name, undefined, Buffer.from('1'))
  }
  const before = await keptIn(folder, state)
  const told = await look.outcome()
  const days = Object.keys(before).filter((name) => /^\d{4}-/.test(name))
  t.match(told, {
    lookedAt: new Date(clock.time).toISOString(),
    days: 3,
    before: '2026-03-04',
    everyMinutes: 60,
    files: days.slice(0, 3).map((name) => ({ name, day: name.slice(0, 10) })),
    entries: [{ name: 'some', count: 2 }]
  })
  t.equal(told.files.length, 3)
  t.ok(told.lines >= 3 && told.bytes > 0)
  t.equal(told.withoutKey, 3, 'its key is not at hand here')
  t.notOk('refusal' in told)
  t.same(await keptIn(folder, state), before)
})

test('why nothing would go is told, and then nothing else', async (t) => {
  const { folder, clock, state, look } = await setUp(t, 6)
  const [first = ''] = readdirSync(folder)
    .filter((name) => /^\d{4}-/.test(name))
    .sort()
  await state.compareAndSet('some/over', undefined, Buffer.from('1'))
  writeFileSync(join(folder, first), 'altered\n')
  t.match(await look.outcome(), { refusal: /is not what was written/, files: [], entries: [] })
  clock.time += 100 * DAY_MS
  t.match(await look.outcome(), { refusal: /the clock says/, files: [], entries: [] })
})

test('where nothing is over its time that is told', async (t) => {
  const { look } = await setUp(t, 2)
  t.match(await look.outcome(), { files: [], lines: 0, bytes: 0, entries: [] })
})

test('a look that is ended before it has come to an end says what does the same', async (t) => {
  const { look } = await setUp(t, 6)
  look.close()
  await t.rejects(look.outcome(), { code: 'overloaded', details: { detail: /--dry-run/ } })
})
