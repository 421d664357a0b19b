/** What a check of the trail says of each way to alter it, and of what is no alteration. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { type BeginKey, beginChain } from '../../../src/audit/chain.ts'
import { type Anchor, GROUP_MAX, parseAnchor } from '../../../src/audit/chain-line.ts'
import { bodyOf } from '../../../src/audit/line.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { type VerifyOptions, verifyTrail } from '../../../src/audit/verify.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { beginKey, digestOf } from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { trailLines } from '../../support/trail-lines.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000
const DAYS = ['2026-03-01.jsonl', '2026-03-02.jsonl', '2026-03-03.jsonl'] as const
const KEYRING = createKeyring([AUDIT_ENCRYPTION_KEY])
const OTHER = createKeyring(['vutsrqponmlkjihgfedcba9876543210'])

const event = (requestId: string): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId,
  reference: 'local:team/\u00e4'
})

interface Made {
  readonly folder: string
  readonly path: (day: string) => string
  readonly lines: (day: string) => string[]
  readonly put: (day: string, lines: readonly string[]) => void
  readonly anchor: Anchor
  readonly verify: (options?: Partial<VerifyOptions>) => ReturnType<typeof verifyTrail>
}

const TRAIL = { fsync: false, beginKey: beginAuditKey }

/** One instance, three days; each day has a group of one record and one of four. */
const write = async (
  directory: string,
  begin: BeginKey = beginAuditKey,
  doesEnd = true
): Promise<Anchor> => {
  const clock = { time: NOON }
  const trail = createTrail({ ...TRAIL, directory, now: () => clock.time, beginKey: begin })
  for (const day of DAYS) {
    await trail.append(event(`${day} first`))
    await Promise.all([1, 2, 3, 4].map((i) => trail.append(event(`${day} ${i}`))))
    clock.time += DAY_MS
  }
  if (doesEnd) await trail.close()
  const anchor = trail.anchor()
  if (anchor === undefined) throw new Error('the trail is written')
  return anchor
}

const opened = (folder: string, anchor: Anchor): Made => {
  const path = (day: string): string => join(folder, day)
  return {
    folder,
    path,
    lines: (day) => readFileSync(path(day), 'utf8').split('\n').slice(0, -1),
    put: (day, lines) => writeFileSync(path(day), lines.map((line) => `${line}\n`).join('')),
    anchor,
    verify: (options) =>
      verifyTrail({
        folder,
        anchors: [],
        findKey: KEYRING.find,
        auditor: undefined,
        ...options
      })
  }
}

const make = async (t: Test, begin?: BeginKey): Promise<Made> => {
  const directory = createDirectory(t)
  return opened(join(directory, 'audit'), await write(directory, begin))
}

/** `verdict file:line seq-to` of each finding. */
const told = async (verifying: ReturnType<typeof verifyTrail>): Promise<string[]> => {
  const report = await verifying
  return report.findings.map(({ verdict, file = '-', line = '-', seq, to }) =>
    [verdict, `${file}:${line}`, to === undefined ? seq : `${seq}-${to}`].join(' ')
  )
}

test('a trail that nobody touched is right', async (t) => {
  const { verify, anchor } = await make(t)
  t.match(await verify({ anchors: [anchor] }), {
    verdict: /^ok$/,
    findings: [],
    unfinished: [],
    files: 3,
    instances: 1,
    segments: 3,
    sealed: 3,
    lines: 21,
    withoutKey: 0
  })
})

test('a byte changed, anywhere in any line, is tampering at that line', async (t) => {
  const { path, lines, verify } = await make(t)
  const [, day] = DAYS
  const bytes = readFileSync(path(day))
  let offset = 0
  let tried = 0
  for (const [i, line] of lines(day).entries()) {
    const length = Buffer.byteLength(line)
    for (let at = 0; at < length; at += 7) {
      const altered = Buffer.from(bytes)
      altered[offset + at] = (altered[offset + at] ?? 0) ^ 1
      writeFileSync(path(day), altered)
      const { verdict, findings } = await verify()
      const where = `byte ${at} of line ${i + 1}: ${JSON.stringify(findings)}`
      t.equal(verdict, 'broken', where)
      t.ok(
        findings.some(
          ({ verdict, file, line: number }) =>
            ['tampered', 'other key'].includes(verdict) &&
            file === day &&
            // What was said of a line that cannot be read is told with the line after it.
            (number === i + 1 || number === i + 2)
        ),
        where
      )
      tried++
    }
    offset += length + 1
  }
  t.ok(tried > 200)
})

test('a line dropped is missing, and named', async (t) => {
  const { lines, put, verify } = await make(t)
  const [, day] = DAYS
  const all = lines(day)
  for (const i of [1, 2, 3, 4]) {
    put(day, all.toSpliced(i, 1))
    t.strictSame(await told(verify()), [`line missing ${day}:${i + 1} ${8 + i}`])
  }
  put(day, all.toSpliced(2, 3))
  t.strictSame(await told(verify()), [`line missing ${day}:3 10-12`])
  put(day, all.slice(1))
  t.strictSame(await told(verify()), [`line missing ${day}:1 8`], 'the head')
  put(day, all.slice(0, -1))
  t.strictSame(await told(verify()), [`truncated ${day}:6 14`], 'the seal')
})

test('two lines swapped are reordered', async (t) => {
  const { lines, put, verify } = await make(t)
  const [, day] = DAYS
  const all = lines(day)
  const swapped = (a: number, b: number): string[] =>
    all.with(a, all[b] ?? '').with(b, all[a] ?? '')
  for (const [a, b] of [
    [2, 3],
    [1, 5],
    [3, 5]
  ] as const) {
    put(day, swapped(a, b))
    t.strictSame(await told(verify()), [`reordered ${day}:${a + 1} ${8 + a}`])
  }
})

test("a day's file removed is a missing segment, whichever day it was", async (t) => {
  for (const [i, expected] of [
    [0, 'segment missing 2026-03-02.jsonl:1 1-7'],
    [1, 'segment missing 2026-03-03.jsonl:1 8-14'],
    [2, 'truncated 2026-03-02.jsonl:7 15-21']
  ] as const) {
    const { path, verify, anchor } = await make(t)
    rmSync(path(DAYS[i]))
    t.strictSame(await told(verify({ anchors: [anchor] })), [expected])
  }
})

test('the tail cut is seen by its anchor, and within a segment that others follow by itself', async (t) => {
  const { lines, put, verify, anchor } = await make(t)
  const [, second, third] = DAYS
  const all = lines(third)
  put(third, all.slice(0, 2))
  t.strictSame(await told(verify()), [])
  t.strictSame(await told(verify({ anchors: [anchor] })), [`truncated ${third}:2 17-21`])
  put(third, all)
  put(second, lines(second).slice(0, 2))
  t.strictSame(await told(verify()), [`truncated ${second}:2 10-14`])
})

test('an anchor that the trail does not go through is told', async (t) => {
  const { verify, anchor, lines } = await make(t)
  const { digest } = trailLines(lines(DAYS[0])[2] ?? '')[0] ?? {}
  t.strictSame(await told(verify({ anchors: [{ ...anchor, seq: 3, head: digest ?? '' }] })), [])
  const off = { ...anchor, seq: 3, head: anchor.head }
  t.strictSame(await told(verify({ anchors: [off] })), [`anchor mismatch ${DAYS[0]}:3 3`])
  const unknown = { ...anchor, instance: 'abcdefghijk' }
  t.strictSame(await told(verify({ anchors: [unknown] })), ['segment missing -:- 21'])
})

/** Digests computed anew from a line on, as whoever has no key can. */
const redigested = (lines: readonly string[], from: number): string[] => {
  let former = trailLines(lines[from - 1] ?? '')[0]?.digest ?? ''
  return lines.map((line, i) => {
    if (i < from) return line
    const cut = line.lastIndexOf(',"digest":')
    const digest = digestOf(former, line.slice(0, cut))
    former = digest
    return line.slice(0, cut) + line.slice(cut).replace(/"digest":"[^"]+"/, `"digest":"${digest}"`)
  })
}

test('who computes the digests anew is betrayed by the MAC of the group', async (t) => {
  const { lines, put, verify } = await make(t)
  const day = DAYS[2]
  const all = lines(day)
  const altered = all.with(3, (all[3] ?? '').replace('allowed', 'refused'))
  put(day, redigested(altered, 3))
  t.strictSame(await told(verify()), [`tampered ${day}:6 17-20`])
})

test('a segment replaced by one under another key is told, if it has the old name, its own, or none known', async (t) => {
  const { folder, lines, put, verify, anchor } = await make(t)
  const day = DAYS[2]
  const own = lines(day)
  const elsewhere = createDirectory(t)
  const begin: BeginKey = (instance) => beginKey(OTHER.active, undefined, instance)
  await write(elsewhere, begin)
  const foreign = opened(join(elsewhere, 'audit'), anchor).lines(day)
  put(day, foreign)
  const anchors = [anchor]
  const [first] = await told(verify({ anchors }))
  t.equal(first, `other key ${day}:1 15`)
  // The same under our kid and instance: only its MACs betray it.
  const { kid } = KEYRING.active
  const renamed = foreign.map((line) =>
    line
      .replace(OTHER.active.kid, kid)
      .replace(/"instance":"[^"]+"/, `"instance":"${anchor.instance}"`)
  )
  const head = (own[0] ?? '').replace(/,"digest.*/, '}')
  const forged = [head, ...renamed.slice(1)].map((line, i) =>
    i === 0 ? `${head.slice(0, -1)},"digest":"${'A'.repeat(43)}"}` : line
  )
  const from = trailLines(lines(DAYS[1]).at(-1) ?? '')[0]?.digest ?? ''
  const digest = digestOf(from, head.slice(0, -1))
  put(day, redigested([`${head.slice(0, -1)},"digest":"${digest}"}`, ...forged.slice(1)], 1))
  t.strictSame(await told(verify()), [`other key ${day}:2 15-16`])
  t.equal(readdirSync(folder).length, 3)
})

test('an instance that was taken away whole is named by the next one', async (t) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const now = { time: NOON }
  const run = async (id: string): Promise<Anchor> => {
    const trail = createTrail({ ...TRAIL, directory, now: () => now.time })
    await trail.append(event(id))
    await trail.close()
    now.time += DAY_MS
    return trail.anchor() as Anchor
  }
  const anchors = [await run('r1'), await run('r2'), await run('r3')]
  const { verify, path } = opened(folder, anchors[2] as Anchor)
  t.match(await verify(), { verdict: /^ok$/, instances: 3 })
  rmSync(path(DAYS[1]))
  t.match(await verify(), {
    verdict: 'broken',
    findings: [{ verdict: 'segment missing', instance: anchors[1]?.instance, seq: 3 }]
  })
})

/** As who has no key writes them: each digest made anew, and no MAC. */
const forged = (lines: readonly string[], alter: (line: string) => string): string[] => {
  let digest = ''
  return lines.map((line) => {
    const body = alter(line.slice(0, line.lastIndexOf(',"digest":')))
      .replace(/"from":"[^"]*"/, `"from":"${digest}"`)
      .replace(/"head":"[^"]*"/, `"head":"${digest}"`)
    digest = digestOf(digest, body)
    return `${body},"digest":"${digest}"}`
  })
}

test('a trail that was written anew without any MAC is not taken for unfinished', async (t) => {
  const { lines, put, verify } = await make(t)
  const all = DAYS.flatMap(lines)
  let from = 0
  const altered = forged(all, (body) => body.replace('allowed', 'denied'))
  for (const day of DAYS) {
    const { length } = lines(day)
    put(day, altered.slice(from, from + length))
    from += length
  }
  t.strictSame((await told(verify())).slice(0, 1), ['tampered 2026-03-01.jsonl:7 7'])
  // Without its seals it is an instance of several days with no MAC between them.
  put(DAYS[0], altered.slice(0, 6))
  put(DAYS[1], forged(altered.slice(0, 13).toSpliced(6, 1), (body) => body).slice(6))
  t.equal((await verify()).verdict, 'broken')
})

test('MACs that were taken out are told: within an instance, and where an anchor vouches for a group', async (t) => {
  const { lines, put, verify, anchor } = await make(t)
  const bare = (line: string): string => line.replace(/,"mac":"[^"]+"/, '')
  const [first, , last] = DAYS
  const whole = lines(first)
  // Of all groups and of the seal; of the groups alone; of the seal alone.
  for (const altered of [
    whole.map(bare),
    [...whole.slice(0, -1).map(bare), ...whole.slice(-1)],
    [...whole.slice(0, -1), ...whole.slice(-1).map(bare)]
  ]) {
    put(first, altered)
    t.equal((await verify()).verdict, 'broken')
  }
  put(first, whole)
  const unsealed = lines(last).slice(0, -1)
  const known = trailLines(`${unsealed.at(-1)}\n`)[0]
  put(last, [...unsealed.slice(0, -1), bare(unsealed.at(-1) ?? '')])
  t.match(await verify(), { verdict: /^ok$/, unfinished: [{ to: known?.seq }] })
  const { seq = 0, digest: head = '' } = known ?? {}
  t.strictSame(await told(verify({ anchors: [{ ...anchor, seq, head }] })), [
    `tampered ${last}:${unsealed.length} ${seq}`
  ])
})

test('a group has so many records at the most, and more lines without a MAC are no unfinished group', async (t) => {
  const directory = createDirectory(t)
  const trail = createTrail({ ...TRAIL, directory, now: () => NOON })
  await Promise.all(Array.from({ length: GROUP_MAX + 1 }, (_, i) => trail.append(event(`${i}`))))
  const folder = join(directory, 'audit')
  const { path, lines, put, verify } = opened(folder, trail.anchor() as Anchor)
  const day = DAYS[0]
  const macs = trailLines(readFileSync(path(day), 'utf8')).filter(({ mac }) => mac !== undefined)
  t.strictSame(
    macs.map(({ seq }) => seq),
    [GROUP_MAX + 1, GROUP_MAX + 2]
  )
  const all = forged(lines(day), (body) => body)
  put(day, all.slice(0, -1))
  t.match(await verify(), { verdict: /^ok$/, unfinished: [{ seq: 1, to: GROUP_MAX + 1 }] })
  put(day, all)
  t.strictSame(await told(verify()), [`tampered ${day}:- 1-${GROUP_MAX + 2}`])
  await trail.close()
})

test('what a kill leaves is unfinished, and no tampering', async (t) => {
  const { path, lines, put, verify } = await make(t)
  const day = DAYS[2]
  const all = lines(day)
  put(day, all.slice(0, 4))
  appendFileSync(path(day), (all[4] ?? '').slice(0, 150))
  const { verdict, findings, unfinished } = await verify()
  t.equal(verdict, 'ok', JSON.stringify(findings))
  t.match(unfinished, [{ file: day, seq: 17, to: 18 }])
})

test('a group that a slow disk took after all, when it had been given up, does no harm', async (t) => {
  const folder = createDirectory(t)
  const [, , day] = DAYS
  const time = '2026-03-03T12:00:00.000Z'
  const body = bodyOf(time, event('r'))
  const former = await beginChain({ beginKey: beginAuditKey, after: undefined })
  const acknowledged = former.link('2026-03-03', time, [body, body])
  const after = former.anchor()
  const late = former.link('2026-03-03', time, [body, body, body])
  const next = await beginChain({ beginKey: beginAuditKey, after })
  const rest = next.link('2026-03-03', time, [body]) + next.seal(time)
  const { verify, path } = opened(folder, after)
  // Of the late group all, none, or a part, the last line of it cut off.
  for (const part of [late.length, 0, late.length - 10, late.indexOf('\n') + 5]) {
    const cut = late.slice(0, part)
    const end = cut === '' || cut.endsWith('\n') ? '' : '\n'
    writeFileSync(path(day), acknowledged + cut + end + rest)
    t.match(await verify(), { verdict: /^ok$/, findings: [], instances: 2 }, `${part} bytes of it`)
  }
  writeFileSync(path(day), `${acknowledged.split('\n')[0]}\n${rest}`)
  t.strictSame(await told(verify()), [`truncated ${day}:1 2-3`], 'what was acknowledged is missed')
})

test('a clock that was set back over midnight makes no fault', async (t) => {
  const directory = createDirectory(t)
  const clock = { time: NOON + DAY_MS }
  const trail = createTrail({ ...TRAIL, directory, now: () => clock.time })
  for (const time of [NOON + DAY_MS, NOON, NOON + 2 * DAY_MS, NOON + DAY_MS]) {
    clock.time = time
    await trail.append(event('r'))
  }
  await trail.close()
  const { verify } = opened(join(directory, 'audit'), trail.anchor() as Anchor)
  t.match(await verify(), { verdict: /^ok$/, findings: [], segments: 4, files: 3 })
})

test('what an earlier version wrote is counted, and what somebody wrote in between is told', async (t) => {
  const { lines, put, verify } = await make(t)
  const [day] = DAYS
  const all = lines(day)
  const plain = '{"time":"2026-03-01T11:00:00.000Z","action":"secret.read","outcome":"allowed"}'
  put(day, [plain, plain, ...all])
  t.match(await verify(), { verdict: /^ok$/, unchained: 2 })
  put(day, [...all.slice(0, 3), plain, ...all.slice(3)])
  t.strictSame(await told(verify()), [`tampered ${day}:4 `])
})

test('an instance sealed to an auditor is checked with his key, and without it nobody can tell', async (t) => {
  const { publicKey, privateKey } = newAuditorKeys()
  const begin: BeginKey = (instance) =>
    beginKey(KEYRING.active, createPublicKey(publicKey), instance)
  const { verify, lines, put } = await make(t, begin)
  const auditor = createPrivateKey(privateKey)
  t.match(await verify({ auditor }), { verdict: /^ok$/, withoutKey: 0 })
  t.match(
    await verify({ auditor, findKey: undefined }),
    { verdict: /^ok$/ },
    'without ENCRYPTION_KEYS'
  )
  t.match(await verify(), { verdict: 'cannot tell', withoutKey: 3 })
  const other = createPrivateKey(newAuditorKeys().privateKey)
  t.match(await verify({ auditor: other }), {
    verdict: 'broken',
    findings: [{ verdict: 'other key' }]
  })
  t.match(await verify({ auditor, findKey: OTHER.find }), {
    findings: [{ verdict: 'other key' }]
  })
  const [day] = DAYS
  put(day, lines(day).toSpliced(2, 1))
  t.match(await verify(), { verdict: 'broken' }, 'what digests tell needs no key')
})

test('a trail without an auditor does not pass for one with him', async (t) => {
  const { verify } = await make(t)
  const auditor = createPrivateKey(newAuditorKeys().privateKey)
  t.match(await verify({ auditor }), { findings: [{ verdict: 'other key' }] })
})

test('with a first day, what was before is not missed', async (t) => {
  const { verify, path } = await make(t)
  rmSync(path(DAYS[0]))
  t.match(await verify({ since: '2026-03-02' }), { verdict: /^ok$/, segments: 2, files: 2 })
})

test('a change of which no outcome is on record is open, and no fault', async (t) => {
  const directory = createDirectory(t)
  const trail = createTrail({ ...TRAIL, directory, now: () => NOON })
  const change = (requestId: string, reason?: string) =>
    trail.append({ ...event(requestId), action: 'secret.write', ...(reason && { reason }) })
  await change('done', 'intent')
  await change('killed', 'intent')
  await change('done')
  await trail.close()
  const report = await verifyTrail({
    folder: join(directory, 'audit'),
    anchors: [],
    findKey: KEYRING.find,
    auditor: undefined
  })
  t.match(report, {
    verdict: /^ok$/,
    open: 1,
    openIntents: [{ file: DAYS[0], line: 3, action: 'secret.write', object: 'local:team/\u00e4' }]
  })
})

test('a file that was given the name of another day is told, also where that day is not looked at', async (t) => {
  const made = await make(t)
  renameSync(made.path(DAYS[1]), made.path('2026-02-01.jsonl'))
  for (const since of [undefined, DAYS[1].slice(0, 10)]) {
    const { verdict, findings } = await made.verify({ since })
    t.equal(verdict, 'broken')
    t.match(findings, [
      {
        verdict: 'tampered',
        file: '2026-02-01.jsonl',
        line: 1,
        detail: 'it was written into the file of 2026-03-02'
      }
    ])
  }
  t.match(await made.verify({ since: DAYS[2].slice(0, 10) }), { verdict: /^ok$/ })
})

/** An instance whose last group lost the end that has the MAC, and each next one too but for the last of them. */
const killed = async (t: Test, times: number, isShared = false) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const path = join(folder, DAYS[0])
  const read = (): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const put = (lines: readonly string[]) =>
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  for (let i = 0; i <= times; i++) {
    const trail = createTrail({ ...TRAIL, directory, now: () => NOON, isShared })
    if (i === 0) await trail.append(event('whole'))
    await Promise.all([1, 2, 3].map((n) => trail.append(event(`${i} ${n}`))))
    if (i < times) put(read().slice(0, -1))
    else await trail.close()
  }
  const { verify } = opened(folder, { instance: '', seq: 0, head: '' })
  return { lines: read(), put, verify }
}

test('what a kill left is bound by the next process: lines cannot be put there afterwards, nor altered, nor taken from it', async (t) => {
  const { lines, put, verify } = await killed(t, 1)
  t.match(await verify(), { verdict: /^ok$/, unfinished: [{ seq: 3, to: 4 }] })
  const left = lines.slice(0, 4)
  const rest = lines.slice(4)
  const next = (left[3] ?? '').replace('"seq":4', '"seq":5')
  const tails = {
    added: forged([...left, next], (body) => body),
    altered: forged(left, (body) => body.replace('0 2', '0 9')),
    cut: left.slice(0, 3)
  }
  for (const [how, tail] of Object.entries(tails)) {
    put([...left.slice(0, 2), ...tail.slice(2), ...rest])
    t.match(await verify(), { verdict: 'broken', findings: [{ verdict: 'tampered', seq: 3 }] }, how)
  }
})

test('of several processes that were killed one after the other, each is bound by the one that was not', async (t) => {
  const { lines, put, verify } = await killed(t, 3)
  const { verdict, unfinished } = await verify()
  t.equal(verdict, 'ok')
  t.strictSame(
    unfinished.map(({ seq, to }) => [seq, to]),
    [
      [3, 4],
      [1, 3],
      [1, 3]
    ]
  )
  // The second of them was never there.
  put([...lines.slice(0, 4), ...lines.slice(7)])
  t.match(await verify(), { verdict: 'broken', findings: [{ verdict: 'tampered', seq: 3 }] })
})

test('commands, which write beside each other, bind none of what others may be writing', async (t) => {
  const { lines, verify } = await killed(t, 1, true)
  t.match(await verify(), { verdict: /^ok$/, unfinished: [{ seq: 3, to: 4 }] })
  t.notMatch(lines.join(), '"found"')
})

test('lines of several days that were handed on as one file are checked as that, and missed from none', async (t) => {
  const made = await make(t)
  const file = join(made.folder, 'handed-on.jsonl')
  const verify = (days: readonly string[]) => {
    writeFileSync(file, days.map((day) => readFileSync(made.path(day), 'utf8')).join(''))
    return made.verify({ folder: file })
  }
  t.match(await verify(DAYS), { verdict: /^ok$/, files: 1, segments: 3, sealed: 3 })
  t.match(await verify(DAYS.slice(1)), { verdict: /^ok$/, segments: 2 })
  t.strictSame(await told(verify([DAYS[0], DAYS[2]])), ['segment missing handed-on.jsonl:8 8-14'])
})

test('an anchor is one text, and nothing else is taken for one', async (t) => {
  const text = `abcdefghijk:12:${'a'.repeat(43)}`
  t.strictSame(parseAnchor(text), { instance: 'abcdefghijk', seq: 12, head: 'a'.repeat(43) })
  for (const wrong of [
    '',
    'abc',
    `${text}x`,
    text.replace('12', '0'),
    // No number counts that far exactly.
    text.replace('12', '9999999999999999'),
    text.replace(':12', ':-1'),
    text.replace(':12', ''),
    text.slice(1),
    text.slice(0, -1)
  ]) {
    t.equal(parseAnchor(wrong), undefined)
  }
})
