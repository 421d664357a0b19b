import fc from 'fast-check'
import { test } from 'tap'
import { createKeyring, kidOf, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer, isOfLaterLayout, kidOfEnvelope } from '../../../src/crypto/sealer.ts'

const [oldKey, newKey] = [newEncryptionKey(), newEncryptionKey()]
const before = createSealer(createKeyring([oldKey]))
const during = createSealer(createKeyring([oldKey, newKey]))
const after = createSealer(createKeyring([newKey]))

test('an envelope opens to what was sealed, at its own place', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.array(fc.string()), (bytes, context) => {
      const envelope = before.seal('store', Buffer.from(bytes), context)
      t.same(before.open('store', envelope, context), Buffer.from(bytes))
    })
  )
})

test('an envelope moved to another place or purpose does not open', async (t) => {
  const envelope = before.seal('store', Buffer.from('value'), ['local', 'a/b'])
  t.equal(before.open('store', envelope, ['local', 'a/c']), undefined)
  t.equal(before.open('store', envelope, ['local', 'a', 'b']), undefined)
  t.equal(before.open('store', envelope, ['locala', '/b']), undefined)
  t.equal(before.open('cache', envelope, ['local', 'a/b']), undefined)
})

test('an envelope with any byte changed, cut short or with a short tag does not open', async (t) => {
  const envelope = before.seal('cache', Buffer.from('value'), ['x'])
  for (let i = 0; i < envelope.length; i++) {
    const changed = Buffer.from(envelope)
    changed[i] = (changed[i] ?? 0) ^ 1
    t.equal(before.open('cache', changed, ['x']), undefined, `byte ${i}`)
    t.equal(before.open('cache', envelope.subarray(0, i), ['x']), undefined, `length ${i}`)
  }
})

test('no two envelopes of one value are alike', async (t) => {
  const envelopes = Array.from({ length: 100 }, () =>
    before.seal('cache', Buffer.from('v'), []).toString('hex')
  )
  t.equal(new Set(envelopes).size, 100)
})

test('during a rotation old envelopes open and are known to need rewrapping; after it they are closed', async (t) => {
  const envelope = before.seal('store', Buffer.from('value'), ['x'])
  t.same(during.open('store', envelope, ['x']), Buffer.from('value'))
  t.equal(during.isUnderActiveKey(envelope), false)
  t.equal(during.isUnderActiveKey(during.seal('store', Buffer.from('value'), ['x'])), true)
  t.equal(after.open('store', envelope, ['x']), undefined)
})

test('an envelope names its encryption key in its first seven bytes', async (t) => {
  const envelope = before.seal('store', Buffer.from('value'), ['x'])
  t.equal(kidOfEnvelope(envelope), kidOf(oldKey))
  t.equal(kidOfEnvelope(envelope.subarray(0, 7)), kidOf(oldKey))
  t.equal(kidOfEnvelope(envelope.subarray(0, 6)), undefined)
  t.equal(kidOfEnvelope(Buffer.concat([Buffer.of(2), envelope.subarray(1)])), undefined)
})

test('an envelope is under a known key if the ring has the key, whether it opens or not', async (t) => {
  const envelope = before.seal('store', Buffer.from('value'), ['x'])
  t.ok(during.isUnderKnownKey(envelope))
  t.notOk(after.isUnderKnownKey(envelope))
  const changed = Buffer.from(envelope)
  changed[40] = (changed[40] ?? 0) ^ 1
  t.ok(during.isUnderKnownKey(changed))
  t.notOk(during.isUnderKnownKey(envelope.subarray(0, 34)), 'too short to be one')
  t.notOk(during.isUnderKnownKey(Buffer.concat([Buffer.of(2), envelope.subarray(1)])))
})

test('a later layout has a number that counts on from ours, which no text begins with', async (t) => {
  for (const first of [2, 31]) t.ok(isOfLaterLayout(Buffer.of(first)), `${first}`)
  for (const first of [0, 1, 32, 255]) t.notOk(isOfLaterLayout(Buffer.of(first)), `${first}`)
  t.notOk(isOfLaterLayout(Buffer.alloc(0)))
})
