/** Where the keys of an issuer are asked for, and what is taken for them. */
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'tap'
import { createIssuerFetch, metadataOf, placeOfKeys } from '../../../src/keys/issuer-fetch.ts'

const ISSUER = 'https://issuer.example/realm'
const KEYS = 'https://issuer.example/keys'
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = publicKey.export({ format: 'jwk' })
const setFor = (use: string) => ({ keys: [{ ...jwk, kid: 'k', alg: 'ES256', use }] })
const METADATA = `${ISSUER}/.well-known/openid-configuration`

type Source = Parameters<ReturnType<typeof createIssuerFetch>>[0]
const SOURCE: Source = { kind: 'oidc', issuer: ISSUER, keys: { from: 'discovery' } }

const setUp = () => {
  const asked: (string | undefined | null)[][] = []
  const answers = new Map<string, unknown>([
    [METADATA, { issuer: ISSUER, jwks_uri: KEYS }],
    [KEYS, setFor('sig')]
  ])
  const behaviour = { status: 200 }
  const load = createIssuerFetch({
    fetchOf:
      ({ caFile }) =>
      async (url, init) => {
        const headers = new Headers(init?.headers)
        asked.push([String(url), init?.method, headers.get('authorization'), caFile])
        if (!headers.get('accept')?.includes('application/jwk-set+json')) {
          return new Response(null, { status: 406 })
        }
        const answer = answers.get(String(url))
        const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
        return new Response(text, { status: behaviour.status })
      },
    allowsClear: ({ hostname }) => hostname === '127.0.0.1'
  })
  const outcome = async (more: Partial<Source> = {}): Promise<string> => {
    try {
      return (await load({ ...SOURCE, ...more })).has('k') ? 'keys' : 'other keys'
    } catch (error) {
      return String((error as { reason?: string }).reason ?? (error as Error).message)
    }
  }
  return { asked, answers, behaviour, outcome }
}

test('an issuer is asked for its metadata, and these for the keys, at its own host', async (t) => {
  const { asked, outcome } = setUp()
  t.equal(await outcome(), 'keys')
  t.strictSame(asked, [
    [METADATA, 'GET', null, undefined],
    [KEYS, 'GET', null, undefined]
  ])
  t.equal(metadataOf(`${ISSUER}/`), METADATA, 'a slash at its end goes')
})

test('metadata that are not of the issuer, or lead elsewhere, are none', async (t) => {
  const { answers, outcome, asked } = setUp()
  for (const metadata of [
    '',
    [],
    {},
    { jwks_uri: KEYS },
    { issuer: `${ISSUER}/`, jwks_uri: KEYS },
    { issuer: ISSUER },
    { issuer: ISSUER, jwks_uri: 7 },
    { issuer: ISSUER, jwks_uri: 'keys' },
    { issuer: ISSUER, jwks_uri: 'https://evil.example/keys' },
    { issuer: ISSUER, jwks_uri: 'https://issuer.example:8443/keys' },
    { issuer: ISSUER, jwks_uri: 'https://user@issuer.example/keys' },
    { issuer: ISSUER, jwks_uri: 'https://:word@issuer.example/keys' },
    { issuer: ISSUER, jwks_uri: 'http://issuer.example/keys' },
    { issuer: ISSUER, jwks_uri: 'ftp://issuer.example/keys' }
  ]) {
    answers.set(METADATA, metadata)
    t.equal(await outcome(), 'invalid_answer', JSON.stringify(metadata))
  }
  t.notOk(asked.some(([url]) => url !== METADATA))
})

test('keys at an address are asked for there alone, in the clear only where that is allowed', async (t) => {
  const { asked, answers, outcome, behaviour } = setUp()
  const at = (url: string) => outcome({ keys: { from: 'url', url } })
  t.equal(await at(KEYS), 'keys')
  t.equal(asked.length, 1)
  t.equal(await at('http://issuer.example/keys'), 'invalid_answer')
  t.equal(await at('ftp://127.0.0.1/keys'), 'invalid_answer')
  answers.set('http://127.0.0.1/keys', setFor('sig'))
  t.equal(await at('http://127.0.0.1/keys'), 'keys')
  for (const set of ['', '{', {}, { keys: 'k' }]) {
    answers.set(KEYS, set)
    t.equal(await at(KEYS), 'invalid_answer', JSON.stringify(set))
  }
  answers.set(KEYS, setFor('sig'))
  for (const status of [201, 404, 500]) {
    behaviour.status = status
    t.equal(await at(KEYS), 'unavailable')
  }
})

test('what is shown there and its authorities are as configured, and SPIFFE has a use of its own', async (t) => {
  const folder = t.testdir({ token: 'own-token\n', 'keys.json': JSON.stringify(setFor('sig')) })
  const { asked, answers, outcome } = setUp()
  const more = { tokenFile: join(folder, 'token'), caFile: '/ca.crt' }
  t.equal(await outcome({ ...more, keys: { from: 'url', url: KEYS } }), 'keys')
  t.strictSame(asked, [[KEYS, 'GET', 'Bearer own-token', '/ca.crt']])
  const spiffe = { kind: 'spiffe', keys: { from: 'url', url: KEYS } } as const
  t.equal(await outcome(spiffe), 'other keys')
  answers.set(KEYS, setFor('jwt-svid'))
  t.equal(await outcome(spiffe), 'keys')
  t.equal(await outcome({ keys: { from: 'url', url: KEYS } }), 'other keys')
  const inFile = (file: string) => outcome({ keys: { from: 'file', file: join(folder, file) } })
  t.equal(await inFile('keys.json'), 'keys')
  t.equal(await inFile('token'), 'invalid_answer')
  t.match(await inFile('none'), /ENOENT/)
  t.equal(asked.length, 4, 'a file asks nobody')
})

test('trusts share keys where all is the same that leads to them', async (t) => {
  const place = placeOfKeys(SOURCE)
  t.equal(placeOfKeys({ ...SOURCE, kind: 'service-account' }), place)
  for (const other of [
    { kind: 'spiffe' },
    { issuer: 'https://other.example' },
    { keys: { from: 'url', url: KEYS } },
    { caFile: '/ca.crt' },
    { tokenFile: '/token' }
  ] as const) {
    t.not(placeOfKeys({ ...SOURCE, ...other }), place)
  }
})
