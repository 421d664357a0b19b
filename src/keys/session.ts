/**
 * A session, and the claims of the token in which it stands. Rule: what a token says is taken as it was written here, or
 * not at all; whoever showed no key has what was granted at the sign-in, and ends with the session.
 */
import { Compile, type XStatic } from 'typebox/schema'
import { type Environment, MODES, type Principal } from '../core/principal.ts'
import type { SignedInUser } from './administrators.ts'
import { payloadOf, principalIn } from './api-key.ts'
import { KEY_ID } from './key-id.ts'
import { REAUTHENTICATED_SECONDS, SESSION_MAX_SECONDS } from './lifetime.ts'
import type { CodeUser } from './sign-in-codes.ts'

/** Of the tokens, to be told apart from whatever else one may sign with the same secret. */
export const SESSION_TOKEN = { typ: 'purser-session+jwt', issuer: 'purser' } as const
export const sessionAudience = (environment: Environment): string =>
  `purser-sessions:${environment}`

/** How whoever is signed in has proven it: by an API key, at a provider, by a code of the quickstart. */
export const SIGN_IN_MEANS = ['key', 'provider', 'code'] as const
export type SignInMeans = (typeof SIGN_IN_MEANS)[number]

export interface Session {
  /** UUID. */
  readonly id: string
  /** What it may. Where nobody showed a key, its `keyId` is the id of the session. */
  readonly principal: Principal
  /** Who signed in at a provider. */
  readonly user?: SignedInUser
  /** Who signed in by a code. Where neither is there, a key was shown. */
  readonly codeUser?: CodeUser
  /** What a page sends beside the cookie with whatever changes something. */
  readonly csrfToken: string
  /** When whoever is signed in proved it. This and the ends are seconds since the epoch. */
  readonly signedInAt: number
  /** When whoever is signed in proved it once more, if ever. */
  readonly reauthenticatedAt?: number
  /** When the token was signed. */
  readonly renewedAt: number
  /** Unless it is renewed. */
  readonly endsAt: number
  /** However often it is renewed. */
  readonly endsAtLatest: number
}

export const meansOf = ({ user, codeUser }: Pick<Session, 'user' | 'codeUser'>): SignInMeans => {
  if (user !== undefined) return 'provider'
  return codeUser === undefined ? 'key' : 'code'
}

/** Who it is: the key that was shown, or whom the provider knows them by, or whom the code makes them. */
const userOf = (session: Pick<Session, 'principal' | 'user' | 'codeUser'>): string => {
  const { user, codeUser, principal } = session
  if (user !== undefined) return JSON.stringify([user.issuer, user.subject])
  return codeUser === undefined ? principal.keyId : JSON.stringify([codeUser.client])
}

type OfUser = Parameters<typeof userOf>[0]
export const isOfSameUser = (one: OfUser, other: OfUser): boolean => userOf(one) === userOf(other)

const Claims = {
  type: 'object',
  properties: {
    jti: { type: 'string', pattern: KEY_ID },
    iat: { type: 'integer', minimum: 0 },
    exp: { type: 'integer', minimum: 0 },
    auth_time: { type: 'integer', minimum: 0 },
    reauth_time: { type: 'integer', minimum: 0 },
    csrf: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
    key: { type: 'object' },
    user: {
      type: 'object',
      properties: {
        issuer: { type: 'string' },
        subject: { type: 'string' },
        email: { type: 'string' },
        client: { type: 'string' },
        mode: { enum: MODES },
        scopes: { type: 'array', items: { type: 'string' } }
      },
      required: ['issuer', 'subject', 'client', 'mode'],
      additionalProperties: false
    },
    code: {
      type: 'object',
      properties: {
        client: { type: 'string' },
        mode: { enum: MODES },
        scopes: { type: 'array', items: { type: 'string' } }
      },
      required: ['client', 'mode', 'scopes'],
      additionalProperties: false
    }
  },
  required: ['jti', 'iat', 'exp', 'auth_time', 'csrf']
} as const
export type SessionClaims = XStatic<typeof Claims>

const claimsShape = Compile(Claims)

export const latestEnd = (signedInAt: number, { expiresAt }: Principal): number =>
  Math.min(signedInAt + SESSION_MAX_SECONDS, expiresAt ?? Number.POSITIVE_INFINITY)

export interface GrantRules {
  readonly environment: Environment
  readonly adminScope: string
}

interface Started {
  readonly id: string
  readonly signedInAt: number
}

/** It ends by itself in no time of a key: a key that is issued in the session may outlive that. */
const granted = (
  { client, mode, scopes }: CodeUser,
  { id, signedInAt }: Started,
  { environment }: GrantRules
): Principal => ({
  keyId: id,
  client,
  scopes,
  mode,
  environment,
  minimumVersion: '0.0.0',
  issuedAt: signedInAt,
  kid: ''
})

/** Of whoever showed no key; undefined where one was shown. */
export const grantedTo = (
  { user, codeUser }: Pick<Session, 'user' | 'codeUser'>,
  started: Started,
  rules: GrantRules
): Principal | undefined => {
  if (user !== undefined) {
    const scopes = [rules.adminScope, ...(user.scopes ?? [])]
    return granted({ ...user, scopes }, started, rules)
  }
  return codeUser && granted(codeUser, started, rules)
}

export const sessionIn = (claims: unknown, rules: GrantRules): Session | undefined => {
  if (!claimsShape.Check(claims)) return undefined
  const { jti: id, auth_time: signedInAt, user, code: codeUser, key } = claims
  const who = { ...(user && { user }), ...(codeUser && { codeUser }) }
  const principal = grantedTo(who, { id, signedInAt }, rules) ?? principalIn(key)
  return (
    principal && {
      id,
      principal,
      ...who,
      csrfToken: claims.csrf,
      signedInAt,
      ...(claims.reauth_time !== undefined && { reauthenticatedAt: claims.reauth_time }),
      renewedAt: claims.iat,
      endsAt: claims.exp,
      endsAtLatest: latestEnd(signedInAt, principal)
    }
  )
}

const userClaims = ({ scopes, ...user }: SignedInUser) => ({
  ...user,
  ...(scopes && { scopes: [...scopes] })
})

export const claimsOf = (session: Session): SessionClaims => ({
  jti: session.id,
  iat: session.renewedAt,
  exp: session.endsAt,
  auth_time: session.signedInAt,
  ...(session.reauthenticatedAt !== undefined && { reauth_time: session.reauthenticatedAt }),
  csrf: session.csrfToken,
  ...(session.user && { user: userClaims(session.user) }),
  ...(session.codeUser && { code: { ...session.codeUser, scopes: [...session.codeUser.scopes] } }),
  ...(meansOf(session) === 'key' && { key: payloadOf(session.principal) })
})

/** Until when it counts that the sign-in was repeated, in seconds since the epoch; 0 where it never was. */
export const reauthenticatedUntil = ({ reauthenticatedAt }: Session): number =>
  reauthenticatedAt === undefined ? 0 : reauthenticatedAt + REAUTHENTICATED_SECONDS
