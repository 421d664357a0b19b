/** What stands for a key where a client signs: made of the key's id and its encryption key, and kept nowhere. */
import { hkdfSync } from 'node:crypto'
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { signingCredentialsOf } from '../../../src/crypto/sigv4-secret.ts'

const KEY_ID = '7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11'

test('the secret follows from the encryption key and the id of the key, by HKDF', async (t) => {
  const encryptionKey = newEncryptionKey()
  const { active } = createKeyring([encryptionKey])
  const expected = hkdfSync('sha256', encryptionKey, KEY_ID, 'purser/v1/aws-sigv4', 32)
  t.same(signingCredentialsOf(active, KEY_ID), {
    accessKeyId: 'PSR7d3c2e0e7a5b4d0f',
    secretAccessKey: Buffer.from(expected).toString('base64url')
  })
})

test('no two keys have the same secret, nor has one key under two encryption keys', async (t) => {
  const { all } = createKeyring([newEncryptionKey(), newEncryptionKey()])
  const other = '8d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11'
  const secrets = all.flatMap((key) =>
    [KEY_ID, other].map((id) => signingCredentialsOf(key, id).secretAccessKey)
  )
  t.equal(new Set(secrets).size, 4)
})
