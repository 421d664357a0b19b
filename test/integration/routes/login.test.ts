// Login with a token of a workload: by OAuth's token exchange and as AWS SDKs ask, and what whoever may not is told.
import type { InjectOptions } from 'fastify'
import { type Test, test } from 'tap'
import { signingCredentialsOf } from '../../../src/crypto/sigv4-secret.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestAppOptions } from '../../support/build-app.ts'
import { asAdmin } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { accountClaims, createWorkloadIssuer } from '../../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'
const TOKEN = '/v1/auth/token'
const AWS = '/v1/auth/aws-credentials'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'
const FORM = 'application/x-www-form-urlencoded'
const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    bind: { namespace: shop, serviceAccount: [cart, api] }
    grant: { client: shop, scopes: ["aura-services:secrets"], mode: r, ttlSeconds: 900 }
`

const setUp = async (t: Test, options: Partial<TestAppOptions> = {}) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const built = await buildTestApp(t, {
    yaml: YAML,
    now,
    overrides: { fetch: issuer.fetch },
    ...options
  })
  const { server } = built.app
  const claims = (changes: object = {}) => accountClaims(ISSUER, now(), changes)
  const post = (payload: string, type = FORM, remoteAddress = '127.0.0.1') =>
    server.inject({
      method: 'POST',
      url: TOKEN,
      headers: { 'content-type': type },
      payload,
      remoteAddress
    })
  const form = (token: string, more: Readonly<Record<string, string>> = {}): string =>
    new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: JWT,
      ...more
    }).toString()
  const logIn = async (token?: string, more?: Readonly<Record<string, string>>) =>
    post(form(token ?? (await issuer.sign(claims())), more))
  const logins = async () =>
    (await recordsIn(built.folder)).filter(({ action }) => action === 'key.login')
  return { issuer, clock, built, claims, post, form, logIn, logins }
}

test('a token is exchanged for a key that reads what its client may, and no more', async (t) => {
  const { built, logIn, issuer, claims } = await setUp(t)
  await built.seed('local', 'shop/db', 'of the shop')
  const answer = await logIn()
  t.equal(answer.statusCode, 200, answer.body)
  t.match(answer.headers, { 'cache-control': 'no-store', 'content-type': /^application\/json/ })
  const body = answer.json()
  t.match(body, {
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    scope: 'aura-services:secrets'
  })
  t.ok(body.expires_in > 590 && body.expires_in <= 600, 'until the token ends')
  t.strictSame(Object.keys(body).sort(), [
    'access_token',
    'expires_in',
    'issued_token_type',
    'scope',
    'token_type'
  ])
  const client = built.withKey(body.access_token)
  t.match((await client.read('local:shop/db')).json(), { value: 'of the shop' })
  assertProblem(t, await client.read('local:other/db'), { code: 'access_denied' })
  t.match((await client.ask('GET', '/v1/whoami')).json(), {
    client: 'shop',
    via: ['trust:prod-cluster'],
    mode: 'r'
  })
  t.equal((await client.ask('GET', '/v1/admin/keys')).statusCode, 403)
  t.equal(issuer.asked.length, 2, 'metadata and keys, once')
  const token = await issuer.sign(claims())
  await logIn(token)
  t.equal(issuer.asked.length, 2)
  const seen = `${built.logs.join('\n')}${JSON.stringify(await recordsIn(built.folder))}`
  for (const secret of [body.access_token, token]) {
    for (const part of secret
      .split('.')
      .filter((one: string) => one.length > 20)
      .slice(1)) {
      t.notOk(seen.includes(part), 'neither the token nor the key is in log or record')
    }
  }
})

test('the whole body and status of a refusal are one, whatever is wrong with the token', async (t) => {
  const { logIn, issuer, claims, logins } = await setUp(t)
  const tokens = [
    issuer.sign(claims({ aud: 'other' })),
    issuer.sign(claims({ iss: 'https://eve.example' })),
    issuer.sign(claims(), { wrongly: true }),
    issuer.sign(claims({ sub: 'system:serviceaccount:eve:cart' })),
    issuer.unsigned(claims()),
    issuer.confused(claims()),
    'nonsense'
  ]
  const answers = []
  for (const token of tokens) answers.push(await logIn(await token))
  answers.push(await logIn(await issuer.sign(claims()), { trust: 'another' }))
  t.same(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size, 1)
  t.equal(answers[0]?.statusCode, 400)
  t.strictSame(answers[0]?.json(), {
    error: 'invalid_request',
    error_description: 'The subject token is not accepted'
  })
  const records = await logins()
  t.same(
    records.map(({ outcome, reason }) => [outcome, reason]),
    [
      'token_audience',
      'unknown_issuer',
      'token_signature',
      'token_contradicts',
      'token_malformed',
      'token_algorithm',
      'token_malformed',
      'unknown_trust'
    ].map((reason) => ['denied', reason])
  )
  t.match(records[0], { object: 'trust prod-cluster', issuer: ISSUER, code: 'access_denied' })
  t.match(records[3], { subject: 'system:serviceaccount:eve:cart' })
  t.notOk('subject' in (records[2] ?? {}), 'what is not verified is nobody')
})

test('a request that is no exchange is refused as OAuth has it', async (t) => {
  const { post, form, issuer, claims } = await setUp(t)
  const token = await issuer.sign(claims())
  const of = (more: Readonly<Record<string, string>>) => form(token, more)
  const cases: readonly (readonly [string, number, string])[] = [
    ['', 400, 'invalid_request'],
    [of({ grant_type: 'client_credentials' }), 400, 'unsupported_grant_type'],
    [of({ grant_type: '' }), 400, 'invalid_request'],
    [of({ subject_token: '' }), 400, 'invalid_request'],
    [of({ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }), 400, 'invalid_request'],
    [of({ requested_token_type: JWT }), 400, 'invalid_request'],
    [of({ actor_token: token }), 400, 'invalid_request'],
    [of({ actor_token_type: JWT }), 400, 'invalid_request'],
    [of({ audience: 'other' }), 400, 'invalid_target'],
    [of({ resource: 'https://purser.example' }), 400, 'invalid_target'],
    [of({ scope: 'aura-admin' }), 400, 'invalid_scope'],
    [`${of({})}&scope=a&scope=b`, 400, 'invalid_request'],
    [`${of({})}&subject_token=${token}`, 400, 'invalid_request'],
    [of({ more: 'x'.repeat(16_384) }), 413, 'invalid_request']
  ]
  for (const [payload, status, error] of cases) {
    const answer = await post(payload)
    t.equal(answer.statusCode, status, payload.slice(0, 60))
    t.match(answer.json(), { error, error_description: String })
    t.notMatch(answer.body, token)
  }
  const json = JSON.stringify({
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: JWT
  })
  t.match((await post(json, 'application/json')).statusCode, 415)
  t.match((await post(of({}), 'text/plain')).statusCode, 415)
  t.match((await post(of({ unknown: 'is ignored', audience: 'purser' }))).statusCode, 200)
})

/** All that is refused before a token is looked at. */
const UNFIT: readonly (readonly [string, number, InjectOptions])[] = [
  ...(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const).map(
    (method) => [`${TOKEN} by ${method}`, 405, { method, url: TOKEN }] as const
  ),
  [`${TOKEN} without a body`, 400, { method: 'POST', url: TOKEN }],
  [
    `${TOKEN} with another type of body`,
    415,
    { method: 'POST', url: TOKEN, headers: { 'content-type': 'text/xml' }, payload: '<a/>' }
  ],
  [
    `${TOKEN} with a body too large`,
    413,
    { method: 'POST', url: TOKEN, headers: { 'content-type': FORM }, payload: 'a'.repeat(20_000) }
  ],
  [
    `${TOKEN} with a query`,
    400,
    { method: 'POST', url: `${TOKEN}?a=b`, headers: { 'content-type': FORM }, payload: 'a=b' }
  ],
  ...(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const).map(
    (method) => [`${AWS} by ${method}`, 405, { method, url: AWS }] as const
  ),
  [`${AWS} with another query`, 400, { url: `${AWS}?a=b` }],
  [`${AWS} with a trust twice`, 400, { url: `${AWS}?trust=a&trust=b` }],
  [`${AWS} without a token`, 401, { url: AWS }]
]

test('whatever is wrong with the request itself is told in the words of the route, too', async (t) => {
  const { built } = await setUp(t)
  for (const [what, status, request] of UNFIT) {
    const answer = await built.app.server.inject(request)
    t.equal(answer.statusCode, status, what)
    t.match(answer.headers['content-type'], /^application\/json/, what)
    const members = what.startsWith(TOKEN) ? ['error', 'error_description'] : ['code', 'message']
    t.strictSame(Object.keys(answer.json()), members, what)
    const allowed = what.startsWith(TOKEN) ? 'POST' : 'GET, HEAD'
    if (status === 405) t.equal(answer.headers['allow'], allowed, what)
  }
  const [token, aws] = await Promise.all(
    [TOKEN, AWS].map((url) => built.app.server.inject({ method: 'PUT', url }))
  )
  t.strictSame(token?.json(), {
    error: 'invalid_request',
    error_description: 'The method is not allowed here'
  })
  t.strictSame(aws?.json(), {
    code: 'method_not_allowed',
    message: 'The method is not allowed here'
  })
  const other = await built.app.server.inject({ method: 'PUT', url: '/v1/whoami' })
  assertProblem(t, other, { code: 'method_not_allowed' })
  const beside = await built.app.server.inject({ url: `${AWS}/x` })
  assertProblem(t, beside, { code: 'route_not_found' })
})

test('no other route takes a form', async (t) => {
  const { built } = await setUp(t)
  const admin = await built.as('operator', 'rw', asAdmin)
  const answer = await admin.ask('POST', '/v1/admin/keys', 'client=a', { 'content-type': FORM })
  assertProblem(t, answer, { code: 'unsupported_media_type' })
})

test('AWS SDKs get what they sign with: the key, and a secret that follows from it', async (t) => {
  const { built, issuer, claims } = await setUp(t)
  const ask = (authorization: string, query = '') =>
    built.app.server.inject({ url: AWS + query, headers: { authorization } })
  const answer = await ask(await issuer.sign(claims()), '?trust=prod-cluster')
  t.equal(answer.statusCode, 200, answer.body)
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer.json()
  const { keyId, expiresAt } = (await built.withKey(Token).ask('GET', '/v1/whoami')).json()
  const expected = signingCredentialsOf(built.keyring.active, keyId)
  t.strictSame([AccessKeyId, SecretAccessKey], [expected.accessKeyId, expected.secretAccessKey])
  t.match(Expiration, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.equal(Date.parse(Expiration), Date.parse(expiresAt))
  const refused = await ask(await issuer.sign(claims({ aud: 'other' })))
  t.equal(refused.statusCode, 403)
  t.strictSame(refused.json(), { code: 'access_denied', message: 'Access is denied' })
  const without = await built.app.server.inject({ url: AWS })
  t.equal(without.statusCode, 401)
  t.match((await ask('x', '?trust=Nobody')).json(), { code: 'invalid_request' })
})

test('keys of a trust are revoked together; a login that comes later works, until the trust is gone', async (t) => {
  const { built, logIn } = await setUp(t)
  const admin = await built.as('operator', 'rw', asAdmin)
  const key = async () => built.withKey((await logIn()).json().access_token)
  const [one, two] = [await key(), await key()]
  t.equal((await one.ask('GET', '/v1/whoami')).statusCode, 200)
  const answer = await admin.ask('DELETE', '/v1/admin/trusts/prod-cluster/keys')
  t.match(answer.json(), { trust: 'prod-cluster', issued: { length: 2 } })
  for (const { ask } of [one, two]) t.equal((await ask('GET', '/v1/whoami')).statusCode, 401)
  t.equal((await (await key()).ask('GET', '/v1/whoami')).statusCode, 200)
  const revoked = (await recordsIn(built.folder)).filter(({ action }) => action === 'key.revoke')
  t.equal(revoked.length, 3)
  t.ok(revoked.every(({ object }) => object === 'trust prod-cluster'))
  const typo = await admin.ask('DELETE', '/v1/admin/trusts/nosuch/keys')
  t.equal(typo.statusCode, 400)
  t.match(typo.json(), { code: 'invalid_request', errors: [{ pointer: '/params/name' }] })
  await built.reload({ yaml: YAML.replace('name: prod-cluster', 'name: other') })
  const former = await admin.ask('DELETE', '/v1/admin/trusts/prod-cluster/keys')
  t.match(former.json(), { issued: { length: 3 } }, 'a trust that was taken out')
  const unused = await admin.ask('DELETE', '/v1/admin/trusts/other/keys')
  t.match(unused.json(), { issued: [] }, 'a trust of which there is no key yet')
  t.match((await logIn()).json().access_token, /^purser_dev_/)
  await built.reload({ yaml: YAML.slice(0, YAML.indexOf('trusts:')) })
  t.equal((await logIn()).statusCode, 400)
})

test('failed logins are limited by address, and refusals of a trust by trust; who may log in is not kept out', async (t) => {
  const env = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '3' }
  const { post, form, issuer, claims, logIn, logins } = await setUp(t, { env })
  const wrong = form(await issuer.sign(claims({ aud: 'other' })))
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await post(wrong, FORM, '10.0.0.1')).statusCode)
  t.same(statuses, [400, 400, 400, 429, 429])
  const limited = await post(wrong, FORM, '10.0.0.1')
  t.match(limited.json(), { error: 'temporarily_unavailable' })
  t.match(limited.headers['retry-after'], /^\d+$/)
  for (let i = 0; i < 40; i++) await post(wrong, FORM, `10.0.${i}.2`)
  t.equal((await logins()).length, 30, 'ten times as many as of one address are on record')
  t.equal((await post(wrong, FORM, '10.1.0.1')).statusCode, 429)
  t.equal((await logIn()).statusCode, 200)
})

test('an issuer that is down: few questions however many tokens come, and known keys work on for a day', async (t) => {
  const { issuer, claims, clock, logIn, post, form } = await setUp(t)
  issuer.answer = () => new Response('', { status: 500 })
  for (let i = 0; i < 100; i++) {
    const answer = await logIn(await issuer.sign(claims(), { kid: `k${i}` }))
    t.equal(answer.statusCode, 503)
    t.match(answer.json(), { error: 'temporarily_unavailable' })
  }
  t.ok(issuer.asked.length <= 3, `${issuer.asked.length} questions`)
  issuer.answer = undefined
  clock.ahead = 120_000
  t.equal((await logIn()).statusCode, 200)
  issuer.answer = () => {
    throw new Error('down')
  }
  clock.ahead += 3_600_000
  t.equal((await logIn()).statusCode, 200, 'an hour later')
  clock.ahead += 22.9 * 3_600_000
  t.equal((await logIn()).statusCode, 200, 'and nearly a day later')
  clock.ahead += 600_000
  t.equal((await post(form(await issuer.sign(claims())))).statusCode, 503, 'but no longer')
  issuer.answer = undefined
  clock.ahead += 120_000
  t.equal((await logIn()).statusCode, 200)
})

test('a client cannot be granted what leads further than a trust may', async (t) => {
  const { built } = await setUp(t)
  const wrong = (change: (yaml: string) => string, message: RegExp) =>
    t.rejects(built.reload({ yaml: change(YAML) }), { message })
  await wrong(
    (yaml) => yaml.replace('"aura-services:secrets"', 'aura-admin'),
    /purser\.yaml:10:\d+: trusts\.0\.grant\.scopes\.0 gives the right to administer/
  )
  await wrong(
    (yaml) => `${yaml}delegations: [{ client: shop, clients: [a], scopes: [b] }]\n`,
    /purser\.yaml:10:\d+: trusts\.0\.grant\.client has a delegation/
  )
})
