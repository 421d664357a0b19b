/** What the report of a check counts and lists, and how much of it. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { beginChain } from '../../../src/audit/chain.ts'
import { headBody } from '../../../src/audit/chain-line.ts'
import { planPurge, purge } from '../../../src/audit/retention.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { type VerifyOptions, verifyTrail } from '../../../src/audit/verify.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { madeChain } from '../../support/made-chain.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const RING = createKeyring([AUDIT_ENCRYPTION_KEY])

const timeOn = (day: number): string => `2026-03-0${day}T12:00:00.000Z`
const nameOf = (day: number): string => `2026-03-0${day}.jsonl`
const body = (day: number): string => `{"time":"${timeOn(day)}","action":"a"`

const folderOf = (t: Test): string => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  return folder
}

const verify = (folder: string, options: Partial<VerifyOptions> = {}) =>
  verifyTrail({ folder, anchors: [], findKey: RING.find, auditor: undefined, ...options })

const begin = () => beginChain({ beginKey: beginAuditKey, after: undefined })

/** One instance, a sealed file each day but the last. */
const write = async (t: Test, days: number): Promise<string> => {
  const folder = folderOf(t)
  const chain = await begin()
  for (let day = 1; day <= days; day++) {
    const seal = () => (day < days ? chain.seal(timeOn(day)) : '')
    const text = chain.link(`2026-03-0${day}`, timeOn(day), [body(day)])
    writeFileSync(join(folder, nameOf(day)), text + seal())
  }
  return folder
}

test('files, their bytes, segments, seals and lines are counted', async (t) => {
  const folder = await write(t, 3)
  const sizes = [1, 2, 3].map((day) => readFileSync(join(folder, nameOf(day))).length)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const counts = { files: 3, bytes, segments: 3, sealed: 2, lines: 8, instances: 1, anchors: 0 }
  t.match(await verify(folder), { verdict: /^ok$/, ...counts, found: 0, open: 0, otherFormat: [] })
})

test('from a day on, that day and later ones are looked at, and of those before only whether one hides there', async (t) => {
  const folder = await write(t, 3)
  t.match(await verify(folder, { since: '2026-03-02' }), { verdict: /^ok$/, files: 2 })
  writeFileSync(join(folder, nameOf(1)), 'altered, and not looked at\n')
  t.match(await verify(folder, { since: '2026-03-02' }), { verdict: /^ok$/, files: 2 })
  t.match(await verify(folder), { verdict: 'broken' })
  writeFileSync(join(folder, nameOf(1)), readFileSync(join(folder, nameOf(2))))
  const hidden = await verify(folder, { since: '2026-03-02' })
  t.match(hidden.findings, [{ file: nameOf(1), line: 1, verdict: 'tampered' }])
  t.equal(hidden.found, 1, 'and the file that is looked at is told nothing of')
  t.match(await verify(folder, { since: '2026-03-03' }), { verdict: /^ok$/ })
})

test('a hundred findings are listed, and how many there were', async (t) => {
  const folder = await write(t, 1)
  appendFileSync(join(folder, nameOf(1)), 'not ours\n'.repeat(150))
  const { findings, found } = await verify(folder)
  t.same([findings.length, found], [100, 150])
})

test('two processes that write into one file do no harm, whatever their numbers', async (t) => {
  const folder = folderOf(t)
  const [one, other] = [await begin(), await begin()]
  const first = other.link('2026-03-01', timeOn(1), [body(1)]) + other.seal(timeOn(1))
  writeFileSync(join(folder, nameOf(1)), first)
  // The number that is due in the one is that with which the other goes on.
  const both = one.link('2026-03-02', timeOn(2), [body(2), body(2)])
  t.equal(one.anchor().seq, other.anchor().seq)
  writeFileSync(join(folder, nameOf(2)), both + other.link('2026-03-02', timeOn(2), [body(2)]))
  t.match(await verify(folder), { verdict: /^ok$/, found: 0, instances: 2, segments: 3 })
})

test('a file that says it has another format is named, and nobody can tell', async (t) => {
  const folder = await write(t, 1)
  const head = headBody(timeOn(2), { kid: RING.active.kid, day: '2026-03-02', step: 0, format: 2 })
  const lines = madeChain([head, body(2)], { instance: 'other000000' })
  writeFileSync(join(folder, nameOf(2)), lines.map((line) => `${line}\n`).join(''))
  t.match(await verify(folder), { verdict: 'cannot tell', found: 0, otherFormat: [nameOf(2)] })
})

test('purges are listed from the oldest on, by the records that say so of what is kept, and no others', async (t) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const clock = { time: NOON }
  const start = (writer?: string) => {
    const trail = createTrail({
      directory,
      writer,
      now: () => clock.time,
      fsync: false,
      beginKey: beginAuditKey
    })
    t.teardown(() => trail.close())
    return (rest: Partial<AuditEvent> = {}) =>
      trail.append({
        action: 'secret.read',
        outcome: 'allowed',
        environment: 'pro',
        route: '/v1/secrets',
        requestId: 'r',
        ...rest
      })
  }
  // The file of the second is named before that of the first.
  const [first, second] = [start(), start('2')]
  for (let day = 0; day < 5; day++) {
    await first()
    clock.time += DAY_MS
  }
  for (const [append, days] of [
    [first, 4],
    [second, 3],
    [first, 2]
  ] as const) {
    const plan = await planPurge({ folder, now: clock.time, days, findKey: RING.find })
    await purge(folder, plan, (facts) => append({ action: 'audit.purge', ...facts }))
    clock.time += HOUR_MS
  }
  await first({
    action: 'audit.purge',
    object: 'audit 2026-01-01..2026-01-01',
    reason: `sha256:${'x'.repeat(43)}`
  })
  const { purges, verdict } = await verify(folder)
  t.equal(verdict, 'ok')
  t.same(
    purges.map(({ time, first: from, last }) => [time.slice(11, 13), from, last]),
    [
      ['12', '2026-03-01', '2026-03-01'],
      ['13', '2026-03-02', '2026-03-02'],
      ['14', '2026-03-03', '2026-03-03']
    ]
  )
  t.notOk('head' in (purges[0] ?? {}))
})
