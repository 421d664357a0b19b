/** The chain of a trail: what a stranger can compute, whose key it is, and where one chain ends and the next begins. */
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { beginChain } from '../../../src/audit/chain.ts'
import { createTrail, type TrailOptions } from '../../../src/audit/trail.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { beginKey, openFirstKey } from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring, derive } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { checkMacs, trailLines, wrongInChain } from '../../support/trail-lines.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000

const event = (requestId: string): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId
})

const open = (t: Test, directory = createDirectory(t), options: Partial<TrailOptions> = {}) => {
  const clock = { time: NOON }
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: beginAuditKey,
    ...options
  })
  t.teardown(() => trail.close())
  const text = (): string =>
    readdirSync(join(directory, 'audit'))
      .sort()
      .map((name) => readFileSync(join(directory, 'audit', name), 'utf8'))
      .join('')
  return { trail, clock, directory, text, lines: () => trailLines(text()) }
}

const firstKeyOf = (instance: string): Buffer =>
  createHmac('sha256', derive(AUDIT_ENCRYPTION_KEY, 'audit'))
    .update(`purser/v1/audit-instance/${instance}`)
    .digest()

test('1,000 concurrent records are numbered without a gap, each hangs on the one before, and a group has one MAC', async (t) => {
  const { trail, text, lines } = open(t)
  await trail.append(event('first'))
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => trail.append(event(`r${i} \u00e4`))))
  await trail.close()
  t.equal(wrongInChain(text()), undefined)
  const written = lines()
  t.equal(written.length, 1_003, 'with head and seal')
  t.equal(checkMacs(written, firstKeyOf(written[0]?.instance ?? '')), 3)
  t.match(written[0], { chain: 'head', day: '2026-03-01', step: 0, seq: 1, mac: undefined })
  const [last, seal] = written.slice(-2)
  t.match(seal, {
    chain: 'seal',
    day: '2026-03-01',
    firstSeq: 1,
    lastSeq: 1_002,
    count: 1_002,
    head: last?.digest
  })
})

test('a line has the members of its event first, and its place at the end', async (t) => {
  const { trail, text } = open(t)
  await trail.append(event('r1'))
  t.match(
    text().split('\n')[1],
    /^\{"time":"2026-03-01T12:00:00\.000Z","action":"secret\.read","outcome":"allowed","environment":"pro","route":"\/v1\/secrets","requestId":"r1","instance":"[\w-]{11}","seq":2,"digest":"[\w-]{43}","mac":"[\w-]{43}"\}$/
  )
})

test('the turn of the day seals a segment, and the next one hangs on it', async (t) => {
  const { trail, clock, text, lines } = open(t)
  await trail.append(event('before'))
  clock.time += DAY_MS
  await trail.append(event('after'))
  await trail.close()
  t.equal(wrongInChain(text()), undefined)
  const kinds = lines().map((line) => line['chain'] ?? line['requestId'])
  t.strictSame(kinds, ['head', 'before', 'seal', 'head', 'after', 'seal'])
  const [, , seal, head] = lines()
  t.match(head, { day: '2026-03-02', from: seal?.digest, step: 2 })
  t.equal(checkMacs(lines(), firstKeyOf(head?.instance ?? '')), 4)
})

test('a process names what it found on record when it begins', async (t) => {
  const first = open(t)
  await first.trail.append(event('r1'))
  await first.trail.close()
  const { seq, digest, instance } = first.lines().at(-1) ?? {}
  const second = open(t, first.directory)
  await second.trail.append(event('r2'))
  t.match(second.lines()[3], { chain: 'head', after: `${instance}:${seq}:${digest}`, seq: 1 })
})

const noFullDevice = !existsSync('/dev/full') && 'there is no /dev/full here'
test('after a write that failed a new chain begins, which says how far the former is on record', {
  skip: noFullDevice
}, async (t) => {
  const { trail, clock, directory, lines } = open(t)
  await trail.append(event('r1'))
  const [, recorded] = lines()
  clock.time += DAY_MS
  mkdirSync(join(directory, 'audit'), { recursive: true })
  const tomorrow = join(directory, 'audit', '2026-03-02.jsonl')
  symlinkSync('/dev/full', tomorrow)
  await t.rejects(trail.append(event('lost')))
  rmSync(tomorrow)
  await trail.append(event('r2'))
  const [, , seal, head, r2] = lines()
  t.match(seal, { chain: 'seal', lastSeq: 2, instance: recorded?.instance })
  t.match(head, { chain: 'head', seq: 1, after: `${seal?.instance}:3:${seal?.digest}` })
  t.not(head?.instance, seal?.instance)
  t.match(r2, { requestId: 'r2', instance: head?.instance })
})

test('the anchor is the last line on record, and is told of at the beginning and at a seal', async (t) => {
  const told: unknown[] = []
  const { trail, lines } = open(t, undefined, { onAnchor: (anchor) => told.push(anchor) })
  t.equal(trail.anchor(), undefined)
  for (const id of ['r1', 'r2']) await trail.append(event(id))
  t.match(trail.anchor(), { seq: 3, head: lines()[2]?.digest })
  await trail.close()
  const [, first, , seal] = lines()
  t.match(told, [
    { instance: first?.instance, seq: 2, head: first?.digest },
    { instance: first?.instance, seq: 4, head: seal?.digest }
  ])
})

test('with an auditor the first key is random and opens with his private key alone', async (t) => {
  const { active } = createKeyring([AUDIT_ENCRYPTION_KEY])
  const { publicKey, privateKey } = newAuditorKeys()
  const auditor = createPublicKey(publicKey)
  const { trail, lines } = open(t, undefined, {
    beginKey: (instance) => beginKey(active, auditor, instance)
  })
  for (const id of ['r1', 'r2']) await trail.append(event(id))
  await trail.close()
  const [head] = lines()
  const instance = head?.instance ?? ''
  const first = { kid: active.kid, sealed: String(head?.['sealed']) }
  const keys = { encryptionKey: active, auditor: createPrivateKey(privateKey) }
  const key = await openFirstKey(first, instance, keys)
  t.equal(checkMacs(lines(), key ?? Buffer.alloc(32)), 3)
  t.throws(() => checkMacs(lines(), firstKeyOf(instance)), 'the encryption key is no help')
  const other = createPrivateKey(newAuditorKeys().privateKey)
  t.equal(await openFirstKey(first, instance, { ...keys, auditor: other }), undefined)
})

test('the first head of an instance alone says what was before it, and there is no seal without a segment', async (t) => {
  const place = { instance: 'i'.repeat(11), seq: 7, head: 'h'.repeat(43) }
  const found = { ...place, seq: 9 }
  const chain = await beginChain({ beginKey: beginAuditKey, after: place, found })
  t.equal(chain.day(), undefined)
  t.throws(() => chain.seal('2026-03-01T12:00:00.000Z'), { name: /^Error$/ })
  const days = ['2026-03-01', '2026-03-02'].flatMap((day) => {
    const time = `${day}T12:00:00.000Z`
    return trailLines(chain.link(day, time, [`{"time":"${time}"`]) + chain.seal(time))
  })
  const heads = days.filter((line) => line['chain'] === 'head')
  t.match(heads[0], {
    after: `${place.instance}:7:${place.head}`,
    found: `${place.instance}:9:${place.head}`
  })
  t.notOk('from' in (heads[0] ?? {}), 'there is no line before its first')
  t.notOk('after' in (heads[1] ?? {}))
  t.notOk('found' in (heads[1] ?? {}))
  t.equal(heads[1]?.['from'], days[2]?.digest)
})
