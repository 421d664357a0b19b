/** Sessions apart from HTTP: what is in their tokens, when they end, and what ends them. */
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import type { AdministratorOf } from '../../../src/keys/administrators.ts'
import { EACH_TIME, PLATFORM } from '../../../src/keys/checks.ts'
import {
  meansOf,
  reauthenticatedUntil,
  SESSION_TOKEN,
  sessionAudience
} from '../../../src/keys/session.ts'
import {
  createSessions,
  type OpenedSession,
  RefusedSession,
  type SessionsOptions
} from '../../../src/keys/sessions.ts'
import { randomSecret } from '../../support/keys.ts'
import { NO_REGISTER } from '../../support/no-register.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const START = 1_800_000_000
const SECOND = 1_000
const KEY = { ...PRINCIPAL, scopes: ['aura-admin'], issuedAt: START }
const ANA = {
  issuer: 'https://provider.example',
  subject: 'ana',
  email: 'ana@example.com',
  client: 'operator',
  mode: 'rw'
} as const
const CODE_USER = {
  client: 'quickstart',
  mode: 'rw',
  scopes: ['aura-admin', 'aura-services']
} as const
const REVOKED = EACH_TIME.find(({ reason }) => reason === 'revoked')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const setUp = (more: Partial<SessionsOptions> = {}) => {
  const clock = { now: START * SECOND }
  const revoked = new Map<string, number>()
  const signer = createTokenSigner({
    ...SESSION_TOKEN,
    secrets: [randomSecret()],
    audience: sessionAudience('dev')
  })
  const sessions = createSessions({
    signer: () => signer,
    refusalOf: () => undefined,
    register: NO_REGISTER,
    revocations: {
      isRevoked: (name) => revoked.has(name),
      revoke: async (name, now) => ({ isNew: true, isDurable: Boolean(revoked.set(name, now)) })
    },
    administratorOf: ({ email }) => (email === ANA.email ? ANA : 'email_not_listed'),
    codeUser: CODE_USER,
    environment: 'dev',
    adminScope: 'aura-admin',
    now: () => clock.now,
    ...more
  })
  const read = (token: string) => sessions.read(token, '10.0.0.1')
  const codeOf = async (token: string): Promise<string> => {
    const found = await read(token)
    return found instanceof ProblemError ? `${found.code} ${found.reason}` : 'signed in'
  }
  /** The claims of a session's token, changed, under the same secret. */
  const forge = async (
    { token }: Pick<OpenedSession, 'token'>,
    change: object
  ): Promise<string> => {
    const opened = await signer.open(token, clock.now)
    return await signer.sign({ ...opened?.claims, ...change })
  }
  return { clock, revoked, sessions, signer, read, codeOf, forge }
}

test('a session of a key has what the key has, ends in a quarter of an hour, and reads as it was opened', async (t) => {
  const { sessions, read } = setUp()
  const { session, token } = await sessions.open(KEY)
  t.match(session.id, UUID)
  t.match(session.csrfToken, /^[\w-]{22}$/)
  const { id, csrfToken, ...others } = session
  t.strictSame(others, {
    principal: KEY,
    signedInAt: START,
    renewedAt: START,
    endsAt: START + 900,
    endsAtLatest: START + 8 * 3_600
  })
  t.strictSame(await read(token), session)
  const other = await sessions.open(KEY)
  t.not(other.session.id, id)
  t.not(other.session.csrfToken, csrfToken)
})

test('a session has the end, the networks and the descent of its key, in its token too', async (t) => {
  const { sessions, read } = setUp()
  const via = ['9d0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10']
  const key = { ...KEY, expiresAt: START + 86_400, networks: ['10.0.0.0/8'], via }
  const { token } = await sessions.open(key)
  t.match(await read(token), { principal: key })
})

test('a session of an address has the client and mode of administrators:, the scope alone, and a key id that is its own', async (t) => {
  const { sessions, read } = setUp()
  const { session, token } = await sessions.openFor(ANA)
  t.strictSame(session.user, ANA)
  t.strictSame(session.principal, {
    keyId: session.id,
    client: 'operator',
    scopes: ['aura-admin'],
    mode: 'rw',
    environment: 'dev',
    minimumVersion: '0.0.0',
    issuedAt: START,
    kid: ''
  })
  t.strictSame(await read(token), session)
})

test('a session of an address has the further scopes that administrators: gives', async (t) => {
  const scopes = ['aura-services']
  const { sessions, read } = setUp({ administratorOf: () => ({ ...ANA, scopes }) })
  const { session, token } = await sessions.openFor({ ...ANA, scopes })
  t.strictSame(session.principal.scopes, ['aura-admin', 'aura-services'])
  t.strictSame(await read(token), session)
})

test('claims of a session that were kept elsewhere count as its token does', async (t) => {
  const { sessions, clock, signer } = setUp()
  const { session, token } = await sessions.open(KEY)
  const claims = (await signer.open(token, clock.now))?.claims
  t.strictSame(sessions.reopen(claims, '10.0.0.1'), session)
  clock.now = session.endsAt * SECOND
  t.match(sessions.reopen(claims, '10.0.0.1'), { code: 'session_expired', reason: 'expired' })
  for (const wrong of [undefined, {}, { ...claims, csrf: 'x' }]) {
    t.match(sessions.reopen(wrong, '10.0.0.1'), { code: 'session_required' })
  }
})

test('a session by a code has what the code gives, as long as this service gives the same', async (t) => {
  const { sessions, read, codeOf, forge } = setUp({
    refusalOf: () => REVOKED,
    administratorOf: () => 'email_not_listed'
  })
  const { session, token } = await sessions.openByCode(CODE_USER)
  t.match(session.principal, { ...CODE_USER, keyId: session.id, issuedAt: START })
  t.strictSame(await read(token), session)
  for (const other of [
    { ...CODE_USER, client: 'other' },
    { ...CODE_USER, mode: 'r' } as const,
    { ...CODE_USER, scopes: ['aura-admin'] }
  ]) {
    t.equal(await codeOf((await sessions.openByCode(other)).token), 'session_expired no_codes')
  }
  for (const code of [
    'text',
    { ...CODE_USER, more: 1 },
    { ...CODE_USER, client: 1 },
    { ...CODE_USER, mode: 'all' },
    { ...CODE_USER, scopes: 'aura-admin' },
    { ...CODE_USER, scopes: [1] },
    { client: 'quickstart' }
  ]) {
    const forged = await forge({ token }, { code })
    t.equal(await codeOf(forged), 'session_required unreadable_session', JSON.stringify(code))
  }
})

test('by what whoever is signed in has proven it is told of each session', async (t) => {
  const { sessions } = setUp()
  t.equal(meansOf((await sessions.open(KEY)).session), 'key')
  t.equal(meansOf((await sessions.openFor(ANA)).session), 'provider')
  t.equal(meansOf((await sessions.openByCode(CODE_USER)).session), 'code')
})

test('a session ends when nothing is done in it, and at the latest with its eight hours or its key', async (t) => {
  const { sessions, clock, codeOf } = setUp()
  let { session, token } = await sessions.open(KEY)
  clock.now = (session.endsAt - 1) * SECOND
  t.equal(await codeOf(token), 'signed in')
  clock.now = session.endsAt * SECOND
  t.equal(await codeOf(token), 'session_expired expired')
  while (session.endsAt < START + 8 * 3_600) {
    clock.now = (session.endsAt - 1) * SECOND
    const former = session
    ;({ session, token } = await sessions.renew(session))
    t.strictSame(session, {
      ...former,
      renewedAt: former.endsAt - 1,
      endsAt: Math.min(former.endsAt - 1 + 900, former.endsAtLatest)
    })
  }
  clock.now = session.endsAtLatest * SECOND - 1
  t.equal(await codeOf(token), 'signed in')
  clock.now = session.endsAtLatest * SECOND
  t.equal(await codeOf(token), 'session_expired expired')

  const short = setUp()
  const opened = await short.sessions.open({ ...KEY, expiresAt: START + 60 })
  t.match(opened.session, { endsAt: START + 60, endsAtLatest: START + 60 })
  short.clock.now += 59 * SECOND + 999
  t.equal(await short.codeOf(opened.token), 'signed in')
  short.clock.now += 1
  t.equal(await short.codeOf(opened.token), 'session_expired expired')
})

test('a token that says more time than its session has does not get it', async (t) => {
  const { sessions, clock, codeOf, forge } = setUp()
  const opened = await sessions.open({ ...KEY, expiresAt: START + 60 })
  const longer = await forge(opened, { exp: START + 3_600 })
  t.equal(await codeOf(longer), 'signed in')
  clock.now += 60 * SECOND
  t.equal(await codeOf(longer), 'session_expired expired')
})

test('who signed out is out, under a name that no key has', async (t) => {
  const { sessions, clock, revoked, codeOf } = setUp()
  const [mine, other] = [await sessions.open(KEY), await sessions.open(KEY)]
  clock.now += 5 * SECOND
  t.strictSame(await sessions.end(mine.session), { isNew: true, isDurable: true })
  t.strictSame([...revoked], [[`${mine.session.id}/session`, clock.now]])
  t.equal(await codeOf(mine.token), 'session_expired signed_out')
  t.equal(await codeOf(other.token), 'signed in')
})

test('what refuses the key refuses its session, with the reason that the record has, from where it is used', async (t) => {
  const asked: unknown[] = []
  const refusals = [undefined, REVOKED, PLATFORM]
  const { sessions, codeOf } = setUp({
    refusalOf: (principal, address) => {
      asked.push([principal, address])
      return refusals.shift()
    }
  })
  const { token } = await sessions.open(KEY)
  t.equal(await codeOf(token), 'signed in')
  t.equal(await codeOf(token), 'session_expired revoked')
  t.equal(await codeOf(token), 'session_expired other_platform')
  t.strictSame(asked, Array(3).fill([KEY, '10.0.0.1']))
})

test('who signed in at a provider stays as long as administrators: says the same, whatever would refuse a key', async (t) => {
  const listed: { now: ReturnType<AdministratorOf> } = { now: ANA }
  const { sessions, codeOf } = setUp({
    administratorOf: ({ issuer, subject, email }) => {
      t.strictSame({ ...ANA, issuer, subject, email }, ANA)
      return listed.now
    },
    refusalOf: () => REVOKED
  })
  const { token } = await sessions.openFor(ANA)
  t.equal(await codeOf(token), 'signed in')
  for (const now of [
    'other_subject' as const,
    { ...ANA, client: 'other' },
    { ...ANA, mode: 'r' } as const,
    { ...ANA, scopes: ['a'] }
  ]) {
    listed.now = now
    t.equal(await codeOf(token), 'session_expired not_listed')
  }
})

test('a refused session says whose it was', async (t) => {
  const { sessions, clock, read } = setUp()
  const { session, token } = await sessions.open(KEY)
  clock.now = session.endsAt * SECOND
  const refused = await read(token)
  t.ok(refused instanceof RefusedSession)
  t.strictSame((refused as RefusedSession).session, session)
})

test('that the key was shown once more counts for five minutes, and through renewals', async (t) => {
  const { sessions, clock, read } = setUp()
  const { session } = await sessions.open(KEY)
  t.equal(reauthenticatedUntil(session), 0)
  clock.now += 100 * SECOND + 999
  const again = await sessions.reauthenticate(session)
  t.equal(again.session.reauthenticatedAt, START + 100)
  t.equal(again.session.endsAt, START + 1_000)
  t.equal(reauthenticatedUntil(again.session), START + 400)
  t.strictSame(await read(again.token), again.session)
  const renewed = await sessions.renew(again.session)
  t.strictSame(await read(renewed.token), renewed.session)
  t.equal(renewed.session.reauthenticatedAt, START + 100)
})

test('what is no token of this service and environment, or says no session, asks for a sign-in', async (t) => {
  const { sessions, codeOf, forge, signer } = setUp()
  const NONE = 'session_required unreadable_session'
  const opened = await sessions.open(KEY)
  const user = await sessions.openFor(ANA)
  t.equal(await codeOf(await forge(opened, {})), 'signed in')
  t.equal(await codeOf(await forge(user, {})), 'signed in')
  const foreign = createTokenSigner({
    ...SESSION_TOKEN,
    secrets: [randomSecret()],
    audience: sessionAudience('dev')
  })
  for (const token of ['', 'x', `${opened.token}A`, await foreign.sign({ ...opened.session })]) {
    t.equal(await codeOf(token), NONE)
  }
  const claims = (await signer.open(opened.token, START * SECOND))?.claims
  for (const name of ['jti', 'iat', 'exp', 'auth_time', 'csrf', 'key']) {
    t.equal(await codeOf(await forge(opened, { [name]: undefined })), NONE, `without ${name}`)
  }
  for (const change of [
    { jti: 'x' },
    { jti: `${opened.session.id}x` },
    { csrf: 'short' },
    { csrf: `${opened.session.csrfToken}A` },
    { auth_time: -1 },
    { auth_time: START + 0.5 },
    { reauth_time: -1 },
    { reauth_time: 'now' },
    { key: 'text' },
    { key: {} },
    { key: { ...(claims?.['key'] as object), mode: 'all' } }
  ]) {
    t.equal(await codeOf(await forge(opened, change)), NONE, JSON.stringify(change))
  }
  for (const change of [
    { user: 'ana@example.com' },
    { user: { ...ANA, mode: 'all' } },
    { user: { ...ANA, more: 1 } },
    { user: { ...ANA, issuer: undefined } },
    { user: { ...ANA, subject: undefined } },
    { user: { ...ANA, scopes: 'a' } },
    { user: { ...ANA, scopes: [1] } },
    { user: { ...ANA, client: undefined } },
    { user: { ...ANA, mode: undefined } },
    { user: { ...ANA, email: 1 } },
    { user: { ...ANA, client: 1 } }
  ]) {
    t.equal(await codeOf(await forge(user, change)), NONE, JSON.stringify(change))
  }
})

test('sessions of one environment are none of another', async (t) => {
  t.equal(sessionAudience('dev'), 'purser-sessions:dev')
  t.not(sessionAudience('dev'), sessionAudience('pro'))
})
