/** The auditor's keys: which files are taken for which half. */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { test } from 'tap'
import {
  newAuditorKeys,
  parseAuditorPrivateKey,
  parseAuditorPublicKey
} from '../../../src/crypto/auditor-keys.ts'

const pem = (text: string): Buffer => Buffer.from(text)

test('both halves of a new pair are read, and belong together', async (t) => {
  const { publicKey, privateKey } = newAuditorKeys()
  t.equal(parseAuditorPublicKey(pem(publicKey)).type, 'public')
  t.equal(parseAuditorPrivateKey(pem(privateKey)).type, 'private')
  t.not(newAuditorKeys().privateKey, privateKey)
})

test('a private key is never taken where the public one belongs, nor the other way round', async (t) => {
  const { publicKey, privateKey } = newAuditorKeys()
  t.throws(() => parseAuditorPublicKey(pem(privateKey)), {
    message: 'holds a private key: give the public one'
  })
  t.throws(() => parseAuditorPublicKey(pem(publicKey + privateKey)), { message: /private key/ })
  t.throws(() => parseAuditorPrivateKey(pem(publicKey)), {
    message: /^holds no private key of P-256/
  })
})

test('another curve, another algorithm and no key at all are refused in words of ours', async (t) => {
  const written = ({ publicKey, privateKey }: KeyPairKeyObjectResult) => ({
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  })
  const others = [
    written(generateKeyPairSync('ec', { namedCurve: 'secp384r1' })),
    written(generateKeyPairSync('ed25519')),
    written(generateKeyPairSync('rsa', { modulusLength: 2048 })),
    { publicKey: '', privateKey: '' },
    { publicKey: 'text', privateKey: 'text' }
  ]
  for (const { publicKey, privateKey } of others) {
    t.throws(() => parseAuditorPublicKey(pem(publicKey)), {
      message: /^holds no public key of P-256/
    })
    t.throws(() => parseAuditorPrivateKey(pem(privateKey)), {
      message: /^holds no private key of P-256/
    })
  }
})
