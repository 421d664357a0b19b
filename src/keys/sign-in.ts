/**
 * A sign-in at a provider, from its start to who it was. Rule: what comes back is taken from the browser that began, within
 * ten minutes, once; and whoever it is counts only as `administrators:` has the address.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { Compile, type XStatic } from 'typebox/schema'
import type { Environment, Mode } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import { isSameText } from '../crypto/same.ts'
import type { TokenSigner } from '../crypto/session-token.ts'
import { KEY_ID } from './key-id.ts'
import type { OidcProvider, SignInSecrets } from './oidc.ts'

/** Whom a sign-in makes what. */
export interface Administrator {
  readonly email: string
  readonly client: string
  readonly mode: Mode
}

export const SIGN_IN_TOKEN = { typ: 'purser-sign-in+jwt', issuer: 'purser' } as const
export const signInAudience = (environment: Environment): string => `purser-sign-ins:${environment}`

export const SIGN_IN_SECONDS = 600

/** A sign-in that was begun. */
export interface Transaction extends SignInSecrets {
  readonly id: string
  /** Seconds since the epoch. */
  readonly endsAt: number
  /** The session that the browser had, to be ended with the sign-in. */
  readonly former: string | undefined
}

export interface BegunSignIn {
  /** At the provider. */
  readonly url: string
  /** For a cookie of its own. */
  readonly token: string
}

export interface SignedIn extends Administrator {
  readonly former: string | undefined
}

export interface SignIn {
  /** Rejects with a ProblemError while the provider cannot be asked. */
  readonly begin: (former: string | undefined) => Promise<BegunSignIn>
  /** `token`: the cookie's value; `search`: the query as it came. Rejects with a ProblemError. */
  readonly finish: (token: string | undefined, search: string) => Promise<SignedIn>
}

export interface SignInOptions {
  readonly provider: OidcProvider
  readonly signer: () => TokenSigner
  /** Whether this was the first to take it, at any replica. Rejects if that cannot be written down. */
  readonly take: (id: string, expiresAtSeconds: number) => Promise<boolean>
  readonly administratorOf: (email: string) => Administrator | undefined
  readonly hostedDomain: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const WORD = '^[A-Za-z0-9_-]{43}$'
const Claims = {
  type: 'object',
  properties: {
    jti: { type: 'string', pattern: KEY_ID },
    exp: { type: 'integer' },
    state: { type: 'string', pattern: WORD },
    nonce: { type: 'string', pattern: WORD },
    verifier: { type: 'string', pattern: WORD },
    former: { type: 'string', pattern: KEY_ID }
  },
  required: ['jti', 'exp', 'state', 'nonce', 'verifier']
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
): Promise<Transaction> => {
  const opened = token === undefined ? undefined : await signer().open(token, now())
  const claims: unknown = opened?.claims
  if (opened === undefined || !claimsShape.Check(claims)) throw foreign('other_browser')
  if (opened.isExpired) {
    throw new ProblemError('session_expired', { detail: TOO_LATE }, 'expired')
  }
  const { jti: id, exp: endsAt, state, nonce, verifier, former } = claims
  return { id, endsAt, state, nonce, verifier, former }
}

export const createSignIn = (options: SignInOptions): SignIn => {
  const { provider, signer, take, administratorOf, hostedDomain, now } = options
  return {
    begin: async (former) => {
      const secrets = { state: word(), nonce: word(), verifier: word() }
      const url = await provider.begin(secrets)
      const iat = Math.floor(now() / 1000)
      const claims: Claims & { iat: number } = {
        jti: randomUUID(),
        iat,
        exp: iat + SIGN_IN_SECONDS,
        ...secrets,
        ...(former !== undefined && { former })
      }
      return { url, token: await signer().sign(claims) }
    },

    finish: async (token, search) => {
      const transaction = await openTransaction(options, token)
      const states = new URLSearchParams(search).getAll('state')
      if (states.length !== 1 || !isSameText(states[0] ?? '', transaction.state)) {
        throw foreign('other_browser')
      }
      // Before the provider is asked: a second one who comes with the same is refused, whatever becomes of the first.
      const isFirst = await take(transaction.id, transaction.endsAt).catch(() => {
        throw new ProblemError('store_unavailable', { detail: 'nobody can sign in just now' })
      })
      if (!isFirst) throw foreign('used')
      const { email, isVerified, hostedDomain: domain } = await provider.finish(search, transaction)
      if (!isVerified) throw denied('email_unverified')
      if (hostedDomain !== undefined && domain !== hostedDomain) throw denied('other_domain')
      const administrator = administratorOf(email)
      if (administrator === undefined) throw denied('email_not_listed')
      return { ...administrator, former: transaction.former }
    }
  }
}
