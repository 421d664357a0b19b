import fc from 'fast-check'
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'

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
