/** What a provider of sign-ins is asked, and what of its answers counts. It answers in this process, by a `fetch` of its own. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import {
  type AskedAgain,
  createOidcProvider,
  type OidcProvider,
  type OidcSettings
} from '../../../src/keys/oidc.ts'

const ISSUER = 'https://provider.example'
const SETTINGS: OidcSettings = {
  issuer: ISSUER,
  clientId: 'purser',
  clientSecret: new Sensitive('a secret of the client'),
  redirectUri: 'https://purser.example/v1/sessions/oidc/callback'
}
const SECRETS = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) }
const BACK = `?code=the-code&state=${SECRETS.state}`

/** Where the browser is sent; throws why it is not. */
const begin = async ({ begin: ask }: OidcProvider, again?: AskedAgain): Promise<string> => {
  const url = await ask(SECRETS, again)
  if (typeof url !== 'string') throw url
  return url
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (claims: object, key: KeyObject): string => tokenSaying(part(claims), key)
const tokenSaying = (claims: string, key: KeyObject): string => {
  const input = `${part({ alg: 'ES256', kid: 'k' })}.${claims}`
  const mac = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${mac.toString('base64url')}`
}
const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

interface Asked {
  readonly path: string
  readonly body: URLSearchParams
  readonly authorization: string | undefined
}

const setUp = (settings: Partial<OidcSettings> = {}) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clock = { now: Date.now() }
  const seconds = Math.floor(clock.now / 1_000)
  const asked: Asked[] = []
  const behaviour: {
    metadata: Record<string, unknown>
    claims: Record<string, unknown>
    key: KeyObject
    answer: ((path: string) => Response | Promise<Response> | undefined) | undefined
  } = {
    metadata: {
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/auth`,
      token_endpoint: `${ISSUER}/token`,
      jwks_uri: `${ISSUER}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256']
    },
    claims: {
      iss: ISSUER,
      sub: 'ana',
      aud: 'purser',
      iat: seconds,
      exp: seconds + 60,
      nonce: SECRETS.nonce,
      email: 'ana@example.com',
      email_verified: true
    },
    key: privateKey,
    answer: undefined
  }
  const answers: Readonly<Record<string, () => Response>> = {
    '/.well-known/openid-configuration': () => json(behaviour.metadata),
    '/jwks': () =>
      json({
        keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }]
      }),
    '/token': () =>
      json({
        access_token: 'access',
        token_type: 'Bearer',
        id_token: tokenOf(behaviour.claims, behaviour.key)
      }),
    '/me': () =>
      json({ sub: 'ana', email: 'me@example.com', email_verified: true, hd: 'me.example' })
  }
  const send = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const { pathname: path } = new URL(String(input))
    const authorization = new Headers(init.headers).get('authorization') ?? undefined
    asked.push({ path, body: new URLSearchParams(String(init.body ?? '')), authorization })
    return (
      (await behaviour.answer?.(path)) ?? answers[path]?.() ?? new Response(null, { status: 404 })
    )
  }
  const provider = createOidcProvider({
    settings: { ...SETTINGS, ...settings },
    fetch: send as typeof fetch,
    now: () => clock.now
  })
  const whyNot = async (outcome: Promise<unknown>): Promise<string> => {
    const error: unknown = await outcome.then(
      () => 'signed in',
      (thrown: unknown) => thrown
    )
    return error instanceof ProblemError ? `${error.code} ${error.reason}` : String(error)
  }
  return {
    ...{ asked, behaviour, clock, provider, whyNot },
    paths: () => asked.map(({ path }) => path),
    finish: async (search = BACK) => {
      const identity = await provider.finish(search, SECRETS)
      if (identity instanceof ProblemError) throw identity
      return identity
    }
  }
}

test('a browser is sent there with what binds the sign-in, and what proves the code only as its digest', async (t) => {
  const { provider, paths } = setUp()
  t.same(paths(), [], 'nobody is asked before')
  const url = new URL(await begin(provider))
  t.equal(`${url.origin}${url.pathname}`, `${ISSUER}/auth`)
  const { code_challenge: challenge, ...others } = Object.fromEntries(url.searchParams)
  t.strictSame(others, {
    client_id: 'purser',
    redirect_uri: SETTINGS.redirectUri,
    response_type: 'code',
    scope: 'openid email',
    state: SECRETS.state,
    nonce: SECRETS.nonce,
    code_challenge_method: 'S256'
  })
  t.match(challenge, /^[\w-]{43}$/)
  t.not(challenge, SECRETS.verifier)
  const hosted = setUp({ hostedDomain: 'example.com' })
  const there = new URL(await begin(hosted.provider))
  t.equal(there.searchParams.get('hd'), 'example.com')
})

test('whoever has to sign in once more is asked for anew, by the address where there is one', async (t) => {
  const { provider } = setUp()
  const asked = async (again?: AskedAgain) => {
    const { searchParams } = new URL(await begin(provider, again))
    return ['prompt', 'max_age', 'login_hint'].map((name) => searchParams.get(name))
  }
  t.strictSame(await asked(), [null, null, null])
  t.strictSame(await asked({ email: undefined }), ['login', '0', null])
  t.strictSame(await asked({ email: 'ana@example.com' }), ['login', '0', 'ana@example.com'])
})

test('whoever came back is told by an ID token, for the code and the secret that proves it', async (t) => {
  const { finish, asked, behaviour } = setUp()
  const ana = {
    issuer: ISSUER,
    subject: 'ana',
    email: 'ana@example.com',
    hostedDomain: undefined,
    authenticatedAt: undefined
  }
  t.strictSame(await finish(), ana)
  const token = asked.find(({ path }) => path === '/token')
  t.match(Object.fromEntries(token?.body ?? []), {
    code: 'the-code',
    code_verifier: SECRETS.verifier,
    grant_type: 'authorization_code',
    redirect_uri: SETTINGS.redirectUri
  })
  t.equal(token?.body.get('client_secret'), null)
  t.match(token?.authorization, /^Basic /)
  Object.assign(behaviour.claims, { hd: 'example.com', email_verified: 'true' })
  t.strictSame(await finish(), { ...ana, email: undefined, hostedDomain: 'example.com' })
  Object.assign(behaviour.claims, { email: 7, hd: 7, email_verified: true, auth_time: 7 })
  t.strictSame(await finish(), { ...ana, email: '', authenticatedAt: 7 })
  Object.assign(behaviour.claims, { sub: 'x'.repeat(255) })
  t.match(await finish(), { subject: 'x'.repeat(255) })
})

test('the client proves itself as the provider takes it, and in the header if it does not say', async (t) => {
  for (const [methods, inHeader] of [
    [undefined, true],
    [['client_secret_post', 'client_secret_basic'], true],
    [['client_secret_post'], false]
  ] as const) {
    const { finish, asked, behaviour } = setUp()
    if (methods) behaviour.metadata['token_endpoint_auth_methods_supported'] = methods
    await finish()
    const token = asked.find(({ path }) => path === '/token')
    t.equal(token?.authorization?.startsWith('Basic ') ?? false, inHeader)
    t.equal(token?.body.get('client_secret'), inHeader ? null : 'a secret of the client')
  }
})

test('an address that the ID token does not say is asked for, where the provider can be; its domain is the token’s', async (t) => {
  const { finish, paths, behaviour } = setUp()
  delete behaviour.claims['email']
  t.equal((await finish()).email, '')
  behaviour.metadata['userinfo_endpoint'] = `${ISSUER}/me`
  const asking = setUp()
  Object.assign(asking.behaviour, { metadata: behaviour.metadata })
  t.match(await asking.finish(), { email: 'ana@example.com' })
  t.notOk(asking.paths().includes('/me'))
  delete asking.behaviour.claims['email']
  const told = await asking.finish()
  t.match(told, { subject: 'ana', email: 'me@example.com', hostedDomain: undefined })
  t.ok(asking.paths().includes('/me'))
  t.notOk(paths().includes('/me'))
})

test('a token that is not for us, of this issuer and of this sign-in, is none', async (t) => {
  const { finish, whyNot, behaviour } = setUp()
  const right = { ...behaviour.claims }
  for (const wrong of [
    { iss: 'https://evil.example' },
    { aud: 'other' },
    { nonce: 'other' },
    { nonce: undefined },
    { exp: 1 },
    { sub: undefined },
    { sub: '' },
    { sub: 'ä' },
    { sub: 'x'.repeat(256) }
  ]) {
    behaviour.claims = { ...right, ...wrong }
    t.equal(await whyNot(finish()), 'access_denied no_id_token', JSON.stringify(wrong))
  }
  behaviour.claims = right
  t.equal(await whyNot(finish()), 'signed in')
  behaviour.key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  t.equal(await whyNot(finish()), 'access_denied no_id_token', 'another key')
})

test('what says a member twice is none: an ID token, or an answer of the provider', async (t) => {
  const { finish, whyNot, behaviour } = setUp()
  const twice = (of: unknown, name: string, value: string): string =>
    JSON.stringify(of).replace('{', `{${JSON.stringify(name)}:${JSON.stringify(value)},`)
  const token = {
    access_token: 'access',
    token_type: 'Bearer',
    id_token: tokenOf(behaviour.claims, behaviour.key)
  }
  const type = { headers: { 'content-type': 'application/json' } }
  const saying = (text: string) => (path: string) =>
    path === '/token' ? new Response(text, type) : undefined
  for (const name of ['sub', 'email', 'nonce']) {
    const claims = Buffer.from(twice(behaviour.claims, name, 'other')).toString('base64url')
    const id_token = tokenSaying(claims, behaviour.key)
    behaviour.answer = saying(JSON.stringify({ ...token, id_token }))
    t.equal(await whyNot(finish()), 'access_denied no_id_token', name)
  }
  behaviour.answer = saying(twice(token, 'id_token', 'a.b.c'))
  t.match(await whyNot(finish()), /^sign_in_invalid_answer/)
  behaviour.answer = saying(JSON.stringify(token))
  t.equal(await whyNot(finish()), 'signed in')
})

test('what comes back of another issuer, another state or as a refusal is refused', async (t) => {
  const { finish, whyNot, paths } = setUp()
  t.equal(await whyNot(finish(`${BACK}&iss=https://evil.example`)), 'access_denied other_issuer')
  const both = `${BACK}&iss=${ISSUER}&iss=https://evil.example`
  t.equal(await whyNot(finish(both)), 'access_denied other_issuer')
  t.equal(
    await whyNot(finish(`?state=${SECRETS.state}&error=access_denied`)),
    'access_denied provider_refused'
  )
  t.equal(await whyNot(finish('?code=the-code&state=other')), 'access_denied no_id_token')
  t.notOk(paths().includes('/token'), 'no code was shown to it')
  t.equal(await whyNot(finish(`${BACK}&iss=${ISSUER}`)), 'signed in')
})

test('a code that the provider refuses is told apart from a provider that answers as none does', async (t) => {
  const { finish, whyNot, behaviour } = setUp()
  const INVALID = 'sign_in_invalid_answer undefined'
  const at =
    (path: string, answer: () => Response | Promise<Response>) =>
    (asked: string): Response | Promise<Response> | undefined =>
      asked === path ? answer() : undefined
  for (const [answer, outcome] of [
    [() => json({ error: 'invalid_grant' }, 400), 'access_denied code_refused'],
    [() => json({ access_token: 'access', token_type: 'Bearer' }), 'access_denied no_id_token'],
    [() => json({ error: 'hunter2' }, 500), INVALID],
    [() => new Response('<html>', { status: 200 }), INVALID],
    [() => new Response('{', { headers: { 'content-type': 'application/json' } }), INVALID],
    [() => new Response(null, { status: 302, headers: { location: ISSUER } }), INVALID],
    [() => new Response('x'.repeat(300_000)), INVALID],
    [() => Promise.reject(new Error('hunter2')), 'sign_in_unavailable undefined']
  ] as const) {
    behaviour.answer = at('/token', answer)
    t.equal(await whyNot(finish()), outcome)
  }
})

test('metadata are asked for once an hour, by one for all; what failed is asked for anew', async (t) => {
  const { provider, whyNot, behaviour, paths, clock } = setUp()
  behaviour.answer = () => Promise.reject(new Error('no network'))
  t.equal(await whyNot(begin(provider)), 'sign_in_unavailable undefined')
  behaviour.answer = undefined
  behaviour.metadata['issuer'] = `${ISSUER}/other`
  t.equal(await whyNot(begin(provider)), 'sign_in_invalid_answer undefined')
  behaviour.metadata['issuer'] = ISSUER
  t.equal(paths().length, 2)
  await Promise.all([begin(provider), begin(provider), begin(provider)])
  t.equal(paths().length, 3)
  clock.now += 3_599_999
  await begin(provider)
  t.equal(paths().length, 3)
  clock.now -= 2 * 3_600_000
  await begin(provider)
  t.equal(paths().length, 4, 'a clock that was set back tells nothing of the time')
  clock.now += 3_600_000
  await begin(provider)
  t.equal(paths().length, 5)
})

test('so many may wait for the provider at once, and one more is told so at once', async (t) => {
  const { provider, whyNot, behaviour } = setUp()
  let answer = (_: Response): void => {}
  const waiting = new Promise<Response>((resolve) => {
    answer = resolve
  })
  behaviour.answer = () => waiting
  const all = Array.from({ length: 17 }, () => whyNot(begin(provider)))
  t.equal(await Promise.race(all), 'overloaded undefined')
  answer(json(behaviour.metadata))
  const outcomes = await Promise.all(all)
  t.equal(outcomes.filter((outcome) => outcome === 'signed in').length, 16)
  t.equal(await whyNot(begin(provider)), 'signed in', 'there is room again')
})

test('an issuer in the clear is asked only where the settings have one', async (t) => {
  const issuer = 'http://127.0.0.1:1'
  const { provider, whyNot, behaviour } = setUp({ issuer })
  Object.assign(behaviour.metadata, { issuer, authorization_endpoint: `${issuer}/auth` })
  t.equal(await whyNot(begin(provider)), 'signed in')
  const secure = setUp()
  secure.behaviour.metadata['token_endpoint'] = 'http://provider.example/token'
  t.equal(await secure.whyNot(secure.finish()), 'sign_in_invalid_answer undefined')
  t.notOk(secure.paths().includes('/token'))
})
