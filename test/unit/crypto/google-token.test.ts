/** Which of the tokens that Google could have signed are a proof, and when there is no telling. */
import { CompactSign, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createGoogleTokenCheck } from '../../../src/crypto/google-token.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const SECONDS = NOW / 1_000
const EXPECTED = { audience: 'https://purser.example', serviceAccount: 'push@acme.iam' }
const CLAIMS = {
  iss: 'https://accounts.google.com',
  aud: EXPECTED.audience,
  email: EXPECTED.serviceAccount,
  email_verified: true,
  iat: SECONDS - 10,
  exp: SECONDS + 300
}

const { publicKey, privateKey } = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }

const setUp = (answer: () => Response = () => Response.json({ keys: [jwk] })) => {
  const asked: string[] = []
  const check = createGoogleTokenCheck({
    now: () => NOW,
    fetch: async (url) => {
      asked.push(String(url))
      return answer()
    }
  })
  return { asked, check }
}

const signed = (claims: object = {}, without: readonly string[] = []): Promise<string> => {
  const all = Object.entries({ ...CLAIMS, ...claims }).filter(([name]) => !without.includes(name))
  return new SignJWT(Object.fromEntries(all))
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .sign(privateKey)
}

test('a token of the account, for the audience, signed by a key that Google publishes, is a proof', async (t) => {
  const { check, asked } = setUp()
  t.equal(await check(await signed(), EXPECTED), true)
  t.equal(await check(await signed(), EXPECTED), true)
  t.strictSame(asked, ['https://www.googleapis.com/oauth2/v3/certs'], 'its keys are kept')
})

test('any other account, audience, issuer or time, and any that says less, is none', async (t) => {
  const { check } = setUp()
  for (const claims of [
    { email: 'other@acme.iam' },
    { email_verified: false },
    { email_verified: 'true' },
    { aud: 'https://other.example' },
    { iss: 'accounts.google.com' },
    { exp: SECONDS - 61 },
    { nbf: SECONDS + 61 }
  ]) {
    t.equal(await check(await signed(claims), EXPECTED), false, JSON.stringify(claims))
  }
  for (const name of Object.keys(CLAIMS)) {
    t.equal(await check(await signed({}, [name]), EXPECTED), false, `without ${name}`)
  }
  t.equal(await check(await signed({ exp: SECONDS - 59 }), EXPECTED), true, 'clocks differ')
  t.equal(await check('no.token', EXPECTED), false)
})

test('a token that another key signed, or another algorithm, is none', async (t) => {
  const { check } = setUp()
  const other = await generateKeyPair('RS256')
  const sign = (alg: string, key: Parameters<SignJWT['sign']>[0]) =>
    new SignJWT(CLAIMS).setProtectedHeader({ alg, kid: 'k1' }).sign(key)
  t.equal(await check(await sign('RS256', other.privateKey), EXPECTED), false)
  t.equal(await check(await sign('HS256', Buffer.alloc(32, 1)), EXPECTED), false)
  const strong = await generateKeyPair('RS512')
  const published = { ...(await exportJWK(strong.publicKey)), kid: 'k1', use: 'sig' }
  const permissive = setUp(() => Response.json({ keys: [published] }))
  t.equal(await permissive.check(await sign('RS512', strong.privateKey), EXPECTED), false)
})

test('a token that says a member twice is none, however well it is signed', async (t) => {
  const { check, asked } = setUp()
  const written = JSON.stringify(CLAIMS)
  const sign = (text: string) =>
    new CompactSign(Buffer.from(text))
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .sign(privateKey)
  const twice = written.replace('{', '{"email":"other@acme.iam",')
  t.equal(await check(await sign(twice), EXPECTED), false)
  t.strictSame(asked, [], 'and nobody is asked')
  t.equal(await check(await sign(written), EXPECTED), true)
})

test('while the keys cannot be had there is no telling', async (t) => {
  const token = await signed()
  const unavailable = { name: 'ProviderFault', reason: 'unavailable' }
  const answers: readonly (() => Response)[] = [
    () => {
      throw new TypeError('fetch failed')
    },
    () => {
      throw new DOMException('it took too long', 'TimeoutError')
    },
    () => new Response('no', { status: 503 }),
    () => new Response('no JSON'),
    () => Response.json({ keys: 'none' })
  ]
  for (const answer of answers) {
    const rejected = await setUp(answer)
      .check(token, EXPECTED)
      .catch((error: unknown) => error)
    t.ok(rejected instanceof ProviderFault)
    t.match(rejected, unavailable)
  }
})
