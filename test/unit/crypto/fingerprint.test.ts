/** Fingerprints: names that only the holder of the encryption key can make. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'tap'
import { fingerprint, isFingerprint } from '../../../src/crypto/fingerprint.ts'
import { createKeyring, derive } from '../../../src/crypto/keyring.ts'
import { lengthPrefixed } from '../../../src/crypto/length-prefixed.ts'
import { randomKeyring } from '../../support/keys.ts'

const KEY = '0123456789abcdefghijklmnopqrstuv'
const { active } = createKeyring([KEY])

test('a fingerprint is HMAC-SHA256 of the words, each with its length before it', async (t) => {
  const words = ['a', 'b\u00fc', '']
  const bytes = Buffer.from('\0\0\0\u0001a\0\0\0\u0003b\u00c3\u00bc\0\0\0\0', 'latin1')
  t.strictSame(lengthPrefixed(words), bytes)
  const expected = createHmac('sha256', derive(KEY, 'fingerprint'))
    .update(bytes)
    .digest('base64url')
  t.equal(fingerprint(active, words), expected)
})

test('no two lists of words have one fingerprint', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other)
      t.equal(lengthPrefixed(one).equals(lengthPrefixed(other)), isSame)
    })
  )
  t.not(fingerprint(active, ['ab', 'c']), fingerprint(active, ['a', 'bc']))
  t.not(fingerprint(active, ['a']), fingerprint(randomKeyring().keyring.active, ['a']))
})

test('only the whole fingerprint of the words is taken for it', async (t) => {
  const words = ['store', 'path']
  const given = fingerprint(active, words)
  t.ok(isFingerprint(active, words, given))
  const other = `${given.startsWith('A') ? 'B' : 'A'}${given.slice(1)}`
  for (const wrong of ['', given.slice(1), `${given}A`, other]) {
    t.notOk(isFingerprint(active, words, wrong))
  }
  t.notOk(isFingerprint(active, ['store'], given))
})
