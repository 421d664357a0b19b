/** The keys of a chain: what anybody can compute of them, and what opens for its auditor alone. */
import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { test } from 'tap'
import {
  beginKey,
  digestOf,
  digestOfBytes,
  digestOfText,
  isMac,
  isOrigin,
  macOf,
  openFirstKey,
  stepped
} from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring, derive } from '../../../src/crypto/keyring.ts'
import { randomKeyring } from '../../support/keys.ts'

const KEY = '0123456789abcdefghijklmnopqrstuv'
const { active } = createKeyring([KEY])
const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const made = createHash('sha256')
  for (const part of parts) made.update(part)
  return made.digest()
}
const auditorPair = () => {
  const { publicKey, privateKey } = newAuditorKeys()
  return { publicKey: createPublicKey(publicKey), privateKey: createPrivateKey(privateKey) }
}

test('digests are SHA-256 in base64url, and one hangs on the text of the one before', async (t) => {
  t.equal(digestOfText('abc'), sha256('abc').toString('base64url'))
  t.equal(digestOfBytes(Buffer.from('abc')), digestOfText('abc'))
  t.equal(digestOf('former', 'abc'), sha256('former', 'abc').toString('base64url'))
})

test('a MAC is HMAC-SHA256 of the digest, and nothing else is taken for it', async (t) => {
  const key = randomBytes(32)
  const mac = createHmac('sha256', key).update('digest').digest('base64url')
  t.equal(macOf(key, 'digest'), mac)
  t.ok(isMac(key, 'digest', mac))
  const other = `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`
  for (const wrong of ['', mac.slice(1), `${mac}A`, other]) t.notOk(isMac(key, 'digest', wrong))
  t.notOk(isMac(key, 'another', mac))
  t.notOk(isMac(randomBytes(32), 'digest', mac))
})

test('the next key is SHA-256 of the label and the key, however many were stepped before', async (t) => {
  for (const key of [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]) {
    const next = sha256('purser/v1/audit-step', key)
    t.strictSame(stepped(key), next)
    t.strictSame(stepped(next), sha256('purser/v1/audit-step', next))
  }
})

test('without an auditor the first key follows from the encryption key and the instance', async (t) => {
  const { key, first } = await beginKey(active, undefined, 'instance-a')
  const expected = createHmac('sha256', derive(KEY, 'audit'))
    .update('purser/v1/audit-instance/instance-a')
    .digest()
  t.strictSame(key, expected)
  t.strictSame(first, { kid: active.kid })
  t.ok(isOrigin(active, 'instance-a', first), 'its MACs say so')
  const none = { encryptionKey: undefined, auditor: undefined }
  t.strictSame(
    await openFirstKey(first, 'instance-a', { ...none, encryptionKey: active }),
    expected
  )
  t.not(await openFirstKey(first, 'instance-b', { ...none, encryptionKey: active }), expected)
  t.equal(await openFirstKey(first, 'instance-a', none), undefined)
  const { privateKey } = auditorPair()
  t.equal(await openFirstKey(first, 'instance-a', { ...none, auditor: privateKey }), undefined)
})

test('an instance with an auditor is proven to be begun under its encryption key, for itself alone', async (t) => {
  const { publicKey } = auditorPair()
  const { first } = await beginKey(active, publicKey, 'instance-a')
  t.ok(isOrigin(active, 'instance-a', first))
  t.notOk(isOrigin(active, 'instance-b', first))
  t.notOk(isOrigin(randomKeyring().keyring.active, 'instance-a', first))
  t.notOk(isOrigin(active, 'instance-a', { ...first, origin: 'x' }))
  const { origin: _, ...without } = first
  t.notOk(isOrigin(active, 'instance-a', without))
  const another = await beginKey(active, publicKey, 'instance-a')
  t.notOk(isOrigin(active, 'instance-a', { ...first, sealed: String(another.first.sealed) }))
})

test('only what was sealed as the first key of a chain opens as one, with the private key', async (t) => {
  const { publicKey, privateKey } = auditorPair()
  const open = (sealed: string, auditor: typeof privateKey | undefined = privateKey) =>
    openFirstKey({ kid: active.kid, sealed }, 'i', { encryptionKey: active, auditor })
  const { key, first } = await beginKey(active, publicKey, 'i')
  t.strictSame(await open(String(first.sealed)), key)
  t.equal(
    await openFirstKey(first, 'i', { encryptionKey: active, auditor: undefined }),
    undefined,
    'the encryption key does not open it'
  )
  const seal = (bytes: Buffer, header: Readonly<Record<string, string>> = {}) =>
    new CompactEncrypt(bytes)
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'purser-audit+jwe', ...header })
      .encrypt(publicKey)
  t.strictSame(await open(await seal(key)), key)
  t.equal(await open(await seal(key, { typ: 'another+jwe' })), undefined)
  t.equal(await open(await seal(key.subarray(1))), undefined, 'too short')
  t.equal(await open(await seal(Buffer.concat([key, key]))), undefined, 'too long')
  t.equal(await open(await seal(key, { enc: 'A128GCM' })), undefined)
  t.equal(await open(await seal(key, { alg: 'ECDH-ES+A256KW' })), undefined)
  t.equal(await open('no.jwe'), undefined)
})
