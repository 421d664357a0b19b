/** What a plan of a purge looks at, what it refuses, and what carrying it out says. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { beginChain } from '../../../src/audit/chain.ts'
import {
  type PurgeOptions,
  type PurgePlan,
  planPurge,
  purge
} from '../../../src/audit/retention.ts'
import type { RunningKey } from '../../../src/audit/segment-check.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { DAY_MS, event, NOON, openDays } from '../../support/trail-of-days.ts'

const { find } = createKeyring([AUDIT_ENCRYPTION_KEY])

/** A record on each of so many days, and the noon after. */
const open = async (t: Test, count: number) => {
  const { folder, clock, trail, days } = await openDays(t, count)
  const plan = (keep: number, more: Partial<PurgeOptions> = {}) =>
    planPurge({ folder, now: clock.time, days: keep, findKey: find, ...more })
  const vouch = (facts: { object: string; reason: string }) =>
    trail.append(event({ action: 'audit.purge', ...facts }))
  const path = (day: number): string => join(folder, `2026-03-0${day}.jsonl`)
  const alter = (day: number, from: string, to: string): void =>
    writeFileSync(path(day), readFileSync(path(day), 'utf8').replace(from, to))
  return { folder, clock, days, plan, vouch, path, alter }
}

const NOTHING = {
  files: [],
  segments: [],
  vouchedPart: { head: '', bytes: 0 },
  bytes: 0,
  lines: 0,
  withoutKey: 0,
  lostKeys: []
}

test('a plan says how much goes, and carried out it says which lines were the last', async (t) => {
  const { folder, plan, vouch, path } = await open(t, 4)
  const planned = await plan(2)
  const sizes = [1, 2].map((day) => readFileSync(path(day)).length)
  t.match(planned, {
    bytes: (sizes[0] ?? 0) + (sizes[1] ?? 0),
    lines: 6,
    end: '2026-03-03',
    segments: [
      { file: '2026-03-01.jsonl', firstSeq: 1, lastSeq: 3 },
      { file: '2026-03-02.jsonl', firstSeq: 4, lastSeq: 6 }
    ]
  })
  const facts: object[] = []
  const gone = await purge(folder, planned, async (one) => {
    facts.push(one)
    await vouch(one)
  })
  t.same(
    gone,
    planned.segments.map(({ instance, lastSeq, head }) => ({ instance, seq: lastSeq, head }))
  )
  const { digest } = JSON.parse(
    readFileSync(join(folder, 'purged.jsonl'), 'utf8').trimEnd().split('\n').at(-1) ?? ''
  )
  t.same(facts, [{ object: 'audit 2026-03-01..2026-03-02', reason: `sha256:${digest}` }])
})

test('where nothing is over its time nothing is planned, and nothing is put on record', async (t) => {
  const { folder, plan } = await open(t, 4)
  const planned = await plan(4)
  t.strictSame(planned, { ...NOTHING, end: '2026-03-01', refusal: undefined })
  t.same(await purge(folder, planned, () => Promise.reject(new Error('it goes'))), [])
  t.equal((await plan(3)).files.length, 1)
})

test('so many days without a record are believed, and no more', async (t) => {
  const { clock, plan } = await open(t, 2)
  clock.time = NOON + 15 * DAY_MS
  t.match(await plan(1), { refusal: undefined, files: [{}, {}] })
  clock.time += DAY_MS
  t.match(await plan(1), {
    refusal: /2026-03-17, but the last day before it on record is 2026-03-02/
  })
})

test('a chain whose head is gone is not purged', async (t) => {
  const { plan, path } = await open(t, 4)
  const [, ...rest] = readFileSync(path(1), 'utf8').split('\n')
  writeFileSync(path(1), rest.join('\n'))
  t.strictSame(await plan(2), {
    ...NOTHING,
    end: '2026-03-03',
    refusal:
      '2026-03-01.jsonl is not what was written: a chain in it has no head (see `purser audit verify`)'
  })
})

test('a file of the day that is the first to stay, under the name of an earlier one, does not go', async (t) => {
  const { plan, path } = await open(t, 4)
  writeFileSync(path(1), readFileSync(path(3)))
  t.match(await plan(2), { files: [], refusal: /^2026-03-01\.jsonl is not .* file of 2026-03-03/ })
})

test('where the record of a purge is not what was written nothing goes', async (t) => {
  const { folder, days, plan, vouch, alter } = await open(t, 5)
  await purge(folder, await plan(4), vouch)
  await days(1)
  t.match(await plan(2), { refusal: undefined, files: [{}, {}] })
  alter(6, 'allowed', 'allowee')
  const { refusal, ...rest } = await plan(2)
  t.match(refusal, /^2026-03-06\.jsonl is not what was written, line \d: it is not the line/)
  t.strictSame(rest, { ...NOTHING, end: '2026-03-05' })
})

test('the newest day with such a record is asked, and none before it', async (t) => {
  const { folder, days, plan, vouch, alter } = await open(t, 5)
  await purge(folder, await plan(4), vouch)
  await days(2)
  const second = await plan(5)
  await purge(folder, second, vouch)
  await days(1)
  alter(6, 'allowed', 'allowee')
  const planned = await plan(4)
  t.match(planned, { refusal: undefined, files: [{ day: '2026-03-03' }, {}] })
  t.equal(planned.vouchedPart.bytes, readFileSync(join(folder, 'purged.jsonl')).length)
})

test('only records of purges are looked at for what is kept of them', async (t) => {
  const { plan, alter } = await open(t, 5)
  alter(5, 'allowed', 'allowee')
  t.match(await plan(2), { refusal: undefined, files: [{}, {}, {}] }, 'that day stays anyhow')
})

test('a plan that is stopped plans nothing', async (t) => {
  const { plan } = await open(t, 4)
  let asked = 0
  const stopped = await plan(2, { isStopped: () => ++asked > 0 })
  t.strictSame(stopped, { ...NOTHING, end: '2026-03-03', refusal: undefined })
})

test('a chain with more groups than keys are stepped in a turn is checked by its MACs all the same', async (t) => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  const chain = await beginChain({ beginKey: beginAuditKey, after: undefined })
  const time = (day: number): string => `2026-03-0${day}T12:00:00.000Z`
  const body = (day: number): string => `{"time":"${time(day)}","action":"a"`
  const text = (day: number, groups: number): string =>
    Array.from({ length: groups }, () =>
      chain.link(`2026-03-0${day}`, time(day), [body(day)])
    ).join('') + chain.seal(time(day))
  // The first day is not there any more.
  text(1, 12_000)
  const second = text(2, 1)
  writeFileSync(join(folder, '2026-03-02.jsonl'), second)
  writeFileSync(join(folder, '2026-03-03.jsonl'), text(3, 1))
  const running = new Map<string, RunningKey>()
  const options = { folder, now: NOON + 2 * DAY_MS, days: 1, findKey: find, running }
  const other = { ...options, now: NOON + 3 * DAY_MS }
  t.match(await planPurge(other), { files: [{}], withoutKey: 0, refusal: undefined })
  t.same(
    [...running.values()].map(({ step }) => step),
    [12_003]
  )
  writeFileSync(join(folder, '2026-03-02.jsonl'), second.replace(/"mac":"../, '"mac":"--'))
  t.match(await planPurge({ ...other, running: new Map() }), { refusal: /MACs are not made with/ })
})

test('a plan without a file to purge carried out does nothing at all', async (t) => {
  const folder = createDirectory(t)
  const empty: PurgePlan = { ...NOTHING, end: '2026-03-03', refusal: undefined }
  t.same(await purge(folder, empty, () => Promise.reject(new Error('x'))), [])
})
