/** What an envelope gives back, and what is none. */
import { test } from 'tap'
import {
  type NoSlot,
  openSlot,
  recordCodec,
  sealSlot,
  tagsCodec
} from '../../../src/cache/envelope.ts'
import type { Slot } from '../../../src/cache/slot.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import { type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'

const sealer = createSealer(createKeyring([newEncryptionKey()]))
const PLACE = ['secret', 'dev', 'store-kv', 'place', 'a', '', '']
const NOW = { mark: '', epoch: '3' }
const TIME = 10
const END = 20
const ENTRY = { fetchedAt: 1, expiresAt: 2 }
const record: SecretRecord = {
  text: new Sensitive('{"username":"ü"}'),
  version: 'version-1',
  encoding: 'base64',
  encodings: new Map([['__proto__', 'base64']]),
  tags: new Map([['__proto__', 'true']])
}

const opened = <T>(found: Slot<T> | NoSlot): Slot<T> | undefined =>
  typeof found === 'string' ? undefined : found

const plain = ({ entry }: Slot<SecretRecord> = {}) =>
  entry && { ...entry, record: { ...entry.record, text: entry.record.text.reveal() } }

test('a slot comes back as it was: value, times, tags and failure', async (t) => {
  const failure = {
    fault: new ProviderFault('throttled', { code: 'Slow', status: 429, retryAfterSeconds: 7 }),
    until: 9
  }
  for (const slot of [
    { entry: { ...ENTRY, record } },
    { failure },
    { entry: { ...ENTRY, record }, failure }
  ]) {
    const envelope = sealSlot(sealer, recordCodec, PLACE, slot, NOW, END)
    const back = opened(openSlot(sealer, recordCodec, PLACE, envelope, NOW, TIME))
    t.strictSame(plain(back), plain(slot))
    t.strictSame(back?.entry?.record.tags, slot.entry && record.tags)
    t.strictSame(back?.entry?.record.encodings, slot.entry && record.encodings)
    t.strictSame(back?.failure, slot.failure)
  }
  const tags = sealSlot(
    sealer,
    tagsCodec,
    PLACE,
    { entry: { ...ENTRY, record: new Map([['a', 'b']]) } },
    NOW,
    END
  )
  t.strictSame(
    opened(openSlot(sealer, tagsCodec, PLACE, tags, NOW, TIME))?.entry?.record,
    new Map([['a', 'b']])
  )
})

test('an envelope shows nothing of what it holds', async (t) => {
  const envelope = sealSlot(sealer, recordCodec, PLACE, { entry: { ...ENTRY, record } }, NOW, END)
  // Long enough that no chance writes one of them.
  for (const word of ['username', 'version-1', 'fetchedAt', 'store-kv', '__proto__'])
    t.notOk(envelope.includes(word), word)
})

test('what stood elsewhere, was cut, changed, made before an invalidation or under a foreign key is none', async (t) => {
  const slot = { entry: { ...ENTRY, record } }
  const envelope = sealSlot(sealer, recordCodec, PLACE, slot, NOW, END)
  const open = (bytes: Buffer, place = PLACE, invalidations = NOW, time = TIME) =>
    openSlot(sealer, recordCodec, place, bytes, invalidations, time)
  t.ok(opened(open(envelope, PLACE, NOW, END - 1)))
  t.equal(open(envelope, PLACE, NOW, END), 'refused', 'after its end')
  PLACE.forEach((_word, i) => {
    t.equal(open(envelope, PLACE.with(i, 'other')), 'refused', `another place (${i})`)
  })
  t.equal(open(envelope, PLACE, { ...NOW, mark: '1' }), 'outdated')
  t.equal(open(envelope, PLACE, { ...NOW, epoch: '4' }), 'outdated')
  for (const length of [0, 1, 34, 35, envelope.length - 1]) {
    t.equal(open(envelope.subarray(0, length)), 'refused', `cut at ${length}`)
  }
  for (const i of [0, 1, 7, 19, 35, envelope.length - 1]) {
    const changed = Buffer.from(envelope)
    changed[i] = (changed[i] ?? 0) ^ 1
    t.equal(open(changed), 'refused', `byte ${i}`)
  }
  const foreign = createSealer(createKeyring([newEncryptionKey()]))
  t.equal(open(sealSlot(foreign, recordCodec, PLACE, slot, NOW, END)), 'refused')
  const ofAnotherSort = sealSlot(
    sealer,
    tagsCodec,
    PLACE,
    { entry: { ...ENTRY, record: new Map() } },
    NOW,
    END
  )
  t.equal(open(ofAnotherSort), 'unfamiliar', 'tags are no record')
})

test('what a later version wrote is told as of another format, and not as damaged', async (t) => {
  const open = (envelope: Buffer) => openSlot(sealer, recordCodec, PLACE, envelope, NOW, TIME)
  const envelope = sealSlot(sealer, recordCodec, PLACE, { entry: { ...ENTRY, record } }, NOW, END)
  const beginningWith = (first: number): Buffer =>
    Buffer.concat([Buffer.of(first), envelope.subarray(1)])
  t.ok(opened(open(beginningWith(1))))
  for (const layout of [2, 3, 31]) t.equal(open(beginningWith(layout)), 'unfamiliar', `${layout}`)
  // No layout has such a number: a text, or a bit that was turned.
  for (const first of [0, 32, 0x7b, 255]) t.equal(open(beginningWith(first)), 'refused', `${first}`)
  const sealed = (content: unknown): Buffer =>
    sealer.seal('cache', Buffer.from(JSON.stringify(content)), PLACE)
  t.equal(open(sealed({ end: 20 })), 'unfamiliar', 'authentic, with members that we do not know')
  t.equal(open(sealer.seal('cache', Buffer.of(255), PLACE)), 'unfamiliar', 'authentic, no text')
})
