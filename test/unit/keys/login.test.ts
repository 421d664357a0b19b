/** Which token is exchanged for which key, and that whatever else comes is refused in one way, with the reason on record. */
import { type Test, test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { issuerKeysIn } from '../../../src/crypto/workload-token.ts'
import { openApiKey } from '../../../src/keys/api-key.ts'
import { holdIssuerKeys } from '../../../src/keys/issuer-keys.ts'
import { createIssuing } from '../../../src/keys/issuing.ts'
import { createLineage } from '../../../src/keys/lineage.ts'
import { createLogin, type LoginOptions, RefusedLogin } from '../../../src/keys/login.ts'
import { createRevocations } from '../../../src/keys/revocations.ts'
import type { Trust } from '../../../src/keys/trust.ts'
import { openState } from '../../support/embedded.ts'
import { randomKeyring } from '../../support/keys.ts'
import { accountClaims, createWorkloadIssuer } from '../../support/workload-issuer.ts'

const NOW = Date.parse('2026-12-01T12:00:00Z')
const ISSUER = 'https://oidc.example'
const ARRIVAL = { route: 'POST /v1/auth/token', requestId: 'r', address: '127.0.0.1' }
const issuer = await createWorkloadIssuer(ISSUER)
const { keyring } = randomKeyring()

const CLUSTER: Trust = {
  name: 'prod-cluster',
  kind: 'service-account',
  issuer: ISSUER,
  audience: 'purser',
  keys: { from: 'discovery' },
  algorithms: ['RS256', 'ES256'],
  bind: [
    { claim: ['kubernetes.io', 'namespace'], values: ['shop'] },
    { claim: ['kubernetes.io', 'serviceaccount', 'name'], values: ['cart', 'api'] }
  ],
  grant: {
    client: 'shop',
    scopes: ['aura-services:secrets', 'aura-services:token'],
    mode: 'r',
    ttlSeconds: 900
  }
}

const open = (t: Test, trusts: readonly Trust[] = [CLUSTER], more: Partial<LoginOptions> = {}) => {
  const state = openState(t)
  const events: AuditEvent[] = []
  const clock = { now: NOW }
  const now = () => clock.now
  const issuing = createIssuing({
    keyring: () => keyring,
    usage: { isKnown: async () => false },
    revocations: createRevocations(state),
    lineage: createLineage(state),
    floor: { isReached: async () => true },
    rules: () => ({ platformVersion: '8.3.0', maxDays: 0 }),
    now
  })
  t.teardown(() => issuing.close())
  const held = holdIssuerKeys({
    load: async () => {
      issuer.asked.push('keys')
      const keys = issuerKeysIn(issuer.jwks, 'sig')
      if (keys === undefined) throw new Error('they are some')
      return keys
    },
    now
  })
  issuer.asked.length = 0
  const login = createLogin({
    trusts: () => trusts,
    keysOf: () => held,
    review: async () => true,
    issuing,
    recorder: createRecorder({
      environment: 'dev',
      record: async (event) => void events.push(event),
      log: () => {}
    }),
    environment: 'dev',
    now,
    ...more
  })
  const refusal = async (token: string, asked?: Parameters<typeof login.exchange>[2]) => {
    const outcome = await login.exchange(ARRIVAL, token, asked)
    if (!(outcome instanceof RefusedLogin)) throw new Error('it is refused')
    return outcome
  }
  return { login, events, clock, issuing, refusal }
}

const claims = (changes: object = {}) => accountClaims(ISSUER, NOW, changes)
const seconds = NOW / 1000

/** The same bytes: the last digit has bits that mean nothing. */
const respelt = (token: string): string => {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = digits[digits.indexOf(token.at(-1) ?? '') + 1] ?? ''
  return token.slice(0, -1) + last
}

const packed = (token: string): string => {
  const [first = '', ...rest] = token.split('.')
  const header = { ...JSON.parse(Buffer.from(first, 'base64url').toString()), zip: 'DEF' }
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.')
}

test('a bound account gets an ordinary key of its trust, which says where it comes from', async (t) => {
  const { login, events } = open(t)
  const token = await issuer.sign(claims())
  const outcome = await login.exchange(ARRIVAL, `${token}\n`)
  if (outcome instanceof RefusedLogin) throw outcome
  t.match(await openApiKey(keyring, outcome.apiKey), {
    client: 'shop',
    scopes: ['aura-services:secrets', 'aura-services:token'],
    mode: 'r',
    environment: 'dev',
    minimumVersion: '8.3.0',
    issuedAt: seconds,
    expiresAt: seconds + 600,
    via: ['trust:prod-cluster']
  })
  t.match(outcome, { trust: 'prod-cluster', expiresInSeconds: 600 }, 'no longer than the token')
  t.match(events, [
    {
      action: 'key.login',
      outcome: 'allowed',
      client: 'shop',
      keyId: outcome.principal.keyId,
      object: 'trust prod-cluster',
      issuer: ISSUER,
      subject: 'system:serviceaccount:shop:cart',
      tokenId: claims().jti
    }
  ])
  t.notMatch(JSON.stringify(events), token.split('.')[2] ?? '-')
})

test('no key lives longer than its trust lets it, however long the token does', async (t) => {
  const { login } = open(t)
  const token = await issuer.sign(claims({ exp: seconds + 86_400 }))
  t.match(await login.exchange(ARRIVAL, token), { expiresInSeconds: 900 })
})

const nested = (changes: object, account: object = {}) => ({
  'kubernetes.io': {
    ...claims()['kubernetes.io'],
    serviceaccount: { ...claims()['kubernetes.io'].serviceaccount, ...account },
    ...changes
  }
})

test('any other token is refused in one way, and the record knows why', async (t) => {
  const sign = issuer.sign
  const without = (name: string) =>
    Object.fromEntries(Object.entries(claims()).filter(([one]) => one !== name))
  const cases: readonly (readonly [string, string, Promise<string> | string])[] = [
    ['another audience', 'token_audience', sign(claims({ aud: ['api'] }))],
    ['no audience', 'token_incomplete', sign(without('aud'))],
    ['an audience that is no text', 'token_audience', sign(claims({ aud: { purser: true } }))],
    ['a slash at the issuer', 'unknown_issuer', sign(claims({ iss: `${ISSUER}/` }))],
    ['an issuer in a list', 'unknown_issuer', sign(claims({ iss: [ISSUER] }))],
    [
      'another namespace',
      'token_not_bound',
      sign(claims({ sub: 'system:serviceaccount:eve:cart', ...nested({ namespace: 'eve' }) }))
    ],
    [
      'another account',
      'token_not_bound',
      sign(claims({ sub: 'system:serviceaccount:shop:eve', ...nested({}, { name: 'eve' }) }))
    ],
    ['a namespace in a list', 'token_contradicts', sign(claims(nested({ namespace: ['shop'] })))],
    [
      'claims that contradict the subject',
      'token_contradicts',
      sign(claims({ sub: 'system:serviceaccount:shop:eve' }))
    ],
    [
      'a subject that is no text',
      'token_incomplete',
      sign(claims({ sub: ['system:serviceaccount:shop:cart'] }))
    ],
    ['no subject', 'token_incomplete', sign(without('sub'))],
    ['no end', 'token_incomplete', sign(without('exp'))],
    ['an end that is no number', 'token_incomplete', sign(claims({ exp: `${seconds + 600}` }))],
    ['no time of issue', 'token_incomplete', sign(without('iat'))],
    ['issued tomorrow', 'token_not_in_force', sign(claims({ iat: seconds + 86_400 }))],
    ['expired', 'token_not_in_force', sign(claims({ exp: seconds - 31 }))],
    [
      'expired within the tolerance for clocks',
      'token_not_in_force',
      sign(claims({ exp: seconds }))
    ],
    ['not yet in force', 'token_not_in_force', sign(claims({ nbf: seconds + 31 }))],
    ['an id that is no text', 'token_incomplete', sign(claims({ jti: 7 }))],
    ["another cluster's key", 'token_signature', sign(claims(), { wrongly: true })],
    ['no signature', 'token_malformed', issuer.unsigned(claims())],
    ['alg none and a signature', 'token_algorithm', `${issuer.unsigned(claims())}AAAA`],
    ['the public key as a secret', 'token_algorithm', issuer.confused(claims())],
    ['no kid', 'token_without_kid', sign(claims(), { kid: undefined })],
    ['a kid that is not there', 'token_unknown_key', sign(claims(), { kid: 'three' })],
    ['the kid of a key of another kind', 'token_unknown_key', sign(claims(), { kid: 'two' })],
    ['another type of token', 'token_malformed', sign(claims(), { typ: 'logout+jwt' })],
    ['too long', 'token_malformed', sign(claims({ more: 'x'.repeat(8192) }))],
    ['another spelling of its signature', 'token_malformed', respelt(await sign(claims()))],
    ['what has to be unpacked', 'token_malformed', packed(await sign(claims()))],
    ['no token', 'token_malformed', 'a.b'],
    ['an API key', 'token_malformed', 'purser_dev_eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA'],
    [
      'of a Secret, as clusters made them formerly',
      'unknown_issuer',
      sign({
        iss: 'kubernetes/serviceaccount',
        sub: 'system:serviceaccount:shop:cart',
        'kubernetes.io/serviceaccount/namespace': 'shop',
        'kubernetes.io/serviceaccount/service-account.name': 'cart'
      })
    ],
    [
      'the same with the claims of a projected one',
      'token_contradicts',
      sign({
        ...without('kubernetes.io'),
        'kubernetes.io/serviceaccount/namespace': 'shop',
        'kubernetes.io/serviceaccount/service-account.name': 'cart'
      })
    ]
  ]
  const { refusal, events } = open(t)
  const told = new Set<string>()
  for (const [what, reason, token] of cases) {
    const refused = await refusal(await token)
    t.equal(refused.reason, reason, what)
    told.add(JSON.stringify([refused.code, refused.message, refused.details]))
  }
  t.equal(told.size, 1, 'nobody can tell them apart')
  t.same(events, [], 'whoever counts refusals records them')
  t.equal(issuer.asked.length, 1, 'and the issuer was asked once')
})

test('a token that says a member twice is refused, however well it is signed and whichever would count', async (t) => {
  const { login, refusal, events } = open(t)
  const header = '{"alg":"RS256","kid":"one"}'
  const written = JSON.stringify(claims())
  const beginning = (more: string) => written.replace('{', `{${more},`)
  t.notOk(
    (await login.exchange(ARRIVAL, await issuer.signWritten(header, written))) instanceof Error
  )
  events.length = 0
  const cases: Record<string, readonly [string, string]> = {
    'the subject, first another': [header, beginning('"sub":"system:serviceaccount:shop:eve"')],
    'the subject, the same': [header, beginning(`"sub":${JSON.stringify(claims().sub)}`)],
    'the audience, in another spelling': [header, beginning('"\\u0061ud":"api"')],
    'a claim that nobody looks at': [header, beginning('"more":1,"more":2')],
    'a bound claim, nested': [
      header,
      written.replace('"namespace":', '"namespace":"eve","namespace":')
    ],
    'a bound claim, nested deeper': [header, written.replace('"name":', '"name":"eve","name":')],
    'the end': [header, written.replace('"exp":', '"exp":1,"exp":')],
    'a member of an object in a list': [header, beginning('"all":[{"a":1,"a":1}]')],
    'the algorithm': ['{"alg":"none","alg":"RS256","kid":"one"}', written],
    'the kid': ['{"alg":"RS256","kid":"two","kid":"one"}', written],
    'a member of the header that nobody looks at': [
      '{"alg":"RS256","kid":"one","more":{"a":1,"a":2}}',
      written
    ]
  }
  for (const [what, [first, second]] of Object.entries(cases)) {
    const refused = await refusal(await issuer.signWritten(first, second))
    t.match(refused, { code: 'access_denied', reason: 'token_malformed', details: {} }, what)
  }
  t.same(events, [])
})

test('a number that no double holds is nobody’s reason to refuse a token', async (t) => {
  const { login } = open(t)
  const written = JSON.stringify(claims()).replace('{', '{"run":12345678901234567890,')
  const token = await issuer.signWritten('{"alg":"RS256","kid":"one"}', written)
  t.match(await login.exchange(ARRIVAL, token), { trust: 'prod-cluster' })
})

test('a token without an end in any calendar is refused', async (t) => {
  const { refusal } = open(t)
  const written = JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e400')
  const token = await issuer.signWritten('{"alg":"RS256","kid":"one"}', written)
  t.equal((await refusal(token)).reason, 'token_incomplete')
})

test('a re-created account is another one, where its uid is bound', async (t) => {
  const uid = claims()['kubernetes.io'].serviceaccount.uid
  const bound = {
    ...CLUSTER,
    bind: [...CLUSTER.bind, { claim: ['kubernetes.io', 'serviceaccount', 'uid'], values: [uid] }]
  }
  const { login, refusal } = open(t, [bound])
  t.match(await login.exchange(ARRIVAL, await issuer.sign(claims())), { trust: 'prod-cluster' })
  const recreated = nested({}, { uid: '00000000-7425-40de-944b-e07fc1f90ae7' })
  t.equal((await refusal(await issuer.sign(claims(recreated)))).reason, 'token_not_bound')
})

test('a token of no configured issuer makes nobody ask anything', async (t) => {
  const { refusal } = open(t)
  const foreign = await createWorkloadIssuer('https://eve.example')
  const token = await foreign.sign(accountClaims('https://eve.example', NOW))
  t.equal((await refusal(token)).reason, 'unknown_issuer')
  t.same(issuer.asked, [])
})

test('of several trusts of one issuer the one that binds the token is taken; of two that do, the named one', async (t) => {
  const other = { ...CLUSTER, name: 'other', grant: { ...CLUSTER.grant, client: 'other' } }
  const eve: Trust = {
    ...CLUSTER,
    name: 'eve',
    bind: [{ claim: ['kubernetes.io', 'namespace'], values: ['eve'] }]
  }
  const token = await issuer.sign(claims())
  const first = open(t, [eve, CLUSTER])
  t.match(await first.login.exchange(ARRIVAL, token), { trust: 'prod-cluster' })
  const { login, refusal } = open(t, [CLUSTER, other])
  t.equal((await refusal(token)).reason, 'several_trusts')
  t.match(await login.exchange(ARRIVAL, token, { trust: 'other' }), {
    principal: { client: 'other', via: ['trust:other'] }
  })
  t.equal((await refusal(token, { trust: 'unknown' })).reason, 'unknown_trust')
})

test('whoever asks for less gets less, and for more nothing', async (t) => {
  const { login, events } = open(t)
  const token = await issuer.sign(claims())
  const less = await login.exchange(ARRIVAL, token, { scopes: ['aura-services:secrets:read'] })
  t.match(less, { principal: { scopes: ['aura-services:secrets:read'] } })
  for (const scopes of [['aura-services'], [], ['aura-services:secrets', 'aura-admin']]) {
    await t.rejects(login.exchange(ARRIVAL, token, { scopes }), { code: 'insufficient_scope' })
  }
  await t.rejects(login.exchange(ARRIVAL, token, { audience: 'other' }), {
    code: 'invalid_request'
  })
  t.match(await login.exchange(ARRIVAL, token, { audience: 'purser' }), { trust: 'prod-cluster' })
  t.match(events[1], { action: 'key.login', outcome: 'denied', object: 'trust prod-cluster' })
})

test('a token that is older than its trust takes is refused', async (t) => {
  const { login, refusal } = open(t, [{ ...CLUSTER, maxTokenAgeSeconds: 60 }])
  const old = claims({ iat: seconds - 91, nbf: seconds - 91 })
  t.equal((await refusal(await issuer.sign(old))).reason, 'token_too_old')
  const fresh = claims({ iat: seconds - 60, nbf: seconds - 60 })
  t.match(await login.exchange(ARRIVAL, await issuer.sign(fresh)), { trust: 'prod-cluster' })
})

test('an algorithm that the trust does not take is refused, though the issuer has such a key', async (t) => {
  const { refusal, login } = open(t, [{ ...CLUSTER, algorithms: ['RS256'] }])
  t.equal((await refusal(await issuer.sign(claims(), { ec: true }))).reason, 'token_algorithm')
  t.same(issuer.asked, [])
  t.match(await login.exchange(ARRIVAL, await issuer.sign(claims())), { trust: 'prod-cluster' })
  const both = open(t)
  t.match(await both.login.exchange(ARRIVAL, await issuer.sign(claims(), { ec: true })), {
    trust: 'prod-cluster'
  })
})

test('where the issuer or the API server does not answer, nobody is told that the token is wrong', async (t) => {
  const down = async (): Promise<never> => {
    throw new Error('down')
  }
  const token = await issuer.sign(claims())
  const withoutIssuer = open(t, [CLUSTER], { keysOf: () => ({ forKey: down }) })
  await t.rejects(withoutIssuer.login.exchange(ARRIVAL, token), { code: 'store_unavailable' })
  const review = { url: 'https://10.0.0.1', tokenFile: 'token' }
  const reviewed = open(t, [{ ...CLUSTER, review }], { review: down })
  await t.rejects(reviewed.login.exchange(ARRIVAL, token), { code: 'store_unavailable' })
  const refused = open(t, [{ ...CLUSTER, review }], { review: async () => false })
  t.equal((await refused.refusal(token)).reason, 'token_reviewed_out')
})

test('where a login cannot be recorded, no key leaves', async (t) => {
  const recorder = createRecorder({
    environment: 'dev',
    record: () => Promise.reject(new ProblemError('audit_unavailable')),
    log: () => {}
  })
  const { login } = open(t, [CLUSTER], { recorder })
  const token = await issuer.sign(claims())
  await t.rejects(login.exchange(ARRIVAL, token), { code: 'audit_unavailable' })
})

test('the keys of a trust are revoked together, and a later login gives another one', async (t) => {
  const { login, issuing } = open(t, [CLUSTER])
  const token = await issuer.sign(claims())
  const one = await login.exchange(ARRIVAL, token)
  if (one instanceof RefusedLogin) throw one
  t.same(await issuing.revokeOfTrust('trust:other'), { isNew: false, isDurable: true, issued: [] })
  t.same(await issuing.revokeOfTrust('trust:prod-cluster'), {
    isNew: true,
    isDurable: true,
    issued: [one.principal.keyId]
  })
  t.match(await login.exchange(ARRIVAL, token), { trust: 'prod-cluster' })
})

const SVID: Trust = {
  ...CLUSTER,
  name: 'mesh',
  kind: 'spiffe',
  issuer: 'spiffe://example.org',
  bind: [{ claim: ['sub'], values: ['spiffe://example.org/ns/shop/sa/cart'] }]
}
const svid = (changes: object = {}) => ({
  sub: 'spiffe://example.org/ns/shop/sa/cart',
  aud: ['purser'],
  exp: seconds + 300,
  ...changes
})

test('a SPIFFE ID is found by its trust domain, whatever issuer the token names or does not name', async (t) => {
  const { login, refusal, events } = open(t, [CLUSTER, SVID])
  for (const claimed of [svid(), svid({ iss: 'https://spire.example', iat: seconds })]) {
    const outcome = await login.exchange(ARRIVAL, await issuer.sign(claimed, { typ: 'JOSE' }))
    t.match(outcome, { trust: 'mesh', expiresInSeconds: 300 })
  }
  t.match(events, [{ issuer: 'spiffe://example.org', subject: svid().sub }, {}])
  for (const [reason, claimed] of [
    ['unknown_issuer', svid({ sub: 'spiffe://eve.example/ns/shop/sa/cart' })],
    ['unknown_issuer', svid({ sub: 'spiffe://example.org' })],
    ['unknown_issuer', svid({ sub: ['spiffe://example.org/ns/shop/sa/cart'] })],
    ['token_not_bound', svid({ sub: 'spiffe://example.org/ns/shop/sa/cart/x' })],
    ['token_audience', svid({ aud: ['other'] })],
    ['token_not_in_force', svid({ exp: seconds - 60 })]
  ] as const) {
    t.equal((await refusal(await issuer.sign(claimed))).reason, reason)
  }
})

test('a token with the issuer of one trust and the SPIFFE ID of another is of both, and so of none', async (t) => {
  const { refusal } = open(t, [CLUSTER, SVID])
  const token = await issuer.sign(claims({ sub: svid().sub }))
  // As an account it contradicts itself, and as a workload of the mesh it is one.
  const { login } = open(t, [CLUSTER, SVID])
  t.match(await login.exchange(ARRIVAL, token), { trust: 'mesh' })
  t.equal((await refusal(token, { trust: 'prod-cluster' })).reason, 'token_contradicts')
})

test('a claim is bound by its text or its truth, at any depth, and never by what only looks like it', async (t) => {
  const google: Trust = {
    ...CLUSTER,
    name: 'google',
    kind: 'oidc',
    bind: [
      { claim: ['email'], values: ['cart@acme.iam.gserviceaccount.com'] },
      { claim: ['email_verified'], values: [true] },
      { claim: ['google', 'compute_engine', 'project_id'], values: ['acme'] }
    ]
  }
  const { login, refusal } = open(t, [google])
  const of = (changes: object = {}) =>
    issuer.sign({
      ...claims({ sub: '104200427', 'kubernetes.io': undefined }),
      email: 'cart@acme.iam.gserviceaccount.com',
      email_verified: true,
      google: { compute_engine: { project_id: 'acme' } },
      ...changes
    })
  t.match(await login.exchange(ARRIVAL, await of()), { trust: 'google' })
  for (const changes of [
    { email_verified: 'true' },
    { email_verified: undefined },
    { email: ['cart@acme.iam.gserviceaccount.com'] },
    { email: 'CART@acme.iam.gserviceaccount.com' },
    { google: { compute_engine: ['acme'] } },
    { google: 'acme' },
    { google: undefined, 'google.compute_engine.project_id': 'acme' }
  ]) {
    t.equal((await refusal(await of(changes))).reason, 'token_not_bound', JSON.stringify(changes))
  }
})
