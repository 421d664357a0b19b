/** Where an issuer's keys are looked for: at the configured place, or where its metadata say on the same host, and nowhere else. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createIssuerFetch, placeOfKeys } from '../../../src/keys/issuer-fetch.ts'
import type { Trust } from '../../../src/keys/trust.ts'
import { createDirectory } from '../../support/embedded.ts'
import { createWorkloadIssuer } from '../../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example/id/7'
const { jwks } = await createWorkloadIssuer(ISSUER)
type Source = Pick<Trust, 'kind' | 'issuer' | 'keys' | 'tokenFile'>
const DISCOVERED: Source = { kind: 'oidc', issuer: ISSUER, keys: { from: 'discovery' } }
const at = (url: string): Source => ({ ...DISCOVERED, keys: { from: 'url', url } })

const setUp = (answers: Readonly<Record<string, () => Response>>) => {
  const asked: { url: string; init: RequestInit | undefined }[] = []
  const load = createIssuerFetch({
    fetchOf: () => async (input, init) => {
      asked.push({ url: String(input), init })
      return answers[String(input)]?.() ?? new Response('', { status: 404 })
    },
    allowsClear: ({ hostname }) => hostname === '127.0.0.1'
  })
  return { load, asked }
}
const reasonOf = (loading: Promise<unknown>): Promise<string> =>
  loading.then(
    () => 'none',
    (error) => (error instanceof ProviderFault ? error.reason : 'another')
  )

const METADATA = `${ISSUER}/.well-known/openid-configuration`
const KEYS = 'https://oidc.example/keys'
const metadata = (changes: object = {}) => ({
  [METADATA]: () => Response.json({ issuer: ISSUER, jwks_uri: KEYS, ...changes }),
  [KEYS]: () => Response.json(jwks)
})

test('metadata of exactly that issuer say where the keys are', async (t) => {
  const { load, asked } = setUp(metadata())
  t.equal((await load(DISCOVERED)).has('one'), true)
  t.same(
    asked.map(({ url }) => url),
    [METADATA, KEYS]
  )
  for (const { init } of asked) {
    t.equal(init?.redirect, 'manual')
    t.notOk('authorization' in (init?.headers ?? {}))
  }
})

test('metadata of another issuer, or that lead elsewhere, give none', async (t) => {
  for (const changes of [
    { issuer: `${ISSUER}/` },
    { issuer: 'https://eve.example' },
    { jwks_uri: 'https://eve.example/keys' },
    { jwks_uri: 'https://oidc.example:8443/keys' },
    { jwks_uri: 'http://oidc.example/keys' },
    { jwks_uri: 'https://user@oidc.example/keys' },
    { jwks_uri: 'file:///etc/passwd' },
    { jwks_uri: '/keys' },
    { jwks_uri: [KEYS] },
    { jwks_uri: undefined }
  ]) {
    const { load, asked } = setUp(metadata(changes))
    t.equal(await reasonOf(load(DISCOVERED)), 'invalid_answer', JSON.stringify(changes))
    t.equal(asked.length, 1)
  }
})

test('an answer that is a redirect, an error, too large or no set of keys gives none', async (t) => {
  const answers: readonly (readonly [string, () => Response])[] = [
    ['unavailable', () => new Response('', { status: 302, headers: { location: KEYS } })],
    ['unavailable', () => new Response(JSON.stringify(jwks), { status: 500 })],
    ['invalid_answer', () => new Response(`${JSON.stringify(jwks)}${' '.repeat(256 * 1024)}`)],
    ['invalid_answer', () => new Response('<html>')],
    ['invalid_answer', () => Response.json([])],
    ['invalid_answer', () => Response.json({ keys: {} })]
  ]
  for (const [reason, answer] of answers) {
    const { load, asked } = setUp({ [KEYS]: answer })
    t.equal(await reasonOf(load(at(KEYS))), reason)
    t.equal(asked.length, 1)
  }
})

test('keys that are for something else are none', async (t) => {
  const [rsa, ec] = jwks.keys
  const keys = [
    { ...rsa, kid: undefined },
    { ...rsa, kid: 'encrypts', use: 'enc' },
    { ...rsa, kid: 'wraps', key_ops: ['encrypt', 'wrapKey'] },
    { ...rsa, kid: 'nothing', key_ops: [] },
    { ...rsa, kid: 'word', key_ops: 'verify' },
    { ...rsa, kid: 'verifies', key_ops: ['encrypt', 'verify'] },
    { kty: 'oct', kid: 'secret', k: 'AAAA' },
    { ...ec, kid: 'signs', use: undefined },
    'none',
    null
  ]
  const { load } = setUp({ [KEYS]: () => Response.json({ keys }) })
  const found = await load(at(KEYS))
  for (const kid of ['signs', 'verifies']) t.equal(found.has(kid), true, kid)
  for (const kid of ['encrypts', 'wraps', 'nothing', 'word', 'secret', 'undefined']) {
    t.equal(found.has(kid), false, kid)
  }
})

test('of a SPIFFE bundle the keys for tokens are taken', async (t) => {
  const [rsa, ec] = jwks.keys
  const keys = [
    { ...rsa, kid: 'token', use: 'jwt-svid' },
    { ...ec, kid: 'certificate', use: 'x509-svid' },
    { ...ec, kid: 'other', use: 'sig' }
  ]
  const { load } = setUp({ [KEYS]: () => Response.json({ keys, spiffe_refresh_hint: 60 }) })
  const found = await load({ ...at(KEYS), kind: 'spiffe', issuer: 'spiffe://example.org' })
  t.equal(found.has('token'), true)
  t.equal(found.has('certificate') || found.has('other'), false)
})

test('what is in the clear is asked on this machine alone', async (t) => {
  const answers = { 'http://127.0.0.1/keys': () => Response.json(jwks) }
  const { load, asked } = setUp(answers)
  t.equal((await load(at('http://127.0.0.1/keys'))).has('one'), true)
  t.equal(await reasonOf(load(at('http://oidc.example/keys'))), 'invalid_answer')
  t.equal(asked.length, 1)
})

test('a token is shown where the keys are, and is read anew each time', async (t) => {
  const tokenFile = join(createDirectory(t), 'token')
  const { load, asked } = setUp({ [KEYS]: () => Response.json(jwks) })
  for (const token of ['one', 'two']) {
    writeFileSync(tokenFile, `${token}\n`)
    await load({ ...at(KEYS), tokenFile })
  }
  t.same(
    asked.map(({ init }) => new Headers(init?.headers).get('authorization')),
    ['Bearer one', 'Bearer two']
  )
})

test('keys may be a file', async (t) => {
  const file = join(createDirectory(t), 'jwks.json')
  const { load, asked } = setUp({})
  const source: Source = { ...DISCOVERED, keys: { from: 'file', file } }
  await t.rejects(load(source), { code: 'ENOENT' })
  writeFileSync(file, JSON.stringify(jwks))
  t.equal((await load(source)).has('one'), true)
  t.same(asked, [])
})

test('trusts share keys where issuer and place are the same', async (t) => {
  t.equal(placeOfKeys(DISCOVERED), placeOfKeys({ ...DISCOVERED }))
  t.not(placeOfKeys(DISCOVERED), placeOfKeys({ ...DISCOVERED, issuer: `${ISSUER}/` }))
  t.not(placeOfKeys(DISCOVERED), placeOfKeys({ ...DISCOVERED, tokenFile: 'token' }))
  t.not(placeOfKeys(DISCOVERED), placeOfKeys({ ...DISCOVERED, kind: 'spiffe' }))
})
