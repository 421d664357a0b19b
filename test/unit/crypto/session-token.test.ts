// The JWT of sessions: what is not exactly ours opens nothing, whatever a library would make of it.
import { createSecretKey } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { test } from 'tap'
import { kidOf } from '../../../src/crypto/keyring.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import { randomSecret } from '../../support/keys.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const SECONDS = NOW / 1000
const SECRET = randomSecret()
const PROFILE = { typ: 'purser-session+jwt', issuer: 'purser', audience: 'purser-sessions:dev' }
const CLAIMS = { jti: 'one', iat: SECONDS, exp: SECONDS + 900 }
const signer = createTokenSigner({ ...PROFILE, secrets: [SECRET] })

const forged = (
  header: Record<string, unknown>,
  claims: Record<string, unknown> = {},
  secret = SECRET
): Promise<string> =>
  new SignJWT({ ...CLAIMS, iss: PROFILE.issuer, aud: PROFILE.audience, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: PROFILE.typ, kid: kidOf(SECRET), ...header })
    .sign(createSecretKey(Buffer.from(secret)))

test('a token is an HMAC JWT under the secret as it stands', async (t) => {
  const token = await signer.sign(CLAIMS)
  t.match(await signer.open(token, NOW), { claims: CLAIMS, isExpired: false })
  t.equal(await forged({}), await forged({}), 'the forgery is the same each time')
  t.match(await signer.open(await forged({}), NOW), { claims: CLAIMS })
})

test('only the algorithm, the type and the header of the profile are taken', async (t) => {
  const others = {
    'another algorithm': await forged({ alg: 'HS512' }, {}, SECRET.repeat(2)),
    'another type': await forged({ typ: 'JWT' }),
    'no type': await forged({ typ: undefined }),
    'an unknown kid': await forged({ kid: 'AAAAAAAA' }),
    'no kid': await forged({ kid: undefined }),
    'a key of its own': await forged({ jwk: { kty: 'oct', k: 'AAAA' } }),
    'an address of keys': await forged({ jku: 'https://evil.example/keys' }),
    'no algorithm': new UnsecuredJWT({ ...CLAIMS }).encode()
  }
  for (const [what, token] of Object.entries(others)) {
    t.equal(await signer.open(token, NOW), undefined, what)
  }
})

test('only tokens of this issuer, for this service and within their time count', async (t) => {
  t.equal(await signer.open(await forged({}, { iss: 'another' }), NOW), undefined)
  t.equal(await signer.open(await forged({}, { aud: 'purser-sessions:pro' }), NOW), undefined)
  t.equal(await signer.open(await forged({}, { exp: undefined }), NOW), undefined)
  t.equal(await signer.open(await forged({}, { nbf: SECONDS + 60 }), NOW), undefined)
  const token = await signer.sign(CLAIMS)
  t.match(await signer.open(token, NOW + 899_000), { isExpired: false })
  t.match(await signer.open(token, NOW + 900_000), { isExpired: true })
})

test('a token with any character changed opens nothing', async (t) => {
  const token = await signer.sign(CLAIMS)
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A'
    const changed = token.slice(0, at) + other + token.slice(at + 1)
    const opened = await signer.open(changed, NOW)
    // The last character has bits that decoders drop.
    if (at < token.length - 1) t.equal(opened, undefined, `${at}`)
  }
  t.equal(await signer.open(`${token}=`, NOW), undefined)
  t.equal(await signer.open('', NOW), undefined)
})

test('a token has one spelling: the bits of its last character that count for nothing are 0', async (t) => {
  const token = await signer.sign(CLAIMS)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = letters.indexOf(token.at(-1) ?? '')
  for (const other of [last + 1, last + 2, last + 3]) {
    const respelled = token.slice(0, -1) + letters.charAt(other)
    t.same(Buffer.from(respelled, 'base64url'), Buffer.from(token, 'base64url'))
    t.equal(await signer.open(respelled, NOW), undefined)
  }
})

test('all secrets are accepted, the last signs', async (t) => {
  const next = randomSecret()
  const former = await signer.sign(CLAIMS)
  const both = createTokenSigner({ ...PROFILE, secrets: [SECRET, next] })
  const after = createTokenSigner({ ...PROFILE, secrets: [next] })
  t.ok(await both.open(former, NOW))
  t.equal(await after.open(former, NOW), undefined)
  t.ok(await after.open(await both.sign(CLAIMS), NOW))
})

test('without a secret nothing is signed, and nothing opens', async (t) => {
  const none = createTokenSigner({ ...PROFILE, secrets: [] })
  await t.rejects(none.sign(CLAIMS))
  t.equal(await none.open(await signer.sign(CLAIMS), NOW), undefined)
})
