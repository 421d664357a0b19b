/**
 * A sign-in at a provider, from its start to who it was. Rule: what comes back is taken from the browser that began, within
 * ten minutes, once; and whoever it is counts only as `administrators:` has it, or as the session that asked for it.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { Compile, type XStatic } from 'typebox/schema'
import type { Environment } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import { isSameText } from '../crypto/same.ts'
import type { TokenSigner } from '../crypto/session-token.ts'
import { type AdministratorOf, grantOf, type SignedInUser } from './administrators.ts'
import { KEY_ID } from './key-id.ts'
import type { Identity, OidcProvider, SignInSecrets } from './oidc.ts'
import { claimsOf, type Session } from './session.ts'

export const SIGN_IN_TOKEN = { typ: 'purser-sign-in+jwt', issuer: 'purser' } as const
export const signInAudience = (environment: Environment): string => `purser-sign-ins:${environment}`

export const SIGN_IN_SECONDS = 600
/** By which clocks of a provider and ours may differ. */
const SKEW_SECONDS = 30

export interface BegunSignIn {
  /** At the provider. */
  readonly url: string
  /** For a cookie of its own. */
  readonly token: string
}

/** Who signed in, and the session that the browser had, to be ended with the sign-in. */
export interface SignedIn {
  readonly user: SignedInUser
  readonly former: string | undefined
}

/** The session for which somebody signed in once more, and why that does not count. */
export interface SignedInAgain {
  readonly session: Readonly<Record<string, unknown>>
  readonly refusal: ProblemError | undefined
}

/** Refusals are given back: anybody can make them come. */
export interface SignIn {
  readonly begin: (former: string | undefined) => Promise<BegunSignIn | ProblemError>
  /** For somebody who signed in at the provider, to do so once more. */
  readonly beginAgain: (session: Session) => Promise<BegunSignIn | ProblemError>
  /** `token`: the cookie's value; `search`: the query as it came. */
  readonly finish: (
    token: string | undefined,
    search: string
  ) => Promise<SignedIn | SignedInAgain | ProblemError>
}

export interface SignInOptions {
  readonly provider: OidcProvider
  readonly signer: () => TokenSigner
  /** Whether this was the first to take it, at any replica. Rejects if that cannot be written down. */
  readonly take: (id: string, expiresAtSeconds: number) => Promise<boolean>
  readonly administratorOf: AdministratorOf
  readonly hostedDomain: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const WORD = '^[A-Za-z0-9_-]{43}$'
const Claims = {
  type: 'object',
  properties: {
    jti: { type: 'string', pattern: KEY_ID },
    iat: { type: 'integer' },
    exp: { type: 'integer' },
    state: { type: 'string', pattern: WORD },
    nonce: { type: 'string', pattern: WORD },
    verifier: { type: 'string', pattern: WORD },
    former: { type: 'string', pattern: KEY_ID },
    again: {
      type: 'object',
      properties: {
        session: { type: 'object' },
        issuer: { type: 'string' },
        subject: { type: 'string' },
        email: { type: 'string' }
      },
      required: ['session', 'issuer', 'subject']
    }
  },
  required: ['jti', 'iat', 'exp', 'state', 'nonce', 'verifier']
} as const
type Claims = XStatic<typeof Claims>

const claimsShape = Compile(Claims)

/** 256 bits. */
const word = (): string => randomBytes(32).toString('base64url')

const foreign = (reason: Reason): ProblemError => new ProblemError('csrf_failed', {}, reason)
const denied = (reason: Reason): ProblemError => new ProblemError('access_denied', {}, reason)

const TOO_LATE = 'a sign-in has ten minutes: begin anew'

const openTransaction = async (
  { signer, now }: SignInOptions,
  token: string | undefined
): Promise<Claims | ProblemError> => {
  const opened = token === undefined ? undefined : await signer().open(token, now())
  const claims: unknown = opened?.claims
  if (opened === undefined || !claimsShape.Check(claims)) return foreign('other_browser')
  return opened.isExpired
    ? new ProblemError('session_expired', { detail: TOO_LATE }, 'expired')
    : claims
}

/** Who came back from the provider, where that counts for this sign-in. */
const comeBack = async (
  { provider, take, hostedDomain }: SignInOptions,
  transaction: Claims,
  search: string
): Promise<Identity | ProblemError> => {
  const states = new URLSearchParams(search).getAll('state')
  if (states.length !== 1 || !isSameText(states[0] ?? '', transaction.state)) {
    return foreign('other_browser')
  }
  // Before the provider is asked: a second one who comes with the same is refused, whatever becomes of the first.
  const isFirst = await take(transaction.jti, transaction.exp).catch(() => undefined)
  if (isFirst === undefined) return new ProblemError('sign_in_unavailable')
  if (!isFirst) return foreign('used')
  const identity = await provider.finish(search, transaction)
  if (identity instanceof ProblemError) return identity
  const isOther = hostedDomain !== undefined && identity.hostedDomain !== hostedDomain
  return isOther ? denied('other_domain') : identity
}

/** Whether it is who has the session, and has just signed in. */
const whyNotAgain = (
  { issuer, subject, email, authenticatedAt }: Identity,
  asked: NonNullable<Claims['again']>,
  begunAt: number,
  now: number
): ProblemError | undefined => {
  const isSame = issuer === asked.issuer && subject === asked.subject && email === asked.email
  if (!isSame) return denied('other_user')
  const isFresh =
    authenticatedAt !== undefined &&
    authenticatedAt >= begunAt - SKEW_SECONDS &&
    authenticatedAt <= now + SKEW_SECONDS
  return isFresh ? undefined : denied('not_signed_in_anew')
}

export const createSignIn = (options: SignInOptions): SignIn => {
  const { provider, signer, administratorOf, now } = options
  const seconds = (): number => Math.floor(now() / 1000)

  const begin = async (
    more: Pick<Claims, 'former' | 'again'>
  ): Promise<BegunSignIn | ProblemError> => {
    const secrets: SignInSecrets = { state: word(), nonce: word(), verifier: word() }
    const again = more.again && { email: more.again.email }
    const url = await provider.begin(secrets, again)
    if (url instanceof ProblemError) return url
    const iat = seconds()
    const claims: Claims = {
      jti: randomUUID(),
      iat,
      exp: iat + SIGN_IN_SECONDS,
      ...secrets,
      ...more
    }
    return { url, token: await signer().sign(claims) }
  }

  return {
    begin: (former) => begin({ ...(former !== undefined && { former }) }),

    beginAgain: async (session) => {
      if (session.user === undefined) return denied('not_reauthenticated')
      const { issuer, subject, email } = session.user
      const who = { issuer, subject, ...(email !== undefined && { email }) }
      return begin({ again: { session: claimsOf(session), ...who } })
    },

    finish: async (token, search) => {
      const transaction = await openTransaction(options, token)
      if (transaction instanceof ProblemError) return transaction
      const { again, former, iat } = transaction
      const identity = await comeBack(options, transaction, search)
      if (again !== undefined) {
        const refusal =
          identity instanceof ProblemError ? identity : whyNotAgain(identity, again, iat, seconds())
        return { session: { ...again.session }, refusal }
      }
      if (identity instanceof ProblemError) return identity
      const { issuer, subject, email } = identity
      const administrator = administratorOf({ issuer, subject, email })
      if (typeof administrator === 'string') return denied(administrator)
      const who = { issuer, subject, ...(email && { email }) }
      return { user: { ...who, ...grantOf(administrator) }, former }
    }
  }
}
