/** A sign-in apart from HTTP and from a provider: what binds it to its browser, and who may come of it. */
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import type { Identity, SignInSecrets } from '../../../src/keys/oidc.ts'
import {
  createSignIn,
  SIGN_IN_SECONDS,
  SIGN_IN_TOKEN,
  type SignInOptions,
  signInAudience
} from '../../../src/keys/sign-in.ts'
import { randomSecret } from '../../support/keys.ts'

const START = 1_800_000_000
const FORMER = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const ANA = { email: 'ana@example.com', client: 'operator', mode: 'rw' } as const

const setUp = (more: Partial<SignInOptions> = {}) => {
  const clock = { now: START * 1_000 + 999 }
  const seen: { begun?: SignInSecrets; finished?: readonly [string, SignInSecrets] } = {}
  const taken: [string, number][] = []
  const identity: { now: Identity } = {
    now: { email: ANA.email, isVerified: true, hostedDomain: undefined }
  }
  const signer = createTokenSigner({
    ...SIGN_IN_TOKEN,
    secrets: [randomSecret()],
    audience: signInAudience('dev')
  })
  const signIn = createSignIn({
    provider: {
      begin: async (secrets) => {
        seen.begun = secrets
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
    administratorOf: (email) => (email === ANA.email ? ANA : undefined),
    hostedDomain: undefined,
    now: () => clock.now,
    ...more
  })
  const stateIn = (): string => `?state=${seen.begun?.state}&code=c`
  const whyNot = async (token: string | undefined, search: string): Promise<string> => {
    try {
      await signIn.finish(token, search)
      return 'signed in'
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      return `${error.code} ${error.reason}`
    }
  }
  return { clock, seen, taken, identity, signer, signIn, stateIn, whyNot }
}

test('a sign-in has secrets of its own, ten minutes, and what the browser had before', async (t) => {
  const { signIn, seen, taken, stateIn, signer, clock } = setUp()
  const { url, token } = await signIn.begin(FORMER)
  t.equal(url, 'https://provider.example/')
  const words = Object.values(seen.begun ?? {})
  t.same(Object.keys(seen.begun ?? {}).sort(), ['nonce', 'state', 'verifier'])
  t.equal(new Set(words).size, 3)
  for (const word of words) t.match(word, /^[\w-]{43}$/)
  const claims = (await signer.open(token, clock.now))?.claims
  t.match(claims, { iat: START, exp: START + SIGN_IN_SECONDS, former: FORMER })
  t.equal(SIGN_IN_SECONDS, 600)
  t.strictSame(await signIn.finish(token, stateIn()), { ...ANA, former: FORMER })
  t.match(seen.finished, [stateIn(), seen.begun])
  t.strictSame(taken, [[claims?.['jti'], START + 600]])
  const other = await signIn.begin(undefined)
  t.equal(
    words.some((word) => Object.values(seen.begun ?? {}).includes(word)),
    false
  )
  t.notOk('former' in ((await signer.open(other.token, clock.now))?.claims ?? {}))
  t.strictSame(await signIn.finish(other.token, stateIn()), { ...ANA, former: undefined })
})

test('what comes back to another browser, or by another state, is refused before the provider is asked', async (t) => {
  const { signIn, seen, taken, stateIn, whyNot, signer, clock } = setUp()
  const { token } = await signIn.begin(undefined)
  const search = stateIn()
  const other = await setUp().signIn.begin(undefined)
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
  const { signIn, stateIn, whyNot, clock } = setUp()
  const { token } = await signIn.begin(undefined)
  const search = stateIn()
  clock.now = (START + SIGN_IN_SECONDS) * 1_000 - 1
  t.equal(await whyNot(token, search), 'signed in')
  t.equal(await whyNot(token, search), 'csrf_failed used')
  clock.now += 1
  t.equal(await whyNot(token, search), 'session_expired expired')
})

test('while it cannot be written down that it was taken, nobody signs in', async (t) => {
  const { signIn, stateIn, whyNot, seen } = setUp({
    take: async () => Promise.reject(new Error('hunter2'))
  })
  const { token } = await signIn.begin(undefined)
  t.equal(await whyNot(token, stateIn()), 'store_unavailable undefined')
  t.equal(seen.finished, undefined)
})

test('whoever it was counts with a verified address that is listed, of the domain that is asked for', async (t) => {
  const { signIn, stateIn, whyNot, identity } = setUp({ hostedDomain: 'example.com' })
  const outcome = async (who: Identity): Promise<string> => {
    identity.now = who
    const { token } = await signIn.begin(undefined)
    return await whyNot(token, stateIn())
  }
  const ana = { email: ANA.email, isVerified: true, hostedDomain: 'example.com' }
  t.equal(await outcome(ana), 'signed in')
  t.equal(await outcome({ ...ana, isVerified: false }), 'access_denied email_unverified')
  t.equal(await outcome({ ...ana, hostedDomain: 'other.example' }), 'access_denied other_domain')
  t.equal(await outcome({ ...ana, hostedDomain: undefined }), 'access_denied other_domain')
  t.equal(await outcome({ ...ana, email: 'leo@example.com' }), 'access_denied email_not_listed')
})

test('sign-ins of one environment are none of another, and no sessions', async (t) => {
  t.equal(signInAudience('dev'), 'purser-sign-ins:dev')
  t.equal(SIGN_IN_TOKEN.typ, 'purser-sign-in+jwt')
})
