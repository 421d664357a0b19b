/** A sign-in apart from HTTP and from a provider: what binds it to its browser, and who may come of it. */
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import type { AskedAgain, Identity, SignInSecrets } from '../../../src/keys/oidc.ts'
import type { Session } from '../../../src/keys/session.ts'
import {
  type BegunSignIn,
  createSignIn,
  SIGN_IN_SECONDS,
  SIGN_IN_TOKEN,
  type SignInOptions,
  signInAudience
} from '../../../src/keys/sign-in.ts'
import { randomSecret } from '../../support/keys.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const START = 1_800_000_000
const FORMER = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const ANA = {
  issuer: 'https://provider.example',
  subject: 'ana',
  email: 'ana@example.com',
  client: 'operator',
  mode: 'rw'
} as const
const { issuer, subject, email } = ANA
const IDENTITY: Identity = {
  ...{ issuer, subject, email, hostedDomain: undefined, authenticatedAt: undefined }
}

const setUp = (more: Partial<SignInOptions> = {}) => {
  const clock = { now: START * 1_000 + 999 }
  const seen: {
    begun?: SignInSecrets
    again?: AskedAgain | undefined
    finished?: readonly [string, SignInSecrets]
  } = {}
  const taken: [string, number][] = []
  const identity: { now: Identity | ProblemError } = { now: IDENTITY }
  const signer = createTokenSigner({
    ...SIGN_IN_TOKEN,
    secrets: [randomSecret()],
    audience: signInAudience('dev')
  })
  const signIn = createSignIn({
    provider: {
      begin: async (secrets, again) => {
        Object.assign(seen, { begun: secrets, again })
        return 'https://provider.example/'
      },
      finish: async (search, secrets) => {
        seen.finished = [search, secrets]
        return identity.now
      }
    },
    signer: () => signer,
    take: async (id, endsAt) => {
      const isFirst = !taken.some(([former]) => former === id)
      taken.push([id, endsAt])
      return isFirst
    },
    administratorOf: (account) => (account.email === email ? ANA : 'email_not_listed'),
    hostedDomain: undefined,
    now: () => clock.now,
    ...more
  })
  const stateIn = (): string => `?state=${seen.begun?.state}&code=c`
  const whyNot = async (token: string | undefined, search: string): Promise<string> => {
    const outcome = await signIn.finish(token, search)
    const problem = 'refusal' in outcome ? outcome.refusal : outcome
    return problem instanceof ProblemError ? `${problem.code} ${problem.reason}` : 'signed in'
  }
  const begin = async (former?: string): Promise<BegunSignIn> => {
    const begun = await signIn.begin(former)
    if (begun instanceof ProblemError) throw begun
    return begun
  }
  return { begin, clock, seen, taken, identity, signer, signIn, stateIn, whyNot }
}

test('a sign-in has secrets of its own, ten minutes, and what the browser had before', async (t) => {
  const { begin, signIn, seen, taken, stateIn, signer, clock } = setUp()
  const { url, token } = await begin(FORMER)
  t.equal(url, 'https://provider.example/')
  const words = Object.values(seen.begun ?? {})
  t.same(Object.keys(seen.begun ?? {}).sort(), ['nonce', 'state', 'verifier'])
  t.equal(new Set(words).size, 3)
  for (const word of words) t.match(word, /^[\w-]{43}$/)
  const claims = (await signer.open(token, clock.now))?.claims
  t.match(claims, { iat: START, exp: START + SIGN_IN_SECONDS, former: FORMER })
  t.equal(SIGN_IN_SECONDS, 600)
  t.strictSame(await signIn.finish(token, stateIn()), { user: ANA, former: FORMER })
  t.match(seen.finished, [stateIn(), seen.begun])
  t.strictSame(taken, [[claims?.['jti'], START + 600]])
  const other = await begin()
  t.equal(
    words.some((word) => Object.values(seen.begun ?? {}).includes(word)),
    false
  )
  t.notOk('former' in ((await signer.open(other.token, clock.now))?.claims ?? {}))
  t.strictSame(await signIn.finish(other.token, stateIn()), { user: ANA, former: undefined })
})

test('what comes back to another browser, or by another state, is refused before the provider is asked', async (t) => {
  const { begin, seen, taken, stateIn, whyNot, signer, clock } = setUp()
  const { token } = await begin()
  const search = stateIn()
  const other = await setUp().begin()
  for (const wrong of [undefined, '', 'x', other.token]) {
    t.equal(await whyNot(wrong, search), 'csrf_failed other_browser')
  }
  const state = seen.begun?.state
  for (const wrong of [
    '',
    '?code=c',
    '?state=',
    '?state=x',
    `${search}&state=${state}`,
    `?state=${state}A`
  ]) {
    t.equal(await whyNot(token, wrong), 'csrf_failed other_browser', wrong)
  }
  const claims = (await signer.open(token, clock.now))?.claims ?? {}
  for (const change of [
    { jti: 'x' },
    { state: undefined },
    { state: `${state}A` },
    { nonce: undefined },
    { nonce: 'x' },
    { verifier: undefined },
    { verifier: 'x' },
    { former: 'x' }
  ]) {
    const changed = await signer.sign({ ...claims, ...change })
    t.equal(await whyNot(changed, search), 'csrf_failed other_browser', JSON.stringify(change))
  }
  t.strictSame([taken, seen.finished], [[], undefined])
  t.equal(await whyNot(await signer.sign(claims), search), 'signed in')
})

test('a sign-in is taken once, within its ten minutes', async (t) => {
  const { begin, stateIn, whyNot, clock } = setUp()
  const { token } = await begin()
  const search = stateIn()
  clock.now = (START + SIGN_IN_SECONDS) * 1_000 - 1
  t.equal(await whyNot(token, search), 'signed in')
  t.equal(await whyNot(token, search), 'csrf_failed used')
  clock.now += 1
  t.equal(await whyNot(token, search), 'session_expired expired')
})

test('while it cannot be written down that it was taken, nobody signs in', async (t) => {
  const { begin, stateIn, whyNot, seen } = setUp({
    take: async () => Promise.reject(new Error('hunter2'))
  })
  const { token } = await begin()
  t.equal(await whyNot(token, stateIn()), 'sign_in_unavailable undefined')
  t.equal(seen.finished, undefined)
})

test('whoever it was counts as administrators: has it, of the domain that is asked for', async (t) => {
  const { begin, stateIn, whyNot, identity } = setUp({ hostedDomain: 'example.com' })
  const outcome = async (who: Identity | ProblemError): Promise<string> => {
    identity.now = who
    const { token } = await begin()
    return await whyNot(token, stateIn())
  }
  const ana = { ...IDENTITY, hostedDomain: 'example.com' }
  t.equal(await outcome(ana), 'signed in')
  t.equal(await outcome({ ...ana, hostedDomain: 'other.example' }), 'access_denied other_domain')
  t.equal(await outcome({ ...ana, hostedDomain: undefined }), 'access_denied other_domain')
  t.equal(await outcome({ ...ana, email: 'leo@example.com' }), 'access_denied email_not_listed')
  const refused = new ProblemError('access_denied', {}, 'no_id_token')
  t.equal(await outcome(refused), 'access_denied no_id_token')
})

test('whoever signs in without a verified address is told of without one', async (t) => {
  const { begin, signIn, stateIn, identity } = setUp({ administratorOf: () => ANA })
  identity.now = { ...IDENTITY, email: undefined }
  const { token } = await begin()
  const { email: _, ...user } = ANA
  t.strictSame(await signIn.finish(token, stateIn()), { user, former: undefined })
})

const SESSION: Session = {
  id: FORMER,
  principal: { ...PRINCIPAL, keyId: FORMER },
  user: ANA,
  csrfToken: 'c'.repeat(22),
  signedInAt: START,
  renewedAt: START,
  endsAt: START + 900,
  endsAtLatest: START + 28_800
}

test('only the same person, who has just signed in anew, counts as signed in once more', async (t) => {
  const { signIn, seen, stateIn, whyNot, identity, clock } = setUp()
  const again = async (): Promise<string> => {
    const begun = await signIn.beginAgain(SESSION)
    if (begun instanceof ProblemError) throw begun
    t.strictSame(seen.again, { email })
    return begun.token
  }
  const outcome = async (change: Partial<Identity>): Promise<string> => {
    identity.now = { ...IDENTITY, authenticatedAt: START, ...change }
    return await whyNot(await again(), stateIn())
  }
  t.equal(await outcome({}), 'signed in')
  for (const change of [
    { issuer: 'https://other.example' },
    { subject: 'leo' },
    { email: 'leo@example.com' },
    { email: undefined }
  ]) {
    t.equal(await outcome(change), 'access_denied other_user')
  }
  for (const [authenticatedAt, expected] of [
    [undefined, 'access_denied not_signed_in_anew'],
    [START - 31, 'access_denied not_signed_in_anew'],
    [START - 30, 'signed in'],
    [START + 30, 'signed in'],
    [START + 31, 'access_denied not_signed_in_anew']
  ] as const) {
    t.equal(await outcome({ authenticatedAt }), expected, String(authenticatedAt))
  }
  const token = await again()
  clock.now += 60_000
  identity.now = { ...IDENTITY, authenticatedAt: START + 90 }
  const ended = await signIn.finish(token, stateIn())
  t.match(ended, { session: { jti: FORMER, csrf: SESSION.csrfToken }, refusal: undefined })
  identity.now = new ProblemError('access_denied', {}, 'code_refused')
  t.equal(await whyNot(await again(), stateIn()), 'access_denied code_refused')
})

test('who showed a key signs in once more by that alone, and an address that is not known is not hinted at', async (t) => {
  const { signIn, seen } = setUp()
  const { user: _, ...withKey } = SESSION
  t.match(await signIn.beginAgain(withKey), {
    code: 'access_denied',
    reason: 'not_reauthenticated'
  })
  const { email: __, ...nameless } = ANA
  await signIn.beginAgain({ ...SESSION, user: nameless })
  t.strictSame(seen.again, { email: undefined })
})

test('while the provider cannot be asked, no sign-in begins', async (t) => {
  const away = new ProblemError('sign_in_unavailable')
  const { signIn } = setUp({
    provider: { begin: async () => away, finish: async () => away }
  })
  t.equal(await signIn.begin(undefined), away)
})

test('sign-ins of one environment are none of another, and no sessions', async (t) => {
  t.equal(signInAudience('dev'), 'purser-sign-ins:dev')
  t.equal(SIGN_IN_TOKEN.typ, 'purser-sign-in+jwt')
})
