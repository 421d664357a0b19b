/** Where one record stands in the chain, and what is said of it where it, what is before it or its MAC is not what was written. */
import { createPublicKey } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { BeginKey } from '../../../src/audit/chain.ts'
import { createRecordPlaces, type RecordPlacesOptions } from '../../../src/audit/record-place.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { beginKey, digestOf } from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { openBelow } from '../../support/open-files.ts'
import { trailLines } from '../../support/trail-lines.ts'

const KEYRING = createKeyring([AUDIT_ENCRYPTION_KEY])
const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000
const FIRST = '2026-03-01'
const SECOND = '2026-03-02'
const EVENT = {
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets'
} as const

const sealedBegin = (): BeginKey => {
  const auditor = createPublicKey(newAuditorKeys().publicKey)
  return (instance) => beginKey(KEYRING.active, auditor, instance)
}

interface Making {
  readonly begin?: BeginKey
  /** In the first group of the first day. */
  readonly records?: number
}

/** One instance, two days: of each a head, a record alone, four in a group, and a seal. */
const make = async (t: Test, { begin = beginAuditKey, records = 1 }: Making = {}) => {
  const directory = createDirectory(t)
  const clock = { time: NOON }
  const trail = createTrail({ directory, fsync: false, beginKey: begin, now: () => clock.time })
  const append = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) => trail.append({ ...EVENT, requestId: `r${i}` }))
    )
  await append(records)
  await append(4)
  clock.time += DAY_MS
  await append(1)
  await append(4)
  await trail.close()
  const instance = trail.anchor()?.instance ?? ''
  const folder = join(directory, 'audit')
  const path = (day: string): string => join(folder, `${day}.jsonl`)
  const lines = (day: string): string[] => readFileSync(path(day), 'utf8').split('\n').slice(0, -1)
  const put = (day: string, all: readonly string[]): void =>
    writeFileSync(path(day), all.map((line) => `${line}\n`).join(''))
  const placesWith = (options: Partial<RecordPlacesOptions> = {}) =>
    createRecordPlaces({ folder, findKey: KEYRING.find, ...options })
  const places = placesWith()
  const ask = (day: string, seq: number, own = places) =>
    own.placeOf({ instance, seq, day, turn: async () => {} })
  const verdicts = async (day: string, seqs: readonly number[]) =>
    Promise.all(seqs.map(async (seq) => (await ask(day, seq, placesWith())).verdict))
  return { folder, instance, path, lines, put, ask, verdicts, placesWith }
}

test('a record that nobody touched holds, and stands where it stands', async (t) => {
  const { ask, verdicts } = await make(t)
  const held = { verdict: 'holds', detail: /^each line is what was written/ }
  t.match(await ask(FIRST, 2), { ...held, file: `${FIRST}.jsonl`, line: 2, segmentFrom: 1 })
  t.match(await ask(FIRST, 5), { ...held, line: 5 })
  t.match(await ask(SECOND, 10), { ...held, file: `${SECOND}.jsonl`, line: 3, segmentFrom: 8 })
  t.same(await verdicts(FIRST, [1, 2, 3, 4, 5, 6, 7]), Array(7).fill('holds'))
})

test('a line that was changed, or taken out, breaks those of its group and all after it', async (t) => {
  const { lines, put, ask, verdicts } = await make(t)
  const all = lines(FIRST)
  const changed = all.with(3, (all[3] ?? '').replace('allowed', 'refused'))
  const after = ['holds', 'broken', 'broken', 'broken', 'broken']
  put(FIRST, changed)
  t.same(await verdicts(FIRST, [2, 3, 4, 5, 6]), after)
  t.match(await ask(FIRST, 4), { detail: 'it is not the line that was written', line: 4 })
  put(FIRST, all.toSpliced(3, 1))
  t.same(await verdicts(FIRST, [2, 3, 4, 5, 6]), after)
  put(FIRST, all.slice(1))
  t.match(await ask(FIRST, 4), { verdict: 'broken', detail: /head/ })
})

/** With digests made anew, as who has no key can. */
const altered = (
  lines: readonly string[],
  alter: (body: string, i: number) => string
): string[] => {
  let former = ''
  return lines.map((line, i) => {
    const cut = line.lastIndexOf(',"digest":')
    const body = alter(line.slice(0, cut), i)
    former = digestOf(former, body)
    return body + line.slice(cut).replace(/"digest":"[^"]+"/, `"digest":"${former}"`)
  })
}

test('steps that somebody wrote are made no longer than the question may take, and then its key is not here', async (t) => {
  const { lines, put, ask, placesWith } = await make(t)
  put(
    FIRST,
    altered(lines(FIRST), (body) => body.replace('"step":0', '"step":20000'))
  )
  t.match(await ask(FIRST, 2), { verdict: 'broken' })
  let time = 0
  const short = placesWith({ clock: () => time++, bound: { bytes: 2 ** 30, ms: 2 } })
  t.match(await ask(FIRST, 2, short), { verdict: 'unknown', detail: /its MACs need a key/ })
})

test('who computes the digests anew is betrayed by the MAC', async (t) => {
  const { lines, put, verdicts } = await make(t)
  put(
    FIRST,
    altered(lines(FIRST), (body, i) => (i === 3 ? body.replace('allowed', 'refused') : body))
  )
  t.same(await verdicts(FIRST, [2, 3, 4, 6]), ['holds', 'broken', 'broken', 'broken'])
})

test('a file of another day, and one begun by whoever has no key of ours, is not believed', async (t) => {
  const { path, ask, placesWith } = await make(t)
  const other = createKeyring(['vutsrqponmlkjihgfedcba9876543210']).active
  const foreign = placesWith({ findKey: () => other })
  t.match(await ask(FIRST, 2, foreign), { verdict: 'broken', detail: /^its MACs are not made/ })
  const sealed = await make(t, { begin: sealedBegin() })
  const [head = '', ...rest] = sealed.lines(FIRST)
  sealed.put(FIRST, [head.replace(/"origin":"[^"]{5}/, '"origin":"AAAAA'), ...rest])
  t.match(await sealed.ask(FIRST, 2), { verdict: 'broken', detail: /encryption keys/ })
  renameSync(path(SECOND), path('2026-03-05'))
  t.match(await ask('2026-03-05', 9), { verdict: 'broken', detail: /file of 2026-03-02/ })
})

test('what cannot be checked is not called right', async (t) => {
  const { folder, instance, lines, put, ask, placesWith } = await make(t)
  const nowhere = { verdict: 'unknown', detail: /^no file here has it/ }
  t.match(await ask(SECOND, 2), nowhere)
  t.notOk('file' in (await ask(SECOND, 2)), 'nor is it said to be in the file of that day')
  t.match(await ask('2025-01-01', 2), nowhere)
  const elsewhere = { instance: 'AAAAAAAAAAA', seq: 2, day: FIRST, turn: async () => {} }
  t.match(await placesWith().placeOf(elsewhere), nowhere)
  const lost = placesWith({ findKey: () => undefined })
  t.match(await ask(FIRST, 2, lost), { verdict: 'unknown', detail: /has no more/ })
  put(FIRST, lines(FIRST).slice(0, 4))
  t.match(await ask(FIRST, 4), { verdict: 'unknown', detail: /^no MAC is over it/, line: 4 })
  t.match(await ask(FIRST, 6), nowhere)
  t.equal(readdirSync(folder).length, 2)
  t.equal(trailLines(lines(FIRST)[0] ?? '')[0]?.instance, instance)
  const sealed = await make(t, { begin: sealedBegin() })
  t.match(await sealed.ask(FIRST, 2), { verdict: 'unknown', detail: /its MACs need a key/ })
})

test('whatever is said, no file stays open', async (t) => {
  const { folder, ask } = await make(t)
  for (const [day, seq] of [
    [FIRST, 2],
    [FIRST, 9],
    [SECOND, 2]
  ] as const) {
    await ask(day, seq)
    t.equal(openBelow(folder), 0, `${day} ${seq}`)
  }
})

test('another version, and a file that cannot be read, is told as that; what a crash cut off is passed over', async (t) => {
  const { path, lines, put, ask } = await make(t)
  const [head = '', ...rest] = lines(FIRST)
  put(FIRST, [head.replace('"format":1', '"format":2'), ...rest])
  const file = `${FIRST}.jsonl`
  t.match(await ask(FIRST, 2), { verdict: 'unknown', detail: /another version/, file })
  put(FIRST, ['{"time":"2026-03-01T1', head, ...rest])
  t.match(await ask(FIRST, 2), { verdict: 'holds', line: 3 })
  rmSync(path(FIRST))
  mkdirSync(path(FIRST))
  await t.rejects(ask(FIRST, 2), { code: 'audit_unavailable', details: { retryAfter: 1 } })
})

test('what was read and the time that it took count up to the bound, also where nothing of the instance is', async (t) => {
  const { folder, path, lines, put, ask, instance, placesWith } = await make(t)
  put(FIRST, lines(FIRST).slice(0, 4))
  const bytes = statSync(path(FIRST)).size
  const ms = 10_000
  const tooFar = { verdict: 'unknown', detail: /too long/ }
  const within = { verdict: 'unknown', detail: /^no MAC is over it/ }
  t.match(await ask(FIRST, 4, placesWith({ bound: { bytes, ms } })), tooFar)
  t.match(await ask(FIRST, 4, placesWith({ bound: { bytes: bytes + 1, ms } })), within)
  const all = 2 ** 30
  let time = 0
  const clock = () => time
  const turn = async (): Promise<void> => {
    time += 250
  }
  const timed = (bound: number) =>
    placesWith({ clock, bound: { bytes: all, ms: bound } }).placeOf({
      instance,
      seq: 4,
      day: FIRST,
      turn
    })
  t.match(await timed(250), within, 'which is not over as it is reached')
  t.match(await timed(249), tooFar)
  // Nothing of the instance, in a file before it.
  writeFileSync(join(folder, `${FIRST}.a.jsonl`), 'x\n')
  renameSync(path(FIRST), path(`${FIRST}.b`))
  t.match(await ask(FIRST, 4, placesWith({ bound: { bytes: 2, ms } })), tooFar)
  t.match(await ask(FIRST, 4, placesWith({ bound: { bytes: 3, ms } })), tooFar)
  writeFileSync(join(folder, `${FIRST}.a.jsonl`), '')
  const between = await timed(249)
  t.match(between, tooFar)
  t.notOk('file' in between, 'the next one is not begun')
  t.match(await timed(750), within)
})

test('a question ends at its bound, waits for its turns, and only two are answered at once', async (t) => {
  const { ask, instance, placesWith } = await make(t, { records: 3_000 })
  t.match(await ask(FIRST, 3_004), { verdict: 'holds', line: 3_004 })
  const short = placesWith({ bound: { bytes: 1, ms: 10_000 } })
  t.match(await ask(FIRST, 3_004, short), { verdict: 'unknown', detail: /too long/ })
  let time = 0
  const slow = placesWith({ clock: () => (time += 1_000), bound: { bytes: 2 ** 30, ms: 500 } })
  t.match(await ask(FIRST, 3_004, slow), { verdict: 'unknown', detail: /too long/ })
  let turns = 0
  const places = placesWith()
  const question = { instance, seq: 3_004, day: FIRST, turn: async () => void turns++ }
  const asked = [1, 2, 3].map(() => places.placeOf(question))
  const [first, , third] = await Promise.allSettled(asked)
  t.match(first, { status: 'fulfilled', value: { verdict: 'holds' } })
  t.match(third, { status: 'rejected', reason: { code: 'overloaded', details: { retryAfter: 1 } } })
  t.ok(turns > 2)
})
