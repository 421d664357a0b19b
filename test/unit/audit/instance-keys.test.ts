/** The keys of instances: which one a head leads to, why it is none of ours, and that a process that serves is never busy with them for long. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { formatAnchor, headBody, placed, type SegmentHead } from '../../../src/audit/chain-line.ts'
import {
  createKeys,
  type KeyOptions,
  readHeads,
  type Stepping
} from '../../../src/audit/instance-keys.ts'
import { beginKey, stepped } from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'

const ring = createKeyring([AUDIT_ENCRYPTION_KEY])
const { kid } = ring.active
const DAY = '2026-03-01'

const keysOf = (
  head: SegmentHead,
  stepping: Stepping = { isServing: true },
  options: Partial<KeyOptions> = {}
) =>
  createKeys(
    { byInstance: new Map([['i', head]]), inFile: new Map(), after: [], otherFormat: new Set() },
    { findKey: ring.find, auditor: undefined, ...options },
    stepping
  )

const steppedFrom = (key: Buffer, steps: number): Buffer => {
  let last = key
  for (let i = 0; i < steps; i++) last = stepped(last)
  return last
}

/** An instance that is sealed to an auditor of its own. */
const sealed = async () => {
  const { publicKey, privateKey } = newAuditorKeys()
  const { key, first } = await beginKey(ring.active, createPublicKey(publicKey), 'i')
  return {
    key: Buffer.from(key),
    head: { ...first, day: DAY, step: 0 },
    auditor: createPrivateKey(privateKey)
  }
}

test('a key that is many steps away is reached in turns with others, and found only then', async (t) => {
  const head = { kid, day: DAY, step: 40_000 }
  const { keyOf, reach } = await keysOf(head)
  t.strictSame(keyOf('i', head), { key: undefined, fault: undefined })
  let turns = 0
  let isReached = false
  const count = (): void => {
    turns++
    if (!isReached) setImmediate(count)
  }
  setImmediate(count)
  await reach('i', head)
  isReached = true
  t.ok(turns >= 8, `others had ${turns} turns`)
  t.match(keyOf('i', head), { key: { step: 40_000 } })
})

test('no number of steps that somebody wrote keeps the process', async (t) => {
  for (const step of [Number.MAX_SAFE_INTEGER, 50_000_001, -1]) {
    const head = { kid, day: DAY, step }
    const { keyOf, reach } = await keysOf(head)
    await reach('i', head)
    t.strictSame(keyOf('i', head), { key: undefined, fault: undefined }, `${step}`)
  }
})

test('a process that serves makes 5,000 steps at once and none more; one that checks makes them all', async (t) => {
  const { key: first } = await beginKey(ring.active, undefined, 'i')
  for (const [step, isServing, isFound] of [
    [0, true, true],
    [5_000, true, true],
    [5_001, true, false],
    [5_001, false, true]
  ] as const) {
    const head = { kid, day: DAY, step }
    const { keyOf } = await keysOf(head, isServing ? { isServing } : {})
    const expected = isFound ? { step, key: steppedFrom(first, step) } : undefined
    t.strictSame(keyOf('i', head), { key: expected, fault: undefined }, `${step} ${isServing}`)
  }
})

test('whoever stops does so between turns, and steps stay made for who comes back', async (t) => {
  const head = { kid, day: DAY, step: 20_000 }
  const running = new Map()
  let asked = 0
  const stopping = await keysOf(head, { running, isServing: true, isStopped: () => ++asked > 2 })
  await stopping.reach('i', head)
  t.equal(running.get('i').step, 10_000)
  const again = await keysOf(head, { running, isServing: true })
  t.equal(again.keyOf('i', head).key, undefined, 'too far still')
  t.match(again.keyOf('i', { ...head, step: 12_000 }), { key: { step: 12_000 } })
  const { key: first } = await beginKey(ring.active, undefined, 'i')
  t.strictSame(
    again.keyOf('i', { ...head, step: 3 }).key,
    { step: 3, key: steppedFrom(first, 3) },
    'one that was passed is made from the first'
  )
})

test('a key of nobody known is not found, and one that another segment contradicts is a fault', async (t) => {
  const head = { kid, day: DAY, step: 0 }
  const { keyOf, reach } = await keysOf(head)
  await reach('j', head)
  t.strictSame(keyOf('j', head), { key: undefined, fault: undefined })
  for (const contradicting of [{ kid: 'other' }, { sealed: 'x' }, { origin: 'x' }]) {
    const { key, fault } = keyOf('i', { ...head, ...contradicting })
    t.equal(key, undefined)
    t.match(fault, /^another segment/, JSON.stringify(contradicting))
  }
  t.match(keyOf('i', { ...head, day: '2026-03-02', step: 1 }), {
    key: { step: 1 },
    fault: undefined
  })
})

test('why a key is none of ours is told: no auditor, no encryption key, not begun with it, not opened', async (t) => {
  const { head, key, auditor } = await sealed()
  const stranger = createPrivateKey(newAuditorKeys().privateKey)
  const ask = async (asked: SegmentHead, options: Partial<KeyOptions>) =>
    (await keysOf(asked, {}, options)).keyOf('i', asked)
  const known = { key: { step: 0, key }, fault: undefined }
  t.strictSame(await ask(head, { auditor }), known)
  t.strictSame(await ask(head, { auditor, findKey: undefined }), known)
  const notHere = { key: undefined, fault: undefined }
  t.strictSame(await ask(head, {}), notHere, 'the auditor alone has it')
  t.strictSame(await ask({ kid, day: DAY, step: 0 }, { findKey: undefined }), notHere)
  const isCopy = true
  t.strictSame(await ask({ kid: 'lost', day: DAY, step: 0 }, { isCopy }), notHere)
  t.strictSame(await ask({ ...head, kid: 'lost' }, { isCopy, auditor }), known)
  t.match(await ask({ ...head, origin: 'x' }, { isCopy }), { fault: /not begun by somebody/ })
  const faults: readonly (readonly [SegmentHead, KeyObject | undefined, RegExp])[] = [
    [{ kid, day: DAY, step: 0 }, auditor, /not sealed to the auditor/],
    [{ ...head, kid: 'lost' }, auditor, /the encryption key lost, which ENCRYPTION_KEYS lacks/],
    [{ kid: 'lost', day: DAY, step: 0 }, undefined, /the encryption key lost/],
    [{ ...head, origin: 'x' }, auditor, /not begun by somebody with the encryption keys/],
    [{ ...head, origin: 'x' }, undefined, /not begun by somebody with the encryption keys/],
    [head, stranger, /does not open with this auditor's key/]
  ]
  for (const [asked, by, expected] of faults) {
    const { keyOf } = await keysOf(asked, {}, { auditor: by })
    for (const one of [asked, { ...asked, kid: 'another' }]) {
      const { key: none, fault } = keyOf('i', one)
      t.equal(none, undefined)
      t.match(fault, expected, 'whatever another segment says')
    }
  }
})

test('heads are read from the files: the first of each instance, in all and in each, and what they found', async (t) => {
  const folder = createDirectory(t)
  const time = '2026-03-01T12:00:00.000Z'
  const end = `,"digest":"${'d'.repeat(43)}"}`
  const line = (instance: string, head: SegmentHead): string =>
    placed(headBody(time, head), instance.repeat(11), 1) + end
  const before = { instance: 'p'.repeat(11), seq: 7, head: 'h'.repeat(43) }
  const first = { kid, day: DAY, step: 0, after: formatAnchor(before) }
  const texts = {
    'one.jsonl': [
      `${placed(`{"time":"${time}","action":"secret.read"`, 'c'.repeat(11), 1)}${end}`,
      // A head that stands in no chain.
      `${headBody(time, first)}}`,
      line('a', first),
      line('a', { kid, day: DAY, step: 1 }),
      line('b', { kid, day: DAY, step: 0, after: 'no anchor' })
    ],
    'two.jsonl': [line('a', { kid, day: DAY, step: 5 }), line('a', { kid, day: DAY, step: 6 })],
    'three.jsonl': [line('d', first).replace('"format":1', '"format":2')],
    'four.jsonl': [line('e', first).replace('"format":1,', '')]
  }
  const files = Object.entries(texts).map(([name, lines]) => {
    const path = join(folder, name)
    writeFileSync(path, `${lines.join('\n')}\n`)
    return { name, path, day: DAY, writer: undefined }
  })
  const { byInstance, inFile, after, otherFormat } = await readHeads(files)
  const steps = (heads: ReadonlyMap<string, SegmentHead> | undefined) =>
    [...(heads ?? [])].map(([instance, { step }]) => `${instance[0]}${step}`).join()
  t.equal(steps(byInstance), 'a0,b0,d0,e0')
  t.strictSame(
    [...inFile].map(([name, heads]) => `${name} ${steps(heads)}`),
    ['one.jsonl a0,b0', 'two.jsonl a5', 'three.jsonl d0', 'four.jsonl e0']
  )
  t.strictSame(after, [before, before, before])
  t.strictSame([...otherFormat], ['three.jsonl'])
})
