/** How many keys of an issuer verify signatures of the algorithms that a trust takes. */
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { issuerKeysIn } from '../../../src/crypto/workload-token.ts'

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey
const SET = {
  keys: [
    { ...rsa(2048).export({ format: 'jwk' }), kid: 'rsa' },
    { ...rsa(2048).export({ format: 'jwk' }), kid: 'rsa-for-ps', alg: 'PS256' },
    { ...rsa(1024).export({ format: 'jwk' }), kid: 'weak' },
    { ...ec('P-256').export({ format: 'jwk' }), kid: 'p256', alg: 'ES256' },
    { ...ec('P-384').export({ format: 'jwk' }), kid: 'p384' },
    { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'ed' },
    { ...ec('P-256').export({ format: 'jwk' }) },
    { kty: 'oct', k: 'AAAA', kid: 'secret' }
  ]
}

test('keys are counted by kind, curve, length and what they are for', (t) => {
  const keys = issuerKeysIn(SET, 'sig')
  t.equal(keys?.count, 6, 'neither one without an id nor a secret')
  const counts = (['RS256', 'PS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const).map(
    (algorithm) => keys?.countFor([algorithm])
  )
  t.same(counts, [1, 2, 1, 1, 1, 0, 1])
  t.equal(keys?.countFor(['RS256', 'PS256', 'ES256']), 3, 'each once')
  t.end()
})
