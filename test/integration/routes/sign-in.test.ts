// Sign-in of administrators at a real provider of OpenID Connect: there and back, and each way in which it is refused.
import { randomBytes } from 'node:crypto'
import { type Test, test } from 'tap'
import { openBrowser, setCookies } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestAppOptions } from '../../support/build-app.ts'
import { endless } from '../../support/endless.ts'
import { randomSecret } from '../../support/keys.ts'
import { type OidcClient, startOidcProvider } from '../../support/oidc-provider.ts'
import { assertProblem } from '../../support/problem.ts'
import { closedPort } from '../../support/wire.ts'

const MINUTE = 60_000
const START = '/v1/sessions/oidc/start'
const AGAIN = '/v1/sessions/oidc/again'
const CALLBACK = '/v1/sessions/oidc/callback'
const TRANSACTION = '__Host-purser-sign-in'
const SESSION = '__Host-purser-session'
const CLIENT = {
  clientId: 'purser',
  clientSecret: randomBytes(24).toString('base64url'),
  redirectUri: `https://purser.example${CALLBACK}`
}

const yamlOf = (administrators: string): string =>
  `stores: [{ name: local, kind: local }]\npolicies: []\nadministrators: [${administrators}]`
const YAML = yamlOf(
  '{ email: ana@example.com, client: operator, mode: rw }, { email: leo@example.com, client: auditor, mode: r }'
)

const setUp = async (
  t: Test,
  { env = {}, yaml = YAML }: Partial<TestAppOptions> = {},
  client: Partial<OidcClient> = {}
) => {
  const provider = await startOidcProvider(t, { ...CLIENT, ...client })
  const clock = { ahead: 0 }
  const built = await buildTestApp(t, {
    yaml,
    now: () => Date.now() + clock.ahead,
    env: {
      JWT_SECRET: randomSecret(),
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT.clientId,
      OIDC_CLIENT_SECRET: CLIENT.clientSecret,
      OIDC_REDIRECT_URI: CLIENT.redirectUri,
      ...env
    }
  })
  const browser = openBrowser(built)
  /** Resolves with where the provider sends back. */
  const begin = async (): Promise<string> => {
    const answer = await browser.ask('GET', START)
    t.equal(answer.statusCode, 302, answer.body)
    const back = await provider.visit(String(answer.headers['location']))
    return `${back.pathname}${back.search}`
  }
  /** From the provider no Strict cookie comes along. */
  const comeBack = (url: string, from = browser) => {
    const transaction = from.cookies.get(TRANSACTION)
    return from.ask('GET', url, {
      headers: {
        'sec-fetch-site': 'cross-site',
        cookie: transaction === undefined ? '' : `${TRANSACTION}=${transaction}`
      }
    })
  }
  const signIn = async () => comeBack(await begin())
  const refusals = async () =>
    (await recordsIn(built.folder)).filter(({ outcome }) => outcome !== 'allowed')
  /** From the console's link to where the provider sends back. */
  const beginAgain = async (url = AGAIN): Promise<string> => {
    const answer = await browser.ask('GET', url)
    t.equal(answer.statusCode, 302, answer.body)
    const back = await provider.visit(String(answer.headers['location']))
    return `${back.pathname}${back.search}`
  }
  return { provider, clock, built, browser, begin, beginAgain, comeBack, signIn, refusals }
}

test('whoever is listed signs in, and goes on by a page of this site that brings the Strict cookie along', async (t) => {
  const { built, provider, browser, begin, comeBack } = await setUp(t)
  t.same(provider.asked, [], 'the provider is not asked before somebody signs in')
  const there = await browser.ask('GET', START)
  const url = new URL(String(there.headers['location']))
  t.match(Object.fromEntries(url.searchParams), {
    client_id: 'purser',
    redirect_uri: CLIENT.redirectUri,
    response_type: 'code',
    scope: 'openid email',
    state: /^[\w-]{43}$/,
    nonce: /^[\w-]{43}$/,
    code_challenge: /^[\w-]{43}$/,
    code_challenge_method: 'S256'
  })
  t.match(setCookies(there), [
    /^__Host-purser-sign-in=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/
  ])
  const back = await begin()
  t.match(back, /[?&]iss=/)
  const page = await comeBack(back)
  t.equal(page.statusCode, 200, page.body)
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.headers['content-security-policy'], /^default-src 'none'/)
  t.match(page.body, /<meta http-equiv="refresh" content="0; url=\/v1\/sessions">/)
  t.match(setCookies(page), [
    /^__Host-purser-sign-in=; Max-Age=0/,
    /^__Host-purser-session=.*Strict/
  ])
  t.same([...browser.cookies.keys()], [SESSION])
  const shown = (await browser.ask('GET', '/v1/sessions')).json()
  t.match(shown, { client: 'operator', mode: 'rw', user: 'ana@example.com', environment: 'dev' })
  t.match(shown, { signedInBy: 'provider', issuer: provider.issuer, subject: /^ana$/ })
  t.notOk('keyId' in shown, 'nobody showed a key')
  t.equal(Date.parse(shown.endsAtLatest) - Date.parse(shown.signedInAt), 8 * 60 * MINUTE)
  const { sessionId } = shown
  const ended = await browser.ask('DELETE', '/v1/sessions')
  t.equal(ended.statusCode, 200)
  const records = await recordsIn(built.folder)
  const account = { user: 'ana@example.com', issuer: provider.issuer, subject: /^ana$/ }
  const who = { client: 'operator', sessionId, ...account, outcome: 'allowed' }
  t.match(records, [
    { ...who, action: 'session.open', reason: 'provider', route: `GET ${CALLBACK}` },
    { ...who, action: 'session.end' }
  ])
  t.notOk(records.some((record) => 'keyId' in record))
})

test('whoever signs in goes on at the console only where that is on the same listener', async (t) => {
  const env = { CONSOLE_ENABLED: 'true' }
  const here = await setUp(t, { env })
  t.match((await here.signIn()).body, 'url=/console"')
  const elsewhere = await setUp(t, {
    env: { ...env, CONSOLE_HOST: '127.0.0.1', CONSOLE_PORT: '0' }
  })
  t.match((await elsewhere.signIn()).body, 'url=/v1/sessions"')
})

test('a console on a listener of its own has sign-in, callback and session on its own origin', async (t) => {
  const redirectUri = `https://localhost/console/api${CALLBACK}`
  const { built, provider } = await setUp(
    t,
    {
      env: {
        CONSOLE_ENABLED: 'true',
        CONSOLE_HOST: '127.0.0.1',
        CONSOLE_PORT: '0',
        OIDC_REDIRECT_URI: redirectUri
      }
    },
    { redirectUri }
  )
  const { console: server } = built.app
  if (server === undefined) throw new Error('there is a console')
  t.not(server, built.app.server)
  const browser = openBrowser({ app: { ...built.app, server } })
  const headers = { host: 'localhost' }
  const ways = await browser.ask('GET', '/console/api/sign-in', { headers })
  const [{ path }] = ways.json().providers
  const there = await browser.ask('GET', path, { headers })
  t.equal(there.statusCode, 302, there.body)
  const { origin, pathname, search } = await provider.visit(String(there.headers['location']))
  t.equal(origin, 'https://localhost')
  const cookie = `${TRANSACTION}=${browser.cookies.get(TRANSACTION)}`
  const back = await browser.ask('GET', `${pathname}${search}`, {
    headers: { ...headers, cookie, 'sec-fetch-site': 'cross-site' }
  })
  t.match(back.body, 'url=/console"')
  const shown = await browser.ask('GET', '/console/api/v1/sessions', { headers })
  t.match(shown.json(), { user: 'ana@example.com', signedInBy: 'provider' })
  const rebound = await browser.ask('GET', path, { headers: { host: 'evil.example' } })
  assertProblem(t, rebound, { code: 'access_denied' })
})

test('a subject may be bound besides the address, or instead of it', async (t) => {
  const both = '{ email: ana@example.com, subject: ana, client: operator, mode: rw }'
  t.equal((await (await setUp(t, { yaml: yamlOf(both) })).signIn()).statusCode, 200)

  const bound = await setUp(t, { yaml: yamlOf(both) })
  bound.provider.behaviour.account = { sub: 'eve', email: 'ana@example.com', email_verified: true }
  const taken = await bound.signIn()
  assertProblem(t, taken, { code: 'access_denied', what: 'the address went to somebody else' })
  t.match(await bound.refusals(), [{ reason: 'other_subject' }])

  const alone = await setUp(t, { yaml: yamlOf('{ subject: ana, client: operator, mode: r }') })
  alone.provider.behaviour.account = { sub: 'ana', email: 'ana@example.com' }
  t.equal((await alone.signIn()).statusCode, 200, 'no verified address is needed')
  const shown = (await alone.browser.ask('GET', '/v1/sessions')).json()
  t.match(shown, { client: 'operator', subject: /^ana$/ })
  t.notOk('user' in shown, 'an address that is not verified names nobody')
  alone.provider.behaviour.account = { sub: 'eve', email: 'ana@example.com', email_verified: true }
  assertProblem(t, await alone.signIn(), { code: 'access_denied' })
})

test('OIDC_ALLOWED_EMAILS narrows also who is listed by the subject', async (t) => {
  const { provider, signIn, refusals } = await setUp(t, {
    yaml: yamlOf('{ subject: ana, client: operator, mode: r }'),
    env: { OIDC_ALLOWED_EMAILS: 'ana@example.com' }
  })
  t.equal((await signIn()).statusCode, 200)
  provider.behaviour.account = { sub: 'ana', email: 'ana@example.com' }
  assertProblem(t, await signIn(), { code: 'access_denied' })
  t.match(await refusals(), [{ reason: 'email_unverified' }])
})

test('a session has the scopes that administrators: adds, and no others', async (t) => {
  const { signIn, browser, refusals } = await setUp(t, {
    yaml: yamlOf(
      '{ email: ana@example.com, client: operator, mode: rw, scopes: [aura-services:secrets] }'
    ),
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0' }
  })
  await signIn()
  await browser.ask('GET', '/v1/sessions')
  const url = '/console/api/secrets?ref=local:team/db'
  const write = await browser.ask('PUT', url, { payload: { value: 'x' } })
  assertProblem(t, write, { code: 'access_denied', what: 'it lacks no scope' })
  t.match(await refusals(), [{ action: 'secret.write', reason: 'not_reauthenticated' }])
})

test('whoever signed in at a provider signs in there once more, afresh, and may write for five minutes', async (t) => {
  const { built, clock, provider, browser, signIn, beginAgain, comeBack } = await setUp(t, {
    yaml: yamlOf(
      '{ email: ana@example.com, client: operator, mode: rw, scopes: [aura-services:secrets] }'
    ).replace('policies: []', 'policies: [{ client: operator, write: ["local:team/*"] }]'),
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0' }
  })
  await signIn()
  const { sessionId } = (await browser.ask('GET', '/v1/sessions')).json()
  const write = () =>
    browser.ask('PUT', '/console/api/secrets?ref=local:team/db', { payload: { value: 'x' } })
  assertProblem(t, await write(), { code: 'access_denied' })
  clock.ahead = 2 * MINUTE
  const there = await browser.ask('GET', AGAIN)
  t.match(Object.fromEntries(new URL(String(there.headers['location'])).searchParams), {
    prompt: 'login',
    max_age: '0',
    login_hint: 'ana@example.com',
    nonce: /^[\w-]{43}$/,
    code_challenge_method: 'S256'
  })
  provider.behaviour.claims = (claims) => ({ ...claims, auth_time: (claims.iat ?? 0) + 120 })
  const page = await comeBack(await beginAgain())
  t.equal(page.statusCode, 200, page.body)
  t.match(page.body, /go on in the one before/)
  const written = await write()
  t.equal(written.statusCode, 200, written.body)
  t.equal((await browser.ask('GET', '/v1/sessions')).json().sessionId, sessionId, 'the same one')
  clock.ahead = 7 * MINUTE
  assertProblem(t, await write(), { code: 'access_denied' })
  const records = await recordsIn(built.folder)
  t.match(
    records.filter(({ action }) => action === 'session.reauthenticate'),
    [
      {
        outcome: 'allowed',
        reason: 'provider',
        sessionId,
        user: 'ana@example.com',
        subject: /^ana$/
      }
    ]
  )
})

const NOT_AGAIN: Readonly<
  Record<
    string,
    {
      readonly reason: string
      readonly account?: object
      readonly claims?: (claims: Record<string, unknown>) => object
    }
  >
> = {
  'another user': {
    account: { sub: 'leo', email: 'leo@example.com' },
    reason: 'other_user'
  },
  'another user with the same address': { account: { sub: 'eve' }, reason: 'other_user' },
  'the same user with another address': {
    account: { email: 'leo@example.com' },
    reason: 'other_user'
  },
  'the same user whose address is not verified any more': {
    account: { email_verified: false },
    reason: 'other_user'
  },
  'a sign-in of before': {
    claims: (all) => ({ ...all, auth_time: Number(all['iat']) - 31 }),
    reason: 'not_signed_in_anew'
  },
  'a sign-in of nobody knows when': {
    claims: ({ auth_time: _, ...all }) => all,
    reason: 'not_signed_in_anew'
  },
  'a sign-in that is yet to come': {
    claims: (all) => ({ ...all, auth_time: Number(all['iat']) + 90 }),
    reason: 'not_signed_in_anew'
  },
  'a time that is none': {
    claims: (all) => ({ ...all, auth_time: '99999999999' }),
    reason: 'no_id_token'
  },
  'a wrong nonce': { claims: (all) => ({ ...all, nonce: 'another' }), reason: 'no_id_token' }
}

for (const [what, { reason, account, claims }] of Object.entries(NOT_AGAIN)) {
  test(`nobody signs in once more by ${what}`, async (t) => {
    const { provider, browser, signIn, beginAgain, comeBack, refusals } = await setUp(t)
    await signIn()
    const { behaviour } = provider
    const before = browser.cookies.get(SESSION)
    const { sessionId } = (await browser.ask('GET', '/v1/sessions')).json()
    Object.assign(behaviour, { account: { ...behaviour.account, ...account } })
    if (claims !== undefined) Object.assign(behaviour, { claims })
    assertProblem(t, await comeBack(await beginAgain()), { code: 'access_denied' })
    t.equal(browser.cookies.get(SESSION), before, 'the session is as it was')
    t.match(await refusals(), [
      { action: 'session.reauthenticate', outcome: 'denied', reason, sessionId }
    ])
  })
}

test('a sign-in once more counts for the session that asked for it, and only while that counts', async (t) => {
  const { browser, signIn, beginAgain, comeBack, clock } = await setUp(t)
  assertProblem(t, await browser.ask('GET', AGAIN), { code: 'session_required' })
  await signIn()
  const back = await beginAgain()
  await browser.ask('GET', '/v1/sessions')
  await browser.ask('DELETE', '/v1/sessions')
  assertProblem(t, await comeBack(back), { code: 'session_expired', what: 'signed out' })
  t.notOk(browser.cookies.has(SESSION))

  await signIn()
  const late = await beginAgain()
  clock.ahead = 10 * MINUTE
  assertProblem(t, await comeBack(late), { code: 'session_expired', what: 'too late' })

  clock.ahead = 0
  await signIn()
  const twice = await beginAgain()
  const transaction = browser.cookies.get(TRANSACTION) ?? ''
  t.equal((await comeBack(twice)).statusCode, 200)
  browser.cookies.set(TRANSACTION, transaction)
  // The tokens of before ended with the first time.
  assertProblem(t, await comeBack(twice), { code: 'session_expired', what: 'a second time' })
})

test('who signed in by a key has no provider to sign in at once more', async (t) => {
  const { built, browser, refusals } = await setUp(t)
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
  await browser.signIn(key)
  assertProblem(t, await browser.ask('GET', AGAIN), { code: 'access_denied' })
  t.match(await refusals(), [{ action: 'session.reauthenticate', outcome: 'denied' }])
})

test('a page of another site begins no sign-in once more', async (t) => {
  const { browser, signIn } = await setUp(t)
  await signIn()
  const headers = { 'sec-fetch-site': 'cross-site' }
  assertProblem(t, await browser.ask('GET', AGAIN, { headers }), { code: 'csrf_failed' })
})

test('a session has the mode that administrators: gives it', async (t) => {
  const { provider, signIn, browser } = await setUp(t)
  provider.behaviour.account = { sub: 'leo', email: 'leo@example.com', email_verified: true }
  t.equal((await signIn()).statusCode, 200)
  t.match((await browser.ask('GET', '/v1/sessions')).json(), { client: 'auditor', mode: /^r$/ })
})

test('an e-mail that only userinfo tells counts, and a client may prove itself in the body', async (t) => {
  const { signIn, browser, provider } = await setUp(
    t,
    {},
    { inIdToken: false, authMethod: 'client_secret_post' }
  )
  t.equal((await signIn()).statusCode, 200)
  t.ok(provider.asked.includes('/me'))
  t.match((await browser.ask('GET', '/v1/sessions')).json(), { user: 'ana@example.com' })
})

test('the session ends when administrators: no longer lists it, or otherwise, after a reload', async (t) => {
  for (const changed of [
    '',
    '{ email: ana@example.com, client: operator, mode: r }',
    '{ email: ana@example.com, client: another, mode: rw }',
    '{ email: Ana@example.com, client: operator, mode: rw }'
  ]) {
    const { built, signIn, browser } = await setUp(t)
    await signIn()
    t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200)
    await built.reload({ yaml: `${YAML}\n` })
    t.equal((await browser.ask('GET', '/v1/sessions')).statusCode, 200, 'listed as before')
    await built.reload({ yaml: yamlOf(changed) })
    const answer = await browser.ask('GET', '/v1/sessions')
    assertProblem(t, answer, { code: 'session_expired', what: changed })
  }
})

const REFUSED: Readonly<
  Record<
    string,
    {
      readonly reason: string
      readonly account?: object
      readonly claims?: (claims: Record<string, unknown>) => object
      readonly signsWrongly?: true
      readonly env?: Record<string, string>
    }
  >
> = {
  'a wrong nonce': { claims: (all) => ({ ...all, nonce: 'another' }), reason: 'no_id_token' },
  'no nonce': { claims: ({ nonce: _, ...all }) => all, reason: 'no_id_token' },
  'another audience': { claims: (all) => ({ ...all, aud: 'another' }), reason: 'no_id_token' },
  'another party beside us': {
    claims: (all) => ({ ...all, aud: ['purser', 'another'], azp: 'another' }),
    reason: 'no_id_token'
  },
  'another issuer in the token': {
    claims: (all) => ({ ...all, iss: 'https://evil.example' }),
    reason: 'no_id_token'
  },
  'a token that has ended': { claims: (all) => ({ ...all, exp: 1 }), reason: 'no_id_token' },
  'a signature of another key': { signsWrongly: true, reason: 'no_id_token' },
  'an unverified e-mail': { account: { email_verified: false }, reason: 'email_unverified' },
  'an e-mail that is verified as a word': {
    account: { email_verified: 'true' },
    reason: 'email_unverified'
  },
  'an e-mail of nobody known': {
    account: { email_verified: undefined },
    reason: 'email_unverified'
  },
  'no e-mail': { account: { email: undefined }, reason: 'email_not_listed' },
  'an e-mail that is not listed': {
    account: { email: 'eve@example.com' },
    reason: 'email_not_listed'
  },
  'an e-mail in other letters': {
    account: { email: 'ANA@example.com' },
    reason: 'email_not_listed'
  },
  'an e-mail that OIDC_ALLOWED_EMAILS lacks': {
    env: { OIDC_ALLOWED_EMAILS: 'leo@example.com' },
    reason: 'email_not_listed'
  },
  'another hosted domain': {
    account: { hd: 'example.org' },
    env: { OIDC_HOSTED_DOMAIN: 'example.com' },
    reason: 'other_domain'
  },
  'no hosted domain': { env: { OIDC_HOSTED_DOMAIN: 'example.com' }, reason: 'other_domain' }
}

for (const [what, { reason, account, claims, signsWrongly = false, env = {} }] of Object.entries(
  REFUSED
)) {
  test(`nobody is signed in by ${what}`, async (t) => {
    const { provider, signIn, browser, refusals } = await setUp(t, { env })
    const { behaviour } = provider
    Object.assign(behaviour, { account: { ...behaviour.account, ...account }, signsWrongly })
    if (claims !== undefined) Object.assign(behaviour, { claims })
    const answer = await signIn()
    assertProblem(t, answer, { code: 'access_denied' })
    t.same([...browser.cookies.keys()], [], 'neither a session nor the sign-in is left')
    const records = await refusals()
    t.match(records, [{ action: 'session.open', outcome: 'denied', reason }])
    t.notOk(
      /@example|"(?:eve|leo)"/i.test(JSON.stringify(records)),
      'who was refused is not on record'
    )
  })
}

test('the hosted domain that is configured signs in, and is asked for', async (t) => {
  const { provider, browser, signIn } = await setUp(t, {
    env: { OIDC_HOSTED_DOMAIN: 'example.com' }
  })
  Object.assign(provider.behaviour.account, { hd: 'example.com' })
  const there = await browser.ask('GET', START)
  t.match(there.headers['location'], /[?&]hd=example\.com(&|$)/)
  t.equal((await signIn()).statusCode, 200)
})

test('what comes back counts once, in the browser that began, and within ten minutes', async (t) => {
  const { built, clock, provider, browser, begin, comeBack, refusals } = await setUp(t)
  const back = await begin()
  const cookie = browser.cookies.get(TRANSACTION) ?? ''
  const asked = provider.asked.length

  const stranger = openBrowser(built)
  assertProblem(t, await comeBack(back, stranger), { code: 'csrf_failed', what: 'no cookie' })
  await stranger.ask('GET', START)
  assertProblem(t, await comeBack(back, stranger), { code: 'csrf_failed', what: 'another browser' })
  stranger.cookies.set(TRANSACTION, `${cookie.slice(0, -4)}AAAA`)
  assertProblem(t, await comeBack(back, stranger), { code: 'csrf_failed', what: 'a forged cookie' })
  for (const url of [CALLBACK, `${CALLBACK}?code=x`, `${back}&state=x`]) {
    browser.cookies.set(TRANSACTION, cookie)
    const answer = await comeBack(url)
    t.ok([400, 403].includes(answer.statusCode), `${answer.statusCode} ${url}`)
  }
  t.equal(provider.asked.filter((path) => path === '/token').length, 0, 'no code was shown')
  t.ok(provider.asked.length >= asked)

  browser.cookies.set(TRANSACTION, cookie)
  t.equal((await comeBack(back)).statusCode, 200, 'it counts still')
  browser.cookies.set(TRANSACTION, cookie)
  assertProblem(t, await comeBack(back), { code: 'csrf_failed', what: 'a second time' })
  t.match((await refusals()).at(-1), { reason: 'used' })

  const late = await begin()
  clock.ahead = 10 * MINUTE
  const answer = await comeBack(late)
  assertProblem(t, answer, { code: 'session_expired' })
  t.match(answer.json().detail, /ten minutes/)
})

test('an answer that names another provider, or none where it should, is no answer', async (t) => {
  const { provider, browser, begin, comeBack, refusals } = await setUp(t)
  for (const change of [
    (url: string) => url.replace(/iss=[^&]+/, `iss=${encodeURIComponent('https://evil.example')}`),
    (url: string) => `${url}&iss=${encodeURIComponent('https://evil.example')}`,
    (url: string) => url.replace(/&?iss=[^&]+/, '')
  ]) {
    const answer = await comeBack(change(await begin()))
    t.ok([400, 403].includes(answer.statusCode), answer.body)
    t.notOk(browser.cookies.has(SESSION))
  }
  t.notOk(provider.asked.includes('/token'), 'the code was shown to nobody')
  t.match((await refusals())[0], { reason: 'other_issuer' })
})

test('a person who says no at the provider, and a code that is none, are refused', async (t) => {
  const { begin, comeBack, refusals } = await setUp(t)
  const no = (await begin()).replace(/code=[^&]+/, 'error=access_denied')
  assertProblem(t, await comeBack(no), { code: 'access_denied' })
  const other = (await begin()).replace(/code=[^&]+/, 'code=another')
  assertProblem(t, await comeBack(other), { code: 'access_denied' })
  t.match(await refusals(), [{ reason: 'provider_refused' }, { reason: 'code_refused' }])
})

test('nobody is led elsewhere than to the provider and back to this site', async (t) => {
  const { provider, browser, comeBack, begin } = await setUp(t)
  const evil = encodeURIComponent('https://evil.example/')
  for (const name of ['redirect_uri', 'next', 'return_to', 'url', 'iss']) {
    const { statusCode, headers } = await browser.ask('GET', `${START}?${name}=${evil}`)
    const location = headers['location']
    t.ok(statusCode === 400 || String(location).startsWith(`${provider.issuer}/`), name)
    t.notMatch(String(location), /evil/, name)
  }
  const page = await comeBack(`${await begin()}&next=${evil}`)
  t.notMatch(page.body, /evil/)
  t.equal(page.headers['location'], undefined)
})

test('a page of another site begins no sign-in', async (t) => {
  const { browser, provider } = await setUp(t)
  for (const site of ['cross-site', 'same-site']) {
    const answer = await browser.ask('GET', START, { headers: { 'sec-fetch-site': site } })
    assertProblem(t, answer, { code: 'csrf_failed', what: site })
  }
  t.same(provider.asked, [])
  const typed = await browser.ask('GET', START, { headers: { 'sec-fetch-site': 'none' } })
  t.equal(typed.statusCode, 302)
})

test('whoever signs in again leaves the session before', async (t) => {
  const { browser, signIn } = await setUp(t)
  await signIn()
  const former = browser.cookies.get(SESSION) ?? ''
  await signIn()
  t.not(browser.cookies.get(SESSION), former)
  browser.cookies.set(SESSION, former)
  assertProblem(t, await browser.ask('GET', '/v1/sessions'), { code: 'session_expired' })
})

test('refused sign-ins count as failed logins', async (t) => {
  const { comeBack } = await setUp(t, {
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '3' }
  })
  for (let n = 0; n < 3; n++) {
    assertProblem(t, await comeBack(`${CALLBACK}?code=x&state=y`), { code: 'csrf_failed' })
  }
  assertProblem(t, await comeBack(`${CALLBACK}?code=x&state=y`), { code: 'rate_limited' })
})

test('where nothing is configured nobody signs in at a provider', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML, env: { JWT_SECRET: randomSecret() } })
  const browser = openBrowser(built)
  for (const url of [START, `${CALLBACK}?code=x&state=y`]) {
    assertProblem(t, await browser.ask('GET', url), { code: 'access_denied' })
  }
})

test('Google is a preset: its issuer is known, and the Workspace is asked for', async (t) => {
  const asked: string[] = []
  const google = 'https://accounts.google.com'
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: {
      JWT_SECRET: randomSecret(),
      GOOGLE_CLIENT_ID: 'purser.apps.googleusercontent.com',
      GOOGLE_CLIENT_SECRET: CLIENT.clientSecret,
      GOOGLE_REDIRECT_URI: CLIENT.redirectUri,
      GOOGLE_ALLOWED_EMAILS: 'ana@example.com',
      GOOGLE_HOSTED_DOMAIN: 'example.com'
    },
    overrides: {
      fetch: async (input) => {
        asked.push(String(input))
        return Response.json({
          issuer: google,
          authorization_endpoint: `${google}/o/oauth2/v2/auth`,
          token_endpoint: 'https://oauth2.googleapis.com/token',
          jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs'
        })
      }
    }
  })
  const answer = await openBrowser(built).ask('GET', START)
  t.equal(answer.statusCode, 302, answer.body)
  const url = new URL(String(answer.headers['location']))
  t.equal(url.origin + url.pathname, `${google}/o/oauth2/v2/auth`)
  t.equal(url.searchParams.get('hd'), 'example.com')
  t.same(asked, [`${google}/.well-known/openid-configuration`])
})

test('a provider that is down stops neither the service nor a later sign-in', async (t) => {
  const { browser, provider, signIn } = await setUp(t)
  provider.behaviour.answers = (request) => {
    request.socket.destroy()
    return true
  }
  const answer = await browser.ask('GET', START)
  assertProblem(t, answer, { code: 'sign_in_unavailable' })
  t.match(answer.json().title, /sign in/)
  provider.behaviour.answers = () => false
  t.equal((await signIn()).statusCode, 200)

  const port = await closedPort()
  const nobody = await setUp(t, { env: { OIDC_ISSUER: `http://127.0.0.1:${port}` } })
  assertProblem(t, await nobody.browser.ask('GET', START), { code: 'sign_in_unavailable' })
  t.equal((await nobody.browser.ask('GET', '/livez')).statusCode, 200)
})

test('a provider that answers nonsense, at any step, gets nobody signed in, and nothing of it is shown', async (t) => {
  const { begin, comeBack, browser, provider, built } = await setUp(t)
  const html = '<html>bad gateway canary-of-the-provider</html>'
  const sends =
    (path: string, status: number, text: string, type: string): typeof provider.behaviour.answers =>
    (request, response) => {
      if (!request.url?.startsWith(path)) return false
      response.writeHead(status, { 'content-type': type }).end(text)
      return true
    }
  const nonsense = [
    [502, html, 'text/html'],
    [200, html, 'text/html'],
    [200, '{"canary-of-the-provider":', 'application/json'],
    [302, '', 'application/json']
  ] as const
  for (const [status, text, type] of nonsense) {
    provider.behaviour.answers = sends('/.well-known', status, text, type)
    const answer = await browser.ask('GET', START)
    assertProblem(t, answer, { code: 'sign_in_invalid_answer', what: `${status} ${type}` })
  }
  const { issuer } = provider
  for (const [what, named] of [
    ['another issuer', 'https://evil.example'],
    ['another spelling', `${issuer}/`]
  ] as const) {
    const metadata = JSON.stringify({
      issuer: named,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`
    })
    provider.behaviour.answers = sends('/.well-known', 200, metadata, 'application/json')
    assertProblem(t, await browser.ask('GET', START), { code: 'sign_in_invalid_answer', what })
  }
  for (const path of ['/token', '/jwks']) {
    for (const [status, text, type] of nonsense) {
      provider.behaviour.answers = () => false
      const back = await begin()
      provider.behaviour.answers = sends(path, status, text, type)
      const answer = await comeBack(back)
      t.ok(answer.statusCode >= 400, `${path} ${status}`)
      t.notOk(browser.cookies.has(SESSION), `${path} ${status}`)
      t.notOk(answer.body.includes('canary-of'))
    }
  }
  const said = `${JSON.stringify(await recordsIn(built.folder))}${built.logs.join('')}`
  t.notOk(said.includes('canary-of-the-provider'))
  t.notOk(said.includes(CLIENT.clientSecret))
})

test('an answer without an end is broken off', async (t) => {
  const { browser, provider } = await setUp(t)
  const peer = endless('{"issuer":"')
  provider.behaviour.answers = (request, response) => {
    peer.server.emit('request', request, response)
    return true
  }
  assertProblem(t, await browser.ask('GET', START), { code: 'sign_in_invalid_answer' })
  await peer.isCutOff
  t.ok(peer.sent() < 8 * 1024 * 1024, `${peer.sent()} bytes`)
})
