/** The end of old records: what goes, what is kept so that the rest proves itself, and when nothing goes. */
import { generateKeyPairSync } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createAnchors, dropAnchors, keptAnchors } from '../../../src/audit/anchors.ts'
import { type Anchor, placed } from '../../../src/audit/chain-line.ts'
import { bodyOf } from '../../../src/audit/line.ts'
import { type PurgedSegment, purgedLines } from '../../../src/audit/purged.ts'
import { createPurger } from '../../../src/audit/purger.ts'
import { planPurge, purge } from '../../../src/audit/retention.ts'
import type { RunningKey } from '../../../src/audit/segment-check.ts'
import { createTrail, type Trail } from '../../../src/audit/trail.ts'
import { verifyTrail } from '../../../src/audit/verify.ts'
import { beginKey, digestOf } from '../../../src/crypto/audit-key.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory, openState } from '../../support/embedded.ts'
import { DAY_MS, event, NOON } from '../../support/trail-of-days.ts'

const { find } = createKeyring([AUDIT_ENCRYPTION_KEY])

const open = (t: Test) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const clock = { time: NOON }
  const start = (): Trail => {
    const trail = createTrail({
      directory,
      now: () => clock.time,
      fsync: false,
      beginKey: beginAuditKey
    })
    t.teardown(() => trail.close())
    return trail
  }
  const days = async (trail: Trail, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await Promise.all([trail.append(event()), trail.append(event())])
      clock.time += DAY_MS
    }
  }
  const vouch = (trail: Trail) => (facts: { object: string; reason: string }) =>
    trail.append(event({ action: 'audit.purge', ...facts }))
  const plan = (keep: number) => planPurge({ folder, now: clock.time, days: keep, findKey: find })
  const verify = (anchors: readonly Anchor[] = []) =>
    verifyTrail({ folder, anchors, findKey: find, auditor: undefined })
  const files = (): string[] => readdirSync(folder).sort()
  return { folder, clock, start, days, vouch, plan, verify, files }
}

test('whole days go, that is on record, and the rest verifies, purge after purge', async (t) => {
  const { folder, start, days, vouch, plan, verify, files } = open(t)
  const first = start()
  await days(first, 4)
  await first.close()
  const second = start()
  await days(second, 3)
  const before = await plan(4)
  t.match(before, { lines: 12, refusal: undefined })
  t.strictSame(
    before.files.map(({ name }) => name),
    ['2026-03-01.jsonl', '2026-03-02.jsonl', '2026-03-03.jsonl']
  )
  await purge(folder, before, vouch(second))
  t.notOk(existsSync(join(folder, '2026-03-01.jsonl')))
  t.ok(files().includes('purged.jsonl'))
  const anchor = second.anchor()
  const purges = [
    { ...anchor, first: '2026-03-01', last: '2026-03-03', time: '2026-03-08T12:00:00.000Z' }
  ].map(({ head: _, ...one }) => one)
  const verified = await verify(anchor && [anchor])
  t.match(verified, { verdict: /^ok$/, findings: [], instances: 2 })
  t.strictSame(verified.purges, purges)

  await days(second, 4)
  const gone = await purge(folder, await plan(3), vouch(second))
  t.ok(gone.length > 1)
  t.match(
    await verify(),
    { verdict: /^ok$/, findings: [], instances: 1 },
    'the first instance is gone'
  )
  t.match(await verify([gone[0] as Anchor]), { verdict: /^ok$/ }, 'its anchors are no loss')
})

test('what was taken away by hand is not taken for purged, nor what nobody vouches for', async (t) => {
  const { folder, start, days, vouch, plan, verify } = open(t)
  const trail = start()
  await days(trail, 5)
  await purge(folder, await plan(3), vouch(trail))
  t.match(await verify(), { verdict: /^ok$/ })
  const path = join(folder, 'purged.jsonl')
  const kept = readFileSync(path, 'utf8')
  for (const altered of [
    '',
    kept.replace('"lastSeq":', '"lastSeq":1'),
    kept.split('\n')[1] ?? ''
  ]) {
    if (altered === kept) continue
    writeFileSync(path, altered)
    const report = await verify()
    t.match(report, { verdict: 'broken', findings: [{ verdict: 'segment missing' }] })
    t.strictSame(report.purges, [])
  }
})

test('who has the disk and no key cannot vouch for what he takes away', async (t) => {
  const { folder, clock, start, days, verify } = open(t)
  const trail = start()
  await days(trail, 3)
  await trail.append(event())
  const { instance, seq, head } = trail.anchor() as Anchor
  const last = join(folder, '2026-03-04.jsonl')
  // The end of the last day that is taken away, as its seal and the next head tell it.
  const [next = '{}'] = readFileSync(last, 'utf8').split('\n', 1)
  const { from, seq: firstLeft } = JSON.parse(next)
  const gone: PurgedSegment = {
    file: '2026-03-03.jsonl',
    instance,
    firstSeq: 1,
    lastSeq: firstLeft - 1,
    head: from
  }
  const purged = purgedLines('', [gone])
  for (const day of ['01', '02', '03']) rmSync(join(folder, `2026-03-${day}.jsonl`))
  writeFileSync(join(folder, 'purged.jsonl'), purged.text)
  const vouching = bodyOf(
    new Date(clock.time).toISOString(),
    event({ action: 'audit.purge', reason: `sha256:${purged.head}` })
  )
  const missing = { verdict: 'broken', findings: [{ verdict: 'segment missing' }] } as const

  const whole = readFileSync(last, 'utf8')
  const line = placed(vouching, instance, seq + 1)
  appendFileSync(last, `${line},"digest":"${digestOf(head, line)}"}\n`)
  const unfinished = await verify()
  t.match(unfinished, { ...missing, unfinished: [{ seq: seq + 1 }] }, 'in an unfinished group')
  t.strictSame(unfinished.purges, [])

  writeFileSync(last, whole)
  writeFileSync(join(folder, '2026-01-01.jsonl'), `${vouching}}\n`)
  t.match(await verify(), { ...missing, unchained: 1 }, 'in a file from before the chain')
})

test('a purge vouches for nothing that somebody without a key put among what is kept', async (t) => {
  const { folder, start, days, vouch, plan, verify, files } = open(t)
  const path = join(folder, 'purged.jsonl')
  const trail = start()
  await days(trail, 8)
  await purge(folder, await plan(6), vouch(trail))
  t.match(await verify(), { verdict: /^ok$/ })
  const kept = readFileSync(path, 'utf8')
  const [last = '{}'] = kept.trimEnd().split('\n').slice(-1)
  const { digest, instance, lastSeq } = JSON.parse(last)
  const gone = files().filter((name) => name.startsWith('2026-03') && name < '2026-03-06')
  const [next = '{}'] = readFileSync(join(folder, '2026-03-06.jsonl'), 'utf8').split('\n', 1)
  const { from, seq } = JSON.parse(next)
  for (const name of gone) rmSync(join(folder, name))
  const forged: PurgedSegment = {
    file: '2026-03-05.jsonl',
    instance,
    firstSeq: lastSeq + 1,
    lastSeq: seq - 1,
    head: from
  }
  appendFileSync(path, purgedLines(digest, [forged]).text)
  const missing = { verdict: 'broken', findings: [{ verdict: 'segment missing' }] } as const
  t.match(await verify(), missing)
  await purge(folder, await plan(2), vouch(trail))
  t.notOk(existsSync(join(folder, '2026-03-06.jsonl')))
  t.notMatch(readFileSync(path, 'utf8'), from)
  t.ok(readFileSync(path, 'utf8').startsWith(kept))
})

test('what was being added when a purge was cut off does not stand in the way of the next one', async (t) => {
  const { folder, start, days, vouch, plan, verify } = open(t)
  const path = join(folder, 'purged.jsonl')
  const trail = start()
  await days(trail, 6)
  await purge(folder, await plan(4), vouch(trail))
  appendFileSync(path, '{"file":"2026-03-0')
  await purge(folder, await plan(2), vouch(trail))
  t.match(await verify(), { verdict: /^ok$/ })
})

test('a file that has the name of another day is not purged by it', async (t) => {
  const { folder, start, days, plan, files } = open(t)
  await days(start(), 5)
  renameSync(join(folder, '2026-03-05.jsonl'), join(folder, '2026-01-01.jsonl'))
  const before = files()
  t.match(await plan(3), { files: [], refusal: /^2026-01-01\.jsonl is not what was written/ })
  t.strictSame(files(), before)
})

test('what was purged is held against the anchor of its last line', async (t) => {
  const { folder, start, days, vouch, plan, verify } = open(t)
  const first = start()
  await days(first, 2)
  await first.close()
  const last = first.anchor() as Anchor
  const second = start()
  await days(second, 3)
  await purge(folder, await plan(3), vouch(second))
  t.match(await verify([last]), { verdict: /^ok$/ })
  t.match(await verify([{ ...last, head: 'A'.repeat(43) }]), {
    verdict: 'broken',
    findings: [{ verdict: 'anchor mismatch', instance: last.instance, seq: last.seq }]
  })
})

test('without a record nothing goes', async (t) => {
  const { folder, start, days, plan, files } = open(t)
  await days(start(), 5)
  const before = files()
  await t.rejects(
    purge(folder, await plan(2), () => Promise.reject(new Error('full'))),
    /full/
  )
  t.strictSame(files(), before)
})

test('a purge that was cut short is done by the next one', async (t) => {
  const { folder, start, days, vouch, plan, verify, files } = open(t)
  const trail = start()
  await days(trail, 5)
  const cut = await plan(2)
  const missing = { ...cut.files[0], path: join(folder, 'none.jsonl') } as (typeof cut.files)[0]
  await t.rejects(purge(folder, { ...cut, files: [missing, ...cut.files] }, vouch(trail)))
  t.match(await verify(), { verdict: /^ok$/ })
  await purge(folder, await plan(2), vouch(trail))
  t.notOk(files().includes('2026-03-01.jsonl'))
  t.match(await verify(), { verdict: /^ok$/ })
})

test('a file that is not what was written stays, with all others', async (t) => {
  const { folder, start, days, plan, files } = open(t)
  await days(start(), 5)
  const path = join(folder, '2026-03-02.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('allowed', 'allowee'))
  const before = files()
  t.match(await plan(2), { files: [], refusal: /^2026-03-02\.jsonl is not what was written/ })
  t.strictSame(files(), before)
})

test('a clock that is behind the trail or far ahead of it is not believed; after a day of records it is', async (t) => {
  const { clock, start, days, plan } = open(t)
  const trail = start()
  await days(trail, 5)
  const { time } = clock
  clock.time = NOON + DAY_MS
  t.match(await planPurge({ folder: open(t).folder, now: clock.time, days: 1, findKey: find }), {
    files: []
  })
  clock.time = NOON + 3 * DAY_MS
  t.match(await plan(1), { files: [], refusal: /but there is 2026-03-05\.jsonl/ })
  clock.time = time + 400 * DAY_MS
  await trail.append(event())
  t.match(await plan(30), { files: [], refusal: /from tomorrow on/ })
  clock.time += DAY_MS
  await trail.append(event())
  t.equal((await plan(30)).files.length, 5)
})

test('a service purges at its start, says so once, and says once why not', async (t) => {
  const { folder, clock, start, days, verify } = open(t)
  const trail = start()
  await days(trail, 6)
  const logged: string[] = []
  const state = openState(t)
  const purger = createPurger({
    folder,
    days: 2,
    findKey: find,
    everyMs: 3_600_000,
    now: () => clock.time,
    recorder: {
      allowed: (_who, action, _reference, facts) => trail.append(event({ action, ...facts }))
    },
    state,
    log: (level, message, fields) => logged.push(`${level} ${message} ${fields?.['files'] ?? ''}`)
  })
  purger.start()
  await purger.run()
  await purger.run()
  t.strictSame(logged, ['info old audit records are purged 4'])
  t.match(await verify(), { verdict: /^ok$/ })
  clock.time += 100 * DAY_MS
  await purger.run()
  await purger.run()
  t.strictSame(logged.slice(1), ['error old audit records are not purged '])
  await purger.close()
})

test('the state forgets the places of what went, and those that nobody noted for as long', async (t) => {
  const state = openState(t)
  const clock = { time: NOON }
  const anchors = createAnchors({ state, log: () => {}, now: () => clock.time })
  const place = (instance: string, seq: number) => ({ instance, seq, head: 'h'.repeat(43) })
  anchors.note(place('elsewhere11', 5))
  clock.time += 9 * DAY_MS
  anchors.note(place('purged11111', 7))
  anchors.note(place('living11111', 9))
  await anchors.close()
  const gone = [place('purged11111', 7), place('living11111', 8)]
  await dropAnchors(state, gone, '2026-03-05')
  t.match(await keptAnchors(state), [place('living11111', 9)])
  t.equal((await keptAnchors(state)).length, 1)
})

test('a day that is over is sealed also where nobody asks for anything', async (t) => {
  const { clock, start, files, verify } = open(t)
  const trail = start()
  await trail.append(event())
  trail.endDay()
  clock.time += DAY_MS
  trail.endDay()
  await trail.close()
  t.strictSame(files(), ['2026-03-01.jsonl'])
  t.match(await verify(), { verdict: /^ok$/, sealed: 1, lines: 3 })
})

/** Alters a record and makes all digests of its file anew, as whoever has the disk and no key can. */
const forge = (path: string): void => {
  let former: string | undefined
  const lines = readFileSync(path, 'utf8').replace('allowed', 'denied').trimEnd().split('\n')
  const forged = lines.map((line) => {
    const { from = '', head: sealed, mac } = JSON.parse(line)
    const body = line
      .slice(0, line.lastIndexOf(',"digest":'))
      .replace(`"head":"${sealed}"`, `"head":"${former}"`)
    former = digestOf(former ?? from, body)
    return `${body},"digest":"${former}"${mac === undefined ? '' : `,"mac":"${mac}"`}}\n`
  })
  writeFileSync(path, forged.join(''))
}

test('a file whose digests were made anew without the key stays, with all others', async (t) => {
  const { folder, start, days, plan, files } = open(t)
  await days(start(), 5)
  forge(join(folder, '2026-03-02.jsonl'))
  const before = files()
  t.match(await plan(2), {
    files: [],
    refusal: /^2026-03-02\.jsonl is not what was written, line \d: .*its MACs are not made with/
  })
  t.strictSame(files(), before)
})

test('an encryption key that has left the ring stops no purge, and is named', async (t) => {
  const { folder, clock, start, days, plan, vouch, verify } = open(t)
  const trail = start()
  await days(trail, 5)
  t.match(await plan(2), { withoutKey: 0, lostKeys: [] })
  const others = createKeyring(['abcdefghijklmnopqrstuv0123456789'])
  const asked = { folder, now: clock.time, days: 2, findKey: others.find }
  const lost = await planPurge(asked)
  const [kid] = createKeyring([AUDIT_ENCRYPTION_KEY]).kids
  t.match(lost, { refusal: undefined, withoutKey: 3, lostKeys: [kid] })
  await purge(folder, lost, vouch(trail))
  t.match(await verify(), { verdict: /^ok$/ })

  forge(join(folder, '2026-03-04.jsonl'))
  clock.time += DAY_MS
  t.match(await planPurge({ ...asked, now: clock.time }), { withoutKey: 1, refusal: undefined })
  t.match(await plan(2), { files: [], refusal: /^2026-03-04\.jsonl is not what was written/ })
})

test('an instance that a stranger sealed to the auditor is not purged; one of ours is, unchecked', async (t) => {
  const pair = generateKeyPairSync('x25519')
  const begun = (ring: readonly string[]) => (instance: string) =>
    beginKey(createKeyring(ring).active, pair.publicKey, instance)
  const { folder, clock, days, plan } = open(t)
  const directory = join(folder, '..')
  const options = { directory, now: () => clock.time, fsync: false }
  const ours = createTrail({ ...options, beginKey: begun([AUDIT_ENCRYPTION_KEY]) })
  await days(ours, 3)
  await ours.close()
  t.match(await plan(1), { refusal: undefined, withoutKey: 2, lostKeys: [] })
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"origin":"../, '"origin":"--'))
    forge(path)
  }
  t.match(await plan(1), { files: [], refusal: /it was not begun by somebody with the encryption/ })
})

test('keys are stepped on from one plan to the next', async (t) => {
  const { folder, clock, start, days } = open(t)
  const trail = start()
  const running = new Map<string, RunningKey>()
  const planned = () =>
    planPurge({ folder, now: clock.time - DAY_MS, days: 0, findKey: find, running })
  const steps = (): number[] => [...running.values()].map(({ step }) => step)
  for (let i = 0; i < 20; i++) await trail.append(event())
  await days(trail, 1)
  await days(trail, 1)
  t.match(await planned(), { files: [{ name: '2026-03-01.jsonl' }], withoutKey: 0, lines: 24 })
  t.strictSame(steps(), [22], 'a step for each group, and one for the seal')
  rmSync(join(folder, '2026-03-01.jsonl'))
  await days(trail, 1)
  t.match(await planned(), { files: [{ name: '2026-03-02.jsonl' }], withoutKey: 0, lines: 4 })
  t.strictSame(steps(), [24])
  await trail.close()
  for (const day of ['02', '03']) rmSync(join(folder, `2026-03-${day}.jsonl`))
  await days(start(), 2)
  await planned()
  t.equal(running.size, 1, 'what is over is forgotten')
})
